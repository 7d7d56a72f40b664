"""`wild3d data verify`: each fault of a dataset is found, and no other is reported."""

import json
import os
import re

import numpy as np
import pytest
import tensorflow_datasets as tfds
from fakes.standing import standing

from wild3d.cli import data
from wild3d.data import records
from wild3d.datasets import make_record, official_counts, prepare, verify
from wild3d.datasets.verify import measures, tally
from wild3d.datasets.verify.verdict import Found, judge
from wild3d.errors import UserError
from wild3d.skeleton import FLIP_INDEX, bone_lengths

SAMPLES = os.environ.get('WILD3D_SAMPLES')


@pytest.fixture(scope='module')
def good(people_dir):
  """Forty-eight records of the synthetic lab and the wild, as columns."""
  builder = records.find('synthetic_people/tiny', people_dir)
  rows = [
    row
    for split in ('lab_train', 'wild_train')
    for row in records.in_order(builder, split).as_numpy_iterator()
  ]
  return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


def _write(folder, columns, **metadata):
  """A built dataset 'made/plain' of these columns."""
  rows = [
    (i, {key: column[i] for key, column in columns.items()})
    for i in range(len(columns['id']))
  ]
  tfds.dataset_builders.store_as_tfds_dataset(
    name='made',
    config='plain',
    version='1.0.0',
    data_dir=folder,
    split_datasets={'train': rows},
    features=make_record.features(),
    disable_shuffling=True,
  )
  (folder / 'made/plain/1.0.0/metadata.json').write_text(json.dumps(metadata))


def _failures(folder, columns, **metadata):
  _write(folder, columns, **metadata)
  return verify.verify('made/plain', folder).failures


def _changed(columns, **changes):
  return {key: changes.get(key, column) for key, column in columns.items()}


def _swapped2d(columns):
  keys = ('joints2d', 'labelled', 'occluded')
  return {key: columns[key][:, FLIP_INDEX] for key in keys}


def test_good_dataset_passes(people_dir):
  """Catches a bound that sound data break, and a table that lacks a part."""
  verdict = verify.verify('synthetic_people/tiny', people_dir)
  assert verdict.failures == []
  table = verdict.table()
  assert '0.00 / 0.00 / 0.00' in table
  for part in ('## Records', '## Checks', '## Bones', '## Joints', 'wild_clips'):
    assert part in table
  assert '!' not in table


def _fault_shifted(c):
  return {'joints3d': c['joints3d'] + np.float32([200, 0, 0])}


def _fault_both_swapped(c):
  return {'joints3d': c['joints3d'][:, FLIP_INDEX]} | _swapped2d(c)


def _fault_3d_swapped(c):
  return {'joints3d': c['joints3d'][:, FLIP_INDEX]}


def _fault_metres(c):
  return {'joints3d': c['joints3d'] / 1000}


def _fault_centimetres(c):
  return {'joints3d': c['joints3d'] / 10}


def _fault_twice(c):
  return {'id': np.concatenate([c['id'][:-1], c['id'][:1]])}


