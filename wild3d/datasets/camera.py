"""Cameras of the 3D datasets: world to camera to pixels, in float64."""

import dataclasses

import numpy as np
from jaxtyping import Float

NO_DISTORTION = np.zeros(5)


@dataclasses.dataclass(frozen=True)
class Camera:
  """A calibrated camera."""

  focal: Float[np.ndarray, '2']  # px
  center: Float[np.ndarray, '2']  # px, in the continuous pixels of data/batch.py
  # From world to camera axes.
  rotation: Float[np.ndarray, '3 3'] = dataclasses.field(
    default_factory=lambda: np.eye(3)
  )
  # mm, world.
  position: Float[np.ndarray, '3'] = dataclasses.field(
    default_factory=lambda: np.zeros(3)
  )
  # k1, k2, k3, p1, p2, see `project`.
  distortion: Float[np.ndarray, '5'] = dataclasses.field(
    default_factory=lambda: np.zeros(5)
  )

  @property
  def intrinsics(self) -> Float[np.ndarray, '4']:
    """fx, fy, cx, cy: `camera` of a record."""
    return np.concatenate([self.focal, self.center])

  def project(self, points: Float[np.ndarray, '*N 3']) -> Float[np.ndarray, '*N 2']:
    """Points in camera axes (mm) to px of the original picture."""
    return project(points, self.intrinsics, self.distortion)


def project(
  points: Float[np.ndarray, '*N 3'],
  intrinsics: Float[np.ndarray, '4'],
  distortion: Float[np.ndarray, '5'] = NO_DISTORTION,
) -> Float[np.ndarray, '*N 2']:
  """Perspective projection with Human3.6M's lens formula, which is not OpenCV's.

  With x, y = X/Z, Y/Z and r2 = x^2 + y^2: u = fx (x (radial + tangential) + p2 r2)
  + cx and v = fy (y (radial + tangential) + p1 r2) + cy, where radial = 1 + k1 r2 +
  k2 r2^2 + k3 r2^3 and tangential = p1 y + p2 x.

  Args:
    points: mm, camera axes; in front of the camera.
    intrinsics: fx, fy, cx, cy, px.
    distortion: k1, k2, k3, p1, p2.

  Returns:
    px, in the pixels in which cx, cy are given.
  """
  points = np.asarray(points, np.float64)
  focal, center = np.asarray(intrinsics[:2]), np.asarray(intrinsics[2:])
  k1, k2, k3, p1, p2 = np.asarray(distortion, np.float64)
  xy = points[..., :2] / points[..., 2:]
  r2 = np.sum(xy**2, axis=-1, keepdims=True)
  radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
  tangential = p1 * xy[..., 1:] + p2 * xy[..., :1]
  return focal * (xy * (radial + tangential) + r2 * np.array([p2, p1])) + center
