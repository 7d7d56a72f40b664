"""Pictures from disk: the one place in which a file of them is opened."""

import contextlib
import functools
import os
import pathlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from wild3d.errors import UserError, missing

# Only decoders of pictures: others of Pillow's start programs (EPS) or are seldom used.
FORMATS = {
  'JPEG': ('.jpg', '.jpeg', '.jpe', '.jfif'),
  'PNG': ('.png',),
  'WEBP': ('.webp',),
  'BMP': ('.bmp',),
  'TIFF': ('.tif', '.tiff'),
  'GIF': ('.gif',),
  'HEIF': ('.heic', '.heif'),  # where pillow-heif is installed
}
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
MAX_PIXELS = 200_000_000  # 600 MB as RGB
_PAPER = (255, 255, 255)  # behind what is transparent


def read(path: str | os.PathLike) -> UInt8[np.ndarray, 'H W 3']:
  """Reads a photograph, whatever it is, as upright RGB of 8 bits.

  Grey, palette and CMYK become RGB (colour profiles are not applied), 16 bits become
  8, transparency is laid on white, and the turn that EXIF asks for is made. Of a file
  of several pictures the first is read.

  Args:
    path: JPEG, PNG, WebP, BMP, TIFF, GIF or HEIC.

  Raises:
    UserError: it is missing, no such picture, damaged, truncated, of floats, larger
      than `MAX_PIXELS`, or HEIC without pillow-heif.
  """
  with opened(path) as image:
    return np.asarray(_rgb(ImageOps.exif_transpose(image), path))


def of(picture: object) -> tuple[str, object]:
  """(its name, upright RGB) of a path or a picture of Pillow; all else as it is.

  Raises:
    UserError: see `read`.
  """
  if isinstance(picture, str | os.PathLike):
    return str(picture), read(picture)
  if isinstance(picture, Image.Image):
    name = str(getattr(picture, 'filename', '')) or 'picture'
    return name, np.asarray(_rgb(ImageOps.exif_transpose(picture), name))
  return 'picture', picture


def read_as_stored(path: str | os.PathLike) -> Image.Image:
  """Reads a picture as RGB in the pixels in which datasets are labelled: not turned.

  Raises:
    UserError: as `read`.
  """
  with opened(path) as image:
    return image.convert('RGB')


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[Image.Image]:
  """A picture whose header alone has been read; in the block it may be decoded.

  Raises:
    UserError: naming the file, for whatever goes wrong in the block, too: it is
      missing, none of FORMATS, damaged, truncated, larger than `MAX_PIXELS`, or HEIC
      without pillow-heif.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise UserError(f'{path}: no such file')
  if not path.stat().st_size:
    raise UserError(f'{path}: the picture cannot be decoded: the file is empty')
  check_decoder(path)
  try:
    with _no_bomb_limit(), Image.open(path, formats=_decoders()) as image:
      width, height = image.size
      if width * height > MAX_PIXELS:
        raise UserError(
          f'{path}: {width} x {height} px; at most {MAX_PIXELS // 10**6} million '
          'pixels are read: make it smaller'
        )
      yield image
  except UserError:
    raise
  except Exception as error:
    # Whatever a damaged file makes a decoder do.
    why = ' '.join(str(error).split())[:120]
    raise UserError(
      f'{path}: the picture cannot be decoded: damaged, or of another format '
      f'({type(error).__name__}: {why})'
    ) from None


def check_decoder(path: str | os.PathLike) -> None:
  """Refuses HEIC, by the name's ending, where nothing can decode it.

  Raises:
    UserError: pillow-heif is not installed.
  """
  if pathlib.Path(path).suffix.lower() in FORMATS['HEIF'] and 'HEIF' not in _decoders():
    raise missing(f'{path}: HEIC', 'pillow-heif', 'or save it as JPEG')


@functools.cache
def _decoders():
  """The names of FORMATS that Pillow can open here."""
  try:
    import pillow_heif
  except ImportError:
    return tuple(name for name in FORMATS if name != 'HEIF')
  pillow_heif.register_heif_opener()
  return tuple(FORMATS)


@contextlib.contextmanager
def _no_bomb_limit():
  """Pillow's limit is below ours, and its message names no file."""
  limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
  try:
    yield
  finally:
    Image.MAX_IMAGE_PIXELS = limit


def _rgb(image, path):
  if image.mode == 'F':
    raise UserError(f'{path}: a picture of floats; save it with 8 or 16 bits')
  if image.mode.startswith('I'):
    values = np.asarray(image).astype(np.int64)
    grey = np.clip(values // 257 if values.max(initial=0) > 255 else values, 0, 255)
    return Image.fromarray(grey.astype(np.uint8)).convert('RGB')
  if image.has_transparency_data:
    image = image.convert('RGBA')
    paper = Image.new('RGBA', image.size, (*_PAPER, 255))
    return Image.alpha_composite(paper, image).convert('RGB')
  return image.convert('RGB')
