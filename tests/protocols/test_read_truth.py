"""Truth from files and from built datasets, and truth that cannot be scored."""

import json
import os
import pathlib

import h5py
import numpy as np
import pytest
import scipy.io
from fakes import prediction_files as fake
from PIL import Image

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.protocols import read_truth
from wild3d.protocols.formats import dataset

SAMPLES = os.environ.get('WILD3D_SAMPLES')
FIELDS = {
  'occluded': np.arange(fake.COUNT * 16).reshape(fake.COUNT, 16) % 3 == 0,
  'head_size': np.array([50.0, 60.0, np.nan, 70.0, 80.0]),
  'valid': np.array([True, True, False, True, True]),
  'subject': np.array(['S9', 'S9', 'S11', 'S11', '']),
  'action': np.array(['Walking', 'Eating', '', 'x', 'y']),
  'sequence': np.array(['a', 'a', 'b', 'b', 'b']),
  'frame': np.array([0, 5, 0, 5, 10]),
}


def _npz(tmp_path, **arrays):
  joints2d, joints3d = fake.people()
  known = {
    'ids': np.array(fake.IDS),
    'joints': 'mpii16',
    'joints2d': joints2d,
    'joints3d': joints3d,
    'units': 'mm',
  }
  known = {k: v for k, v in (known | arrays).items() if v is not None}
  np.savez(tmp_path / 't.npz', **known)
  return str(tmp_path / 't.npz')


def _equal(truth, joints2d, joints3d):
  assert truth.joints == skeleton.JOINTS
  assert truth.ids.tolist() == list(fake.IDS)
  np.testing.assert_array_equal(truth.joints2d, joints2d)
  np.testing.assert_array_equal(truth.joints3d, joints3d)
  for key, value in FIELDS.items():
    np.testing.assert_array_equal(getattr(truth, key), value, err_msg=key)
  assert truth.frames_per_second == 50.0


def test_npz_and_json_give_the_same(tmp_path):
  """Catches a field lost or exchanged, in either form; NaN and null alike."""
  joints2d, joints3d = fake.people()
  joints2d[1, 3], joints3d[2] = np.nan, np.nan
  arrays = {'joints2d': joints2d, 'joints3d': joints3d, 'frames_per_second': 50}
  _equal(read_truth.read(_npz(tmp_path, **arrays, **FIELDS)), joints2d, joints3d)

  samples = []
  for row, name in enumerate(fake.IDS):
    sample = {'id': name, 'joints2d': joints2d[row].tolist()}
    sample |= {
      key: value[row].item() for key, value in FIELDS.items() if value.ndim < 2
    }
    sample['occluded'] = FIELDS['occluded'][row].tolist()
    if row == 1:
      sample['joints2d'][3] = [None, None]
    if row != 2:
      sample['joints3d'] = joints3d[row].tolist()
    if row == 2:
      sample['head_size'] = None
    if row in (0, 1, 3, 4):
      del sample['valid']
    samples.append(sample)
  path = tmp_path / 't.json'
  fake.write_json(path, samples, what='truth', frames_per_second=50)
  _equal(read_truth.read(str(path)), joints2d, joints3d)


def test_what_is_not_given_is_unknown(tmp_path):
  """Catches a head size or a valid flag of 0 where nothing was said."""
  truth = read_truth.read(_npz(tmp_path, joints3d=None, units=None))
  assert np.isnan(truth.joints3d).all()
  assert np.isnan(truth.head_size).all()
  assert np.isnan(truth.frames_per_second)
  assert truth.valid.all()
  assert not truth.occluded.any()
  assert set(truth.subject) == {''}


def test_units_of_truth(tmp_path):
  """Catches truth in metres compared with predictions in mm."""
  joints3d = fake.people()[1]
  truth = read_truth.read(_npz(tmp_path, joints3d=joints3d / 1000, units='m'))
  np.testing.assert_allclose(truth.joints3d, joints3d)
  with pytest.raises(UserError, match='look like m: state in the file units m'):
    read_truth.read(_npz(tmp_path, joints3d=joints3d / 1000))
  with pytest.raises(UserError, match='does not say the unit of joints3d'):
    read_truth.read(_npz(tmp_path, units=None))


