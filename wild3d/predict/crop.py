"""From a person's box to what the network sees, and where that lies in the picture."""

import math

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from wild3d.errors import UserError

ROOM = 1.25  # side of the square over the longer side of the box, as MPII's crops


def to_original(
  xywh: tuple[float, ...], room: float = ROOM
) -> Float[np.ndarray, '2 3']:
  """The square round a box, as the affine from the crop frame to px of the original.

  Args:
    xywh: left, top, width, height, px of the original.
    room: side of the square over the longer side of the box.

  Raises:
    UserError: the box has no extent, or holds NaN.
  """
  x, y, width, height = map(float, xywh)
  if not (math.isfinite(x + y + width + height) and min(width, height) > 0):
    raise UserError(f'box {xywh}: left, top, width, height, of which the last are > 0')
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
  """Samples a square of the picture as training does (`data/augment.py`).

  Shrinking to less than half averages 2, 4 or 8 px first; then bilinear. Black outside.

  Args:
    image: RGB.
    affine: from the crop frame to px of the image; may turn and mirror.
    size: px of the result's side.
  """
  pitch = 2 * float(np.linalg.norm(affine[:, 0])) / size  # image px per crop px
  level = min(3, max(0, math.floor(math.log2(pitch)))) if pitch > 0 else 0
  block = 2**level
  corners = affine[:, :2] @ np.array([[-1, 1, -1, 1], [-1, -1, 1, 1]]) + affine[:, 2:]
  # In blocks, with one more on each side for the interpolation.
  low = np.floor(corners.min(1) / block).astype(int) - 1
  high = np.ceil(corners.max(1) / block).astype(int) + 1
  canvas = _blocks(image, low, high, block)
  linear = affine[:, :2] * (2 / size) / block
  centre = (affine[:, 2] - affine[:, :2].sum(1)) / block - low
  matrix = np.concatenate([linear, centre[:, None]], axis=1)
  cropped = Image.fromarray(canvas).transform(
    (size, size), Image.Transform.AFFINE, matrix.ravel(), Image.Resampling.BILINEAR
  )
  return np.asarray(cropped)


def _blocks(image, low, high, block):
  """Means of block x block px from `low` to `high` (x, y, in blocks), black outside."""
  height, width = image.shape[:2]
  columns, rows = high - low
  canvas = np.zeros((rows, columns, 3), np.uint8)
  limit = [math.ceil(width / block), math.ceil(height / block)]
  (left, top), (right, bottom) = np.clip(low, 0, limit), np.clip(high, 0, limit)
  if right <= left or bottom <= top:
    return canvas
  part = image[top * block : bottom * block, left * block : right * block]
  if block > 1:
    # The last block of a row or column may be cut by the border: its edge is repeated.
    missing = (
      (bottom - top) * block - part.shape[0],
      (right - left) * block - part.shape[1],
    )
    part = np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)), 'edge')
    shape = (bottom - top, block, right - left, block, 3)
    part = np.round(part.reshape(shape).mean((1, 3), dtype=np.float32)).astype(np.uint8)
  x, y = left - low[0], top - low[1]
  canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
  return canvas
