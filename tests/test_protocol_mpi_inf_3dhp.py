"""MPI-INF-3DHP's protocols against loops written from the definition, and by hand."""

import fake_scored as fake
import numpy as np
import pytest

from wild3d import protocols, skeleton
from wild3d.errors import UserError
from wild3d.protocols import mean

SCORED = (
  *('head_top', 'upper_neck', 'right_shoulder', 'right_elbow', 'right_wrist'),
  *('left_shoulder', 'left_elbow', 'left_wrist', 'right_hip', 'right_knee'),
  *('right_ankle', 'left_hip', 'left_knee', 'left_ankle'),
)
NAMES = ('mpi_inf_3dhp', 'mpi_inf_3dhp_zhou2017')


def _scores(name, pred, true, joints='mpii16'):
  truth = fake.truth(joints3d=true, joints=joints)
  figures = protocols.get(name).measure(fake.predictions(truth, pred), truth)
  return {f.name: mean.overall(f)[0] for f in figures}


def _errors_of_one(pred, true, names, zhou):
  pred = {n: np.array(p) for n, p in zip(names, pred, strict=True)}
  true = dict(zip(names, true, strict=True))
  factor = 1.0
  if zhou:
    move = 0.2 * (pred['upper_neck'] - pred['pelvis'])
    for name in ('pelvis', 'right_hip', 'left_hip'):
      pred[name] = pred[name] + move
    sums = []
    for pose in (true, pred):
      lengths = [
        np.linalg.norm(pose[skeleton.JOINTS[a]] - pose[skeleton.JOINTS[b]])
        for a, b in skeleton.BONES
      ]
      sums.append(sum(lengths))
    factor = sums[0] / sums[1]
  errors = []
  for name in SCORED:
    p, t = (pred[name] - pred['pelvis']) * factor, true[name] - true['pelvis']
    errors.append(float(np.sqrt(((p - t) ** 2).sum())))
  return errors


@pytest.mark.parametrize('joints', ['mpii16', 'mpi_inf_3dhp17'])
@pytest.mark.parametrize('name', NAMES)
def test_against_a_loop(name, joints):
  # Catches the wrong 14 joints, root, order of alignment, thresholds or mean.
  truth, pred = fake.random_pair(joints, count=40, seed=2, noise=60)
  pck, auc, mpjpe = protocols.get(name).measure(pred, truth)
  errors = [
    _errors_of_one(p, t, truth.joints, name.endswith('2017'))
    for p, t in zip(pred.joints3d, truth.joints3d, strict=True)
  ]
  flat = [e for row in errors for e in row]
  curve = [sum(e < 5 * k for e in flat) / len(flat) for k in range(31)]
  assert 0.1 < curve[-1] < 0.9
  assert mean.overall(pck) == (pytest.approx(100 * curve[-1]), 40 * 14)
  assert mean.overall(auc)[0] == pytest.approx(100 * np.mean(curve))
  assert mean.overall(mpjpe)[0] == pytest.approx(np.mean(flat))
  np.testing.assert_allclose(mpjpe.values, errors, atol=1e-9)
  assert pck.columns == SCORED


@pytest.mark.parametrize('name', NAMES)
def test_truth_that_is_not_known_is_not_counted(name):
  # Catches NaN errors counted as misses, or as hits.
  truth, pred = fake.random_pair(count=30, seed=3, missing=0.05)
  pck, _, _ = protocols.get(name).measure(pred, truth)
  at = [skeleton.JOINTS.index(n) for n in SCORED]
  known = ~np.isnan(truth.joints3d).any(axis=-1)
  want = known[:, at]
  if name == 'mpi_inf_3dhp_zhou2017':  # all bones are needed for the scale
    want = want & np.delete(known, 7, axis=1).all(axis=1)[:, None]
  np.testing.assert_array_equal(pck.counted, want)
  assert 0 < want.sum() < want.size


