"""Distortion of lenses, against OpenCV, and poses before a camera that has one."""

import numpy as np
import pytest

from wild3d.poses.pose import Camera
from wild3d.predict import camera_space, lens

LENSES = [
  (-0.28, 0.09, 0.001, -0.0007, -0.012),  # a wide one of a sports camera
  (0.12, -0.05, -0.002, 0.001),
  (),
]


def rays():
  x, y = np.meshgrid(np.linspace(-0.7, 0.7, 15), np.linspace(-0.5, 0.5, 11))
  return np.stack([x, y], -1)


@pytest.mark.parametrize('distortion', LENSES)
def test_undone(distortion):
  """Catches a derivative with a wrong sign: Newton's method ends elsewhere."""
  shown = lens.distort(rays(), distortion)
  np.testing.assert_allclose(lens.undistort(shown, distortion), rays(), atol=1e-9)


@pytest.mark.parametrize('distortion', LENSES[:2])
def test_as_opencv(distortion):
  """Catches coefficients in another order, and half a pixel."""
  cv2 = pytest.importorskip('cv2')
  intrinsics = (900.0, 950.0, 630.0, 355.0)
  fx, fy, cx, cy = intrinsics
  matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
  points = np.concatenate([rays(), np.ones((11, 15, 1))], -1).reshape(-1, 3) * 3000
  px = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array(distortion))
  px = px[0][:, 0]
  camera = camera_space.camera_of(
    1280, 720, intrinsics=intrinsics, distortion=distortion
  )
  # OpenCV's first pixel has its centre at (0, 0), ours at (0.5, 0.5).
  found = camera_space.rays(px + 0.5, camera)
  np.testing.assert_allclose(found, points[:, :2] / 3000, atol=1e-8)


def test_beyond_the_fold():
  """Catches the far side of a lens that folds the picture, taken for a ray."""
  found = lens.undistort(np.array([[0.3, 0.0], [0.9, 0.0]]), (-0.5, 0.0, 0.0, 0.0))
  assert np.isfinite(found[0]).all()
  assert np.isnan(found[1]).all()


def test_pose_before_a_camera_with_a_lens():
  """Catches a lens that is told and not used, and a joint out of sight that counts."""
  rng = np.random.default_rng(0)
  camera = Camera(900.0, 950.0, 640.0, 360.0, LENSES[0])
  true = rng.normal(0, 300, (16, 3)) + np.array([1200, -100, 4000])
  shown = lens.distort(true[:, :2] / true[:, 2:], camera.distortion)
  xy = shown * [camera.fx, camera.fy] + [camera.cx, camera.cy]
  xy[3] = [1e5, -1e5]
  got = camera_space.before_camera(true - true[6], xy, camera, np.ones(16))
  np.testing.assert_allclose(got, true, atol=1e-4)
