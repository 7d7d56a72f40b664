"""Small videos whose every frame tells its number, its time and which way is up."""

import fractions
import pathlib
import struct

import numpy as np

WIDTH, HEIGHT = 96, 64


def frame(number: int) -> np.ndarray:
  """Red top left corner, and a grey level that tells the number."""
  image = np.full((HEIGHT, WIDTH, 3), 40 + 4 * number, np.uint8)
  image[:16, :16] = (230, 20, 20)
  return image


def write(
  path: pathlib.Path, times, codec='libx264', stream_options=None, **options
) -> pathlib.Path:
  """A video of one frame for each time in seconds."""
  import av

  with av.open(str(path), 'w', options=options) as container:
    stream = container.add_stream(codec, rate=25)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, 'yuv420p'
    stream.options = stream_options or {}
    stream.codec_context.time_base = fractions.Fraction(1, 1000)
    for number, seconds in enumerate(times):
      picture = av.VideoFrame.from_ndarray(frame(number), format='rgb24')
      picture.pts, picture.time_base = (
        round(1000 * seconds),
        fractions.Fraction(1, 1000),
      )
      container.mux(stream.encode(picture))
    container.mux(stream.encode(None))
  return path


def turn(path: pathlib.Path) -> None:
  """Has an MP4 say: turn me clockwise by a quarter, as telephones do."""
  data = bytearray(path.read_bytes())
  header = data.index(b'tkhd') + 4
  assert data[header] == 0  # version 0: the matrix is 40 bytes on
  one = 1 << 16
  matrix = (0, one, 0, -one, 0, 0, HEIGHT * one, 0, 1 << 30)
  struct.pack_into('>9i', data, header + 40, *matrix)
  path.write_bytes(data)
