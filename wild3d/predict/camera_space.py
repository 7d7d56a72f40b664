"""Absolute size, and the place before the camera, of a pose whose size is unknown."""

import math

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.geometry import REFERENCE_BONES_MM
from wild3d.poses.pose import Camera

_MEAN = skeleton.MEAN_BONE_MM
MAX_FOCAL = 1e7  # px
_ANKLE_MM = 80.0  # of the ankle joint above the ground
# What an upright person of these average bones measures.
_STATURE_MM = _ANKLE_MM + sum(
  _MEAN[bone]
  for bone in ('knee-ankle', 'hip-knee', 'pelvis-torso', 'torso-neck', 'neck-head')
)
SKELETON_OVER_HEIGHT = float(REFERENCE_BONES_MM.sum()) / _STATURE_MM


def skeleton_of_height(height: float) -> float:
  """Sum of the 14 bones in mm of a person of `height` metres.

  By the proportions of `skeleton.MEAN_BONE_MM`: standing height is shin, thigh, trunk
  and head, and 80 mm from the ground to the ankle.

  Raises:
    UserError: no height of a person in metres.
  """
  if not 0.4 <= height <= 2.8:
    raise UserError(f'--height={height:g}: give metres, such as 1.75')
  return 1000.0 * height * SKELETON_OVER_HEIGHT


def camera_of(
  width: int, height: int, focal: float | None, fov: float | None
) -> Camera | None:
  """The camera of a picture from the user's focal length (px) or field of view.

  Args:
    width: px of the picture.
    height: px of the picture.
    focal: px of the original.
    fov: degrees, across the longer side of the picture.

  Returns:
    The camera, its centre in the middle; None where neither is given.

  Raises:
    UserError: both are given, or one is out of range.
  """
  if focal is None and fov is None:
    return None
  if focal is not None and fov is not None:
    raise UserError('--focal and --fov: give one of the two')
  if focal is None:
    if not 1 < fov < 170:
      raise UserError(f'--fov={fov:g}: degrees across the longer side, such as 60')
    focal = max(width, height) / 2 / math.tan(math.radians(fov) / 2)
  elif not 1 <= focal <= MAX_FOCAL:  # finite, and so that its inverse is too
    raise UserError(
      f'--focal={focal:g}: px of the original, from 1 to {MAX_FOCAL:g}, such as 1200'
    )
  return Camera(focal, focal, width / 2, height / 2)


def before_camera(
  joints_mm: Float[np.ndarray, 'J 3'],
  joints2d: Float[np.ndarray, 'J 2'],
  camera: Camera,
  weights: Float[np.ndarray, ' J'],
) -> Float[np.ndarray, 'J 3']:
  """Moves a pose to where the camera sees it at its 2D joints.

  The translation solves the projection's equations, made linear by multiplying with
  depth, in the least squares: f (X + Tx) = (u - cx) (Z + Tz), and for y alike.

  Args:
    joints_mm: mm, camera axes, any origin.
    joints2d: px of the original.
    camera: of that picture.
    weights: of the joints, 0 or more, not all 0.

  Returns:
    mm, camera axes, from the camera's centre.
  """
  u = (joints2d - [camera.cx, camera.cy]) / [camera.fx, camera.fy]
  x, z = joints_mm[:, :2], joints_mm[:, 2:]
  rows = np.zeros((2, len(u), 3))
  rows[0, :, 0] = rows[1, :, 1] = 1.0
  rows[:, :, 2] = -u.T
  root = np.sqrt(weights)
  found, *_ = np.linalg.lstsq(
    (rows * root[:, None]).reshape(-1, 3), ((u * z - x).T * root).ravel(), rcond=None
  )
  return joints_mm + found
