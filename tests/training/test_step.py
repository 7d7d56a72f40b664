import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from fakes.toy_network import Toy

from wild3d import losses, skeleton
from wild3d.models.pose3d import Pose3D
from wild3d.training import mesh, optimizer, state, step

SIZE = 64
TARGET = losses.Target()
RATE = np.float32(1e-3)
WEIGHTS = dict.fromkeys(losses.TERMS, np.float32(0.0)) | {
  'heatmap': np.float32(1.0),
  'depth': np.float32(0.1),
  'geometric': np.float32(0.01),
}


@pytest.fixture(scope='module')
def model():
  return Pose3D(stacks=1, residuals=1, features=8, depth_residuals=1)


@pytest.fixture(scope='module')
def rule():
  return optimizer.make(
    name='rmsprop', decay=0.99, momentum=0.0, eps=1e-8, clip_norm=0.0, weight_decay=0.0
  )


@pytest.fixture
def start(model, rule):
  return state.fresh(model, rule, jax.random.key(0), SIZE)


def make_batch(rows, has3d):
  """Rows of random pictures and poses; `has3d` [rows]."""
  rng = np.random.default_rng(0)
  joints3d = rng.normal(0, 300, (rows, 16, 3)).astype(np.float32)
  joints3d -= joints3d[:, skeleton.ROOT : skeleton.ROOT + 1]
  has3d = np.broadcast_to(has3d, (rows,)).copy()
  return {
    'image': rng.integers(0, 255, (rows, SIZE, SIZE, 3)).astype(np.uint8),
    'joints2d': rng.uniform(-0.9, 0.9, (rows, 16, 2)).astype(np.float32),
    'visible': np.ones((rows, 16), bool),
    'joints3d': joints3d * has3d[:, None, None],
    'has3d': has3d,
    'present': np.ones(rows, bool),
    'head_size': np.zeros(rows, np.float32),
    'to_original': np.zeros((rows, 2, 3), np.float32),
    'clip_frame': np.full(rows, -1, np.int32),
    'weight': np.ones(rows, np.float32),
    'source': np.zeros(rows, np.int32),
  }


