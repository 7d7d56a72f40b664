"""MPII as published: mpii_human_pose_v1_u12_1.mat, one MATLAB struct RELEASE.

What is not known of somebody is, case by case, an empty array, an empty struct, or a
field that the picture's struct lacks. `is_visible` is a string, a number, empty or
absent; the last two say nothing (always so for joints 8 and 9).
"""

import math
import pathlib

import numpy as np

from wild3d.datasets import array_files
from wild3d.datasets.mpii.person import Entry, Person
from wild3d.errors import UserError

ADVICE = 'take it as published'
_DAMAGED = (ValueError, TypeError, KeyError, IndexError, AttributeError)


def read(path: pathlib.Path) -> tuple[list[Entry], list[Entry]]:
  """The people of the training and of the test pictures, in the file's order.

  Squeezed, the struct's 1.6 million numbers are Python floats instead of arrays: a
  third of the memory, and the whole file takes seconds.

  Raises:
    UserError: the file is no such file or damaged; a label is NaN, a joint's number
      is not one of 0..15, a picture's name is no file name.
  """
  found = array_files.matlab(path, ['RELEASE'], squeeze=True, advice=ADVICE)
  release = found['RELEASE']
  try:
    pictures = np.atleast_1d(release['annolist'][()])
    train = np.atleast_1d(release['img_train'][()]).astype(bool)
    acts = np.atleast_1d(release['act'][()]) if 'act' in release.dtype.names else None
    names = [str(picture['image'][()]['name']) for picture in pictures]
  except _DAMAGED as error:
    raise UserError(f'{path}: RELEASE is not as MPII publishes it: {error}') from None
  if len({len(pictures), len(train), len(train if acts is None else acts)}) > 1:
    raise UserError(f'{path}: annolist, img_train and act differ in length')
  splits = ([], [])
  for index, (name, picture) in enumerate(zip(names, pictures, strict=True)):
    where = f'{path}, picture {index + 1} ({name})'
    if not name or pathlib.Path(name).name != name:
      raise UserError(f'{where}: its name must be the name of a file')
    people = picture['annorect']
    people = np.atleast_1d(people) if _is_struct(people) else ()
    entries = splits[0 if train[index] else 1]
    action = _get(acts[index], 'act_name') if acts is not None else None
    known = {'index': index, 'action': action if isinstance(action, str) else ''}
    for row, rect in enumerate(people):
      one = f'{where}, person {row + 1}'
      try:
        entries.append(_person(rect, name, row, bool(train[index]), known))
      except _DAMAGED as error:
        raise UserError(f'{one}: {error}') from None
    if not len(people):
      entries.append('picture without annotated people')
  return splits


def _person(rect, image, row, train, known):
  """The person, or why not; ValueError if something is not as it can be."""
  position, scale = _get(rect, 'objpos'), _get(rect, 'scale')
  points = _get(rect, 'annopoints') if train else None
  points = _get(points, 'point') if points is not None else None
  if train and points is None:
    return 'training picture: no joint is annotated'
  if position is None or scale is None:
    which = 'training' if train else 'test'
    return f'{which} picture: no position or scale (objpos, scale)'
  center = [float(_get(position, axis)) for axis in 'xy']
  scale = float(scale)
  if not np.isfinite([*center, scale]).all() or scale <= 0:
    raise ValueError(f'objpos {center}, scale {scale:g} is no person box')
  joints, labelled, visible = _joints(points)
  return Person.of(
    image,
    row,
    joints=joints,
    labelled=labelled,
    visible=visible,
    center=center,
    scale=scale,
    head_size=_head_size(rect) if train else 0.0,
    **known,
  )


def _joints(points):
  joints = np.zeros((16, 2))
  labelled, visible = np.zeros(16, bool), np.ones(16, bool)
  if points is None:
    return joints, labelled, visible
  points = np.atleast_1d(points)
  said = 'is_visible' in points.dtype.names
  columns = ('id', 'x', 'y', *(['is_visible'] if said else []))
  for joint, x, y, *flag in zip(*(points[c].tolist() for c in columns), strict=True):
    if not 0 <= joint < 16:
      raise ValueError(f'there is no joint {joint}')
    if not (math.isfinite(x) and math.isfinite(y)):
      raise ValueError(f'joint {joint} is at ({x}, {y})')
    if not labelled[joint]:  # a joint given twice: the first, as others read it
      joints[joint], labelled[joint] = (x, y), True
      # An empty array where nothing is said.
      visible[joint] = not (said and np.size(flag[0])) or bool(int(flag[0]))
  return joints, labelled, visible


def _head_size(rect):
  box = [_get(rect, key) for key in ('x1', 'y1', 'x2', 'y2')]
  if any(value is None for value in box):
    return 0.0
  x1, y1, x2, y2 = map(float, box)
  result = 0.6 * math.hypot(x2 - x1, y2 - y1)
  if not math.isfinite(result):
    raise ValueError('the head box (x1, y1, x2, y2) holds NaN')
  return result


def _is_struct(value):
  return isinstance(value, np.ndarray | np.void) and value.dtype.names and value.size


def _get(item, name):
  """A field of a struct; None where it is absent or empty."""
  if name not in (item.dtype.names or ()):
    return None
  value = item[name]
  if isinstance(value, np.ndarray):
    value = value[()] if value.ndim == 0 else value
  if isinstance(value, np.ndarray | str) and len(value) == 0:
    return None
  return value
