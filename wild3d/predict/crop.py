"""From a person's box to what the network sees, and where that lies in the picture."""

import math

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from wild3d.errors import UserError

_FRACTIONS = 2**16  # of a px: how finely a crop is placed
_LARGEST = 1e9  # px
ROOM = 1.25  # side of the square over the longer side of the box, as MPII's crops


def to_original(
  xywh: tuple[float, ...], room: float = ROOM
) -> Float[np.ndarray, '2 3']:
  """The square round a box, as the affine from the crop frame to px of the original.

  Args:
    xywh: left, top, width, height, px of the original.
    room: side of the square over the longer side of the box.

  Raises:
    UserError: the box has no extent, is not finite, or beyond any picture.
  """
  x, y, width, height = map(float, xywh)
  if not min(width, height) > 0 or math.isnan(x + y):
    raise UserError(
      f'box {xywh}: give left, top, width, height; the last two must be above 0'
    )
  if max(abs(x), abs(y), width, height) > _LARGEST:
    raise UserError(f'box {xywh}: give px; {_LARGEST:.0e} is the most')
  half = room * max(width, height) / 2
  return np.array([[half, 0, x + width / 2], [0, half, y + height / 2]])


def check_inside(xywh: tuple[float, ...], width: int, height: int) -> None:
  """Raises UserError unless the box shares some area with the picture."""
  x, y, w, h = xywh
  if not (x < width and y < height and x + w > 0 and y + h > 0):
    raise UserError(f'box {xywh} lies outside of the picture of {width} x {height} px')


def cut(
  image: UInt8[np.ndarray, 'H W 3'], affine: Float[np.ndarray, '2 3'], size: int
) -> UInt8[np.ndarray, 'size size 3']:
  """Samples a square of the picture as training does (`data/pixels.py`).

  Shrinking to less than half averages blocks of 2, 4, 8, ... px first; then bilinear.
  Black outside. Nothing depends on where in the picture the square lies: a picture with
  black round it gives the same crop to the last bit.

  Args:
    image: RGB.
    affine: from the crop frame to px of the image; may turn and mirror.
    size: px of the result's side.
  """
  pitch = 2 * float(np.linalg.norm(affine[:, 0])) / size  # image px per crop px
  # No upper limit: what is held in memory grows with the crop, not with the box.
  block = 2 ** (max(0, math.floor(math.log2(pitch))) if pitch > 0 else 0)
  # The centre as whole px and a fraction that is the same wherever it lies.
  fine = np.round(affine[:, 2] * _FRACTIONS).astype(np.int64)
  whole, centre = fine // _FRACTIONS, (fine % _FRACTIONS) / _FRACTIONS
  corners = affine[:, :2] @ np.array([[-1, 1, -1, 1], [-1, -1, 1, 1]]) + centre[:, None]
  # One block more on each side for the interpolation.
  low = np.floor(corners.min(1)).astype(np.int64) - block
  count = np.ceil((corners.max(1) - low) / block).astype(np.int64) + 1
  canvas = _blocks(image, whole + low, count, block)
  linear = affine[:, :2] * (2 / size) / block
  first = (centre - affine[:, :2].sum(1) - low) / block
  matrix = np.concatenate([linear, first[:, None]], axis=1)
  cropped = Image.fromarray(canvas).transform(
    (size, size), Image.Transform.AFFINE, matrix.ravel(), Image.Resampling.BILINEAR
  )
  return np.asarray(cropped)


def _blocks(image, low, count, block):
  """Means of block x block px, `count` (x, y) of them from px `low`; black outside."""
  canvas = np.zeros((count[1], count[0], 3), np.uint8)
  size = np.array(image.shape[1::-1])
  # The blocks that share px with the picture.
  (left, top) = first = np.clip(-low // block, 0, count)
  (right, bottom) = last = np.clip(-((low - size) // block), 0, count)
  if (last <= first).any():
    return canvas
  x0, y0 = np.maximum(low + first * block, 0)
  x1, y1 = np.minimum(low + last * block, size)
  part = image[y0:y1, x0:x1]
  if block > 1:
    rows = np.maximum(low[1] + block * np.arange(top, bottom), 0) - y0
    columns = np.maximum(low[0] + block * np.arange(left, right), 0) - x0
    part = np.add.reduceat(part, rows, axis=0, dtype=np.int64)
    part = np.add.reduceat(part, columns, axis=1)
    # The border's blocks are divided by whole ones: what they lack is black.
    area = block * block
    part = ((2 * part + area) // (2 * area)).astype(np.uint8)
  canvas[top:bottom, left:right] = part
  return canvas
