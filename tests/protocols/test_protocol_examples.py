"""The worked examples of docs/protocols.md, number by number, on the samples' frames."""

import os
import pathlib

import numpy as np
import pytest
from fakes import scored as fake

from wild3d import protocols, skeleton

SAMPLES = os.environ.get('WILD3D_SAMPLES')
PAGE = pathlib.Path(__file__).parents[2] / 'docs' / 'protocols.md'
pytestmark = pytest.mark.skipif(
  not SAMPLES, reason='WILD3D_SAMPLES names no folder of samples'
)


def _human36m():
  """S1 Directions 1, camera 54138969, frame 1: name -> mm."""
  path = 'fixtures/h36m/mmpose/annotation_body3d/fps10/h36m_subset.npz'
  with np.load(pathlib.Path(SAMPLES, path)) as file:
    metres = file['S'][0, :, :3]
  return _named(metres * 1000.0, 'h36m17')


def _mpi_inf_3dhp():
  """TS1, second frame of the samples, universal annotation: name -> mm."""
  import h5py

  path = 'fixtures/mpi_inf_3dhp/official/mpi_inf_3dhp_test_set/TS1/annot_data.mat'
  with h5py.File(pathlib.Path(SAMPLES, path)) as file:
    return _named(file['univ_annot3'][1, 0], 'mpi_inf_3dhp17')


def _named(joints, names):
  rows = np.asarray(joints, float)
  return dict(zip(skeleton.JOINT_SETS[names], rows, strict=True))


def _guess(true, share):
  """The example's prediction: depths about the pelvis times `share`; 500 mm is 1."""
  root = true['pelvis']
  return {n: (p - root) * [1, 1, share] / 500 for n, p in true.items()}


def _size(pose):
  names = skeleton.JOINTS
  ends = [(pose[names[a]], pose[names[b]]) for a, b in skeleton.BONES]
  return sum(np.linalg.norm(a - b) for a, b in ends)


def _distance(a, b, factor):
  return np.linalg.norm(a * factor - b)


def _human36m_lines():
  true = _human36m()
  guess = _guess(true, 0.6)
  size = _size(guess)
  factor = skeleton.ZHOU2017_SKELETON_MM / size
  lines = [f'{size:.6f}', f'{_size(true):.2f} mm', f'{factor:.5f} mm']
  guess['spine'] = (guess['pelvis'] + guess['upper_neck']) / 2
  errors = []
  for slot, name in enumerate(skeleton.JOINTS):
    name = 'spine' if name == 'thorax' else name
    place = true[name] - true['pelvis']
    errors.append(_distance(guess[name] - guess['pelvis'], place, factor))
    lines.append(
      f'| {slot} {name} | {np.linalg.norm(guess[name]):.6f} | '
      f'{np.linalg.norm(place):.2f} | {errors[-1]:.2f} |'
    )
  return [*lines, f'{sum(errors):.2f} / 16 = {np.mean(errors):.2f} mm'], np.mean(errors)


def _mpi_inf_3dhp_lines():
  true = _mpi_inf_3dhp()
  guess = _guess(true, 0.4)
  move = 0.2 * (guess['upper_neck'] - guess['pelvis'])
  raised = {
    n: p + move * (n in ('pelvis', 'right_hip', 'left_hip')) for n, p in guess.items()
  }
  sizes = [_size(pose) for pose in (guess, raised, true)]
  factor = sizes[2] / sizes[1]
  lines = [f'{np.linalg.norm(move):.6f}', f'{sizes[0]:.6f}', f'{sizes[1]:.6f}']
  lines += [f'{sizes[2]:.2f} mm', f'{factor:.4f} mm']
  errors = []
  for name in skeleton.JOINT_SETS['mpi_inf_3dhp17']:
    if name not in ('pelvis', 'spine', 'head'):
      place = true[name] - true['pelvis']
      errors.append(_distance(raised[name] - raised['pelvis'], place, factor))
      above = sum(errors[-1] < 5 * k for k in range(31))
      lines.append(
        f'| {name} | {errors[-1]:.2f} | {"yes" if errors[-1] < 150 else "no"} | '
        f'{above} of 31 |'
      )
  hits = sum(e < 150 for e in errors)
  auc = 100 * np.mean([e < 5 * k for e in errors for k in range(31)])
  lines.append(f'{hits} / 14 = {100 * hits / 14:.2f} %')
  counts = sum(e < 5 * k for e in errors for k in range(31))
  lines.append(f'{counts} / (14 x 31) = {auc:.2f} %')
  return [*lines, f'{np.mean(errors):.2f} mm'], (100 * hits / 14, auc, np.mean(errors))


def _scores(name, true, share, joints):
  names = skeleton.JOINT_SETS[joints]
  truth = fake.truth(joints3d=np.array([[true[n] for n in names]]), joints=joints)
  guess = _guess(true, share)
  pred = np.array([[guess[n] for n in names]])
  figures = protocols.get(name).measure(fake.predictions(truth, pred), truth)
  return [figure.mean()[0] for figure in figures]


def test_h36m_zhou2017():
  """Catches a page that says other than what is computed, or a loop that disagrees."""
  lines, value = _human36m_lines()
  page = PAGE.read_text()
  assert [line for line in lines if line not in page] == []
  scores = _scores('h36m_zhou2017', _human36m(), 0.6, 'h36m17')
  assert scores == pytest.approx([value])


def test_mpi_inf_3dhp_zhou2017():
  """Catches the same; with it an oracle that scales before it raises the hips."""
  lines, values = _mpi_inf_3dhp_lines()
  page = PAGE.read_text()
  assert [line for line in lines if line not in page] == []
  scores = _scores('mpi_inf_3dhp_zhou2017', _mpi_inf_3dhp(), 0.4, 'mpi_inf_3dhp17')
  assert scores == pytest.approx(values)