def _broken(key, value, at=(1, 11)):
  joints = fake.people()[0 if key == 'joints2d' else 1]
  joints[at][0] = value
  return {key: joints}


@pytest.mark.parametrize(
  ('arrays', 'said'),
  [
    ({'valid': np.zeros(5, bool)}, 'no sample is valid: none of 5 may be scored'),
    ({'valid': np.array(['False'] * 5)}, 'valid holds text, it must be true or false'),
    ({'valid': np.array([1, 1, np.nan, 0, 1])}, 'valid holds nan, it must be true'),
    ({'head_size': np.array([1, 2, np.inf, 3, 4])}, 'head_size holds inf'),
    ({'frame': np.array([0, 1, 2, 3, np.nan])}, 'frame holds nan, it must be whole'),
    ({'frame': np.array([0, 1.5, 2, 3, 4])}, 'frame holds 1.5, it must be whole'),
    ({'frame': np.array(['a'] * 5)}, 'frame holds text, it must be whole numbers'),
    ({'frames_per_second': -25.0}, 'frames_per_second is -25, it must be above 0'),
    ({'frames_per_second': 0}, 'frames_per_second is 0, it must be above 0'),
    ({'frames_per_second': np.inf}, 'frames_per_second is inf'),
    ({'joints': np.array(['foo', *skeleton.JOINTS[1:]])}, 'unknown joint names: foo'),
    ({'joints3d': np.ones((5, 16, 3)) * 1j}, 'holds complex numbers'),
    ({'ids': np.array(fake.IDS[:4] + fake.IDS[:1])}, '1 ids occur twice: human36m'),
    ({'ids': None}, 'truth must have ids'),
    ({'joints': None}, 'truth must have joints'),
    ({'joints': 'coco17'}, 'but 17 joints are named'),
    (_broken('joints2d', np.inf), 'joints2d of .*#5 is infinite at right_elbow'),
    (_broken('joints3d', np.nan), 'joints3d of .*#5 is half NaN at right_elbow'),
    ({'head_size': np.array([1, 2, 0, 3, 4.0])}, '#10 must be above 0, or NaN'),
    ({'head_size': np.ones(4)}, r'head_size has shape \(4,\), it must be \(5,\)'),
    ({'subject': np.array(['a'])}, 'subject: 1 entries for 5 samples'),
    ({'headsize': np.ones(5)}, 'unknown array headsize; known are ids'),
    ({'frames_per_second': 'fast'}, 'frames_per_second must be one number'),
    ({'joints3d': np.zeros((4, 16, 3))}, r'must be \(5, 16, 3\)'),
  ],
)
def test_wrong_truth(arrays, said, tmp_path):
  """Catches each truth that would be scored in part, or end in a traceback."""
  with pytest.raises(UserError, match=said) as error:
    read_truth.read(_npz(tmp_path, **arrays))
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
  ('key', 'value', 'said'),
  [
    ('valid', 'no', 'valid holds text'),
    ('valid', float('nan'), 'valid holds nan'),
    ('frame', 1.5, 'frame holds 1.5'),
    ('head_size', float('inf'), 'head_size holds inf'),
  ],
)
def test_wrong_values_in_json(key, value, said, tmp_path):
  """Catches bool('no'), which is True, and int(1.5), which is 1."""
  samples = fake.samples()
  samples[1][key] = value
  path = fake.write_json(tmp_path / 't.json', samples, what='truth')
  with pytest.raises(UserError, match=said):
    read_truth.read(str(path))


def test_truth_without_labels(tmp_path):
  """Catches geometry, which compares with no truth, refused for want of labels."""
  nothing = np.full((5, 16, 2), np.nan)
  arrays = {'joints2d': nothing, 'joints3d': None, 'units': None}
  assert len(read_truth.read(_npz(tmp_path, **arrays))) == 5


