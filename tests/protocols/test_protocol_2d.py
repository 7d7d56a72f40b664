"""PCKh in its averages as published and by hand; PCK in torsos as in training."""

import json
import os
import pathlib

import numpy as np
import pytest
from fakes import scored as fake

from wild3d import protocols, skeleton
from wild3d.protocols.lsp import is_upright

SAMPLES = os.environ.get('WILD3D_SAMPLES')
OFFICIAL = 'PCKh@0.5 total (official MATLAB)'
BEARPAW = 'PCKh@0.5 mean (bearpaw)'
HRNET = 'PCKh@0.5 mean (HRNet)'
# Keys of the samples' EXPECTED.json.
EXPECTED = {
  OFFICIAL: 'mean14_count_weighted',
  BEARPAW: 'mean14_unweighted',
  HRNET: 'mean14_count_weighted',
  'PCKh@0.1': 'at0p1_count_weighted',
  'head@0.5 (official MATLAB)': 'head89',
  'head@0.5 (bearpaw, HRNet)': 'head9',
} | {
  f'{limb}@0.5': limb for limb in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
}


def _figures(name, truth, pred):
  made = fake.predictions(truth, joints2d=np.asarray(pred, float))
  return {f.name: f for f in protocols.get(name).measure(made, truth)}


def _values(name, truth, pred):
  return {n: f.mean()[0] for n, f in _figures(name, truth, pred).items()}


@pytest.mark.skipif(not SAMPLES, reason='WILD3D_SAMPLES names no folder of samples')
@pytest.mark.parametrize('method', ['s1', 'tompson'])
def test_published_predictions(method):
  """Catches any difference from the averages as others compute and print them."""
  import scipy.io

  folder = pathlib.Path(SAMPLES, 'fixtures', 'mpii_pckh')
  given = scipy.io.loadmat(folder / 'gt_valid.mat')
  joints = given['pos_gt_src'].transpose(2, 0, 1).astype(float)
  joints[given['jnt_missing'].T != 0] = np.nan
  low, high = given['headboxes_src']
  truth = fake.truth(
    joints2d=joints, head_size=0.6 * np.hypot(*(high - low).astype(float))
  )
  protocol = protocols.get('mpii_pckh')
  assert protocol.select(truth).all()
  with np.load(folder / 'preds' / f'{method}.npz') as file:
    scores = _values('mpii_pckh', truth, file['preds'])
  want = json.loads((folder / 'EXPECTED.json').read_text())[method]
  for figure, key in EXPECTED.items():
    assert round(scores[figure], 2) == want[key], figure
  assert set(EXPECTED.values()) == set(want)


def _heads(count):
  """A truth in which a head size is 10 px and only wrists and head are labelled."""
  joints = np.full((count, 16, 2), np.nan)
  joints[:, [8, 9, 10, 15]] = 100.0
  return fake.truth(joints2d=joints, head_size=np.full(count, 10.0))


def test_the_averages_by_hand():
  """Catches one average under the name of another."""
  truth = _heads(4)
  truth.joints2d[1:, 10] = np.nan  # the right wrist is labelled once: a miss
  pred = np.full((4, 16, 2), 100.0)
  pred[0, 10, 0] += 5.1
  pred[:2, 8, 1] += 6.0  # two of four necks miss
  scores = _values('mpii_pckh', truth, pred)
  assert scores[OFFICIAL] == scores[HRNET] == pytest.approx(100 * 10 / 13)
  assert scores[BEARPAW] == pytest.approx((0 + 50 + 100 + 100) / 4)
  assert scores['head@0.5 (official MATLAB)'] == 75
  assert scores['head@0.5 (bearpaw, HRNet)'] == 100
  assert scores['wrist@0.5'] == 50
  assert np.isnan(scores['knee@0.5'])


@pytest.mark.parametrize(
  ('off', 'name', 'hit'),
  [
    (5.0, OFFICIAL, True),
    (5.01, OFFICIAL, False),
    (1.0, 'PCKh@0.1', True),
    (1.05, 'PCKh@0.1', False),
    (1.05, 'PCKh@0.11 (printed as Mean@0.1 by HRNet)', True),
  ],
)
def test_thresholds_are_inclusive(off, name, hit):
  """Catches < in place of <=, and HRNet's index under the name of 0.1."""
  truth = _heads(1)
  pred = np.full((1, 16, 2), 100.0)
  pred[0, 10, 0] -= off
  assert _values('mpii_pckh', truth, pred)[name] == (100 if hit else 75)


def test_pelvis_and_thorax_and_headless_people_are_not_scored():
  """Catches derived joints in the mean, and people of head size 0 or NaN."""
  rng = np.random.default_rng(0)
  truth = fake.truth(
    joints2d=rng.uniform(0, 200, (4, 16, 2)),
    head_size=np.array([20.0, np.nan, 0.0, 20.0]),
    valid=np.array([True, True, True, False]),
  )
  np.testing.assert_array_equal(
    protocols.get('mpii_pckh').select(truth), [True, False, False, False]
  )
  pred = truth.joints2d.copy()
  pred[:, [6, 7]] += 1000
  figure = _figures('mpii_pckh', truth, pred)[OFFICIAL]
  assert figure.mean() == (100.0, 2 * 14)


def _people(count=60, seed=0):
  rng = np.random.default_rng(seed)
  joints = rng.uniform(0, 200, (count, 16, 2)).astype(np.float32)
  joints[rng.random((count, 16)) < 0.15] = np.nan
  pred = np.nan_to_num(joints) + rng.normal(scale=15, size=joints.shape)
  return fake.truth(joints2d=joints), pred.astype(np.float32)


@pytest.mark.parametrize('joints', ['mpii16', 'lsp14', 'coco17'])
@pytest.mark.parametrize(
  ('degrees', 'upright'), [(0, True), (29.9, True), (30.1, False), (180, False)]
)
def test_upright_of_every_joint_set(joints, degrees, upright):
  """Catches an angle from the x axis, y upwards, and sets without pelvis or neck."""
  pose, _ = skeleton.convert(fake.person()[None, :, :2], 'mpii16', joints)
  angle = np.radians(degrees)
  turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
  truth = fake.truth(joints2d=pose @ turn.T + 500, joints=joints)
  assert is_upright(truth) == [upright]
  figures = _figures('pck_torso', truth, truth.joints2d)
  assert figures['PCK@0.2'].mean()[0] == 100
  assert (figures['PCK@0.2 upright'].mean()[1] > 0) == upright
  assert 'pelvis' not in figures['PCK@0.2'].columns
