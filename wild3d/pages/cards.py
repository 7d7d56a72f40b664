"""The card of one sample: its photograph with the pose over it, and the pose in 3D."""

import base64
import io
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num, UInt8
from markupsafe import Markup
from PIL import Image, ImageOps

from wild3d import skeleton
from wild3d.draw import svg

_SIDE = 320  # px of an embedded part of a picture
_UNDECODED = 'The picture cannot be decoded.'


class Photo(NamedTuple):
  """A photograph and its drawing.

  Attributes:
    width, height: px, or any unit: only their ratio counts.
    uri: the picture as data; '' for none.
    drawn: of svg.overlay.
    fault: why there is no picture.
  """

  width: float
  height: float
  uri: str = ''
  drawn: Markup | str = ''
  fault: str = ''


class Card(NamedTuple):
  """What parts.grid shows of a sample; see svg.views."""

  title: str  # its id
  photo: Photo | None
  views: list[tuple[str, Markup]]  # (name, drawing) of each
  value: str = ''  # a figure of it, in bold
  tags: tuple[str, ...] = ()  # short texts
  note: str = ''  # a line


def of_image(image: UInt8[np.ndarray, 'H W 3'], joints2d, truth) -> Photo:
  """A whole photograph; joints [16,2] in its px, `truth` None or the true ones."""
  height, width = image.shape[:2]
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, 'JPEG', quality=88, subsampling=0)
  drawn = svg.overlay((width, height), joints2d, truth=truth)
  return Photo(width, height, uri(buffer.getvalue()), drawn)


def of_stored(jpeg: bytes, **drawing) -> Photo:
  """A JPEG as it is stored; `drawing` as in svg.overlay, but for the size."""
  try:
    with Image.open(io.BytesIO(jpeg)) as picture:
      size = picture.size
  except OSError:
    return Photo(1, 1, fault=_UNDECODED)
  return Photo(*size, uri(jpeg), svg.overlay(size, **drawing))


def of_pair(
  predicted: Float[np.ndarray, '16 2'] | None,
  true: Float[np.ndarray, '16 2'],
  picture: bytes | None = None,
  to_original: Num[np.ndarray, '2 3'] | None = None,
) -> Photo | None:
  """The square round a true pose with the prediction; None if there is no joint.

  Args:
    predicted: px of the original picture; NaN where unknown.
    true: likewise.
    picture: JPEG or PNG of the original or of a crop.
    to_original: px of the crop to px of the original; None: it is the original.
  """
  predicted = np.full((16, 2), np.nan) if predicted is None else predicted
  poses = (pose[np.isfinite(pose).all(-1)] for pose in (true, predicted))
  points = next((pose for pose in poses if len(pose) >= 2), None)
  if points is None:
    return None
  low, high = points.min(0), points.max(0)
  centre, side = (low + high) / 2, max(8.0, 1.5 * float((high - low).max()))
  corner, scale = centre - side / 2, 100.0 / side
  near = np.where(np.abs(predicted - centre) < 20 * side, predicted, np.nan)
  drawn = svg.overlay(
    (100, 100), (near - corner) * scale, truth=(true - corner) * scale
  )
  if picture is None:
    return Photo(1, 1, drawn=drawn)
  cut = _cut(picture, to_original, corner, side)
  return Photo(1, 1, cut, drawn, '' if cut else _UNDECODED)


def as_mpii(
  joints: Num[np.ndarray, 'J D'], names: tuple[str, ...]
) -> Float[np.ndarray, '16 D']:
  """The 16 joints, NaN where the joint set has none."""
  converted, known = skeleton.convert(np.asarray(joints, np.float64), names)
  return np.where(known[:, None], converted, np.nan)


def uri(jpeg: bytes) -> str:
  """A JPEG as the source of an <img>."""
  return f'data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}'


def _cut(picture, to_original, corner, side):
  """The part of the picture that the drawing covers, small, as data; '' on a fault."""
  affine = np.eye(3) if to_original is None else np.vstack([to_original, [0, 0, 1.0]])
  # Output px -> original px -> picture px.
  pitch = side / _SIDE
  from_output = np.array([[pitch, 0, corner[0]], [0, pitch, corner[1]], [0, 0, 1.0]])
  try:
    matrix = (np.linalg.inv(affine) @ from_output)[:2]
    with Image.open(io.BytesIO(picture)) as image:
      image = ImageOps.exif_transpose(image).convert('RGB')
      # PIL's affine maps continuous px, and samples: halve first if it shrinks.
      shrink = int(max(1, np.sqrt(abs(np.linalg.det(matrix[:, :2])))))
      image = image.reduce(shrink) if shrink > 1 else image
      small = image.transform(
        (_SIDE, _SIDE),
        Image.Transform.AFFINE,
        tuple((matrix / shrink).ravel()),
        Image.Resampling.BILINEAR,
        fillcolor=(24, 24, 24),
      )
  except (OSError, ValueError, Image.DecompressionBombError, np.linalg.LinAlgError):
    return ''
  buffer = io.BytesIO()
  small.save(buffer, 'JPEG', quality=82)
  return uri(buffer.getvalue())
