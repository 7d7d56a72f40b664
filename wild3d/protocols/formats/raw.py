"""What a file of predictions holds, before it meets the truth."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.protocols.formats import named_joints

# Names under which MPII predictions travel: 16 joints, first pixel (1, 1).
_MPII_KEYS = ('preds', 'pos_pred_src')
_OUR_KEYS = ('joints2d', 'joints3d')


@dataclasses.dataclass(frozen=True)
class Options:
  """What a file does not say itself.

  Attributes:
    units: of 3D: 'mm', 'cm' or 'm'; '' as the file says.
    joints: a key of skeleton.JOINT_SETS, or names with commas; '' as the file says.
    key: name of the array, or two with a comma; '' for those that are known.
    first_pixel: coordinate of the centre of a picture's first pixel: 0, 0.5 or 1;
      None for what is usual in the format.
    ignore_extra: leave out predictions of samples that the truth lacks.
  """

  units: str = ''
  joints: str = ''
  key: str = ''
  first_pixel: float | None = None
  ignore_extra: bool = False


@dataclasses.dataclass(frozen=True)
class Raw:
  """What a file holds: M predictions, 2D in px of the original, 3D in mm."""

  joints: tuple[str, ...]
  joints2d: Float[np.ndarray, 'M J 2'] | None
  joints3d: Float[np.ndarray, 'M J 3'] | None
  ids: np.ndarray | None


def of_arrays(
  path: pathlib.Path,
  found: dict[str, np.ndarray],
  options: Options,
  tell: Callable[[str], object],
) -> Raw:
  """The predictions of `arrays.load` or `schema_json.arrays`; tells what it assumed.

  Raises:
    UserError: joints, unit, first pixel or array are not known, or contradict.
  """
  keys = _keys(path, found, options, tell)
  agreed = named_joints.agreed
  joints = agreed('joints', options.joints, found, path, named_joints.names_of)
  if joints is None and set(keys) <= set(_MPII_KEYS):
    joints = skeleton.JOINTS
  if joints is None:
    raise UserError(
      f'{path}: does not say which joints it holds: state --joints=SET, of '
      f'{", ".join(sorted(skeleton.JOINT_SETS))}, or all names with commas'
    )
  placed = {}
  for key in keys:
    array = named_joints.oriented(found[key], joints, f'{path}: {key}')
    dims = array.shape[-1]
    if key in _OUR_KEYS and f'joints{dims}d' != key:
      raise UserError(f'{path}: {key} has {dims} coordinates for each joint')
    if dims in placed:
      raise UserError(f'{path}: more than one {dims}D array: {", ".join(keys)}')
    placed[dims] = (key, array)
  counts = {len(array) for _, array in placed.values()}
  if len(counts) > 1:
    raise UserError(f'{path}: {" and ".join(keys)} differ in the number of samples')
  joints2d = joints3d = None
  if 2 in placed:
    key, array = placed[2]
    usual = {'joints2d': named_joints.OUR_PIXEL} | dict.fromkeys(_MPII_KEYS, 1.0)
    if options.first_pixel is None and key not in usual:
      raise UserError(
        f'{path}: {key}: state the coordinate of the centre of the first pixel: '
        '--first_pixel=0, 1 (MATLAB, MPII) or 0.5 (continuous)'
      )
    joints2d = in_px(array, options, usual.get(key, 0.5), tell)
  if 3 in placed:
    unit = agreed('units', options.units, found, path, named_joints.unit)
    if unit is None:
      raise UserError(f'{path}: does not say the unit of its 3D: state --units=mm|m|cm')
    joints3d = placed[3][1] * named_joints.MILLIMETRES[unit]
  ids = found.get('ids')
  if ids is not None:
    ids = named_joints.texts(ids, f'{path}: ids', counts.pop())
  return Raw(joints, joints2d, joints3d, ids)


def _keys(path, found, options, tell):
  listed = ', '.join(f'{key} {array.shape}' for key, array in found.items()) or 'none'
  if options.key:
    keys = options.key.split(',')
    missing = [key for key in keys if key not in found]
    if missing:
      raise UserError(f'{path}: no array {missing[0]!r}; it holds {listed}')
    return keys
  for known in (_OUR_KEYS, _MPII_KEYS):
    if keys := [key for key in known if key in found]:
      return keys
  keys = [k for k, a in found.items() if a.ndim == 3 and a.dtype.kind in 'fiu']
  if len(keys) != 1:
    raise UserError(
      f'{path}: which array holds the joints? state --key; it holds {listed}'
    )
  tell(f'joints taken from array {keys[0]!r}, the only one of three axes')
  return keys


def in_px(
  joints2d: Float[np.ndarray, 'M J 2'],
  options: Options,
  usual: float,
  tell: Callable[[str], object],
) -> Float[np.ndarray, 'M J 2']:
  """Continuous px of the original; `usual` is the first pixel of the format."""
  first = usual if options.first_pixel is None else options.first_pixel
  if first != named_joints.OUR_PIXEL:
    tell(f'2D: first pixel is ({first:g}, {first:g}): {0.5 - first:+.1f} px added')
  return joints2d + (named_joints.OUR_PIXEL - first)
