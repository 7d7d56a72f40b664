"""Predictions made anywhere: every format, and every mistake in one line."""

import json
import os
import pathlib

import fake_prediction_files as fake
import h5py
import numpy as np
import pytest
import scipy.io

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.protocols import read_predictions, read_truth
from wild3d.protocols.formats import coco_results
from wild3d.protocols.read_predictions import Options

SAMPLES = os.environ.get('WILD3D_SAMPLES')


def _read(path, truth=None, told=None, wanted=None, **options):
  told = [] if told is None else told
  return read_predictions.read(
    path, truth or fake.truth(), Options(**options), wanted=wanted, tell=told.append
  )


def _npz(tmp_path, name='p.npz', **arrays):
  joints2d, joints3d = fake.people()
  known = {
    'ids': np.array(fake.IDS),
    'joints': 'mpii16',
    'joints2d': joints2d,
    'joints3d': joints3d,
    'units': 'mm',
  }
  known = {k: v for k, v in (known | arrays).items() if v is not None}
  np.savez(tmp_path / name, **known)
  return tmp_path / name


def _matlab_73(path, arrays):
  """As MATLAB writes v7.3: axes reversed, text as codes, cells as references."""
  with h5py.File(path, 'w', userblock_size=512) as file:
    for key, value in arrays.items():
      if isinstance(value, str):
        item = file.create_dataset(key, data=np.array([[ord(c)] for c in value], 'u2'))
        item.attrs['MATLAB_class'] = np.bytes_('char')
      elif isinstance(value, list):
        cells = file.create_dataset(key, (1, len(value)), dtype=h5py.ref_dtype)
        cells.attrs['MATLAB_class'] = np.bytes_('cell')
        for i, text in enumerate(value):
          codes = np.array([[ord(c)] for c in text], 'u2')
          item = file.create_dataset(f'#refs#/{key}{i}', data=codes)
          item.attrs['MATLAB_class'] = np.bytes_('char')
          cells[0, i] = item.ref
      else:
        item = file.create_dataset(key, data=np.asarray(value).T)
        item.attrs['MATLAB_class'] = np.bytes_('double')
  path.write_bytes(b'MATLAB 7.3 MAT-file'.ljust(512) + path.read_bytes()[512:])


def _write(path, form):
  joints2d, joints3d = fake.people()
  arrays = {'joints': 'mpii16', 'joints2d': joints2d, 'joints3d': joints3d}
  arrays['units'] = 'mm'
  if form == 'npz':
    np.savez(path, ids=np.array(fake.IDS), **arrays)
  elif form == 'json':
    fake.write_json(path, fake.samples())
  elif form == 'h5':
    with h5py.File(path, 'w') as file:
      for key, value in (arrays | {'ids': list(fake.IDS)}).items():
        file[key] = value
  elif form == 'mat5':
    cells = np.array(fake.IDS, object).reshape(1, -1)
    scipy.io.savemat(path, arrays | {'ids': cells})
  elif form == 'mat73':
    arrays['joints3d'] = np.moveaxis(joints3d, 0, 2)  # as [16, 3, N]
    _matlab_73(path, arrays | {'ids': list(fake.IDS)})


@pytest.mark.parametrize(
  ('form', 'suffix'),
  [
    ('npz', 'npz'),
    ('json', 'json'),
    ('h5', 'h5'),
    ('mat5', 'mat'),
    ('mat73', 'mat'),
  ],
)
def test_every_format_gives_the_same(form, suffix, tmp_path):
  """Catches axes exchanged, ids lost, numbers rounded to float32, in any format."""
  path = tmp_path / f'p.{suffix}'
  _write(path, form)
  joints2d, joints3d = fake.people()
  order = [3, 0, 4, 1, 2]
  backwards = fake.truth(ids=np.array(fake.IDS)[order])
  predicted = _read(path, backwards)
  assert predicted.joints == skeleton.JOINTS
  np.testing.assert_array_equal(predicted.joints2d, joints2d[order])
  np.testing.assert_array_equal(predicted.joints3d, joints3d[order])