def _fault_truncated(c):
  images = c['image'].copy()
  images[3] = images[3][: len(images[3]) // 2]
  return {'image': images}


def _fault_hips_swapped(c):
  joints = c['joints2d'].copy()
  joints[:, [2, 3]] = joints[:, [3, 2]]
  return {'joints2d': joints, 'has3d': np.zeros_like(c['has3d'])}


def _fault_knees_swapped(c):
  joints = c['joints2d'].copy()
  joints[:, [1, 4]] = joints[:, [4, 1]]
  return {'joints2d': joints, 'has3d': np.zeros_like(c['has3d'])}


def _fault_arms_swapped_in_3d(c):
  joints = c['joints3d'].copy()
  joints[:, [10, 11, 14, 15]] = joints[:, [15, 14, 11, 10]]
  return {'joints3d': joints, 'camera': np.zeros_like(c['camera'])}


def _facing(c):
  """As photographs alone would be: no 3D, and all whose chest one sees face us."""
  away = measures.faces_camera(c) == 0
  flat = {k: v.copy() for k, v in c.items()} | {'has3d': np.zeros_like(c['has3d'])}
  for key, value in _swapped2d(c).items():
    flat[key][away] = value[away]
  return flat


def _fault_photographs_swapped(c):
  flat = _facing(c)
  return flat | _swapped2d(flat)


def _fault_outside(c):
  return {'center': c['center'] + np.float32([40, 0])}


def _fault_head(c):
  return {'head_size': c['side'] * np.float32(2)}


def _fault_sizes(c):
  factor = np.linspace(0.7, 1.3, len(c['id']), dtype=np.float32)[:, None, None]
  subject = np.full(len(c['id']), b'S1', object)
  return {'subject': subject, 'joints3d': c['joints3d'] * factor}


def _fault_long_arm(c):
  joints = c['joints3d'].copy()
  joints[:, 15] += 0.5 * (joints[:, 15] - joints[:, 14])
  return {'joints3d': joints}


def _fault_nan(c):
  joints = c['joints3d'].copy()
  joints[5, 2, 1] = np.nan
  return {'joints3d': joints}


def _fault_behind(c):
  return {'joints3d': c['joints3d'] - c['joints3d'][:, 6:7]}


@pytest.mark.parametrize(
  ('fault', 'said'),
  [
    (_fault_shifted, {'3D onto 2D'}),
    (_fault_both_swapped, {'knees bend', 'elbows bend'}),
    (_fault_3d_swapped, {'knees bend', 'elbows bend', '3D onto 2D', 'sides agree'}),
    (_fault_metres, {'looks like metres'}),
    (_fault_centimetres, {'looks like centimetres'}),
    (_fault_twice, {'occur twice 1 (first: synthetic_people/lab_train/000000)'}),
    (_fault_truncated, {'decodable 1 (first: synthetic_people/lab_train/000003)'}),
    (_fault_hips_swapped, {'hips ordered as shoulders', '(knees)'}),
    (_fault_knees_swapped, {'limbs not crossed, 2D'}),
    (_fault_arms_swapped_in_3d, {'limbs not crossed, 3D', 'sides agree'}),
    (_fault_photographs_swapped, {'chest to the camera'}),
    (_fault_outside, {'boxes in the picture'}),
    (_fault_head, {'head size'}),
    (_fault_sizes, {'limb spread'}),
    (_fault_long_arm, {'left/right limbs', '3D onto 2D'}),
    (_fault_nan, {'NaN or infinity'}),
    (_fault_behind, {'behind the camera'}),
  ],
)
def test_fault_is_found_and_no_other(fault, said, good, tmp_path):
  """Catches a check that sees nothing, or one that goes off at something else."""
  failures = _failures(tmp_path, _changed(good, **fault(good)))
  assert len(failures) == len(said), failures
  for words in said:
    assert sum(words in failure for failure in failures) == 1, failures
  assert all('\n' not in failure for failure in failures)


def test_photographs_from_which_sides_cannot_be_told(good, tmp_path):
  """Catches a swapped set of ten people that passes without a word, or fails."""
  facing = _facing(good)
  _write(tmp_path, facing)
  told = verify.verify('made/plain', tmp_path)
  assert (told.failures, told.warnings) == ([], [])
  half = _swapped2d(facing)
  few = {key: value[:10] for key, value in _changed(facing, **half).items()}
  for key in half:
    half[key][::2] = facing[key][::2]
  mixed = _changed(facing, **half)
  for number, (columns, said) in enumerate(
    [(few, r'too few people seen from the front or behind \((8|9|10)\)'), (mixed, '%')]
  ):
    _write(tmp_path / str(number), columns)
    told = verify.verify('made/plain', tmp_path / str(number))
    assert told.failures == []
    (warning,) = told.warnings
    assert re.search(f'train: cannot tell whether left and right .*{said}', warning)


def test_warnings_do_not_fail_the_command(good, tmp_path, capsys):
  """Catches an exit code 1 for ten good photographs, or a warning that is not shown."""
  _write(tmp_path, {key: value[:10] for key, value in _facing(good).items()})
  data.main(['verify', 'made/plain', f'--data_dir={tmp_path}'])
  assert 'wild3d: made/plain: warning: train: cannot tell' in capsys.readouterr().err


def test_uneven_legs_of_3dhp_are_its_own():
  """Catches S8's thighs of 485 and 326 mm taken for wrong joints, or anybody else's."""
  one = tally.Tally()
  joints = np.tile(standing(), (30, 1, 1))
  for joint, length in ((1, 485), (4, 326)):
    start = 2 if joint == 1 else 3
    bone = joints[0, joint] - joints[0, start]
    shift = joints[0, start] + bone / np.linalg.norm(bone) * length - joints[0, joint]
    joints[:, joint] += shift
    joints[:, 0 if joint == 1 else 5] += shift
  one.records = one.with3d = len(joints)
  one.bones.add(bone_lengths(joints))
  asymmetry = prepare.limb_asymmetry('mpi_inf_3dhp')
  for subject, failures in (('S8', 0), ('S7', 1)):
    found = {'train': Found(promised=30, subjects={subject: one})}
    told = judge(
      name='mpi_inf_3dhp/x', official={}, splits=found, left_out={}, asymmetry=asymmetry
    )
    assert len(told.failures) == failures, told.failures


def test_labels_not_meant_to_project(good, tmp_path):
  """Catches 3DHP's universal labels reported as a wrong camera."""
  shifted = _changed(good, **_fault_shifted(good))
  assert _failures(tmp_path, shifted, joints3d_project=False) == []


def test_broken_shard_is_a_failure(good, tmp_path):
  """Catches a shard cut short by a full disk that passes, or ends in a traceback."""
  _write(tmp_path, good)
  shard = tmp_path / 'made/plain/1.0.0/made-train.tfrecord-00000-of-00001'
  shard.write_bytes(shard.read_bytes()[:-2000])
  failures = verify.verify('made/plain', tmp_path).failures
  (failure,) = failures
  assert 'records read' in failure
  assert 'of 48' in failure


def test_unknown_dataset_is_one_line(good, tmp_path):
  """Catches a traceback of tensorflow-datasets, and a user not told what there is."""
  with pytest.raises(UserError, match=r'no prepared dataset .* holds none'):
    verify.verify('made/none', tmp_path / 'nowhere')
  _write(tmp_path, {key: value[:2] for key, value in good.items()})
  with pytest.raises(UserError, match=r'holds made/plain; .*runs/quickstart/tfds'):
    verify.verify('synthetic_people', tmp_path)


def test_left_out_and_official_numbers_in_the_table():
  """Catches a part of MPII judged as if it claimed to be whole, and a lost record."""
  found = {'train': Found(promised=0), 'validation': Found(promised=0)}
  for split, number in (('train', 3), ('validation', 2950)):
    one = tally.Tally()
    one.records = found[split].promised = number
    found[split].subjects[''] = one
  official = prepare.official_counts('mpii')
  said = judge(name='mpii/x', official=official, splits=found, left_out={'no head': 2})
  assert said.failures == ['validation: 2,950 of 2,958, 8 are missing']
  assert '3 of 22,246, a part of the official set' in said.table()
  assert 'no head' in said.table()
  whole = judge(name='mpii/x', official=official, splits=found, left_out={'no head': 8})
  assert whole.failures == []


@pytest.mark.parametrize(
  ('count', 'left_out', 'words', 'mistake'),
  [
    (2929, 0, 'the whole', False),
    (2930, 0, 'more than', True),
    (2900, 0, '29 are missing', True),
    (2900, 29, 'on purpose', False),
    (1, 0, 'a part', False),
  ],
)
def test_compare_with_the_official_number(count, left_out, words, mistake):
  """Catches a subset that fails and a loss that passes."""
  said, failed = official_counts.compare(
    count, official_counts.Official(2929), left_out
  )
  assert words in said
  assert failed is mistake


def test_inexact_numbers_judge_nothing():
  """Catches an 'about' taken for a number."""
  assert not official_counts.compare(
    310_000, official_counts.Official(312_000, exact=False), 0
  )[1]
