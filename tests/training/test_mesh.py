"""Devices: how many the cores of a machine become."""

import os
import subprocess
import sys

import pytest

from wild3d.training import mesh


@pytest.mark.parametrize(
  ('cores', 'batches', 'number'),
  [
    (1, (16, 48), 1),
    (2, (16, 48), 2),
    (4, (6, 32), 2),  # three would not do for the second
    (4, (6, 48), 3),
    (6, (16, 48), 4),
    (4, (7, 7), 1),
    (2, (7, 32), 1),
    (64, (64, 64), 8),
    (0, (16,), 1),
  ],
)
def test_devices_divide_the_batches(cores, batches, number):
  """Catches a default that `check_batch_size` then refuses, or that leaves cores idle."""
  assert mesh.devices_of_cores(cores, *batches) == number


@pytest.mark.parametrize(
  ('said', 'number'),
  [
    ({}, None),
    ({'JAX_NUM_CPU_DEVICES': '3'}, 3),
    ({'XLA_FLAGS': '--xla_force_host_platform_device_count=5'}, 5),
  ],
)
def test_what_the_user_says_counts(said, number):
  """Catches a default over the user's number, or set when JAX no longer looks at it."""
  environment = {
    key: value
    for key, value in os.environ.items()
    if key not in ('JAX_NUM_CPU_DEVICES', 'XLA_FLAGS')
  }
  program = (
    'import jax; from wild3d.training import mesh; mesh.split_cores(840); '
    'print(jax.device_count())'
  )
  got = subprocess.run(
    [sys.executable, '-c', program],
    env=environment | {'JAX_PLATFORMS': 'cpu'} | said,
    capture_output=True,
    text=True,
    check=True,
  )
  cores = len(os.sched_getaffinity(0))
  assert int(got.stdout) == (number or mesh.devices_of_cores(cores, 840))