@functools.partial(jax.jit, static_argnames='clip_frames')
def losses_of(depth, batch, clip_frames=1):
  """Weighted mean of each loss as a function of the predicted depth."""
  labels = (jnp.asarray(batch[key]) for key in ('joints2d', 'visible'))
  maps = losses.draw_targets(*labels, SIZE // 4, TARGET)[:, None]
  target = TARGET._replace(clip_frames=clip_frames)
  terms = {
    name: term(losses.Predicted(maps, depth), batch, target)
    for name, term in losses.TERMS.items()
  }
  return {name: step.weighted_mean(*term) for name, term in terms.items()}


def test_2d_rows_have_no_depth_loss_and_3d_rows_no_geometric_loss():
  """Catches a sample routed by guess: 2D rows pulled to a depth, or the reverse."""
  has3d = np.array([True, False, True, False])
  batch = make_batch(4, has3d)
  depth = jnp.asarray(np.random.default_rng(1).normal(0, 0.3, (4, 16)), jnp.float32)
  for name, blind in (
    ('depth', ~has3d),
    ('geometric', has3d),
    ('symmetry', has3d),
  ):
    gradient = jax.grad(lambda d, n=name: losses_of(d, batch)[n])(depth)
    assert np.all(np.asarray(gradient)[blind] == 0.0)
    assert np.any(np.asarray(gradient)[~blind] != 0.0, axis=1).all()


def test_padding_weighs_nothing():
  """Catches padded rows that change a loss."""
  batch = make_batch(4, [True, False, True, False])
  depth = jnp.ones((4, 16))
  short = {key: value[:2] for key, value in batch.items()}
  batch['weight'][2:] = 0
  whole, part = losses_of(depth, batch), losses_of(depth[:2], short)
  for name in whole:
    # Some are differences of numbers near 1, which float32 rounds by 6e-8.
    expected = pytest.approx(float(part[name]), rel=1e-6, abs=1.2e-7)
    assert float(whole[name]) == expected, name


def test_temporal_loss_sees_clips_alone():
  """Catches stills compared with their neighbours in the batch."""
  batch = make_batch(4, False)
  depth = jnp.zeros((4, 16))
  assert float(losses_of(depth, batch, clip_frames=2)['temporal']) == 0.0
  batch['clip_frame'][2:] = [0, 1]
  one = losses_of(depth, batch, clip_frames=2)['temporal']
  clip = {key: value[2:] for key, value in batch.items()}
  two = losses_of(depth[2:], clip, clip_frames=2)['temporal']
  assert float(one) > 0
  assert float(one) == pytest.approx(float(two), rel=1e-6)


def test_targets_of_unlabelled_joints_are_empty():
  """Catches a Gaussian drawn where nothing is known."""
  batch = make_batch(1, False)
  batch['visible'][0, 3] = False
  maps = losses.draw_targets(
    jnp.asarray(batch['joints2d']), jnp.asarray(batch['visible']), 16, TARGET
  )
  peaks = np.asarray(maps).max((0, 1, 2))
  assert peaks[3] == 0
  assert np.all(np.delete(peaks, 3) == 1)


def compiled(model, rule, devices):
  update = functools.partial(step.train, model=model, optimizer=rule, target=TARGET)
  return jax.jit(update, out_shardings=mesh.replicated(devices))


def test_eight_devices_equal_one(model, rule, start):
  """Catches statistics or means taken per device instead of over the batch."""
  batch = make_batch(8, [True, False] * 4)
  results = []
  # In float64: the deepest batch norms see eight values, and what is left of a
  # float32 sum's rounding behind them depends on the CPU.
  with jax.enable_x64(True):
    wide = model.clone(dtype=jnp.float64)
    begin = jax.tree.map(
      lambda leaf: leaf.astype(jnp.float64) if leaf.dtype == jnp.float32 else leaf,
      start,
    )
    for count in (1, 8):
      devices = mesh.make(jax.devices()[:count])
      update = compiled(wide, rule, devices)
      after, metrics = update(begin, mesh.put(batch, devices), RATE, WEIGHTS)
      results.append(jax.device_get((metrics, after.batch_stats)))
  # One step from the same parameters: RMSprop turns the rounding of gradients
  # that should be zero (biases before a batch norm) into full steps afterwards.
  (one, one_stats), (eight, eight_stats) = results
  for name in one:  # losses are float32 at the end
    np.testing.assert_allclose(one[name], eight[name], rtol=2e-6, err_msg=name)
  chex.assert_trees_all_close(one_stats, eight_stats, rtol=1e-10, atol=1e-10)


@pytest.fixture(scope='module')
def alone(model, rule):
  """The update on one device, compiled once for all tests below; and the device."""
  devices = mesh.make(jax.devices()[:1])
  return compiled(model, rule, devices), devices


@pytest.fixture
def begin(start, alone):
  """State and batch, as training places them."""
  _, devices = alone
  batch = make_batch(4, [True, False] * 2)
  return jax.device_put(start, mesh.replicated(devices)), mesh.put(batch, devices)


def test_first_update_is_rmsprop(alone, begin):
  """Catches eps inside the root, another sign, or a rate not applied."""
  (update, _), (before, batch) = alone, begin
  after, metrics = update(before, batch, RATE, WEIGHTS)
  kernel = lambda s: np.asarray(s.params['depth']['linear']['kernel'])  # noqa: E731
  moved = kernel(after) - kernel(before)
  # From rest, g / sqrt(0.01 g^2) = 10 sign(g): every weight with a gradient well
  # above eps moves by exactly ten times the learning rate.
  large = np.abs(moved) > 0.9e-2
  assert large.mean() > 0.5
  np.testing.assert_allclose(np.abs(moved[large]), 1e-2, rtol=1e-3)
  assert int(after.step) == 1
  assert metrics['example_loss'].shape == (4,)
  # Of the state after the update, which is the one that is saved.
  for name, tree in (
    ('parameter', after.params),
    ('statistic', after.batch_stats),
    ('moment', after.opt_state),
  ):
    most = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(tree) if leaf.ndim)
    assert float(metrics[f'largest_{name}']) == most


def test_the_average_is_a_mean_of_the_steps(model, rule, alone, begin):
  """Catches an average of gradients or of one step late; a guard blind to it."""
  _, devices = alone
  here, batch = begin
  here = state.with_average(here)
  update = functools.partial(
    step.train, model=model, optimizer=rule, target=TARGET, ema=0.5
  )
  update = jax.jit(update, out_shardings=mesh.replicated(devices))
  kernel = lambda tree: np.asarray(tree['params']['depth']['linear']['kernel'])  # noqa: E731
  wanted = kernel(here.trained)
  for at in range(4):
    here, _ = update(here, batch, RATE, WEIGHTS)
    decay = min(0.5, (1 + at) / (10 + at))
    wanted = decay * wanted + (1 - decay) * kernel(here.trained)
    np.testing.assert_allclose(kernel(here.average), wanted, rtol=1e-5, atol=1e-7)
  assert here.variables is here.average
  sick = jax.tree.map(lambda x: x.at[...].set(np.nan), here.average)
  assert not np.isfinite(
    update(here.replace(average=sick), batch, RATE, WEIGHTS)[1]['largest_parameter']
  )


