"""Files of predictions that do not fit: every mistake in one line."""

import os

import h5py
import numpy as np
import pytest
from fakes import prediction_files as fake

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.protocols import read_predictions

SAMPLES = os.environ.get('WILD3D_SAMPLES')


def _without(arrays, rows):
  joints2d, joints3d = fake.people()
  keep = [i for i in range(fake.COUNT) if i not in rows]
  return arrays | {
    'ids': np.array(fake.IDS)[keep],
    'joints2d': joints2d[keep],
    'joints3d': joints3d[keep],
  }


def test_missing_ids(tmp_path):
  """Catches a sample that counts nowhere because nobody predicted it."""
  path = fake.npz(tmp_path, **_without({}, [1, 3]))
  with pytest.raises(UserError, match=r'2 of 5 samples are missing: .*#5, .*#15'):
    fake.read(path)


def test_only_samples_that_are_scored_must_be_there(tmp_path):
  """Catches predictions demanded of frames that no protocol scores, or not NaN."""
  path = fake.npz(tmp_path, **_without({}, [1, 3]))
  wanted = np.array([True, False, True, False, True])
  predicted = fake.read(path, wanted=wanted)
  assert np.isnan(predicted.joints3d[~wanted]).all()
  np.testing.assert_array_equal(predicted.joints3d[wanted], fake.people()[1][[0, 2, 4]])


def test_extra_ids_unless_they_are_meant(tmp_path):
  """Catches predictions of another set taken in part, without a word."""
  truth = fake.truth(count=3)
  with pytest.raises(UserError, match=r'2 ids are not in the truth: .*--ignore_extra'):
    fake.read(fake.npz(tmp_path), truth)
  told = []
  predicted = fake.read(fake.npz(tmp_path), truth, told=told, ignore_extra=True)
  assert len(predicted.joints3d) == 3
  assert any('2 ids that the truth lacks are left out' in line for line in told)


def test_duplicate_ids(tmp_path):
  """Catches the second prediction of a sample replacing the first."""
  ids = [*fake.IDS[:4], fake.IDS[0]]
  with pytest.raises(
    UserError, match=r'1 ids occur twice: human36m/S9/Walking.1#0; keep one of each$'
  ):
    fake.read(fake.npz(tmp_path, ids=np.array(ids)))


def test_no_ids_and_another_count(tmp_path):
  """Catches a shorter file taken in order."""
  arrays = _without({}, [4]) | {'ids': None}
  with pytest.raises(UserError, match='4 predictions without ids, but the truth has 5'):
    fake.read(fake.npz(tmp_path, **arrays))


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('key', ['joints2d', 'joints3d'])
def test_nan_and_infinite_entries(key, value, tmp_path):
  """Catches a joint left out of the mean because its prediction is not finite."""
  joints = dict(zip(('joints2d', 'joints3d'), fake.people(), strict=True))
  joints[key][2, 11, 1] = value
  with pytest.raises(UserError, match=r'right_elbow of human36m/S9/Walking.1#10\. '):
    fake.read(fake.npz(tmp_path, **joints))


def test_null_in_json_is_not_a_prediction(tmp_path):
  """Catches null read as 0 or left out."""
  samples = fake.samples()
  samples[1]['joints2d'][4] = [None, None]
  path = fake.write_json(tmp_path / 'p.json', samples)
  with pytest.raises(UserError, match=r'1 2D joints are NaN.*left_knee of .*#5\. '):
    fake.read(path)


@pytest.mark.parametrize(
  ('arrays', 'options', 'said'),
  [
    ({'joints': 'h36m17'}, {}, 'but 17 joints are named'),
    ({'joints': 'h36m'}, {}, "unknown joint set 'h36m': give one of coco17"),
    ({'joints': None}, {'joints': 'lsp14'}, '14 joints are named.*would fit: mpii16'),
    ({}, {'joints': 'coco17'}, 'joints=coco17: but .*states another: right_ankle'),
    ({}, {'units': 'm'}, 'units=m: but .*states another: mm'),
    ({'units': 'inch'}, {}, "units must be mm, cm or m, not 'inch'"),
    ({'units': None}, {}, 'does not say the unit of its 3D'),
    ({}, {'key': 'pose'}, "no array 'pose'; it holds ids"),
    ({'ids': np.array(fake.IDS[:4])}, {}, 'ids: 4 entries for 5 samples'),
    ({'joints3d': np.zeros((4, 16, 3))}, {}, 'differ in the number of samples'),
    ({'joints3d': np.zeros((5, 16, 2))}, {}, 'joints3d has 2 coordinates'),
    ({'ids': np.array([{}], object)}, {}, 'ids holds Python objects'),
    ({'joints2d': np.full((5, 16, 2), 'a')}, {}, 'joints2d: holds no numbers'),
    ({}, {'first_pixel': 2.0}, 'must be 0, 0.5 or 1'),
  ],
)
def test_wrong_arrays(arrays, options, said, tmp_path):
  """Catches each mistake of an array file that would be scored, or end in a traceback."""
  with pytest.raises(UserError, match=said) as error:
    fake.read(fake.npz(tmp_path, **arrays), **options)
  assert '\n' not in str(error.value)


