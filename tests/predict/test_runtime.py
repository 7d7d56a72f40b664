"""The network by ONNX Runtime: the same poses as by JAX, and one line where it is not."""

import sys

import numpy as np
import pytest
from fakes.pictures import photo

import wild3d
from wild3d.errors import UserError

BOXES = [(30, 10, 40, 60), (5, 5, 50, 40), (0, 0, 60, 60)]


@pytest.mark.parametrize('flip_test', [False, True])
def test_poses_are_those_of_jax(run, flip_test):
  """Catches pixels, a mirror image or presence that only one of the runtimes knows."""
  pytest.importorskip('onnxruntime')
  by_jax, by_onnx = (
    wild3d.Predictor.from_checkpoint(run, runtime=runtime, flip_test=flip_test)
    for runtime in ('jax', 'onnx')
  )
  wanted, found = (one.predict(photo(), boxes=BOXES) for one in (by_jax, by_onnx))
  assert len(found) == 3
  for one, other in zip(found, wanted, strict=True):
    np.testing.assert_allclose(one.joints2d, other.joints2d, atol=1e-2)
    np.testing.assert_allclose(one.joints_mm, other.joints_mm, atol=0.5)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
  crops = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
  for one, other in zip(by_onnx.network(crops), by_jax.network(crops), strict=True):
    if other is not None:
      np.testing.assert_allclose(one, other, atol=1e-4)
  assert by_onnx.fingerprint == by_jax.fingerprint


def test_what_is_not_there_is_said(run, monkeypatch):
  """Catches another runtime's name taken for JAX, and a traceback of an import."""
  with pytest.raises(UserError, match='--runtime=tensorrt: choose from jax, onnx'):
    wild3d.Predictor.from_checkpoint(run, runtime='tensorrt')
  monkeypatch.setitem(sys.modules, 'onnxruntime', None)
  with pytest.raises(UserError, match='--runtime=onnx needs onnxruntime: pip'):
    wild3d.Predictor.from_checkpoint(run, runtime='onnx')