def test_an_npy_array_needs_its_joints_and_unit(tmp_path):
  """Catches a unit or an order of joints that is guessed."""
  path = tmp_path / 'p.npy'
  np.save(path, fake.people()[1] / 1000)
  with pytest.raises(UserError, match=r'which joints it holds: state --joints=SET'):
    _read(path)
  with pytest.raises(UserError, match='the unit of its 3D: state --units'):
    _read(path, joints='mpii16')
  told = []
  predicted = _read(path, told=told, joints='mpii16', units='m')
  np.testing.assert_allclose(predicted.joints3d, fake.people()[1])
  assert any('no ids' in line and "truth's order" in line for line in told)


@pytest.mark.parametrize(('unit', 'scale'), [('m', 1e-3), ('cm', 0.1), ('mm', 1.0)])
def test_units_become_millimetres(unit, scale, tmp_path):
  """Catches a factor of 10 that is missing or is there twice."""
  joints3d = fake.people()[1]
  predicted = _read(_npz(tmp_path, joints3d=joints3d * scale, units=unit))
  np.testing.assert_allclose(predicted.joints3d, joints3d)


@pytest.mark.parametrize(('unit', 'scale'), [('m', 1e-3), ('cm', 0.1)])
@pytest.mark.parametrize('with_3d', [True, False])
def test_other_units_taken_for_millimetres(unit, scale, with_3d, tmp_path):
  """Catches metres scored as mm: an MPJPE of a whole skeleton, and no word."""
  truth = fake.truth()
  if not with_3d:
    truth = fake.truth(joints3d=np.full((fake.COUNT, 16, 3), np.nan))
  path = _npz(tmp_path, joints3d=fake.people()[1] * scale)
  with pytest.raises(UserError, match=f'these look like {unit}: state --units={unit}'):
    _read(path, truth)


def test_sizes_of_no_unit_and_of_a_part_of_the_joints(tmp_path):
  """Catches a check that needs all 14 bones, or that takes any size for a unit."""
  joints3d = fake.people()[1][:, :6]
  legs = ','.join(skeleton.JOINTS[:6])
  path = _npz(tmp_path, joints=np.array(legs.split(',')), joints3d=joints3d / 1000)
  with pytest.raises(UserError, match='but 6 joints are named'):
    _read(path)
  path = _npz(
    tmp_path,
    joints=np.array(legs.split(',')),
    joints3d=joints3d / 1000,
    joints2d=None,
  )
  with pytest.raises(UserError, match='--units=m'):
    _read(path)
  path = _npz(tmp_path, joints3d=fake.people()[1] / 37)
  with pytest.raises(UserError, match=r'sum of 14 bones is 1\d\d\.\d, the truth has'):
    _read(path)


def test_a_small_prediction_is_not_a_unit(tmp_path):
  """Catches a threshold so near that an honest, poor network is refused."""
  predicted = _read(_npz(tmp_path, joints3d=fake.people()[1] * 0.5))
  assert predicted.joints3d is not None


def test_2d_in_shares_of_the_picture(tmp_path):
  """Catches positions in 0..1 or in the crop frame scored as px."""
  path = _npz(tmp_path, joints2d=fake.people()[0] / 1000)
  with pytest.raises(UserError, match='must be in px of the original pictures'):
    _read(path)


@pytest.mark.parametrize(('first', 'shift'), [(0.0, 0.5), (0.5, 0.0), (1.0, -0.5)])
def test_first_pixel(first, shift, tmp_path):
  """Catches a half pixel in the wrong direction."""
  predicted = _read(_npz(tmp_path), first_pixel=first)
  np.testing.assert_allclose(predicted.joints2d, fake.people()[0] + shift)