def test_unknown_and_shared_names(tmp_path):
  """Catches a misspelt joint that counts as not predicted."""
  names = ['r_ankle', 'rknee', *skeleton.JOINTS[2:]]
  with pytest.raises(UserError, match='unknown joint names: r_ankle, rknee; the truth'):
    fake.read(fake.npz(tmp_path, joints=np.array(names)))
  twice = ['right_knee', *skeleton.JOINTS[1:]]
  with pytest.raises(UserError, match='joint named twice: right_knee'):
    fake.read(fake.npz(tmp_path, joints=np.array(twice)))
  eyes = {'joints2d': np.ones((5, 2, 2)), 'joints3d': None}
  with pytest.raises(UserError, match='shares no joint with the truth'):
    fake.read(fake.npz(tmp_path, joints=np.array(['left_eye', 'right_eye']), **eyes))


def test_which_array(tmp_path):
  """Catches the wrong one of several arrays taken in silence."""
  path = tmp_path / 'p.h5'
  with h5py.File(path, 'w') as file:
    file['a'], file['b'] = fake.people()[1], fake.people()[1] + 1
    file['heatmaps'] = np.zeros((5, 16, 4, 4))
  with pytest.raises(UserError, match='state --key; it holds a'):
    fake.read(path, joints='mpii16', units='mm')
  predicted = fake.read(path, joints='mpii16', units='mm', key='b')
  np.testing.assert_array_equal(predicted.joints3d, fake.people()[1] + 1)


@pytest.mark.parametrize('suffix', ['npz', 'npy', 'h5', 'mat', 'json', 'csv'])
def test_damaged_and_missing_files(suffix, tmp_path):
  """Catches a traceback of somebody else's library."""
  path = tmp_path / f'p.{suffix}'
  with pytest.raises(UserError, match=r'does not exist|cannot be read|must end in'):
    fake.read(path)
  path.write_bytes(b'PK\x03\x04 not what it says')
  with pytest.raises(UserError, match=r'damaged|no JSON|must end in') as error:
    fake.read(path)
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
  ('name', 'content', 'said'),
  [
    ('p.mat', b'', 'damaged, or no .mat file'),
    ('p.npz', b'no archive', 'holds pickled objects, which are not read; save arrays'),
    ('p.npy', b"\x93NUMPY\x01\x00\x10\x00{'descr': ((((  \n", 'damaged, or no .npy'),
  ],
)
def test_files_that_parsers_stumble_on(name, content, said, tmp_path):
  """Catches MatReadError, TokenError; and advice to allow pickles, which is unsafe."""
  path = tmp_path / name
  path.write_bytes(content)
  with pytest.raises(UserError, match=said) as error:
    fake.read(path)
  assert 'allow_pickle' not in str(error.value)
  assert '\n' not in str(error.value)


def test_text_of_another_encoding_and_huge_shapes(tmp_path):
  """Catches UnicodeDecodeError of ids in Latin-1, and MemoryError."""
  path = fake.npz(tmp_path, ids=np.array([b'a', b'b', b'c', b'd', b'\xe9']))
  with pytest.raises(UserError, match=r'not UTF-8.*save ids and names as UTF-8'):
    fake.read(path)
  with h5py.File(tmp_path / 'p.h5', 'w') as file:
    file.create_dataset('joints3d', (2**40, 16, 3), np.float64)  # never written
  with pytest.raises(UserError, match='more than fits into memory'):
    fake.read(tmp_path / 'p.h5')


def test_truncated_npz(tmp_path):
  """Catches an archive cut off while it was copied."""
  path = fake.npz(tmp_path)
  path.write_bytes(path.read_bytes()[:-200])
  with pytest.raises(UserError, match='damaged'):
    fake.read(path)


def _changed(**fields):
  samples = fake.samples()
  samples[2].update(fields)
  return samples


@pytest.mark.parametrize(
  ('samples', 'top', 'said'),
  [
    (fake.samples(), {'schema': 'wild3d.predictions/2'}, 'must be "wild3d.predicti'),
    (fake.samples(), {'unit': 'mm'}, 'unknown key unit; known are schema, joints'),
    (fake.samples(), {'units': {'2d': 'share'}}, 'units of 2D must be "px"'),
    (fake.samples(), {'joints': [1, 2]}, '"joints" must be a list of names'),
    ([], {}, '"predictions" is empty'),
    ({}, {}, 'must be a list of objects'),
    (_changed(joints_2d=[]), {}, 'unknown key joints_2d'),
    (_changed(joints2d=None), {}, r'1 samples have no joints2d, others have.*#10'),
    (_changed(joints2d=[[1, 2]]), {}, r'#10: joints2d has shape \(1, 2\)'),
    (_changed(joints2d=[['a', 2]] * 16), {}, r'#10: joints2d is not as the schema'),
    (_changed(id=None), {}, r'predictions\[2\]: "id" must be text'),
  ],
)
def test_wrong_json(samples, top, said, tmp_path):
  """Catches a file almost of the schema scored in part."""
  path = fake.write_json(tmp_path / 'p.json', samples, **top)
  with pytest.raises(UserError, match=said) as error:
    fake.read(path)
  assert '\n' not in str(error.value)


def test_require_names_the_protocol(tmp_path):
  """Catches a 3D protocol let loose on 2D predictions."""
  predicted = fake.read(fake.npz(tmp_path, joints3d=None, units=None))
  read_predictions.require(predicted, '2d', 'mpii_pckh', 'p.npz')
  with pytest.raises(
    UserError, match='holds no 3D predictions, which protocol h36m_p1'
  ):
    read_predictions.require(predicted, '3d', 'h36m_p1', 'p.npz')
