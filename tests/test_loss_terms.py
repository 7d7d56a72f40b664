"""losses.TERMS on a batch: whose x and y the losses of bones see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import losses

BONES = ('geometric', 'symmetry', 'angles', 'temporal')


def batch_of(xy, visible):
  return {
    'joints2d': jnp.asarray(xy),
    'visible': jnp.asarray(visible),
    'weight': jnp.ones(len(xy)),
    'has3d': jnp.zeros(len(xy), bool),
    'clip_frame': jnp.arange(len(xy)),
  }


@pytest.fixture(scope='module')
def scene():
  """Labels, other places, depths and maps drawn at these places (as logits too)."""
  rng = np.random.default_rng(3)
  labels, elsewhere = rng.uniform(-0.7, 0.7, (2, 4, 16, 2)).astype(np.float32)
  depth = rng.normal(0, 0.2, (4, 16)).astype(np.float32)
  visible = np.ones((4, 16), bool)
  fine = losses.Target(sigma=2.0, truncate=9, subpixel=True)
  drawn = losses.draw_targets(jnp.asarray(elsewhere), jnp.asarray(visible), 32, fine)
  return labels, elsewhere, depth, visible, drawn[:, None]


def value(term, xy, depth, visible, maps, **changed):
  target = losses.Target(clip_frames=4, **changed)
  predicted = losses.Predicted(maps, jnp.asarray(depth))
  return losses.TERMS[term](predicted, batch_of(xy, visible), target)[0]


@pytest.mark.parametrize('loss', losses.HEATMAP_LOSSES)
@pytest.mark.parametrize('term', BONES)
def test_predicted_places_are_those_of_the_maps(scene, term, loss):
  """Catches labels that are still used, or maps read as what they are not."""
  labels, elsewhere, depth, visible, drawn = scene
  maps = jnp.log(drawn + 1e-9) if loss == 'cross_entropy' else drawn
  wanted = value(term, elsewhere, depth, visible, maps)
  got = value(term, labels, depth, visible, maps, geometric_xy='predicted', loss=loss)
  at_labels = value(term, labels, depth, visible, maps, loss=loss)
  np.testing.assert_allclose(got, wanted, rtol=0.02, atol=1e-3)
  assert np.abs(at_labels - wanted).max() > 5 * np.abs(got - wanted).max()


@pytest.mark.parametrize('term', BONES)
def test_bones_never_teach_the_maps(scene, term):
  """Catches a loss on bones that moves the predicted 2D joints."""
  labels, _, depth, visible, maps = scene

  def total(maps, depth):
    return value(term, labels, depth, visible, maps, geometric_xy='predicted').sum()

  of_maps, of_depth = jax.grad(total, (0, 1))(maps, jnp.asarray(depth))
  assert not np.any(of_maps)
  assert np.any(of_depth)
  assert np.isfinite(of_depth).all()