def test_mpii_arrays_count_from_one_and_others_must_say(tmp_path):
  """Catches MPII's 1-based predictions read as continuous px, or 16x2xN unread."""
  joints2d = fake.people()[0]
  path = tmp_path / 'p.mat'
  scipy.io.savemat(path, {'pos_pred_src': np.moveaxis(joints2d, 0, 2)})
  told = []
  predicted = _read(path, told=told)
  np.testing.assert_allclose(predicted.joints2d, joints2d - 0.5)
  assert any('first pixel is (1, 1)' in line for line in told)
  np.save(tmp_path / 'p.npy', joints2d)
  with pytest.raises(UserError, match='state the coordinate of the centre'):
    _read(tmp_path / 'p.npy', joints='mpii16')


def test_joints_match_by_name_not_by_place(tmp_path):
  """Catches joints taken by index, and a spine taken for the thorax."""
  joints3d = fake.people('h36m17')[1]
  told = []
  predicted = _read(
    _npz(tmp_path, joints=None, joints2d=None, joints3d=joints3d),
    told=told,
    joints='h36m17',
  )
  of = skeleton.JOINT_SETS['h36m17'].index
  j = skeleton.JOINTS.index
  for name in ('right_ankle', 'left_wrist', 'head_top', 'pelvis'):
    np.testing.assert_array_equal(predicted.joints3d[:, j(name)], joints3d[:, of(name)])
  sides = [of('left_shoulder'), of('right_shoulder')]
  np.testing.assert_allclose(
    predicted.joints3d[:, j('thorax')], joints3d[:, sides].mean(1)
  )
  assert predicted.joints2d is None
  assert 'joints: thorax from the middle of hips or shoulders' in told
  assert 'joints that the truth lacks: spine, nose' in told


def test_joints_not_predicted_are_nan_and_told(tmp_path):
  """Catches a joint that the source lacks scored at (0, 0, 0)."""
  joints3d = fake.people('coco17')[1]
  told = []
  path = _npz(tmp_path, joints='coco17', joints2d=None, joints3d=joints3d)
  predicted = _read(path, told=told)
  lacking = np.isnan(predicted.joints3d).all(axis=(0, 2))
  assert {skeleton.JOINTS[i] for i in np.flatnonzero(lacking)} == {
    'upper_neck',
    'head_top',
  }
  assert np.isfinite(predicted.joints3d[:, ~lacking]).all()
  assert 'joints not predicted: upper_neck, head_top' in told


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
  path = _npz(tmp_path, **_without({}, [1, 3]))
  with pytest.raises(UserError, match=r'2 of 5 samples are missing: .*#5, .*#15'):
    _read(path)


def test_only_samples_that_are_scored_must_be_there(tmp_path):
  """Catches predictions demanded of frames that no protocol scores, or not NaN."""
  path = _npz(tmp_path, **_without({}, [1, 3]))
  wanted = np.array([True, False, True, False, True])
  predicted = _read(path, wanted=wanted)
  assert np.isnan(predicted.joints3d[~wanted]).all()
  np.testing.assert_array_equal(predicted.joints3d[wanted], fake.people()[1][[0, 2, 4]])


def test_extra_ids_unless_they_are_meant(tmp_path):
  """Catches predictions of another set taken in part, without a word."""
  truth = fake.truth(count=3)
  with pytest.raises(UserError, match=r'2 ids are not in the truth: .*--ignore_extra'):
    _read(_npz(tmp_path), truth)
  told = []
  predicted = _read(_npz(tmp_path), truth, told=told, ignore_extra=True)
  assert len(predicted.joints3d) == 3
  assert any('2 ids that the truth lacks are left out' in line for line in told)


def test_duplicate_ids(tmp_path):
  """Catches the second prediction of a sample replacing the first."""
  ids = [*fake.IDS[:4], fake.IDS[0]]
  with pytest.raises(UserError, match=r'1 ids occur twice: human36m/S9/Walking.1#0$'):
    _read(_npz(tmp_path, ids=np.array(ids)))


