"""Eight fake devices, checked shape annotations, strict rank promotion."""

import os

os.environ.setdefault('JAX_PLATFORMS', 'cpu')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import jax
import pytest
from jaxtyping import install_import_hook

jax.config.update('jax_num_cpu_devices', 8)
jax.config.update('jax_numpy_rank_promotion', 'raise')

# Annotations are checked at every call, so that none can lie.
install_import_hook('wild3d', 'beartype.beartype')


@pytest.fixture(scope='session')
def people_dir(tmp_path_factory):
  """Folder of built datasets that holds synthetic_people/tiny."""
  from wild3d.datasets import prepare

  folder = tmp_path_factory.mktemp('tfds')
  prepare.prepare('synthetic_people/tiny', str(folder))
  return folder