@pytest.mark.parametrize(
  ('off', 'hits', 'thresholds'), [(149.9, 14, 1), (150.0, 13, 0), (0.0, 14, 30)]
)
def test_one_joint_off(off, hits, thresholds):
  # Catches <= in place of <, and 30 thresholds in place of 31.
  true = fake.person()[None]
  pred = true.copy()
  pred[0, 15, 2] -= off
  scores = _scores('mpi_inf_3dhp', pred, true)
  assert scores['PCK@150mm'] == pytest.approx(100 * hits / 14)
  assert scores['AUC'] == pytest.approx(100 * (13 * 30 + thresholds) / 31 / 14)
  assert scores['MPJPE'] == pytest.approx(off / 14)


def test_errors_on_every_threshold():
  # Catches a threshold hit by its own error, through rounding too.
  true = np.repeat(fake.person()[None], 31, axis=0)
  pred = true.copy()
  pred[:, 15, 0] += np.arange(0, 151, 5)
  truth = fake.truth(joints3d=true)
  _, auc, _ = protocols.get('mpi_inf_3dhp').measure(
    fake.predictions(truth, pred), truth
  )
  column = auc.columns.index('left_wrist')
  np.testing.assert_allclose(auc.values[:, column] * 31 / 100, np.arange(30, -1, -1))


def test_perfect_shifted_scaled_rotated_mirrored():
  # Catches an alignment more than the definition has, or less.
  true = fake.person()[None]
  best = 100 * 30 / 31
  for pred in (true, true + np.array([300.0, 20.0, 4000.0])):
    scores = _scores('mpi_inf_3dhp', pred, true)
    assert scores == pytest.approx({'PCK@150mm': 100, 'AUC': best, 'MPJPE': 0})
  assert _scores('mpi_inf_3dhp', 2 * true, true)['PCK@150mm'] < 50
  assert _scores('mpi_inf_3dhp', true @ fake.rotation(1).T, true)['PCK@150mm'] < 90
  mirrored = _scores('mpi_inf_3dhp', true * [-1.0, 1.0, 1.0], true)
  # All but the head lie off the axis by the hips' 130 mm at least.
  assert mirrored['PCK@150mm'] == pytest.approx(100 * 2 / 14)


def test_the_oracle_scale_and_the_raised_hips():
  # Catches a scale of the whole set, hips raised in the truth, a root not raised.
  true = fake.person()[None]
  lowered = true.copy()
  move = 0.25 * (true[0, 8] - true[0, 6])  # 0.2 of what it becomes
  lowered[0, [6, 2, 3]] -= move
  for factor in (0.01, 1.0, 7.0):
    scores = _scores('mpi_inf_3dhp_zhou2017', factor * lowered, true)
    assert scores['MPJPE'] < 1e-9
    assert scores['PCK@150mm'] == 100
  assert _scores('mpi_inf_3dhp', lowered, true)['MPJPE'] > 50


def test_subset_and_groups():
  # Catches training subjects or invalid frames scored, and a scenario mixed up.
  subject = np.array(['TS1', 'TS2', 'TS3', 'TS4', 'TS5', 'TS6', 'S1', 'TS1'])
  valid = np.array([True] * 7 + [False])
  action = np.array(['Sitting', 'Sports', '', '', '', '', '', ''])
  truth = fake.truth(
    joints3d=np.zeros((8, 16, 3)), subject=subject, valid=valid, action=action
  )
  for name in NAMES:
    protocol = protocols.get(name)
    np.testing.assert_array_equal(protocol.select(truth), [1] * 6 + [0] * 2)
    want = ['GS', 'GS', 'noGS', 'noGS', 'outdoor', 'outdoor', '', 'GS']
    assert list(protocol.groups['scenario'](truth)) == want
    assert protocol.groups['activity'](truth)[1] == 'Sports'


def test_the_official_score_refuses_the_metric_annotation():
  """Catches people of their own size scored as if they were all of one."""
  pose = np.repeat(fake.person()[None], 3, axis=0)
  truth = fake.truth(joints3d=pose, annotation='metric')
  predictions = fake.predictions(truth, pose)
  with pytest.raises(UserError, match='universal:test'):
    protocols.get('mpi_inf_3dhp').measure(predictions, truth)
  assert protocols.get('mpi_inf_3dhp_zhou2017').measure(predictions, truth)