def test_no_ids_and_another_count(tmp_path):
  """Catches a shorter file taken in order."""
  arrays = _without({}, [4]) | {'ids': None}
  with pytest.raises(UserError, match='4 predictions without ids, but the truth has 5'):
    _read(_npz(tmp_path, **arrays))


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('key', ['joints2d', 'joints3d'])
def test_nan_and_infinite_entries(key, value, tmp_path):
  """Catches a joint left out of the mean because its prediction is not finite."""
  joints = dict(zip(('joints2d', 'joints3d'), fake.people(), strict=True))
  joints[key][2, 11, 1] = value
  with pytest.raises(UserError, match=r'right_elbow of human36m/S9/Walking.1#10\. '):
    _read(_npz(tmp_path, **joints))


def test_null_in_json_is_not_a_prediction(tmp_path):
  """Catches null read as 0 or left out."""
  samples = fake.samples()
  samples[1]['joints2d'][4] = [None, None]
  path = fake.write_json(tmp_path / 'p.json', samples)
  with pytest.raises(UserError, match=r'1 2D joints are NaN.*left_knee of .*#5\. '):
    _read(path)


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
    _read(_npz(tmp_path, **arrays), **options)
  assert '\n' not in str(error.value)


def test_unknown_and_shared_names(tmp_path):
  """Catches a misspelt joint that counts as not predicted."""
  names = ['r_ankle', 'rknee', *skeleton.JOINTS[2:]]
  with pytest.raises(UserError, match='unknown joint names: r_ankle, rknee; the truth'):
    _read(_npz(tmp_path, joints=np.array(names)))
  twice = ['right_knee', *skeleton.JOINTS[1:]]
  with pytest.raises(UserError, match='joint named twice: right_knee'):
    _read(_npz(tmp_path, joints=np.array(twice)))
  eyes = {'joints2d': np.ones((5, 2, 2)), 'joints3d': None}
  with pytest.raises(UserError, match='shares no joint with the truth'):
    _read(_npz(tmp_path, joints=np.array(['left_eye', 'right_eye']), **eyes))


def test_which_array(tmp_path):
  """Catches the wrong one of several arrays taken in silence."""
  path = tmp_path / 'p.h5'
  with h5py.File(path, 'w') as file:
    file['a'], file['b'] = fake.people()[1], fake.people()[1] + 1
    file['heatmaps'] = np.zeros((5, 16, 4, 4))
  with pytest.raises(UserError, match='state --key; it holds a'):
    _read(path, joints='mpii16', units='mm')
  predicted = _read(path, joints='mpii16', units='mm', key='b')
  np.testing.assert_array_equal(predicted.joints3d, fake.people()[1] + 1)


@pytest.mark.parametrize('suffix', ['npz', 'npy', 'h5', 'mat', 'json', 'csv'])
def test_damaged_and_missing_files(suffix, tmp_path):
  """Catches a traceback of somebody else's library."""
  path = tmp_path / f'p.{suffix}'
  with pytest.raises(UserError, match=r'does not exist|must end in'):
    _read(path)
  path.write_bytes(b'PK\x03\x04 not what it says')
  with pytest.raises(UserError, match=r'damaged|no JSON|must end in') as error:
    _read(path)
  assert '\n' not in str(error.value)


def test_truncated_npz(tmp_path):
  """Catches an archive cut off while it was copied."""
  path = _npz(tmp_path)
  path.write_bytes(path.read_bytes()[:-200])
  with pytest.raises(UserError, match='damaged'):
    _read(path)


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
    _read(path)
  assert '\n' not in str(error.value)


def test_require_names_the_protocol(tmp_path):
  """Catches a 3D protocol let loose on 2D predictions."""
  predicted = _read(_npz(tmp_path, joints3d=None, units=None))
  read_predictions.require(predicted, '2d', 'mpii_pckh', 'p.npz')
  with pytest.raises(
    UserError, match='holds no 3D predictions, which protocol h36m_p1'
  ):
    read_predictions.require(predicted, '3d', 'h36m_p1', 'p.npz')


def _coco_truth():
  """Pictures 1, 2 with a person, 3 with two of them, 400 px apart."""
  joints2d = fake.people(count=4)[0]
  joints2d[3] += [400, 0]
  ids = [
    f'coco_person/val#{i:012d}.jpg:{a}' for i, a in ((1, 7), (2, 8), (3, 9), (3, 10))
  ]
  return fake.truth(count=4, joints2d=joints2d, ids=np.array(ids)), joints2d


