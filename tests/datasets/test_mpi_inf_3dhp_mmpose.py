"""MPI-INF-3DHP as mmpose stores it gives the records of the official files."""

import os
import pathlib
import pickle

import numpy as np
import pytest
from fakes import mpi_inf_3dhp as fake
from fakes.mpi_inf_3dhp import read
from PIL import Image

from wild3d import skeleton
from wild3d.datasets import camera
from wild3d.datasets.mpi_inf_3dhp import mmpose_npz, views
from wild3d.errors import UserError

LENS = (1500.0, 1501.0, 1020.0, 1030.0)


def mmpose(root, split, views, *, cut=0):
  """annotations/ and images/ of `views`: name -> frames, from 1.

  Args:
    root: the folder.
    split: 'train' or 'test_valid'.
    views: name -> frames, from 1.
    cut: names left out at the end of S6_Seq2_Cam2, as mmpose does.
  """
  names, part, mm = [], [], []
  for view, frames in views.items():
    for frame in frames:
      points = fake.pose(frame % 50)[fake.RELEVANT]
      lens = fake.STUDIO if view.startswith('TS') else LENS
      inside = np.ones((17, 1))
      part.append(np.hstack([fake.project(points, lens), inside]))
      mm.append(np.hstack([points / 1000, inside]))
    kept = frames[: len(frames) - cut] if view == 'S6_Seq2_Cam2' else frames
    names += [f'{view}_{frame:06d}.jpg' for frame in kept]
  folder = root / 'annotations'
  folder.mkdir(parents=True, exist_ok=True)
  (root / 'images').mkdir(exist_ok=True)
  for name in names:
    if not (root / 'images' / name).exists():
      Image.new('RGB', (2048, 2048)).save(root / 'images' / name)
  np.savez(
    folder / f'mpi_inf_3dhp_{split}.npz',
    imgname=np.array(names),
    center=np.zeros((len(part), 2)),
    scale=np.ones(len(part)),
    part=np.array(part),
    S=np.array(mm),
  )
  f, c = np.array(LENS[:2])[:, None], np.array(LENS[2:])[:, None]
  cameras = {
    f'S{s}_Seq{q}_Cam{k}': {'f': f, 'c': c, 'w': 2048.0, 'h': 204.0, 'name': 'x'}
    for s in range(1, 9)
    for q in (1, 2)
    for k in (0, 2)
  }
  (folder / 'cameras_train.pkl').write_bytes(pickle.dumps(cameras))
  return root


def test_records_are_those_of_the_rows(tmp_path):
  """Catches joints in another order, metres, pictures a frame late, another's lens,
  cameras and strides that are not heeded."""
  root = mmpose(
    tmp_path / 'a', 'train', {'S1_Seq1_Cam0': [1, 2, 3], 'S1_Seq1_Cam2': [1]}
  )
  mmpose(root, 'test_valid', {'TS1': [3, 5]})
  found = read(tmp_path, root, stride=2)
  train, left_out = found['train']
  assert not left_out
  assert [one['id'] for one in train] == [
    f'mpi_inf_3dhp/S1/Seq1 camera 0#00000{number}' for number in (1, 3)
  ]
  test, left_out = found['test']
  assert [one['id'][-7:] for one in test] == ['#000003', '#000005']
  assert left_out == ['TS1: not a valid frame'] * 3
  for one, frame in ((train[0], 1), (train[1], 3), (test[1], 5)):
    truth = skeleton.convert(fake.pose(frame)[fake.RELEVANT], 'mpi_inf_3dhp17')[0]
    np.testing.assert_allclose(one['joints3d'], truth, atol=0.01)
    affine = one['to_original'].astype(np.float64)
    flat = one['joints2d'] @ affine[:, :2].T + affine[:, 2]
    gap = np.delete(camera.project(one['joints3d'], one['camera']) - flat, 7, axis=0)
    assert np.abs(gap).max() < 0.02
  assert (train[0]['subject'], test[0]['subject']) == ('S1', 'TS1')
  assert len(read(tmp_path, root, subjects=('TS1',))) == 1


