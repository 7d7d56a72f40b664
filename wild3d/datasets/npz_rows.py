"""Some rows of an array of a large .npz file, without loading the whole array."""

import math
import pathlib
import zipfile
import zlib

import numpy as np

from wild3d.datasets import numpy_pickle
from wild3d.errors import UserError


def rows(path: pathlib.Path, key: str, start: int = 0, stop: int | None = None):
  """array[start:stop] of the array `key`; all of it for text stored as objects.

  Raises:
    UserError: the file is missing, truncated or damaged, has no such array, or holds
      objects other than numbers and text.
  """
  try:
    with zipfile.ZipFile(path) as archive, archive.open(f'{key}.npy') as file:
      shape, by_columns, dtype = _header(file)
      if dtype.hasobject:
        return numpy_pickle.loads(file.read(), f'{path}, {key}')[start:stop]
      if by_columns and len(shape) > 1:
        raise ValueError(f'{key} is stored by columns')
      stop = shape[0] if stop is None else min(stop, shape[0])
      count, size = stop - start, dtype.itemsize * math.prod(shape[1:])
      file.seek(start * size, 1)
      data = file.read(count * size)
      return np.frombuffer(data, dtype).reshape(count, *shape[1:])
  except KeyError:
    raise UserError(f'{path}: holds no array {key}') from None
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror or error}') from None
  except (zipfile.BadZipFile, zlib.error, ValueError, IndexError, EOFError) as error:
    raise UserError(
      f'{path}: damaged or truncated ({error}); make or download it again'
    ) from None


def _header(file):
  version = np.lib.format.read_magic(file)
  if version == (1, 0):
    return np.lib.format.read_array_header_1_0(file)
  return np.lib.format.read_array_header_2_0(file)