def test_predictions_are_no_truth(tmp_path):
  """Catches the two files exchanged on the command line."""
  path = fake.write_json(tmp_path / 'p.json', fake.samples())
  with pytest.raises(UserError, match=r'must be "wild3d.truth/1", got .wild3d.predict'):
    read_truth.read(str(path))
  path.write_text(json.dumps([]))
  with pytest.raises(UserError, match="got 'list'"):
    read_truth.read(str(path))


def _mpii(joints2d):
  """gt_valid.mat and valid.h5 of the same people; joint 2 of the first unlabelled."""
  count = len(joints2d)
  missing = np.zeros((16, count), np.uint8)
  missing[2, 0] = 1
  boxes = np.zeros((2, 2, count))
  boxes[1, 0], boxes[1, 1] = 30, 40  # diagonal 50
  mat = {
    'jnt_missing': missing,
    'pos_gt_src': np.moveaxis(joints2d + 0.5, 0, 2),
    'headboxes_src': boxes + 7,
  }
  part = joints2d + 0.5
  part[0, 2] = 0
  h5 = {
    'part': part,
    'visible': np.ones((count, 16)),
    'normalize': np.full(count, 30.0),
    'index': np.arange(count) * 1.0,
    'person': np.arange(count) % 2 * 1.0,
    'imgname': np.array([f'{i // 2:09d}.jpg' for i in range(count)], 'S'),
    'center': np.zeros((count, 2)),
  }
  h5['visible'][1, 4] = 0
  return mat, h5


def test_both_mpii_files(tmp_path):
  """Catches 0-based pixels, (0, 0) taken for a label, or a whole head box."""
  joints2d = fake.people()[0]
  mat, h5 = _mpii(joints2d)
  scipy.io.savemat(tmp_path / 'gt_valid.mat', mat)
  with h5py.File(tmp_path / 'valid.h5', 'w') as file:
    for key, value in h5.items():
      file[key] = value
  expected = joints2d.copy()
  expected[0, 2] = np.nan
  for name in ('gt_valid.mat', 'valid.h5'):
    truth = read_truth.read(str(tmp_path / name))
    np.testing.assert_allclose(truth.joints2d, expected)
    np.testing.assert_allclose(truth.head_size, 30.0)
  assert truth.ids[:3].tolist() == [
    '000000000.jpg:0',
    '000000000.jpg:1',
    '000000001.jpg:0',
  ]
  assert np.argwhere(truth.occluded).tolist() == [[1, 4]]
  del mat['headboxes_src']
  scipy.io.savemat(tmp_path / 'gt_valid.mat', mat)
  with pytest.raises(UserError, match='holds no array headboxes_src'):
    read_truth.read(str(tmp_path / 'gt_valid.mat'))


@pytest.mark.skipif(not SAMPLES, reason='WILD3D_SAMPLES is not set')
def test_published_mpii_files():
  """Catches a person lost in the real files: ten differ, else by whole px at most."""
  folder = pathlib.Path(SAMPLES) / 'fixtures/mpii_pckh'
  mat, h5 = (read_truth.read(str(folder / n)) for n in ('gt_valid.mat', 'valid.h5'))
  assert len(mat) == len(h5) == 2958
  np.testing.assert_allclose(mat.head_size, h5.head_size, atol=1e-3)
  differ = ~np.isclose(mat.joints2d, h5.joints2d, atol=1.0, equal_nan=True)
  assert differ.any(axis=(1, 2)).sum() == 10


def test_a_built_dataset(people_dir):
  """Catches stored px taken for the original's, or a record lost."""
  from wild3d.data import records

  truth = read_truth.read('synthetic_people/tiny:lab_test', people_dir)
  builder = records.find('synthetic_people/tiny', people_dir)
  stored = list(records.in_order(builder, 'lab_test').as_numpy_iterator())
  assert len(truth) == builder.info.splits['lab_test'].num_examples == len(stored)
  for row in (0, len(stored) - 1):
    record = stored[row]
    assert truth.ids[row] == record['id'].decode()
    homogeneous = np.append(record['joints2d'], np.ones((16, 1)), 1)
    expected = homogeneous @ record['to_original'].T
    known = record['labelled']
    np.testing.assert_allclose(truth.joints2d[row, known], expected[known], rtol=1e-5)
    assert np.isnan(truth.joints2d[row, ~known]).all()
    np.testing.assert_array_equal(truth.joints3d[row], record['joints3d'])
  assert truth.valid.all()
  by_default = read_truth.read('synthetic_people/tiny', people_dir)
  assert by_default.ids.tolist() == truth.ids.tolist()


