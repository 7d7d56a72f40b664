"""From stored pictures to crops: OpenCV decodes, warps and colours, a batch in one call.

In 8 bits, with weights of 1/32 px. Most of it runs without Python's lock, so that other
batches are made at the same time.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from wild3d.errors import UserError

cv2.setNumThreads(0)  # tf.data makes several batches at a time already

# For each halving of the picture: RGB, as it is stored whatever its EXIF says.
_READ = [
  cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | reduced
  for reduced in (
    0,
    cv2.IMREAD_REDUCED_GRAYSCALE_2,
    cv2.IMREAD_REDUCED_GRAYSCALE_4,
    cv2.IMREAD_REDUCED_GRAYSCALE_8,
  )
]
_WARP = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def cut(
  names: Sequence[bytes],
  jpegs: Sequence[bytes],
  to_stored: Float32[np.ndarray, 'B 2 3'],
  gain: Float32[np.ndarray, 'B 3'],
  cover: Float32[np.ndarray, 'B 4'],
  cover_color: Float32[np.ndarray, 'B 3'],
  size: int,
) -> UInt8[np.ndarray, 'B size size 3']:
  """Samples squares of stored pictures; black outside of them.

  Args:
    names: of the samples, for the message.
    jpegs: the pictures, encoded.
    to_stored: affines from the crop frame to px of the stored pictures.
    gain: factors of the colour channels.
    cover: left, top, right, bottom of a rectangle laid over the crop, crop frame; none
      where right is not above left.
    cover_color: of the rectangle, 0 to 255.
    size: px, side of the crops.

  Raises:
    UserError: naming the sample whose picture cannot be decoded.
  """
  # Shrinking to less than half would alias under bilinear sampling: the decoder
  # then averages 2, 4 or 8 px (a scaled inverse cosine transform).
  pitch = np.linalg.norm(to_stored[:, :, 0], axis=1) * (2 / size)  # stored px a crop px
  level = np.clip(np.floor(np.log2(pitch)), 0, len(_READ) - 1).astype(int)
  affine = _of_indices(to_stored, size) / 2.0 ** level[:, None, None] - [0, 0, 0.5]
  table = np.rint(np.arange(256, dtype=np.float32)[:, None] * gain[:, None])
  table = np.clip(table, 0, 255).astype(np.uint8)
  colored = (gain != 1).any(1)
  # The pixels whose centres are inside.
  inside = np.ceil((cover + 1) * (size / 2) - 0.5).astype(int).clip(0, size).tolist()
  crops = np.empty((len(jpegs), size, size, 3), np.uint8)
  for row, jpeg in enumerate(jpegs):
    image = _decoded(jpeg, _READ[level[row]])
    if image is None:
      raise UserError(
        f'sample {names[row].decode()}: its picture cannot be decoded; prepare it again'
      )
    cv2.warpAffine(image, affine[row], (size, size), crops[row], _WARP)
    if colored[row]:
      cv2.LUT(crops[row], table[row][None], crops[row])
    left, top, right, bottom = inside[row]
    crops[row, top:bottom, left:right] = np.rint(cover_color[row])
  return crops


def _decoded(jpeg, how):
  try:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), how)
  except cv2.error:  # of no bytes at all
    return None


def _of_indices(
  to_stored: Float[np.ndarray, 'B 2 3'], size: int
) -> Float[np.ndarray, 'B 2 3']:
  """From the index of a crop px, whose centre is half a px on, to stored px."""
  pitch = 2 / size
  moved = to_stored.astype(np.float64)
  moved[:, :, 2] += moved[:, :, :2].sum(2) * (pitch / 2 - 1)
  moved[:, :, :2] *= pitch
  return moved
