"""The head that tells people from anything else, from the network to poses.json."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import losses, network
from wild3d.models import initial, presence
from wild3d.models.pose3d import Pose3D


@pytest.fixture(scope='module')
def net():
  model = Pose3D(
    stacks=1, residuals=1, features=8, stem=4, depth_head='lift', presence=True
  )
  images = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3)).astype(np.uint8)
  variables = initial.variables(model, jax.random.key(0), 64)
  return model, variables, jnp.asarray(images)


def test_it_is_one_probability_a_crop(net):
  """Catches a logit given as probability, and the mirror image left out."""
  model, variables, images = net
  one = network.forward(variables, images, model=model, probabilities=True)
  logits = model.apply(variables, images / np.float32(255))[2]
  np.testing.assert_allclose(one.presence, 1 / (1 + np.exp(-logits)), rtol=1e-5)
  both = network.forward(
    variables, images, model=model, probabilities=True, flip_test=True
  )
  other = model.apply(variables, images[:, :, ::-1] / np.float32(255))[2]
  np.testing.assert_allclose(
    both.presence, 1 / (1 + np.exp(-(logits + other) / 2)), rtol=1e-5
  )


def test_a_network_without_the_head_gives_none(net):
  """Catches old checkpoints that ask for parameters they lack."""
  _, variables, images = net
  model = Pose3D(stacks=1, residuals=1, features=8, stem=4, depth_head='lift')
  known = {k: v for k, v in variables['params'].items() if k != 'presence'}
  out = network.forward(
    variables | {'params': known}, images, model=model, probabilities=True
  )
  assert out.presence is None
  assert presence.probability(None) is None


def test_its_loss_is_the_cross_entropy_of_present():
  """Catches the wrong sign, and padding that counts."""
  logits = jnp.array([2.0, -1.0, 0.5])
  batch = {'present': jnp.array([True, False, False]), 'weight': jnp.array([1.0, 1, 0])}
  predicted = losses.Predicted(jnp.zeros(1), jnp.zeros(1), logits)
  values, weights = losses.TERMS['presence'](predicted, batch, losses.Target())
  p = 1 / (1 + np.exp(-np.asarray(logits, np.float64)))
  np.testing.assert_allclose(values, -np.log([p[0], 1 - p[1], 1 - p[2]]), rtol=1e-5)
  np.testing.assert_array_equal(weights, batch['weight'])
  silent = losses.TERMS['presence'](predicted._replace(presence=None), batch, None)
  assert not np.any(silent[0])
  assert not np.any(silent[1])
