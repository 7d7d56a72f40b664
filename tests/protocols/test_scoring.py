import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import geometry, scoring, skeleton
from wild3d.data.batch import BATCH_KEYS
from wild3d.protocols import baselines

RNG = np.random.default_rng(0)
SKELETON_MM = 4000.0


def person(scale=0.9e-3):
  """A made-up pose: mm about the pelvis, and its weak-perspective crop frame."""
  joints = RNG.normal(0, 250, (16, 3)).astype(np.float32)
  joints -= joints[skeleton.ROOT]
  return joints, (joints[:, :2] * scale + [0.05, -0.1]).astype(np.float32)


def truth_of(joints3d, joints2d, **changes):
  truth = {
    'joints2d': joints2d,
    'joints3d': joints3d,
    'visible': np.ones(16, bool),
    'has3d': np.array(True),
    'head_size': np.float32(0.2),
    'weight': np.float32(1),
  }
  return {key: jnp.asarray(value) for key, value in (truth | changes).items()}


def score(joints2d, depth, truth):
  scores = scoring.score_example(
    jnp.asarray(joints2d), jnp.asarray(depth), truth, SKELETON_MM
  )
  assert set(scores) == set(scoring.METRICS)
  return {
    name: (float(value), float(weight)) for name, (value, weight) in scores.items()
  }


def perfect():
  joints3d, joints2d = person()
  truth = truth_of(joints3d, joints2d)
  depth = geometry.depth_target(truth['joints2d'], truth['joints3d'])
  return joints2d, np.asarray(depth), truth


def test_perfect_prediction():
  """Catches a scale, root or axis that the depth target and the scores see differently."""
  values = score(*perfect())
  assert values['pck_torso_0.2'] == (1.0, 14.0)
  assert values['pckh_0.5'] == (1.0, 14.0)
  assert values['mpjpe_oracle'][0] == pytest.approx(0, abs=0.05)
  assert values['pa_mpjpe'][0] == pytest.approx(0, abs=0.05)
  assert values['pck3d_150'] == (1.0, 16.0)
  assert values['auc3d'][0] == pytest.approx(30 / 31, abs=1e-3)
  # Scaled to another size, every joint is off by its distance from the pelvis
  # times the relative difference.
  joints2d, depth, truth = perfect()
  ends = np.asarray(truth['joints3d'])[np.array(skeleton.BONES)]
  size = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=-1).sum()
  far = np.linalg.norm(np.asarray(truth['joints3d']), axis=-1).mean()
  expected = far * abs(SKELETON_MM / size - 1)
  assert score(joints2d, depth, truth)['mpjpe'][0] == pytest.approx(expected, rel=1e-3)


def test_what_is_not_counted():
  """Catches padding, 2D-only or invisible joints that are scored all the same."""
  joints2d, depth, truth = perfect()
  assert all(
    w == 0
    for _, w in score(joints2d, depth, truth | {'weight': jnp.float32(0)}).values()
  )
  flat = score(joints2d, depth, truth | {'has3d': jnp.array(False)})
  assert flat['mpjpe'][1] == 0
  assert flat['pck_torso_0.2'][1] == 14
  hidden = truth['visible'].at[10].set(False)
  wrong = joints2d.copy()
  wrong[10] += 5.0
  values = score(wrong, depth, truth | {'visible': hidden})
  assert values['pck_torso_0.2'] == (1.0, 13.0)
  assert values['mpjpe_oracle'][1] == 15
  assert values['mpjpe_oracle'][0] == pytest.approx(0, abs=0.05)
  assert (
    score(joints2d, depth, truth | {'head_size': jnp.float32(0)})['pckh_0.5'][1] == 0
  )


@pytest.mark.parametrize(
  ('degrees', 'upright'), [(0, 1), (29, 1), (31, 0), (-29, 1), (180, 0)]
)
def test_upright(degrees, upright):
  """Catches y taken upwards, or an angle measured from the horizontal."""
  joints = np.zeros((16, 2), np.float32)
  angle = np.radians(degrees)
  joints[skeleton.JOINTS.index('upper_neck')] = [np.sin(angle), -np.cos(angle)]
  visible = jnp.ones(16, bool)
  assert scoring.is_upright(jnp.asarray(joints), visible) == upright
  assert scoring.is_upright(jnp.asarray(joints), visible.at[6].set(False)) == 0


def test_batch_scores_each_baseline():
  """Catches a baseline that sees the network's depth, or a mean over batches of means."""
  examples = [perfect() for _ in range(3)]
  batch = {key: np.zeros(3) for key in BATCH_KEYS}
  for key in examples[0][2]:
    batch[key] = jnp.stack([truth[key] for _, _, truth in examples])
  predicted = {
    'joints2d': jnp.stack([jnp.asarray(xy) for xy, _, _ in examples]),
    'depth': jnp.stack([jnp.asarray(z) for _, z, _ in examples]),
  }
  zero = np.zeros(16, np.float32)
  guesses = baselines.from_means(np.zeros((16, 2), np.float32), zero)
  sums = scoring.score_batch(
    None, batch, guesses, predict=lambda *_: predicted, skeleton_mm=SKELETON_MM
  )
  assert list(sums) == ['network', 'mean depth', 'zero depth', 'mean pose']
  assert float(sums['network']['mpjpe_oracle'].count) == 48
  error = {row: float(m['mpjpe_oracle'].compute()) for row, m in sums.items()}
  assert error['network'] < 0.1 < error['zero depth'] == error['mean depth']
  assert float(sums['zero depth']['pck_torso_0.2'].compute()) == 1
  assert float(sums['mean pose']['pck_torso_0.2'].compute()) < 0.5


def test_table_and_flat_names():
  """Catches a metric that the report or TensorBoard does not get."""
  scores = {'set': {'examples': 3, 'network': {'mpjpe': 61.26}, 'mean depth': {}}}
  assert scoring.flat(scores) == {'eval/set/network/mpjpe': 61.26}
  table = scoring.table(scores)
  assert 'set: 3 examples' in table
  assert '61.3' in table
  assert table.splitlines()[-1].rstrip().endswith('-')


def test_jit_of_zero_prediction_is_finite():
  """Catches NaN from a skeleton without size."""
  _, _, truth = perfect()
  scores = jax.jit(
    lambda t: scoring.score_example(jnp.zeros((16, 2)), jnp.zeros(16), t, 1.0)
  )
  assert all(np.isfinite(float(v)) for v, _ in scores(truth).values())
