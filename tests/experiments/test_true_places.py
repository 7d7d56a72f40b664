"""experiments/ablation/true_places.py: depth stays, x and y become the labels'."""

import importlib.util
import pathlib
import types

import numpy as np
import pytest

from wild3d import evaluate, network

SCRIPT = pathlib.Path(__file__).parents[2] / 'experiments/ablation/true_places.py'


@pytest.fixture(scope='module')
def script():
  spec = importlib.util.spec_from_file_location('true_places', SCRIPT)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def test_places_are_the_labels_and_depth_the_predicted(script):
  """Catches an affine turned the wrong way, depth lost, and NaN where nobody labelled."""
  rng = np.random.default_rng(0)
  turn = np.array([[0.6, -0.8], [0.8, 0.6]]) * 120
  affine = np.concatenate(
    [np.stack([turn, 2 * turn]), rng.normal(size=(2, 2, 1)) * 300], axis=-1
  )
  crop, true = rng.normal(size=(2, 2, 16, 3))
  labels = network.original_pixels(true, affine)
  labels[1, 4] = np.nan
  found = evaluate.Predicted(
    types.SimpleNamespace(joints2d=labels), crop, crop, affine, np.zeros((2, 3))
  )
  got = script.on_true_places(found)
  np.testing.assert_array_equal(got[..., 2], crop[..., 2])
  np.testing.assert_array_equal(got[1, 4], crop[1, 4])
  known = np.isfinite(labels).all(-1)
  np.testing.assert_allclose(got[known, :2], true[known, :2], atol=1e-9)