def _coco(path, results):
  def keypoints(joints2d):
    converted, _ = skeleton.convert(joints2d, 'mpii16', 'coco17')
    return np.concatenate([converted - 0.5, np.ones((17, 1))], 1).ravel().tolist()

  made = [
    {'image_id': i, 'category_id': 1, 'keypoints': keypoints(j), 'score': s}
    for i, j, s in results
  ]
  path.write_text(json.dumps(made))
  return path


def test_coco_results_find_their_people(tmp_path):
  """Catches results taken in the file's order, or one given to two people."""
  truth, joints2d = _coco_truth()
  near = joints2d + 3
  told = []
  path = _coco(
    tmp_path / 'r.json',
    [
      (3, near[3], 0.9),
      (2, near[1], 0.2),
      (1, near[0] + 90, 0.3),
      (1, near[0], 0.8),
      (3, near[2], 0.5),
      (3, near[2] + 60, 0.1),
    ],
  )
  predicted = _read(path, truth, told=told)
  j = [skeleton.JOINTS.index(n) for n in ('right_ankle', 'left_wrist')]
  np.testing.assert_allclose(predicted.joints2d[:, j], near[:, j])
  assert predicted.joints3d is None
  assert '2 of 6 results not used' in told
  head = skeleton.JOINTS.index('head_top')
  assert np.isnan(predicted.joints2d[:, head]).all()


def test_coco_results_that_do_not_fit(tmp_path):
  """Catches people without a result, and results of unknown pictures."""
  truth, joints2d = _coco_truth()
  all_four = [(1, joints2d[0], 1), (2, joints2d[1], 1), (3, joints2d[2], 1)]
  path = _coco(tmp_path / 'r.json', all_four)
  with pytest.raises(UserError, match=r'1 of 4 samples are missing: .*:(9|10)$'):
    _read(path, truth)
  all_four += [(3, joints2d[3], 1), (99, joints2d[3], 1)]
  _coco(path, all_four)
  with pytest.raises(UserError, match='1 image_ids are not in the truth: 99'):
    _read(path, truth)
  results = json.loads(path.read_text())[:4]
  results[1]['keypoints'][3] = float('nan')
  path.write_text(json.dumps(results))
  with pytest.raises(UserError, match='NaN or infinite; first left_eye of 2'):
    _read(path, truth)
  results[1]['keypoints'] = results[1]['keypoints'][:9]
  path.write_text(json.dumps(results))
  with pytest.raises(UserError, match=r'result 1 \(image 2\): keypoints must be'):
    _read(path, truth)


@pytest.mark.parametrize(
  ('sample', 'image'),
  [
    ('coco_person/val#000000000785.jpg:442619', '785'),
    ('785', '785'),
    ('mpii/validation/0001#005808361.jpg:0', '005808361.jpg'),
    ('photos/my_clip#walk/0001.jpg:3', '0001'),
  ],
)
def test_image_of(sample, image):
  """Catches an image_id that does not find its picture."""
  assert image in coco_results.image_of(sample)


@pytest.mark.skipif(not SAMPLES, reason='WILD3D_SAMPLES is not set')
def test_published_mpii_predictions():
  """Catches a half pixel, a transposed axis, or an order lost, in real files."""
  folder = pathlib.Path(SAMPLES) / 'fixtures/mpii_pckh'
  expected = json.loads((folder / 'EXPECTED.json').read_text())
  truth = read_truth.read(str(folder / 'gt_valid.mat'))
  for name, figures in expected.items():
    predicted = _read(folder / f'preds/{name}.npz', truth)
    error = np.linalg.norm(predicted.joints2d - truth.joints2d, axis=-1)
    hit, known = error <= 0.5 * truth.head_size[:, None], ~np.isnan(error)
    share = 100 * hit.sum(0) / known.sum(0)
    assert round(share[9], 2) == figures['head9']
    assert round((share[0] + share[5]) / 2, 2) == figures['ankle']
