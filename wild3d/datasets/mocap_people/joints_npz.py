"""Files of joints: npz with `joints3d` [N, 16, 3] in our order."""

import pathlib
import zipfile

import numpy as np

from wild3d import joint_names
from wild3d.datasets.mocap_people.body import Clip
from wild3d.errors import UserError
from wild3d.skeleton import JOINTS


def read(path: pathlib.Path) -> tuple[list[Clip], str, str]:
  """Reads a file.

  With `start`, `length` and `fps`, each pair is a motion, and `subject`, `clip` and
  `action` have a name for each. Without them rows are single poses, and `subject`
  and `clip` have a value for each row (or a number, into `subject_names`,
  `clip_names` and `clip_actions`).

  Returns:
    The clips, in the file's own units and axes; the unit; the axis that points up
    ('' where the file does not say, of both).

  Raises:
    UserError: damaged; object arrays; a shape, an order of joints or a range that
      cannot be; NaN. The message names the file and the row.
  """
  arrays = _load(path)
  joints = arrays.get('joints3d')
  if joints is None or joints.ndim != 3 or joints.shape[1:] != (16, 3):
    had = 'none' if joints is None else f'{joints.shape}'
    raise UserError(f'{path}: joints3d must be of shape (N, 16, 3), and is {had}')
  if not len(joints) or not np.issubdtype(joints.dtype, np.number):
    raise UserError(f'{path}: joints3d must hold numbers, at least one row of them')
  joints = joints.astype(np.float64)
  faulty = np.flatnonzero(~np.isfinite(joints).all(axis=(1, 2)))
  if len(faulty):
    raise UserError(f'{path}: joints3d, row {faulty[0]}: NaN or infinite')
  _check_order(path, arrays)
  up, unit = str(arrays.get('up_axis', '')), str(arrays.get('units', ''))
  if up not in ('', 'y', 'z'):
    raise UserError(f"{path}: up_axis must be 'y' or 'z', got {up!r}")
  present = [key in arrays for key in ('start', 'length', 'fps')]
  if any(present) and not all(present):
    raise UserError(f'{path}: start, length and fps go together')
  clips = (
    _motions(path, arrays, joints) if all(present) else _poses(path, arrays, joints)
  )
  return clips, unit, up


def _load(path):
  try:
    with path.open('rb') as stream, np.load(stream, allow_pickle=False) as file:
      return {key: file[key] for key in file.files}
  except ValueError as error:
    if 'allow_pickle' in str(error) or 'Object arrays' in str(error):
      raise UserError(
        f'{path}: holds object arrays, which can run code when they are read: save '
        'it again with numbers and strings alone'
      ) from None
    raise UserError(f'{path}: damaged, or no npz file ({error})') from None
  except (OSError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
    raise UserError(f'{path}: damaged, or no npz file ({error})') from None


def _check_order(path, arrays):
  if 'joint_names' not in arrays:
    return
  given = [str(name) for name in arrays['joint_names'].ravel()]
  if [joint_names.ours(name) for name in given] != list(JOINTS):
    raise UserError(
      f'{path}: joint_names must be {", ".join(JOINTS)}, in this order (r_ankle will '
      f'do for right_ankle), and are {", ".join(given)}'
    )


def _motions(path, arrays, joints):
  start, length, fps = (np.atleast_1d(arrays[k]) for k in ('start', 'length', 'fps'))
  count = len(start)
  if len(length) != count or len(fps) not in (1, count):
    raise UserError(f'{path}: start, length and fps differ in number')
  fps = np.broadcast_to(fps, count)
  said = {
    key: _texts(path, arrays, key, count) for key in ('clip', 'subject', 'action')
  }
  clips = []
  for i in range(count):
    first, last, rate = int(start[i]), int(start[i] + length[i]), float(fps[i])
    if not (0 <= first < last <= len(joints)) or not 1e-1 < rate < 1e4:
      raise UserError(
        f'{path}: sequence {i}: rows {first} to {last} at {rate:g} frames a second '
        f'cannot be, there are {len(joints)} rows'
      )
    name = f'{i:04d}' + (f' {said["clip"][i]}' if said['clip'][i] else '')
    clips.append(
      Clip(name, joints[first:last], rate, said['subject'][i], said['action'][i])
    )
  return clips


def _poses(path, arrays, joints):
  count = len(joints)
  said = {key: _texts(path, arrays, key, count) for key in ('subject', 'clip')}
  if 'clip_actions' in arrays and 'clip' in arrays:
    action = _named(path, 'clip', arrays['clip'], arrays['clip_actions'])
  else:
    action = _texts(path, arrays, 'action', count)
  # Rows that follow each other and are of one clip of one subject go together.
  labels = np.stack([said['subject'], said['clip'], action], axis=1)
  new = np.flatnonzero((labels[1:] != labels[:-1]).any(axis=1)) + 1
  clips = []
  for first, last in zip([0, *new], [*new, count], strict=True):
    subject, clip, what = (str(label) for label in labels[first])
    name = f'row {first:06d}' + (f' {clip}' if clip else '')
    clips.append(Clip(name, joints[first:last], 0.0, subject, what))
  return clips


def _texts(path, arrays, key, count):
  """[count] strings of a key: as they are, or by number out of KEY_names."""
  if key not in arrays:
    return np.full(count, '', dtype=np.str_)
  values = np.atleast_1d(arrays[key])
  if len(values) != count:
    raise UserError(f'{path}: {key} has {len(values)} entries, and not {count}')
  if f'{key}_names' in arrays and values.dtype.kind in 'iu':
    values = _named(path, key, values, arrays[f'{key}_names'])
  return values.astype(np.str_)


def _named(path, key, values, table):
  if values.dtype.kind not in 'iu' or not (
    0 <= values.min() <= values.max() < len(table)
  ):
    raise UserError(f'{path}: {key} must hold numbers below {len(table)}')
  return table[values].astype(np.str_)
