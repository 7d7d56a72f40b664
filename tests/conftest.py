"""Eight fake devices, checked shape annotations, strict rank promotion."""

import os
import shutil
import tempfile

os.environ.setdefault('JAX_PLATFORMS', 'cpu')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')  # as in the commands

# Most of the time goes to XLA, and most of that to making programs fast that run once.
os.environ.setdefault('JAX_DISABLE_MOST_OPTIMIZATIONS', '1')
# All processes of one run share what they compiled; they inherit the folder, which is
# named after the first of them.
os.environ.setdefault(
  'JAX_COMPILATION_CACHE_DIR', f'{tempfile.gettempdir()}/wild3d-tests-{os.getpid()}'
)
os.environ.setdefault('JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS', '0.5')

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


def pytest_sessionfinish():
  """Removes what was compiled, as the first process ends."""
  folder = f'{tempfile.gettempdir()}/wild3d-tests-{os.getpid()}'
  shutil.rmtree(folder, ignore_errors=True)
