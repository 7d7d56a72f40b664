"""MP4 files, written frame by frame."""

import contextlib
import fractions
import os
from typing import Any

import numpy as np
from jaxtyping import UInt8

from wild3d import files
from wild3d.errors import UserError, missing

_TICKS = 90_000  # a second: every usual rate is a whole number of them


class Mp4Writer:
  """Writes H.264: a context manager; the file appears whole on a clean exit."""

  def __init__(self, path: str | os.PathLike, fps: float | None):
    """Opens nothing yet.

    Args:
      path: the .mp4 file.
      fps: frames a second, as players show it; None for a varying rate.
    """
    self._path = path
    self._fps = fps
    self._container: Any = None
    self._stream: Any = None
    self._last = -1

  def __enter__(self) -> 'Mp4Writer':
    """Begins the file.

    Raises:
      UserError: PyAV is not installed, or the file cannot be written.
    """
    try:
      import av
    except ImportError:
      raise missing('a video', 'av') from None
    self._av = av
    with contextlib.ExitStack() as stack:
      self._partial = stack.enter_context(files.whole(self._path))
      with files.errors_named(self._path):
        self._partial.touch()  # it is opened only with its first frame
        self._container = av.open(str(self._partial), 'w', format='mp4')
      stack.push(self._end)
      self._open = stack.pop_all()
    return self

  def add(self, frame: UInt8[np.ndarray, 'H W 3'], seconds: float) -> None:
    """Adds a frame: RGB, all of one size; an odd size loses its last row or column.

    Args:
      frame: RGB.
      seconds: from the start; later than the frame before.

    Raises:
      UserError: the disk is full, or the encoder takes no such frame.
    """
    height, width = (side - side % 2 for side in frame.shape[:2])
    try:
      if self._stream is None:
        rate = fractions.Fraction(self._fps or 30.0).limit_denominator(1001)
        self._stream = self._container.add_stream('libx264', rate=rate)
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = 'yuv420p'
        self._stream.codec_context.time_base = fractions.Fraction(1, _TICKS)
        self._stream.options = {'crf': '20', 'preset': 'veryfast'}
      picture = self._av.VideoFrame.from_ndarray(
        np.ascontiguousarray(frame[:height, :width]), format='rgb24'
      )
      self._last = max(self._last + 1, round(seconds * _TICKS))
      picture.pts = self._last
      picture.time_base = fractions.Fraction(1, _TICKS)
      self._container.mux(self._stream.encode(picture))
    except (OSError, self._av.error.FFmpegError) as error:
      raise self._cannot(error) from None

  def __exit__(self, *error) -> None:
    """Ends the file; removes it after an error, or without a frame."""
    self._open.__exit__(*error)

  def _end(self, kind, error, trace):
    try:
      if kind is None and self._stream is not None:
        self._container.mux(self._stream.encode(None))
      self._container.close()
    except (OSError, self._av.error.FFmpegError) as failure:
      if kind is None:
        raise self._cannot(failure) from None
    if self._stream is None:
      self._partial.unlink()

  def _cannot(self, error):
    why = getattr(error, 'strerror', None) or ' '.join(str(error).split())
    size = ''
    if self._stream is not None:
      size = f' ({self._stream.width} x {self._stream.height} px a frame)'
    return UserError(f'{self._path} cannot be written: {why}{size}')
