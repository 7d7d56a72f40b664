"""Square crops: from an original picture to what a record stores, and back."""

import dataclasses
import io
import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Int
from PIL import Image

QUALITY = 95  # of the stored JPEGs, without chroma subsampling


def jpeg(image: Image.Image, quality: int, **options) -> bytes:
  """The bytes of a JPEG file; `options` are Pillow's."""
  buffer = io.BytesIO()
  image.save(buffer, 'JPEG', quality=quality, **options)
  return buffer.getvalue()


@dataclasses.dataclass(frozen=True)
class Crop:
  """A square of whole pixels of the original, and the side at which it is stored."""

  left: int  # px of the original, as `top`; may lie outside of it (black there)
  top: int
  side: int  # px of the original
  stored: int  # px, side of the stored picture

  @property
  def pitch(self) -> float:
    """Original px for each stored px."""
    return self.side / self.stored

  @property
  def to_original(self) -> Float[np.ndarray, '2 3']:
    """The affine from stored px to px of the original."""
    return np.array([[self.pitch, 0, self.left], [0, self.pitch, self.top]])

  def to_stored(self, xy: Float[np.ndarray, '*N 2']) -> Float[np.ndarray, '*N 2']:
    """Positions in px of the original, in px of the stored picture."""
    return (np.asarray(xy, np.float64) - (self.left, self.top)) / self.pitch

  def jpeg(self, image: Image.Image | np.ndarray) -> bytes:
    """Cuts the square out of the whole original (RGB) and encodes it."""
    if isinstance(image, np.ndarray):
      image = Image.fromarray(image)
    if image.mode != 'RGB':
      image = image.convert('RGB')
    box = (self.left, self.top, self.left + self.side, self.top + self.side)
    cut = image.crop(box)
    if self.stored != self.side:
      # Smooth whatever the ratio, as sharp as bicubic, and much faster.
      cut = cut.resize((self.stored, self.stored), Image.Resampling.HAMMING)
    return jpeg(cut, QUALITY, subsampling=0)


def around(
  center: Float[np.ndarray, '2'], side: float, *, margin: float, size: int
) -> Crop:
  """The crop of a person box, with room round it for the augmentation.

  Whole pixels of the original, so that a crop that is not shrunk is not resampled.

  Args:
    center: px of the original, of the square person box.
    side: px of the original, of the square person box.
    margin: side of the crop over the side of the box.
    size: px, largest side stored; smaller crops are not enlarged.
  """
  whole = max(1, math.ceil(margin * side))
  left, top = (math.floor(float(c) - whole / 2) for c in center)
  return Crop(left, top, whole, min(whole, size))


def clips(frames: Iterable[int], stride: int, length: int) -> Int[np.ndarray, ' n']:
  """Which clip each frame is of: up to `length` that follow each other."""
  clip, so_far, numbers, last = -1, 0, [], None
  for frame in frames:
    follows = last is not None and frame - last == stride and so_far < length
    clip, so_far = (clip, so_far + 1) if follows else (clip + 1, 1)
    numbers.append(clip)
    last = frame
  return np.array(numbers)


def box_of_boxes(
  centers: Float[np.ndarray, 'N 2'], sides: Float[np.ndarray, ' N']
) -> tuple[Float[np.ndarray, '2'], float]:
  """Centre and side, px, of the smallest square that holds some square boxes."""
  low = (centers - sides[:, None] / 2).min(axis=0)
  high = (centers + sides[:, None] / 2).max(axis=0)
  return (low + high) / 2, float((high - low).max())


def box_of(
  joints2d: Float[np.ndarray, 'N 2'], *, room: float = 1.25
) -> tuple[Float[np.ndarray, '2'], float]:
  """The person box where a dataset gives none: centre, and side, of its joints.

  Args:
    joints2d: px, the known joints alone; at least one.
    room: side over the longer extent of the joints; joints end before the body does.
  """
  low, high = joints2d.min(axis=0), joints2d.max(axis=0)
  return (low + high) / 2, max(room * float((high - low).max()), 1.0)
