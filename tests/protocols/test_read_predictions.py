"""Predictions made anywhere: every format, unit and order of joints."""

import json
import os
import pathlib

import h5py
import numpy as np
import pytest
import scipy.io
from fakes import prediction_files as fake

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.protocols import read_truth

SAMPLES = os.environ.get('WILD3D_SAMPLES')


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
  predicted = fake.read(path, backwards)
  assert predicted.joints == skeleton.JOINTS
  np.testing.assert_array_equal(predicted.joints2d, joints2d[order])
  np.testing.assert_array_equal(predicted.joints3d, joints3d[order])


def test_an_npy_array_needs_its_joints_and_unit(tmp_path):
  """Catches a unit or an order of joints that is guessed."""
  path = tmp_path / 'p.npy'
  np.save(path, fake.people()[1] / 1000)
  with pytest.raises(UserError, match=r'which joints it holds: state --joints=SET'):
    fake.read(path)
  with pytest.raises(UserError, match='the unit of its 3D: state --units'):
    fake.read(path, joints='mpii16')
  told = []
  predicted = fake.read(path, told=told, joints='mpii16', units='m')
  np.testing.assert_allclose(predicted.joints3d, fake.people()[1])
  assert any('no ids' in line and "truth's order" in line for line in told)


@pytest.mark.parametrize(('unit', 'scale'), [('m', 1e-3), ('cm', 0.1), ('mm', 1.0)])
def test_units_become_millimetres(unit, scale, tmp_path):
  """Catches a factor of 10 that is missing or is there twice."""
  joints3d = fake.people()[1]
  predicted = fake.read(fake.npz(tmp_path, joints3d=joints3d * scale, units=unit))
  np.testing.assert_allclose(predicted.joints3d, joints3d)


@pytest.mark.parametrize(('unit', 'scale'), [('m', 1e-3), ('cm', 0.1)])
@pytest.mark.parametrize('with_3d', [True, False])
def test_other_units_taken_for_millimetres(unit, scale, with_3d, tmp_path):
  """Catches metres scored as mm: an MPJPE of a whole skeleton, and no word."""
  truth = fake.truth()
  if not with_3d:
    truth = fake.truth(joints3d=np.full((fake.COUNT, 16, 3), np.nan))
  path = fake.npz(tmp_path, joints3d=fake.people()[1] * scale)
  with pytest.raises(UserError, match=f'these look like {unit}: state --units={unit}'):
    fake.read(path, truth)


def test_sizes_of_no_unit_and_of_a_part_of_the_joints(tmp_path):
  """Catches a check that needs all 14 bones, or that takes any size for a unit."""
  joints3d = fake.people()[1][:, :6]
  legs = ','.join(skeleton.JOINTS[:6])
  path = fake.npz(tmp_path, joints=np.array(legs.split(',')), joints3d=joints3d / 1000)
  with pytest.raises(UserError, match='but 6 joints are named'):
    fake.read(path)
  path = fake.npz(
    tmp_path,
    joints=np.array(legs.split(',')),
    joints3d=joints3d / 1000,
    joints2d=None,
  )
  with pytest.raises(UserError, match='--units=m'):
    fake.read(path)
  path = fake.npz(tmp_path, joints3d=fake.people()[1] / 37)
  with pytest.raises(UserError, match=r'sum of 14 bones is 1\d\d\.\d, the truth has'):
    fake.read(path)


def test_a_small_prediction_is_not_a_unit(tmp_path):
  """Catches a threshold so near that an honest, poor network is refused."""
  predicted = fake.read(fake.npz(tmp_path, joints3d=fake.people()[1] * 0.5))
  assert predicted.joints3d is not None


def test_2d_in_shares_of_the_picture(tmp_path):
  """Catches positions in 0..1 or in the crop frame scored as px."""
  path = fake.npz(tmp_path, joints2d=fake.people()[0] / 1000)
  with pytest.raises(UserError, match='must be in px of the original pictures'):
    fake.read(path)


@pytest.mark.parametrize(('first', 'shift'), [(0.0, 0.5), (0.5, 0.0), (1.0, -0.5)])
def test_first_pixel(first, shift, tmp_path):
  """Catches a half pixel in the wrong direction."""
  predicted = fake.read(fake.npz(tmp_path), first_pixel=first)
  np.testing.assert_allclose(predicted.joints2d, fake.people()[0] + shift)


def test_mpii_arrays_count_from_one_and_others_must_say(tmp_path):
  """Catches MPII's 1-based predictions read as continuous px, or 16x2xN unread."""
  joints2d = fake.people()[0]
  path = tmp_path / 'p.mat'
  scipy.io.savemat(path, {'pos_pred_src': np.moveaxis(joints2d, 0, 2)})
  told = []
  predicted = fake.read(path, told=told)
  np.testing.assert_allclose(predicted.joints2d, joints2d - 0.5)
  assert any('first pixel is (1, 1)' in line for line in told)
  np.save(tmp_path / 'p.npy', joints2d)
  with pytest.raises(UserError, match='state the coordinate of the centre'):
    fake.read(tmp_path / 'p.npy', joints='mpii16')


def test_joints_match_by_name_not_by_place(tmp_path):
  """Catches joints taken by index, and a spine taken for the thorax."""
  joints3d = fake.people('h36m17')[1]
  told = []
  predicted = fake.read(
    fake.npz(tmp_path, joints=None, joints2d=None, joints3d=joints3d),
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
  path = fake.npz(tmp_path, joints='coco17', joints2d=None, joints3d=joints3d)
  predicted = fake.read(path, told=told)
  lacking = np.isnan(predicted.joints3d).all(axis=(0, 2))
  assert {skeleton.JOINTS[i] for i in np.flatnonzero(lacking)} == {
    'upper_neck',
    'head_top',
  }
  assert np.isfinite(predicted.joints3d[:, ~lacking]).all()
  assert 'joints not predicted: upper_neck, head_top' in told


@pytest.mark.skipif(not SAMPLES, reason='WILD3D_SAMPLES is not set')
def test_published_mpii_predictions():
  """Catches a half pixel, a transposed axis, or an order lost, in real files."""
  folder = pathlib.Path(SAMPLES) / 'fixtures/mpii_pckh'
  expected = json.loads((folder / 'EXPECTED.json').read_text())
  truth = read_truth.read(str(folder / 'gt_valid.mat'))
  for name, figures in expected.items():
    predicted = fake.read(folder / f'preds/{name}.npz', truth)
    error = np.linalg.norm(predicted.joints2d - truth.joints2d, axis=-1)
    hit, known = error <= 0.5 * truth.head_size[:, None], ~np.isnan(error)
    share = 100 * hit.sum(0) / known.sum(0)
    assert round(share[9], 2) == figures['head9']
    assert round((share[0] + share[5]) / 2, 2) == figures['ankle']
