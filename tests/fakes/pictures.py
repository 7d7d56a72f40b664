"""Small pictures, and damaged files of them."""

import io

import numpy as np
from PIL import Image


def picture(width=48, height=32):
  y, x = np.mgrid[:height, :width]
  rgb = np.stack([x * 5, y * 7, (x + y) * 3], -1)
  return np.clip(rgb, 0, 255).astype(np.uint8)


def photo(width=120, height=90, seed=0):
  small = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), np.uint8)
  size = (width, height)
  return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))


def mutated(count):
  """Yields (number, content) of `count` damaged pictures of all kinds."""
  rng = np.random.default_rng(0)
  wholes = []
  for kind in ('JPEG', 'PNG', 'WEBP', 'GIF', 'TIFF', 'BMP'):
    buffer = io.BytesIO()
    Image.fromarray(picture()).save(buffer, kind)
    wholes.append(buffer.getvalue())
  for i in range(count):
    content = bytearray(wholes[i % len(wholes)])
    if i % 5 == 0:
      content = content[: rng.integers(1, len(content))]
    else:
      reach = len(content) if i % 2 else min(64, len(content))
      for at in rng.integers(reach, size=4):
        content[at] = rng.integers(256)
    yield i, bytes(content)
