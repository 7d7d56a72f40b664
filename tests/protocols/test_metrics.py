"""Scores against closed forms and plain float64 loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import geometry, metrics, skeleton

ALL = jnp.ones(16, bool)


def _f32(array):
  return jnp.asarray(array, jnp.float32)


def _pose(seed=0, scale=300.0):
  return np.random.default_rng(seed).normal(size=(16, 3)) * scale


def _rotation(angle, axis=2):
  c, s = np.cos(angle), np.sin(angle)
  keep = [i for i in range(3) if i != axis]
  matrix = np.eye(3)
  matrix[np.ix_(keep, keep)] = [[c, -s], [s, c]]
  return matrix


def test_mpjpe_aligns_the_root_and_counts_only_the_counted():
  """Catches a root other than the pelvis, and a mean over uncounted joints."""
  true = _pose()
  pred = true + np.random.default_rng(1).normal(size=(16, 3)) * 30
  counted = np.arange(16) % 3 != 1
  errors = [
    np.linalg.norm((pred[j] - pred[6]) - (true[j] - true[6]))
    for j in range(16)
    if counted[j]
  ]
  value, weight = metrics.mpjpe(_f32(pred + 1000), _f32(true), jnp.asarray(counted))
  np.testing.assert_allclose(value, np.mean(errors), rtol=1e-4)
  assert weight == counted.sum()
  nothing = metrics.mpjpe(_f32(pred), _f32(true), jnp.zeros(16, bool))
  assert nothing == (0, 0)


def test_the_three_scales_of_mpjpe():
  """Catches one scale under the name of another: each has a closed form here."""
  true = _pose() - _pose()[6]
  pred, size = _f32(true * 0.003), float(geometry.skeleton_size(_f32(true)))
  distance = np.mean(np.linalg.norm(true, axis=1))
  for wanted in (4072.35, skeleton.ZHOU2017_SKELETON_MM, size):
    scaled = geometry.size_normalise(geometry.root_align(pred), wanted)
    value, _ = metrics.mpjpe(scaled, _f32(true), ALL)
    expected = abs(wanted / size - 1) * distance
    np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-3)


def test_n_mpjpe_and_pa_mpjpe_ignore_what_they_should():
  """Catches N-MPJPE that forgives a rotation, and either that forgives a mirror."""
  true = _pose()
  scaled = _f32(true * 0.01 + 5)
  turned = _f32(true @ _rotation(0.5) * 0.01 + 5)
  mirrored = _f32(true * [-1, 1, 1])
  truth = _f32(true)
  assert metrics.n_mpjpe(scaled, truth, ALL)[0] < 0.01
  assert metrics.n_mpjpe(turned, truth, ALL)[0] > 50
  assert metrics.pa_mpjpe(turned, truth, ALL)[0] < 0.01
  assert metrics.pa_mpjpe(mirrored, truth, ALL)[0] > 50


def test_n_mpjpe_has_the_least_squares_scale():
  """Catches the ratio of lengths, or the scale from the wrong side."""
  true, pred = _pose(), _pose() + _pose(1, 50.0)
  true, pred = true - true[6], pred - pred[6]
  counted = np.arange(16) != 9
  a, b = pred[counted].ravel(), true[counted].ravel()
  scale = a @ b / (a @ a)
  expected = np.mean(np.linalg.norm(scale * pred - true, axis=1)[counted])
  value, _ = metrics.n_mpjpe(_f32(pred), _f32(true), jnp.asarray(counted))
  np.testing.assert_allclose(value, expected, rtol=1e-4)


def test_procrustes_does_not_see_uncounted_joints():
  """Catches an outlier that is not counted and yet turns the alignment."""
  true = _pose()
  pred = true @ _rotation(0.3)
  pred[9] += 1e4
  counted = ALL.at[9].set(False)
  value, weight = metrics.pa_mpjpe(_f32(pred), _f32(true), counted)
  assert value < 0.05
  assert weight == 15


def test_pck3d_is_strict_at_150():
  """Catches <= for <: 150.0 mm is a miss in the published evaluation."""
  errors = jnp.full(16, 150.0).at[:4].set(149.9)
  value, weight = metrics.pck3d(errors, ALL)
  assert value == 0.25
  assert weight == 16
  counted = jnp.zeros(16, bool).at[:8].set(True)
  assert metrics.pck3d(errors, counted) == (0.5, 8)


def test_auc_has_31_thresholds_and_cannot_be_1():
  """Catches 30 thresholds, the step, and <= at 0."""
  assert len(metrics.AUC_THRESHOLDS_MM) == 31
  assert metrics.AUC_THRESHOLDS_MM[-1] == 150
  perfect, _ = metrics.auc3d(jnp.zeros(16), ALL)
  np.testing.assert_allclose(perfect, 30 / 31, rtol=1e-6)
  errors = np.random.default_rng(0).uniform(0, 200, 16)
  hits = [[e < t for e in errors] for t in range(0, 151, 5)]
  np.testing.assert_allclose(
    metrics.auc3d(_f32(errors), ALL)[0], np.mean(hits), rtol=1e-6
  )


def test_pckh_counts_14_joints_within_half_a_head():
  """Catches the derived joints counted, a strict bound, an unknown head scored."""
  true = jnp.zeros((16, 2))
  pred = true.at[:, 0].set(0.5).at[0, 0].set(0.51).at[6, 0].set(9.0)
  value, weight = metrics.pckh(pred, true, ALL, jnp.float32(1.0))
  assert weight == 14
  np.testing.assert_allclose(value, 13 / 14, rtol=1e-6)
  assert metrics.pckh(pred, true, ALL, jnp.float32(0.0)) == (0, 0)
  hidden = ALL.at[0].set(False)
  assert metrics.pckh(pred, true, hidden, jnp.float32(1.0)) == (1, 13)


def test_pck_torso_is_left_shoulder_to_right_hip():
  """Catches any other pair of ends, which would give another torso here."""
  true = np.random.default_rng(0).normal(size=(16, 2))
  true[13], true[2] = (0, 0), (3, 4)
  error = np.full(16, 0.99)
  error[[0, 5]] = 1.01
  pred = true + np.stack([error, np.zeros(16)], axis=1)
  value, weight = metrics.pck_torso(_f32(pred), _f32(true), ALL)
  assert weight == 14
  np.testing.assert_allclose(value, 12 / 14, rtol=1e-6)
  assert metrics.pck_torso(_f32(pred), _f32(true), ALL.at[2].set(False)) == (0, 0)
  perfect = metrics.pck_torso(jnp.zeros((16, 2)), jnp.zeros((16, 2)), ALL)
  assert perfect == (0, 0)  # no torso, no score


def test_left_right_difference_by_hand():
  """Catches forearm against upper arm, and a difference before normalisation."""
  joints = _pose()
  size = sum(np.linalg.norm(joints[a] - joints[b]) for a, b in skeleton.BONES)
  pairs = (
    ((11, 12), (13, 14)),
    ((10, 11), (14, 15)),
    ((1, 2), (3, 4)),
    ((0, 1), (4, 5)),
  )
  expected = [
    abs(np.linalg.norm(joints[a] - joints[b]) - np.linalg.norm(joints[c] - joints[d]))
    * 4296.99233013
    / size
    for (a, b), (c, d) in pairs
  ]
  value, weight = metrics.left_right_difference(_f32(joints * 0.002), ALL)
  np.testing.assert_allclose(value, expected, rtol=1e-4)
  np.testing.assert_array_equal(weight, 1)
  flip = skeleton.FLIP_INDEX
  flipped, _ = metrics.left_right_difference(_f32(joints[flip]), ALL)
  np.testing.assert_allclose(flipped, value, rtol=1e-4)
  _, weight = metrics.left_right_difference(_f32(joints), ALL.at[10].set(False))
  np.testing.assert_array_equal(weight, [1, 0, 1, 1])


def test_bone_length_spread_by_hand():
  """Catches a spread over bones in place of frames, and unseen frames."""
  frames = np.stack([_pose(seed) for seed in range(5)])
  counted = np.random.default_rng(9).uniform(size=(5, 16)) < 0.7
  spreads = []
  for a, b in skeleton.BONES:
    lengths = [
      np.linalg.norm(f[a] - f[b])
      for f, c in zip(frames, counted, strict=True)
      if c[a] and c[b]
    ]
    if len(lengths) >= 2:
      spreads.append(np.std(lengths))
  value, weight = metrics.bone_length_spread(_f32(frames), jnp.asarray(counted))
  np.testing.assert_allclose(value, np.mean(spreads), rtol=1e-4)
  assert weight == len(spreads)
  still = jnp.broadcast_to(_f32(frames[:1]), (4, 16, 3))
  assert metrics.bone_length_spread(still, jnp.ones((4, 16), bool))[0] < 1e-3


def test_adjustments_of_the_authors_protocols():
  """Catches a moved joint too many: thorax alone, and pelvis and hips alone."""
  joints = _pose()
  spine = metrics.spine_for_thorax(_f32(joints))
  np.testing.assert_allclose(spine[7], (joints[6] + joints[8]) / 2, rtol=1e-5)
  raised = metrics.raise_hips(_f32(joints))
  move = 0.2 * (joints[8] - joints[6])
  for j in range(16):
    expected = joints[j] + move if j in (2, 3, 6) else joints[j]
    np.testing.assert_allclose(raised[j], expected, rtol=1e-5, atol=1e-3)
    if j != 7:
      np.testing.assert_array_equal(spine[j], _f32(joints)[j])


def test_joint_order_and_padding_of_the_batch_do_not_matter():
  """Catches a mean that the order of joints moves, or examples of weight 0."""
  true = _f32(np.stack([_pose(s) for s in range(4)]))
  pred = true + _f32(np.stack([_pose(s, 20.0) for s in range(4, 8)]))
  counted = jnp.asarray(np.random.default_rng(0).uniform(size=(4, 16)) < 0.7)
  score = jax.jit(jax.vmap(metrics.pa_mpjpe))
  value, weight = score(pred, true, counted)
  order = np.random.default_rng(1).permutation(16)
  shuffled, _ = score(pred[:, order], true[:, order], counted[:, order])
  np.testing.assert_allclose(value, shuffled, rtol=1e-3)
  padded = jnp.concatenate([value, jnp.asarray([jnp.nan])])
  weights = jnp.concatenate([weight, jnp.zeros(1)])
  np.testing.assert_allclose(
    metrics.Mean.of(padded, weights).compute(), np.average(value, weights=weight)
  )


def test_mean_is_the_same_however_it_is_split():
  """Catches a mean of means, and sums that lose small terms in float32."""
  rng = np.random.default_rng(0)
  values, weights = rng.normal(size=101), rng.integers(0, 5, size=101)
  expected = np.average(values, weights=weights)
  merged = metrics.Mean(0.0, 0.0)
  for part in np.array_split(np.arange(101), [3, 4, 40, 90]):
    merged = merged.merge(metrics.Mean.of(values[part], weights[part]))
  np.testing.assert_allclose(merged.compute(), expected, rtol=1e-12)
  long = metrics.Mean(np.float32(2**24), np.float32(2**24)).to_host()
  for _ in range(3):
    long = long.merge(metrics.Mean.of(jnp.ones(1), jnp.ones(1)).to_host())
  assert long.count == 2**24 + 3


def test_mean_per_column_and_of_nothing():
  """Catches a perfect 0 or 1 for a joint that nobody labelled: it has no score."""
  values = np.array([[1.0, 2.0], [3.0, 5.0]])
  weights = np.array([[1.0, 0.0], [1.0, 0.0]])
  mean = metrics.Mean.of(values, weights, axis=0).compute()
  assert mean[0] == 2
  assert np.isnan(mean[1])
  assert np.isnan(metrics.Mean(0.0, 0.0).compute())
  merged = jax.jit(lambda v, w: metrics.Mean.of(v, w).merge(metrics.Mean.of(v, w)))
  assert merged(_f32(values), _f32(weights)).compute() == pytest.approx(2)