def test_largest_sees_every_leaf():
  """Catches one NaN among millions that a maximum passes over."""
  tree = {'a': jnp.array([1.0, -3.0]), 'count': jnp.int32(9), 'none': jnp.zeros(0)}
  assert float(step.largest(tree)) == 3.0
  for bad in (np.nan, np.inf, -np.inf):
    assert not np.isfinite(step.largest(tree | {'b': jnp.array([2.0, bad, 0.0])}))
  assert float(step.largest({})) == 0.0


def test_stages_share_one_compilation(alone, begin):
  """Catches a loss weight or a learning rate that triggers a new compilation."""
  (update, _), (here, batch) = alone, begin
  other = {name: value / 2 for name, value in WEIGHTS.items()}
  for rate, weights in ((RATE, WEIGHTS), (RATE / 2, other)):
    here, _ = update(here, batch, rate, weights)
  assert update._cache_size() == 1


def test_loss_falls(alone, begin):
  """Catches an update that climbs: one batch, twenty steps."""
  (update, _), (here, batch) = alone, begin
  seen = []
  for _ in range(20):
    here, metrics = update(here, batch, RATE, WEIGHTS)
    seen.append(float(metrics['heatmap']))
  assert seen[-1] < 0.7 * seen[0]
  assert float(optax.tree.norm(here.batch_stats)) > 0


# ---- Less memory, narrower numbers: the same update.


def test_parts_are_batches_of_their_own():
  """Catches a gradient not divided, rows that change places, statistics of one part.

  Of two devices with four rows each, a part is the first, or the last, two of both.
  """
  batch = make_batch(8, [True, False] * 4)
  rows = np.array([[0, 1, 4, 5], [2, 3, 6, 7]])
  toy, rule, rate = Toy(), optax.identity(), np.float32(1)  # moves by the gradient
  made = {'model': toy, 'optimizer': rule, 'target': TARGET}
  begin = state.fresh(toy, rule, jax.random.key(0), SIZE)
  moved = lambda after: jax.tree.map(jnp.subtract, after.params, begin.params)  # noqa: E731
  whole = jax.jit(functools.partial(step.train, parts=2, devices=2, **made))
  after, metrics = whole(begin, batch, rate, WEIGHTS)
  alone, here = jax.jit(functools.partial(step.train, **made)), begin
  ends, each = [], []
  for part in rows:
    end, said = alone(here, {k: v[part] for k, v in batch.items()}, rate, WEIGHTS)
    ends.append(moved(end))
    each.append(said)
    here = begin.replace(batch_stats=end.batch_stats)
  mean = jax.tree.map(lambda a, b: (a + b) / 2, *ends)
  # What differs is rounding, of the parameters that the gradient is taken from.
  chex.assert_trees_all_close(moved(after), mean, rtol=1e-4, atol=1e-6)
  chex.assert_trees_all_close(after.batch_stats, here.batch_stats, rtol=1e-5)
  for name in ('loss', *losses.TERMS):
    wanted = float(each[0][name] + each[1][name]) / 2
    assert float(metrics[name]) == pytest.approx(wanted, rel=1e-5)
  for part, said in zip(rows, each, strict=True):
    np.testing.assert_allclose(
      metrics['example_loss'][part], said['example_loss'], rtol=1e-5
    )
  assert int(after.step) == 1


def test_bfloat16_leaves_what_is_kept_in_float32(model, rule, start):
  """Catches parameters, statistics, moments or losses that have become narrow."""
  narrow = model.clone(dtype=jnp.bfloat16)
  update = functools.partial(step.train, model=narrow, optimizer=rule, target=TARGET)
  batch = make_batch(4, [True, False] * 2)
  after, metrics = jax.eval_shape(
    lambda *given: [jax.tree.leaves(tree) for tree in update(*given)],
    *(start, batch, RATE, WEIGHTS),
  )
  assert {leaf.dtype for leaf in metrics} == {jnp.dtype('float32')}
  assert [leaf.dtype for leaf in after] == [x.dtype for x in jax.tree.leaves(start)]
