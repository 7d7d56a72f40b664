"""experiments/ablation/domain.py: what a linear map can tell, and what it cannot."""

import importlib.util
import pathlib

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / 'experiments/ablation/domain.py'


@pytest.fixture(scope='module')
def told_apart():
  spec = importlib.util.spec_from_file_location('domain', SCRIPT)
  script = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(script)
  return script.told_apart


def people(apart, rng, counts=(300, 900)):
  """Features of two domains whose means differ by `apart` deviations in one of 20."""
  y = np.repeat([-1.0, 1.0], counts)
  x = rng.normal(0, 1, (len(y), 20)) * 50 + 7
  x[:, 3] += 50 * apart * y / 2
  return x, y


def test_two_gaussians(told_apart):
  """Catches people judged that were fitted to, and a domain that counts more for having
  more people: of means 2 deviations apart the best plane tells 84.1 %."""
  rng = np.random.default_rng(0)
  assert told_apart(*people(2.0, rng)) == pytest.approx(0.841, abs=0.04)
  assert told_apart(*people(12.0, rng)) > 0.98


def test_chance(told_apart):
  """Catches the larger domain told for everybody: 0.75 of these people."""
  rng = np.random.default_rng(1)
  assert told_apart(*people(0.0, rng)) == pytest.approx(0.5, abs=0.06)
