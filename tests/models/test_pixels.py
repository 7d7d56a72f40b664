"""What the network is given, and where its depth is 0: config.pixels, depth_root."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import losses, network, skeleton
from wild3d.configs import base
from wild3d.errors import UserError
from wild3d.models import pixels
from wild3d.models.pose3d import Outputs
from wild3d.predict.predictor import Predictor
from wild3d.training import mesh, optimizer, state, step

SIZE = 64
BGR = pixels.Pixels('bgr', 256.0)
TARGET = losses.Target(
  mask_unlabelled=False, geometric_form='released', depth_root='spine'
)


class Colours:
  """Stands for the network: all that it gives depends on the order of the channels."""

  presence = False

  def apply(self, variables, images, train, mutable=()):
    small = images[:, ::4, ::4] * variables['params']['gain'][None, None, None]
    maps = jnp.tile(small[..., :1] + 3 * small[..., 1:2], (1, 1, 1, 16))[:, None]
    depth = jnp.tile(small.mean((1, 2))[:, 2:], (1, 16))
    outputs = Outputs(maps, depth, None)
    return (outputs, {'batch_stats': {}}) if mutable else outputs


VARIABLES = {'params': {'gain': jnp.asarray([1.0, 2.0, 4.0])}, 'batch_stats': {}}


def _images(rows=2):
  rng = np.random.default_rng(0)
  return jnp.asarray(rng.integers(0, 256, (rows, SIZE, SIZE, 3), np.uint8))


def _seen(images):
  """What `Colours` gives for float images, as the network sees them."""
  return Colours().apply(VARIABLES, jnp.asarray(images, jnp.float32), train=False)


def _assert_same(got, want):
  for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-6)


forward = functools.partial(network.forward, probabilities=False)


def test_values_and_order():
  """Catches another divisor, or channels that stay, or turn with the picture."""
  image = jnp.arange(12, dtype=jnp.uint8).reshape(1, 2, 2, 3)
  np.testing.assert_array_equal(pixels.to_float(image), image / np.float32(255))
  got = pixels.to_float(image, BGR)
  assert got.dtype == jnp.float32
  np.testing.assert_array_equal(
    got[0, 0], [[2 / 256, 1 / 256, 0], [5 / 256, 4 / 256, 3 / 256]]
  )


def test_forward_of_an_image_and_its_mirror_image():
  """Catches pixels honoured for the image but not for its mirror image."""
  images = _images()
  as_seen = images[..., ::-1] / 256
  plain = forward(VARIABLES, images, model=Colours(), pixels=BGR)
  _assert_same(plain, _seen(as_seen))
  maps, depth, _ = forward(
    VARIABLES, images, model=Colours(), pixels=BGR, flip_test=True
  )
  mirrored = _seen(as_seen[:, :, ::-1])
  want = (_seen(as_seen)[0] + mirrored[0][:, :, :, ::-1]) / 2
  _assert_same((maps, depth), (want, (plain[1] + mirrored[1]) / 2))


def test_training_sees_the_same_pixels():
  """Catches a fine-tuning that feeds RGB / 255 to a network of BGR / 256."""
  images = _images()
  rule = optimizer.make(
    name='rmsprop', decay=0.99, momentum=0.0, eps=1e-8, clip_norm=0.0, weight_decay=0.0
  )
  params = VARIABLES['params']
  start = state.TrainState(jnp.int32(0), params, {}, rule.init(params))
  weights = dict.fromkeys(losses.TERMS, 0.0) | {'heatmap': 1.0, 'depth': 0.1}
  update = functools.partial(step.train, model=Colours(), optimizer=rule, target=TARGET)

  def loss(images, seen):
    batch = _batch() | {'image': jnp.asarray(images)}
    return update(start, batch, jnp.float32(1e-3), weights, pixels=seen)[1]['loss']

  swapped = images[..., ::-1]
  want = loss(swapped, pixels.Pixels('rgb', 256.0))
  assert float(loss(images, BGR)) == pytest.approx(float(want), rel=1e-6)
  assert float(loss(images, pixels.RGB)) != pytest.approx(float(want), rel=1e-3)


def test_prediction_takes_them_from_the_configuration(monkeypatch):
  """Catches a predictor that ignores config.pixels of a converted network."""
  config = base.get_config()
  config.input_size = SIZE
  config.pixels.update(BGR._asdict())
  monkeypatch.setattr(network, 'make_model', lambda config: Colours())
  predictor = Predictor(network.make(config, VARIABLES, mesh.make()))
  images = _images()
  _assert_same(predictor.network(images), _seen(images[..., ::-1] / 256))


@pytest.mark.parametrize(
  ('field', 'value', 'make'),
  [
    ('pixels.order', 'grb', network.make_pixels),
    ('pixels.divisor', 0.0, network.make_pixels),
  ],
)
def test_values_that_do_not_exist(field, value, make):
  """Catches a misspelling taken for the default, or a division by zero."""
  config = base.get_config()
  part, name = field.split('.')
  config[part][name] = value
  with pytest.raises(UserError, match=f'config.{field}'):
    make(config)


def _batch(rows=2):
  rng = np.random.default_rng(1)
  joints3d = rng.normal(0, 300, (rows, 16, 3)).astype(np.float32)
  return {
    'joints2d': jnp.asarray(rng.uniform(-0.9, 0.9, (rows, 16, 2)), jnp.float32),
    'visible': jnp.ones((rows, 16), bool),
    'joints3d': jnp.asarray(joints3d - joints3d[:, skeleton.ROOT :][:, :1]),
    'has3d': jnp.ones(rows, bool),
    'present': jnp.ones(rows, bool),
    'clip_frame': jnp.full(rows, -1, jnp.int32),
    'weight': jnp.ones(rows),
  }


def _depth_true(batch, root):
  """Depth targets in float64, from the definition."""
  flat, space = (np.float64(batch[key]) for key in ('joints2d', 'joints3d'))
  ends = np.array(skeleton.BONES)
  length = lambda x: np.linalg.norm(x[:, ends[:, 0]] - x[:, ends[:, 1]], axis=-1).sum(1)  # noqa: E731
  z = space[..., 2]
  zero = z[:, root].reshape(len(z), -1).mean(1)
  return (z - zero[:, None]) * (length(flat) / length(space[..., :2]))[:, None]


@pytest.mark.parametrize(('name', 'root'), [('pelvis', [6]), ('spine', [6, 8])])
def test_depth_target_is_relative_to_the_root(name, root):
  """Catches a depth_root that the loss does not honour, or another pair of joints."""
  batch = _batch()
  target = TARGET._replace(depth_root=name)

  def loss(depth):
    maps = jnp.zeros((2, 1, SIZE // 4, SIZE // 4, 16))
    depth = jnp.asarray(depth, jnp.float32)
    return losses.TERMS['depth'](losses.Predicted(maps, depth), batch, target)[0]

  true = _depth_true(batch, root)
  np.testing.assert_allclose(loss(true), 0, atol=1e-10)
  np.testing.assert_allclose(loss(true + 0.5), 0.25, rtol=1e-4)


def test_poses_are_about_the_pelvis_whatever_the_root():
  """Catches a pose, or a score, of a converted network off by the spine's depth."""
  batch = _batch(1)
  xy, maps = batch['joints2d'][0], jnp.zeros((SIZE // 4, SIZE // 4, 16))
  maps = losses.draw_targets(xy[None], batch['visible'], SIZE // 4, TARGET)[0]
  depths = [
    jnp.asarray(_depth_true(batch, root)[0], jnp.float32) for root in ([6], [6, 8])
  ]
  one, other = (
    network.decode(maps, depth, refine='none', probabilities=False) for depth in depths
  )
  assert float(jnp.abs(depths[0] - depths[1]).max()) > 0.05
  for key in one:
    np.testing.assert_allclose(one[key], other[key], rtol=1e-4, atol=1e-3)
  np.testing.assert_array_equal(other['joints_crop'][skeleton.ROOT, 2], 0)
  sized = network.millimetres(other['joints_crop'], 4000.0)
  np.testing.assert_array_equal(sized[skeleton.ROOT], 0)
