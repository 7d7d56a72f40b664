"""A small untrained network for all the tests of prediction."""

import jax
import pytest

from wild3d import network, settings
from wild3d.configs import base
from wild3d.models import initial
from wild3d.training import checkpoints


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  """A run folder of a small network, untrained, that wants BGR."""
  config = base.get_config()
  config.model.update({'stacks': 1, 'residuals': 1, 'features': 8, 'stem': 4})
  config.model.depth_residuals = 1
  config.input_size = 64
  config.pixels.order = 'bgr'
  model = network.make_model(config)
  folder = tmp_path_factory.mktemp('run') / 'run'
  variables = initial.variables(model, jax.random.key(3), 64)
  checkpoints.save_model(folder, variables, {'config': settings.as_json(config)})
  return str(folder)
