"""Depth from the 2D pose alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import heatmaps
from wild3d.models import initial
from wild3d.models.lift import Lift
from wild3d.models.pose3d import Pose3D

J, ROOT, SIZE = 5, 2, 16


def _maps(seed, size=SIZE, reach=0.7):
  """Gaussians at random places, and the places [B, J, 2]."""
  places = np.random.default_rng(seed).uniform(-reach, reach, (3, J, 2))
  draw = lambda xy: heatmaps.draw(xy, size, sigma=1.0, truncate=None, subpixel=True)  # noqa: E731
  drawn = jax.vmap(jax.vmap(draw, out_axes=-1))(jnp.asarray(places, jnp.float32))
  return drawn, places


def _lift(maps):
  model = Lift(J, ROOT, width=8)
  variables = model.init(jax.random.key(0), maps)
  return np.asarray(model.apply(variables, maps)), variables


def test_against_numpy():
  """Catches x and y exchanged, a wrong root, or a spread that is no spread."""
  maps, _ = _maps(0)
  got, variables = _lift(maps)
  p = jax.tree.map(np.float64, variables['params'])
  line = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
  for example, depths in zip(np.float64(maps), got, strict=True):
    features, spreads = [], []
    for j in range(J):
      m = example[..., j]
      share = np.exp(2.0 * (m - m.mean()) / (m.std() + 1e-6))
      share /= share.sum()
      ys, xs = np.meshgrid(line, line, indexing='ij')
      x, y = (share * xs).sum(), (share * ys).sum()
      features.append((x, y))
      spreads.append(np.sqrt((share * ((xs - x) ** 2 + (ys - y) ** 2)).sum()))
    features = np.array(features) - features[ROOT]
    h = np.concatenate([features.ravel(), spreads])
    for name in ('enter', 'block_0', 'block_1'):
      new = np.maximum(h @ p[name]['kernel'] + p[name]['bias'], 0)
      h = new if name == 'enter' else h + new
    want = h @ p['leave']['kernel'] + p['leave']['bias']
    np.testing.assert_allclose(depths, want, atol=5e-5)


def test_scale_and_offset_of_maps_do_not_matter():
  """Catches a head that fits one heatmap loss: probabilities, logits or peaks of 1."""
  maps, _ = _maps(1)
  np.testing.assert_allclose(_lift(maps)[0], _lift(7.0 * maps - 3.0)[0], atol=1e-4)


def test_where_the_person_stands_in_the_crop_does_not_matter():
  """Catches depth that depends on the crop's centring."""
  maps, _ = _maps(2, reach=0.2)
  moved = jnp.roll(maps, (2, -3), axis=(1, 2))
  held = (maps[:, -2:] < 2e-3).all() and (maps[:, :, :3] < 2e-3).all()
  assert held, 'the blobs must not wrap round'
  np.testing.assert_allclose(_lift(maps)[0], _lift(moved)[0], atol=1e-3)


def test_no_gradient_reaches_the_heatmaps():
  """Catches lab depth bending the heatmaps of photographs."""
  model = Pose3D(
    stacks=1, residuals=1, features=8, stem=4, joints=16, depth_head='lift'
  )
  images = jax.random.uniform(jax.random.key(1), (2, 64, 64, 3))
  variables = jax.jit(model.init)(jax.random.key(0), images)
  assert 'depth' not in variables['params']

  @jax.jit
  def gradient(params):
    def loss(params):
      _, depth, _ = model.apply(variables | {'params': params}, images)
      return jnp.square(depth - 1).sum()

    return jax.grad(loss)(params)

  sizes = jax.tree.map(lambda g: float(jnp.abs(g).sum()), gradient(variables['params']))
  for part in ('stem', 'stack_0'):
    assert not any(jax.tree.leaves(sizes[part])), part
  assert all(v > 0 for v in jax.tree.leaves(sizes['lift']))


def test_fresh_variables_are_those_of_init():
  """Catches a parameter that `initial` starts at 0 and `init` does not."""
  model = Pose3D(stacks=1, residuals=1, features=8, stem=4, depth_head='lift')
  drawn = initial.variables(model, jax.random.key(0), 64)['params']['lift']
  made = jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, 64, 64, 3)))
  spread = lambda x: float(jnp.abs(x).mean())  # noqa: E731
  for one, other in zip(
    jax.tree.leaves(drawn), jax.tree.leaves(made['params']['lift']), strict=True
  ):
    assert spread(one) == pytest.approx(spread(other), rel=0.5)


@pytest.mark.parametrize('size', [8, 64])
def test_any_map_size(size):
  """Catches coordinates counted in pixels of one size."""
  maps, places = _maps(3, size)
  assert _lift(maps)[0].shape == places.shape[:2]
