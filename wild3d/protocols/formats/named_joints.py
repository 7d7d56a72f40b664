"""From named arrays to [N, J, D]: which joints, which axis, which pixel, which unit."""

import pathlib

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.errors import UserError

MILLIMETRES = {'mm': 1.0, 'cm': 10.0, 'm': 1000.0}
FIRST_PIXELS = (0.0, 0.5, 1.0)
OUR_PIXEL = 0.5  # coordinate of the first pixel's centre, see data/batch.py
KNOWN = frozenset().union(*skeleton.JOINT_SETS.values())


def some(names, number: int = 3) -> str:
  """The first few of some names, and how many more there are."""
  names = [str(name) for name in names]
  more = f' and {len(names) - number} more' if len(names) > number else ''
  return ', '.join(names[:number]) + more


def names_of(text, where: str) -> tuple[str, ...]:
  """Joint names from 'h36m17', 'nose,left_eye', or an array or sequence of names.

  Raises:
    UserError: no such set; a name twice.
  """
  if isinstance(text, str):
    text = text.split(',')
  names = tuple(str(name).strip() for name in np.ravel(text))
  if len(names) == 1:
    if names[0] not in skeleton.JOINT_SETS:
      raise UserError(
        f'{where}: unknown joint set {names[0]!r}: give one of '
        f'{", ".join(sorted(skeleton.JOINT_SETS))}, or all names with commas'
      )
    return skeleton.JOINT_SETS[names[0]]
  twice = sorted({name for name in names if names.count(name) > 1})
  if twice:
    raise UserError(f'{where}: joint named twice: {", ".join(twice)}')
  return names


def agreed(what: str, option: str, found: dict, path: pathlib.Path, say):
  """What the file states, or else the option; `say` makes both comparable.

  Raises:
    UserError: they differ.
  """
  stated = say(found[what], str(path)) if what in found else None
  asked = say(option, f'--{what}') if option else None
  if stated is not None and asked is not None and stated != asked:
    told = stated if isinstance(stated, str) else some(stated)
    raise UserError(
      f'--{what}={option}: but {path} states another: {told}; correct the file'
    )
  return stated if asked is None else asked


def unknown(names, others=()) -> list[str]:
  """The names that no joint set knows, nor `others`: misspelt, most likely."""
  return [name for name in names if name not in KNOWN and name not in others]


def unit(text, where: str) -> str:
  """'mm', 'cm' or 'm'. Raises UserError for anything else."""
  text = str(np.ravel(np.asarray(text))[0]) if np.size(text) else ''
  if text not in MILLIMETRES:
    raise UserError(f'{where}: units must be mm, cm or m, not {text!r}')
  return text


def oriented(
  array: np.ndarray, joints: tuple[str, ...], what: str
) -> Float[np.ndarray, 'N J D']:
  """[N, J, 2 or 3] in float64 from that, MATLAB's [J, D, N], or [N, J * D].

  Raises:
    UserError: no axis is as long as there are names, or it holds no numbers.
  """
  count, shape = len(joints), array.shape
  if array.dtype.kind == 'c':
    raise UserError(f'{what}: holds complex numbers, it must be real')
  try:
    array = np.asarray(array, np.float64)
  except (ValueError, TypeError):
    raise UserError(f'{what}: holds no numbers') from None
  if array.ndim == 3 and shape[1] == count and shape[2] in (2, 3):
    return array
  if array.ndim == 3 and shape[0] == count and shape[1] in (2, 3):
    return np.moveaxis(array, 2, 0)
  if array.ndim == 2 and shape[1] in (2 * count, 3 * count):
    return array.reshape(len(array), count, -1)
  if array.ndim == 2 and shape[0] == count and shape[1] in (2, 3):
    return array[None]  # MATLAB drops the axis of a single sample
  fitting = sorted(n for n, s in skeleton.JOINT_SETS.items() if len(s) in shape)
  hint = f'; sets that would fit: {", ".join(fitting)} (--joints)' if fitting else ''
  raise UserError(
    f'{what}: has shape {shape}, but {count} joints are named; it must be '
    f'[N, {count}, 2 or 3] or [{count}, 2 or 3, N]{hint}'
  )


def texts(array: np.ndarray, what: str, count: int) -> np.ndarray:
  """[N] str of text or whole numbers. Raises UserError if there are not N."""
  array = np.ravel(array)
  if len(array) != count:
    raise UserError(f'{what}: {len(array)} entries for {count} samples')
  if array.dtype.kind == 'f':
    if not (np.isfinite(array) & (array == np.round(array))).all():
      raise UserError(f'{what}: must be text or whole numbers')
    array = array.astype(np.int64)
  return array.astype(str)


def twice(ids: np.ndarray) -> list[str]:
  """The ids that occur more than once, each once."""
  found, counts = np.unique(ids, return_counts=True)
  return found[counts > 1].tolist()