def test_labels_after_the_short_video_are_put_in_their_places(tmp_path, monkeypatch):
  """Catches S6, camera 4 to S8 with the labels of other frames: mmpose's names end with
  the short video of S6/Seq2 camera 2, and its labels do not."""
  monkeypatch.setattr(mmpose_npz, '_BEYOND', 2)
  part = {'S6_Seq2_Cam2': [1, 2, 3, 4], 'S7_Seq1_Cam0': [1, 2]}
  path = mmpose(tmp_path, 'train', part, cut=2) / 'annotations/mpi_inf_3dhp_train.npz'
  short, after = mmpose_npz.runs(path)
  assert (short.name, short.label, short.count) == (0, 0, 2)
  assert (after.name, after.label, after.count) == (2, 4, 2)
  pelvis = mmpose_npz.labels(path, after).joints3d[:, skeleton.PELVIS]
  expected = [fake.pose(frame)[fake.RELEVANT][14] for frame in (1, 2)]
  np.testing.assert_allclose(pelvis, expected, atol=1e-6)
  monkeypatch.setattr(mmpose_npz, '_BEYOND', 3)
  with pytest.raises(UserError, match=r'4 names and 6 labels'):
    mmpose_npz.runs(path)


def test_swapped_frames_of_s4_are_swapped_back(tmp_path):
  """Catches the fault of the release, which mmpose keeps, believed."""
  root = mmpose(
    tmp_path, 'train', {'S4_Seq2_Cam0': [3759, 3760], 'S4_Seq1_Cam0': [3760]}
  )
  path = root / 'annotations/mpi_inf_3dhp_train.npz'
  swapped, plain = (mmpose_npz.labels(path, run) for run in mmpose_npz.runs(path))
  for joints, plain_joints in (
    (swapped.joints2d, plain.joints2d),
    (swapped.joints3d, plain.joints3d),
  ):
    expected = plain_joints[3759][skeleton.FLIP_INDEX]
    np.testing.assert_array_equal(joints[3759], expected)
  first = skeleton.convert(fake.pose(3759 % 50)[fake.RELEVANT], 'mpi_inf_3dhp17')[0]
  np.testing.assert_allclose(swapped.joints3d[3758], first, atol=1e-6)


def test_faults_are_named(tmp_path):
  """Catches hours of work before a missing picture, and labels that are not there."""
  root = mmpose(tmp_path, 'train', {'S1_Seq1_Cam0': [1, 2]})
  with pytest.raises(UserError, match='has no univ_annot3'):
    read(tmp_path, root, annotation='universal')
  with pytest.raises(UserError, match='subjects names S2: not there'):
    read(tmp_path, root, subjects=('S1', 'S2'))
  (root / 'images/S1_Seq1_Cam0_000002.jpg').unlink()
  with pytest.raises(UserError, match=r'S1_Seq1_Cam0_000002\.jpg is missing'):
    read(tmp_path, root)
  np.savez(root / 'annotations/mpi_inf_3dhp_test_all.npz', imgname=np.array(['a']))
  with pytest.raises(UserError, match='test frames that are not valid'):
    read(tmp_path, root)


@pytest.mark.skipif('WILD3D_SAMPLES' not in os.environ, reason='no samples at hand')
def test_real_rows_are_those_of_the_official_form(tmp_path):
  """Catches a difference between the two forms of the same two frames."""
  samples = pathlib.Path(os.environ['WILD3D_SAMPLES']) / 'fixtures/mpi_inf_3dhp'
  ours, official = (
    read(tmp_path / form, samples / form) for form in ('mmpose', 'official')
  )
  for split in ('train', 'test'):
    (one,), other = ours[split][0], official[split][0][0]
    np.testing.assert_allclose(one['joints3d'], other['joints3d'], atol=0.1)
    np.testing.assert_allclose(one['camera'], other['camera'], rtol=1e-4)
  assert views.TRAINING[3] == ours['train'][0][0]['subject'] == 'S4'
