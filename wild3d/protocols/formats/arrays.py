"""Named arrays of npz, npy, h5 and MATLAB files. Nothing in them is executed."""

import io
import pathlib

import numpy as np

from wild3d.errors import UserError
from wild3d.protocols.formats import mat5

SUFFIXES = ('.npz', '.npy', '.h5', '.hdf5', '.mat')
_MOST_AXES = 3  # arrays of more (pictures, heatmaps) are not read where avoidable


def load(path: pathlib.Path) -> dict[str, np.ndarray]:
  """The arrays of numbers and text of a file, by name; an npy's is called 'array'.

  Text is an array of str. Arrays of MATLAB 7.3 files have their axes in MATLAB's
  order. What is neither numbers nor text (structs, groups) is left out.

  Raises:
    UserError: the file is missing or damaged, or holds Python objects.
  """
  read = {'.npz': _npz, '.npy': _npz, '.mat': _mat}.get(path.suffix.lower(), _h5)
  try:
    return {key: _text(array) for key, array in read(path).items()}
  except UserError:
    raise
  except FileNotFoundError:
    raise UserError(f'{path}: does not exist') from None
  except IsADirectoryError:
    raise UserError(f'{path}: is a folder, not a file') from None
  except NotImplementedError as error:
    raise UserError(f'{path}: {error}') from None
  except UnicodeDecodeError as error:
    raise UserError(
      f'{path}: damaged, or holds text that is not UTF-8 ({error.reason}): save ids and '
      'names as UTF-8'
    ) from None
  except MemoryError:
    raise UserError(
      f'{path}: damaged, or says that it holds more than fits into memory: save it again'
    ) from None
  # Three libraries parse what a stranger wrote, and raise whatever they happen upon:
  # MatReadError, TokenError, UnboundLocalError, zlib.error, BadZipFile, ...
  except Exception as error:
    told = str(error).splitlines()[0] if str(error) else type(error).__name__
    if 'pickle' in told:
      told = (
        'or it holds pickled objects, which are not read; save arrays of numbers and '
        'text by np.savez or np.save'
      )
    raise UserError(f'{path}: damaged, or no {path.suffix} file: {told:.200}') from None


def _npz(path):
  opened = np.load(path, allow_pickle=False)
  if isinstance(opened, np.ndarray):
    return {'array': opened}
  with opened:
    found = {}
    for key in opened.files:
      try:
        found[key] = opened[key]
      except ValueError as error:
        if 'allow_pickle' not in str(error):
          raise
        raise UserError(
          f'{path}: {key} holds Python objects, which are not read; save text as '
          f'np.array({key}, dtype=str) and numbers as one array of floats'
        ) from None
    return found


def _h5(path):
  import h5py

  found = {}

  def visit(name, item):
    if isinstance(item, h5py.Dataset) and item.ndim <= _MOST_AXES:
      found[name] = item[()]

  with h5py.File(path, 'r') as file:
    file.visititems(visit)
  return found


def _mat(path):
  import h5py

  with open(path, 'rb') as file:  # h5py does not tell a missing file from another
    if not h5py.is_hdf5(path):
      return _mat_before_7_3(file.read())
  found = {}
  with h5py.File(path, 'r') as file:
    for key, item in file.items():
      if not isinstance(item, h5py.Dataset) or item.ndim > _MOST_AXES:
        continue
      value = item[()]
      if item.attrs.get('MATLAB_class') == b'char':
        value = np.array([_characters(column) for column in np.atleast_2d(value.T)])
      elif value.dtype == object:  # a cell array: references to its cells
        cells = [file[reference] for reference in value.T.ravel()]
        if any(c.attrs.get('MATLAB_class') != b'char' for c in cells):
          continue
        value = np.array([_characters(cell[()].T.ravel()) for cell in cells], str)
      else:
        value = value.T
      found[key] = value
  return found


def _mat_before_7_3(content):
  import scipy.io

  if 0 not in content[:4]:
    return mat5.read(content)
  found = scipy.io.loadmat(io.BytesIO(content))  # MATLAB 4 begins with a number
  return {key: array for key, array in found.items() if key[:2] != '__'}


def _characters(codes):
  return ''.join(map(chr, codes))


def _text(array):
  array = np.asarray(array)
  if array.dtype == object and all(isinstance(x, bytes | str) for x in array.ravel()):
    array = np.array(
      [x.decode() if isinstance(x, bytes) else x for x in array.ravel()], str
    )
  if array.dtype.kind == 'S':
    array = np.char.decode(array, 'utf-8')
  # MATLAB pads the rows of a char matrix.
  return np.asarray(np.char.rstrip(array, ' \0')) if array.dtype.kind == 'U' else array
