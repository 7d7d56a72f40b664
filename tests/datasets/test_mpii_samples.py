"""The MPII readers on real annotations and pictures, where WILD3D_SAMPLES is set."""

import collections
import os
import pathlib
import shutil

import numpy as np
import pytest
from fakes import mpii as fake_mpii

from wild3d.datasets import array_files
from wild3d.datasets.mpii import (
  hrnet_json,
  mpii_dataset_builder,
  newell_h5,
  official_mat,
)

pytestmark = pytest.mark.skipif(
  'WILD3D_SAMPLES' not in os.environ, reason='no samples at hand'
)


def samples():
  return pathlib.Path(os.environ['WILD3D_SAMPLES']) / 'fixtures'


def test_real_people_are_the_same_in_every_form():
  """Catches what a made file hides. Joints 8 and 9 of the h5 are rounded down.

  Box to 1e-3 px, joints equal in .mat and JSON, to 1 px in the h5; PCKh's unit to
  1e-4 px: the re-encoded head boxes are from the h5.
  """
  source = samples() / 'mpii'
  mat, _ = official_mat.read(source / 'mpii_human_pose_v1_u12_2' / fake_mpii.MAT)
  listed = newell_h5.read(samples() / 'mpii_pckh' / 'valid.h5')
  entries = hrnet_json.people(source / 'annot' / 'hrnet_subset.json')
  known = list(fake_mpii.persons(mat).values())
  for one, entry, row in zip(known, entries, listed[:3], strict=True):
    fake_mpii.assert_same(one, entry, occlusion=False)
    assert one.image == row.image
    assert one.labelled.tolist() == row.labelled.tolist()
    assert one.occluded.tolist() == row.occluded.tolist()
    np.testing.assert_allclose(one.center, row.center, rtol=0, atol=1e-3)
    np.testing.assert_allclose(one.side, row.side, rtol=1e-6)
    np.testing.assert_allclose(one.head_size, row.head_size, rtol=0, atol=1e-4)
    difference = one.joints2d - row.joints2d
    assert np.abs(np.delete(difference, (8, 9), axis=0)).max() < 1e-3
    assert difference.min() > -1e-3
    assert difference.max() < 1


def test_real_validation_h5_is_the_published_ground_truth():
  """Catches a shift, a box or a unit wrong in all 2,958 people of valid.h5.

  gt_valid.mat of HRNet is an independent copy of the same labels; the two disagree
  about 13 joints of 10 people.
  """
  people = newell_h5.read(samples() / 'mpii_pckh' / 'valid.h5')
  keys = ('pos_gt_src', 'jnt_missing', 'headboxes_src')
  path = samples() / 'mpii_pckh' / 'gt_valid.mat'
  truth = array_files.matlab(path, keys, squeeze=True, advice='')
  joints, missing, head = (truth[key] for key in keys)
  labelled = np.array([p.labelled for p in people])
  assert len(people) == 2958
  assert (labelled == (missing.T == 0)).all()
  apart = np.array([p.joints2d for p in people]) + 0.5 - joints.transpose(2, 0, 1)
  far = (np.abs(apart).max(axis=-1) >= 1) & labelled
  assert (far.sum(), far.any(axis=1).sum()) == (13, 10)
  unit = 0.6 * np.linalg.norm(head[1] - head[0], axis=0)
  sizes = [p.head_size for p in people]
  np.testing.assert_allclose(sizes, unit, rtol=0, atol=1e-3)
  outside = [
    np.abs(p.joints2d[p.labelled] - p.center).max() / p.side > 0.75 for p in people
  ]
  assert np.mean(outside) < 0.002  # of the stored crop


def test_real_pictures_become_records(tmp_path):
  """Catches readers that pass alone and do not fit together on the real layout."""
  shutil.copytree(samples() / 'mpii', tmp_path / 'mpii')
  subset = tmp_path / 'mpii' / 'annot' / 'hrnet_subset.json'
  subset.rename(subset.with_name('valid.json'))
  builder = mpii_dataset_builder.Builder(data_dir=tmp_path / 'tfds')
  units = builder.units(tmp_path / 'mpii')
  (unit,) = units['validation']
  records = list(builder.records(unit))
  left_out = collections.Counter(r.reason for r in records[3:])
  assert left_out == {
    'training picture: no joint is annotated': 1,
    'picture without annotated people': 1,
    'picture missing from the release': 1,
  }
  records = records[:3]
  assert [r['action'] for r in records] == ['curling'] * 3
  assert [r['labelled'].sum() for r in records] == [16, 16, 14]