def test_pictures_of_a_dataset(people_dir):
  """Catches the picture of another sample than the one asked for."""
  from wild3d.data import records

  picture = dataset.pictures('synthetic_people/tiny:lab_test', people_dir)
  builder = records.find('synthetic_people/tiny', people_dir)
  stored = list(records.in_order(builder, 'lab_test').as_numpy_iterator())
  for row in (0, 3, len(stored) - 1):
    jpeg, affine = picture(row)
    assert jpeg == stored[row]['image']
    np.testing.assert_array_equal(affine, stored[row]['to_original'])


def _found(ids, **fields):
  count = len(ids)
  to_original = np.tile(
    np.array([[2.0, 0, 10], [0, 2.0, 20]], np.float32), (count, 1, 1)
  )
  known = {
    'id': np.array(ids),
    'joints2d': np.full((count, 16, 2), 3, np.float32),
    'labelled': np.ones((count, 16), bool),
    'occluded': np.zeros((count, 16), bool),
    'joints3d': np.zeros((count, 16, 3), np.float32),
    'has3d': np.zeros(count, bool),
    'head_size': np.array([4.0, 0.0][:count], np.float32),
    'to_original': to_original,
    'frame': np.arange(count).astype(np.int32),
  }
  texts = {key: np.full(count, '') for key in ('sequence', 'subject', 'action')}
  return known | texts | fields


def test_frames_are_those_of_the_original_video():
  """Catches every 64th stored frame taken for every 64th of the video."""
  ids = ['human36m/S9/Walking 1.54138969#0', 'human36m/S9/Walking 1.54138969#64']
  truth = dataset._truth(_found(ids), 'human36m', '')
  assert truth.frame.tolist() == [0, 64]
  assert truth.frames_per_second == 50.0
  ids = ['mpi_inf_3dhp/TS1#000001', 'mpi_inf_3dhp/TS1#000012']
  assert dataset._truth(_found(ids), 'mpi_inf_3dhp', '').frame.tolist() == [1, 12]
  ids = ['coco_person/val#1', 'coco_person/val#7']  # names of pictures, no frames
  assert dataset._truth(_found(ids), 'coco_person', '').frame.tolist() == [0, 1]


def test_positions_and_head_sizes_of_the_original():
  """Catches head sizes left in stored px, and 0 taken for a head size or for 3D."""
  truth = dataset._truth(_found(['mpii/a#1.jpg:0', 'mpii/a#1.jpg:1']), 'mpii', '')
  np.testing.assert_array_equal(truth.joints2d[0, 0], [16.0, 26.0])
  np.testing.assert_array_equal(truth.head_size, [8.0, np.nan])
  assert np.isnan(truth.joints3d).all()


def test_datasets_and_files_that_are_not_there(tmp_path):
  """Catches a wrong name that ends in a traceback of TFDS."""
  with pytest.raises(UserError, match="no prepared dataset 'human37m'"):
    read_truth.read('human37m:validation', tmp_path)
  with pytest.raises(UserError, match=r'absent.npz: does not exist'):
    read_truth.read(str(tmp_path / 'absent.npz'))
  Image.new('RGB', (2, 2)).save(tmp_path / 'truth.png')
  with pytest.raises(UserError, match='must end in'):
    read_truth.read(str(tmp_path / 'truth.png'))


def test_a_split_that_is_not_there(people_dir):
  """Catches a misspelt split."""
  with pytest.raises(UserError, match="no split 'val'; it has"):
    read_truth.read('synthetic_people/tiny:val', people_dir)


def test_a_folder_is_named(tmp_path):
  """Catches TFDS's traceback of 58 lines about how its datasets are called."""
  with pytest.raises(
    UserError, match='is a folder: name the file of the truth'
  ) as error:
    read_truth.read(str(tmp_path))
  assert '\n' not in str(error.value)
