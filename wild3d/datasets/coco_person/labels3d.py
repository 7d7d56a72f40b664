"""3D keypoints and cameras of one annotation: read, and checked against its 2D."""

import numpy as np
from jaxtyping import Bool, Float

from wild3d.datasets import camera as cameras
from wild3d.errors import UserError
from wild3d.skeleton import JOINTS, bone_lengths

# Sum of the 14 bones in mm: adults have about 4000, a newborn over 1000. Outside of
# this range the unit is another one (metres: 4, centimetres: 400), or it is no person.
SMALLEST, LARGEST = 1000.0, 10000.0

# Mean distance between the projected 3D and the 2D, over the longer side of the
# person's box. Clicked labels miss by a few percent and an ignored lens distortion
# by one; a wrong camera, axis or order of joints by far more than ten.
WORST_MISS = 0.1

_AXES = 'mm in camera axes: x right, y down, z away from the camera'
_CAMERA_FORMS = (
  'a camera must be {"fx", "fy", "cx", "cy"}, {"focal", "principal"} or a 3 x 3 '
  'matrix K, in px with positive focal lengths'
)


def keypoints(
  value, columns: dict[str, int], count: int, where: str
) -> tuple[Float[np.ndarray, '16 3'], Bool[np.ndarray, '16']]:
  """(mm, camera axes; which of them are given) from `keypoints_3d`.

  Args:
    value: `count` rows x, y, z or x, y, z, validity (above 0: given); or flat.
    columns: our joint -> row.
    count: keypoints of the category.
    where: the annotation, for messages.

  Raises:
    UserError: another number of values; a given one is not a finite number.
  """
  array = numbers(value)
  if array is None or array.size not in (3 * count, 4 * count):
    raise UserError(
      f'{where}: keypoints_3d must hold {count} x 3 numbers ({_AXES}), or {count} x 4 '
      'with a validity'
    )
  array = array.reshape(count, -1)
  given = array[:, 3] > 0 if array.shape[1] == 4 else np.ones(count, bool)
  if not np.isfinite(array[given]).all():
    raise UserError(f'{where}: keypoints_3d holds NaN or infinity')
  joints, known = np.zeros((16, 3)), np.zeros(16, bool)
  for i, name in enumerate(JOINTS):
    if name in columns and given[columns[name]]:
      joints[i], known[i] = array[columns[name], :3], True
  return joints, known


def intrinsics(value, shift: float, where: str) -> Float[np.ndarray, '4']:
  """Returns fx, fy, cx, cy in continuous px.

  Args:
    value: a dict with fx, fy, cx, cy, or focal and principal (or f, c, focal_length,
      principal_point, princpt), or K; or K itself, 3 x 3.
    shift: added to cx and cy, which are counted like the 2D keypoints.
    where: the annotation, for messages.

  Raises:
    UserError: none of these forms.
  """
  array = None
  if isinstance(value, dict):
    focal = _first(value, ('focal', 'focal_length', 'f'))
    center = _first(value, ('principal', 'principal_point', 'princpt', 'c'))
    if all(key in value for key in ('fx', 'fy', 'cx', 'cy')):
      array = numbers([value[key] for key in ('fx', 'fy', 'cx', 'cy')])
    elif focal is not None and center is not None:
      focal = focal if isinstance(focal, list) else [focal] * 2
      array = numbers([focal, center])
    else:
      value = _first(value, ('K', 'intrinsics'))
  if array is None and not isinstance(value, dict):
    matrix = numbers(value)
    if matrix is not None and matrix.size == 9:
      array = matrix.reshape(-1)[[0, 4, 2, 5]]
  if array is None or array.size != 4 or not np.isfinite(array).all():
    raise UserError(f'{where}: {_CAMERA_FORMS}')
  array = array.reshape(4)
  if (array[:2] <= 0).any():
    raise UserError(f'{where}: {_CAMERA_FORMS}')
  return array + np.array([0.0, 0.0, shift, shift])


def check(
  joints3d: Float[np.ndarray, '16 3'],
  joints2d: Float[np.ndarray, '16 2'],
  camera: Float[np.ndarray, '4'] | None,
  extent: float,
  where: str,
) -> None:
  """Refuses 3D in other units or axes, and 3D that the camera puts elsewhere.

  Args:
    joints3d: mm, camera axes; all joints known.
    joints2d: continuous px of the original; all joints known.
    camera: fx, fy, cx, cy, or None where it is not given.
    extent: px, the longer side of the person's box.
    where: the annotation, for messages.

  Raises:
    UserError: see SMALLEST, LARGEST, WORST_MISS; a joint is behind the camera.
  """
  size = bone_lengths(joints3d).sum()
  if not SMALLEST <= size <= LARGEST:
    raise UserError(
      f'{where}: the 14 bones of keypoints_3d add up to {size:.4g}, a person has about '
      f'4000: keypoints_3d must be in mm (is it in metres?), {_AXES}'
    )
  if camera is None:
    return
  if (joints3d[:, 2] <= 0).any():
    raise UserError(
      f'{where}: keypoints_3d has z of 0 or less, behind the camera: with a camera it '
      f'must be {_AXES}, from the camera and not from the pelvis'
    )
  miss = np.linalg.norm(cameras.project(joints3d, camera) - joints2d, axis=1)
  if miss.mean() > WORST_MISS * extent:
    worst = JOINTS[int(miss.argmax())]
    raise UserError(
      f'{where}: the camera projects keypoints_3d {miss.mean():.3g} px from keypoints '
      f'on average ({worst}: {miss.max():.3g} px), more than {WORST_MISS:.0%} of the '
      f'box: check the camera, and that keypoints_3d is {_AXES}'
    )


def numbers(value) -> np.ndarray | None:
  """The value as float64, or None if it is no regular array of numbers."""
  try:
    return np.asarray(value, np.float64)
  except (TypeError, ValueError):
    return None


def _first(value, keys):
  return next((value[key] for key in keys if key in value), None)
