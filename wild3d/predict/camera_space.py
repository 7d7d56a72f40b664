"""Absolute size, and the place before the camera, of a pose whose size is unknown."""

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from wild3d import geometry, skeleton
from wild3d.errors import UserError
from wild3d.poses.pose import Camera
from wild3d.predict import lens

_MEAN = skeleton.MEAN_BONE_MM
MAX_FOCAL = 1e7  # px
ASSUMED_FOV = 55.0  # degrees across the longer side, as MeTRAbs assumes
_ANKLE_MM = 80.0  # of the ankle joint above the ground
# What an upright person of these average bones measures.
_STATURE_MM = _ANKLE_MM + sum(
  _MEAN[bone]
  for bone in ('knee-ankle', 'hip-knee', 'pelvis-torso', 'torso-neck', 'neck-head')
)
SKELETON_OVER_HEIGHT = float(geometry.REFERENCE_BONES_MM.sum()) / _STATURE_MM


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


def given(options) -> dict:
  """What run.Options say of the camera, as `camera_of` and the others take it."""
  names = ('focal', 'fov', 'intrinsics', 'distortion')
  return {name: getattr(options, name) for name in names}


def check(
  focal: float | None = None,
  fov: float | None = None,
  intrinsics: Sequence[float] | None = None,
  distortion: Sequence[float] = (),
) -> None:
  """Refuses what describes no camera; see `camera_of`.

  Raises:
    UserError: more than one of the three is given, or a number is out of range.
  """
  if sum(value is not None for value in (focal, fov, intrinsics)) > 1:
    raise UserError('--focal, --fov and --intrinsics: give one of the three')
  if fov is not None and not 1 < fov < 170:
    raise UserError(f'--fov={fov:g}: degrees across the longer side, such as 60')
  if focal is not None and not 1 <= focal <= MAX_FOCAL:  # finite, and its inverse too
    raise UserError(
      f'--focal={focal:g}: px of the original, from 1 to {MAX_FOCAL:g}, such as 1200'
    )
  if intrinsics is not None and not (
    len(intrinsics) == 4
    and all(1 <= value <= MAX_FOCAL for value in intrinsics[:2])
    and all(map(math.isfinite, intrinsics[2:]))
  ):
    raise UserError(
      f'--intrinsics={_listed(intrinsics)}: give fx,fy,cx,cy, px of the original, the '
      f'first two from 1 to {MAX_FOCAL:g}'
    )
  if distortion and intrinsics is None:
    raise UserError('--distortion: give --intrinsics, the camera whose lens it is')
  if len(distortion) not in (0, 4, 5) or not all(map(math.isfinite, distortion)):
    raise UserError(
      f"--distortion={_listed(distortion)}: give k1,k2,p1,p2 or k1,k2,p1,p2,k3, OpenCV's"
    )


def told(
  focal: float | None = None,
  fov: float | None = None,
  intrinsics: Sequence[float] | None = None,
  distortion: Sequence[float] = (),
) -> str:
  """What a file's header says of the camera; see `camera_of`."""
  if intrinsics is not None:
    lens = f', distortion {_listed(distortion)}' if distortion else ''
    return f'given: fx, fy, cx, cy {_listed(intrinsics)}{lens}'
  if focal is not None:
    return f'given: focal length {focal:g} px'
  if fov is not None:
    return f'given: {fov:g} degrees across the longer side'
  return f'assumed: {ASSUMED_FOV:g} degrees across the longer side'


def camera_of(
  width: int,
  height: int,
  focal: float | None = None,
  fov: float | None = None,
  intrinsics: Sequence[float] | None = None,
  distortion: Sequence[float] = (),
) -> Camera:
  """The camera of a picture: one of the three, or else `ASSUMED_FOV`.

  Args:
    width: px of the picture.
    height: px of the picture.
    focal: px of the original; the centre is the picture's.
    fov: degrees, across the longer side of the picture; the centre is the picture's.
    intrinsics: fx, fy, cx, cy in px as OpenCV gives them: its first pixel's centre is
      (0, 0), where ours is (0.5, 0.5).
    distortion: of those intrinsics, OpenCV's k1, k2, p1, p2 and, if need be, k3.

  Raises:
    UserError: see `check`; or the centre lies outside of the picture, or the lens does
      not reach its sides, as of a calibration of pictures of another size.
  """
  check(focal, fov, intrinsics, distortion)
  if intrinsics is None:
    if focal is None:
      half = math.tan(math.radians(ASSUMED_FOV if fov is None else fov) / 2)
      focal = max(width, height) / 2 / half
    return Camera(focal, focal, width / 2, height / 2)
  fx, fy, cx, cy = map(float, intrinsics)
  camera = Camera(fx, fy, cx + 0.5, cy + 0.5, tuple(map(float, distortion)))
  if not (0 <= camera.cx <= width and 0 <= camera.cy <= height):
    raise UserError(
      f'--intrinsics={_listed(intrinsics)}: the centre lies outside of a picture of '
      f'{width} x {height} px: are they of another size?'
    )
  sides = [(0, camera.cy), (width, camera.cy), (camera.cx, 0), (camera.cx, height)]
  if np.isnan(rays(np.array(sides), camera)).any():
    raise UserError(
      f'--distortion={_listed(distortion)}: this lens does not reach the sides of a '
      f'picture of {width} x {height} px: are they of another camera or size?'
    )
  return camera


def rays(
  joints2d: Float[np.ndarray, '*N 2'], camera: Camera
) -> Float[np.ndarray, '*N 2']:
  """The x / z and y / z of what the camera shows there; NaN beyond its lens."""
  shown = (joints2d - [camera.cx, camera.cy]) / [camera.fx, camera.fy]
  return lens.undistort(shown, camera.distortion)


def turned_back(
  joints_mm: Float[np.ndarray, 'J 3'], seen: Float[np.ndarray, '2'], camera: Camera
) -> Float[np.ndarray, 'J 3']:
  """Joints in camera axes, of a network with perspective_correction.

  Args:
    joints_mm: sight axes, see data/batch.py.
    seen: px of the original, the crop's centre; beyond the lens nothing is turned.
    camera: of that picture.
  """
  ray = np.append(rays(seen[None], camera)[0], 1.0)
  sight = np.array([0.0, 0.0, 1.0]) if np.isnan(ray).any() else ray
  sight /= np.linalg.norm(sight)
  turned = geometry.to_camera_axes(
    jnp.asarray(joints_mm, jnp.float32), jnp.asarray(sight, jnp.float32)
  )
  return np.asarray(turned, np.float64)


def _listed(numbers):
  return ','.join(f'{value:g}' for value in numbers)


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
    weights: of the joints, 0 or more, not all 0; those beyond the lens weigh nothing.

  Returns:
    mm, camera axes, from the camera's centre.
  """
  u = rays(joints2d, camera)
  weights = np.where(np.isnan(u[:, 0]), 0.0, weights)
  u = np.nan_to_num(u)
  x, z = joints_mm[:, :2], joints_mm[:, 2:]
  rows = np.zeros((2, len(u), 3))
  rows[0, :, 0] = rows[1, :, 1] = 1.0
  rows[:, :, 2] = -u.T
  root = np.sqrt(weights)
  found, *_ = np.linalg.lstsq(
    (rows * root[:, None]).reshape(-1, 3), ((u * z - x).T * root).ravel(), rcond=None
  )
  return joints_mm + found
