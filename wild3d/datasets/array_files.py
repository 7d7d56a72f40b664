"""Arrays of other people's HDF5 and MATLAB files; a faulty file is named in one line."""

import pathlib
from collections.abc import Sequence

import numpy as np

from wild3d.errors import UserError


def hdf5(
  path: pathlib.Path,
  keys: Sequence[str],
  *,
  optional: Sequence[str] = (),
  part: slice = slice(None),
  advice: str,
) -> dict[str, np.ndarray]:
  """Some arrays of an HDF5 file (MATLAB 7.3 writes such, too).

  Args:
    path: the file.
    keys: of the arrays; 'pose/2d' is one in a group.
    optional: further keys, left out where the file lacks them.
    part: which rows.
    advice: what to do about a faulty file, for messages.

  Raises:
    UserError: naming the file: missing, damaged, or without one of `keys`.
  """
  import h5py

  _require(path, advice)
  try:
    with h5py.File(path) as file:
      there = [key for key in (*keys, *optional) if key in file]
      found = {key: file[key][part if file[key].ndim else ()] for key in there}
  except Exception as error:
    raise _damaged(path, 'HDF5', error, advice) from None
  return _complete(path, found, keys, advice)


def matlab(
  path: pathlib.Path, keys: Sequence[str], *, squeeze: bool = False, advice: str
) -> dict[str, np.ndarray]:
  """Some variables of a MATLAB file before version 7.3.

  Args:
    path: the file.
    keys: of the variables.
    squeeze: without axes of length 1, and numbers as numbers.
    advice: what to do about a faulty file, for messages.

  Raises:
    UserError: naming the file: missing, damaged, of MATLAB 7.3, or without one of
      `keys`.
  """
  import scipy.io

  _require(path, advice)
  try:
    found = scipy.io.loadmat(path, variable_names=keys, squeeze_me=squeeze)
  except NotImplementedError:
    raise UserError(f'{path}: is of MATLAB 7.3; take the file as published') from None
  except Exception as error:  # a damaged file fails in as many ways as it has bytes
    raise _damaged(path, 'MATLAB', error, advice) from None
  there = {key: np.asarray(found[key]) for key in keys if key in found}
  return _complete(path, there, keys, advice)


def _require(path, advice):
  if not path.is_file():
    raise UserError(f'{path}: does not exist; {advice}')


def _damaged(path, kind, error, advice):
  said = ' '.join(str(error).split())[:120] or type(error).__name__
  return UserError(f'{path}: damaged, truncated or no {kind} file ({said}); {advice}')


def _complete(path, found, keys, advice):
  for key in keys:
    if key not in found:
      raise UserError(f'{path}: holds no {key}; {advice}')
  return found
