"""The label files of Human3.6M: CDF with one variable, Pose [1, frames, 32 x D]."""

import contextlib
import pathlib

import numpy as np
from jaxtyping import Float

from wild3d.datasets.human36m import joints
from wild3d.errors import UserError


def length(path: pathlib.Path, dims: int) -> int:
  """How many frames the file holds; their values are not read.

  Args:
    path: the file.
    dims: D, 3 for positions in space and 2 for those in the picture.

  Raises:
    UserError: the file is missing or damaged, or does not hold 32 joints of D numbers.
  """
  with _opened(path) as file:
    sizes = list(file.varinq('Pose').Dim_Sizes)
  if len(sizes) != 2 or not sizes[0] or sizes[1] != 32 * dims:
    raise UserError(
      f'{path}: Pose is of shape {sizes}, not [frames, {32 * dims}] (32 joints of '
      f'{dims} numbers)'
    )
  return int(sizes[0])


def poses(path: pathlib.Path, dims: int) -> Float[np.ndarray, 'n 17 D']:
  """All frames, of the 17 joints that move. Raises UserError as `length` does."""
  frames = length(path, dims)
  with _opened(path) as file:
    values = np.asarray(file.varget('Pose'), np.float64)
    return values.reshape(frames, 32, dims)[:, list(joints.FROM_32)]


@contextlib.contextmanager
def _opened(path):
  import cdflib

  if not path.is_file():
    raise UserError(f'{path}: no such label file')
  try:
    yield cdflib.CDF(path)
  except Exception as error:  # cdflib raises whatever a damaged file leads it into
    raise UserError(
      f'{path}: cannot be read as CDF with a variable Pose ({error}); it is cut off '
      'or damaged: download it again'
    ) from None
