"""Poses and the camera that saw them."""

import jax
import numpy as np

from wild3d import geometry
from wild3d.predict import camera_space


def test_what_was_seen_along_the_crops_axis_is_turned_back():
  """Catches joints left in the axes of the crop, which is not the middle of a picture."""
  camera = camera_space.camera_of(640, 480, intrinsics=(500.0, 510.0, 320.0, 240.0))
  seen = np.array([90.0, 400.0])
  ray = np.array([(90 - 320.5) / 500, (400 - 240.5) / 510, 1.0])
  sight = np.float32(ray / np.linalg.norm(ray))
  joints = np.random.default_rng(0).normal(0, 400, (16, 3))
  turned = jax.jit(geometry.to_sight_axes)(np.float32(joints), sight)
  assert np.abs(turned - joints).max() > 100
  back = camera_space.turned_back(np.float64(turned), seen, camera)
  np.testing.assert_allclose(back, joints, atol=0.01)
