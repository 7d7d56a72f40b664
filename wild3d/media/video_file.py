"""Frames of a video file or a webcam, RGB, one at a time (PyAV)."""

import contextlib
import math
import os
import pathlib
import platform
import struct
import time
from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8

from wild3d.errors import UserError

SUFFIXES = (
  '.mp4', '.mov', '.m4v', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.ts',
)  # fmt: skip
MAX_PIXELS = 64_000_000  # of a frame
_ROUNDING = 1.5e-3  # s: containers keep times in ticks, seldom above a millisecond
_WEBCAMS = {
  'Linux': ('v4l2', '/dev/video{}'),
  'Darwin': ('avfoundation', '{}'),
  'Windows': ('dshow', 'video={}'),
}


class Video:
  """An opened video.

  Attributes:
    source: as the user gave it.
    fps: frames a second; None for a varying rate and for a webcam.
    frames: how many there are; None for a webcam.
  """

  def __init__(self, source: str, container, fps: float | None, frames: int | None):
    """See `opened`."""
    self.source = source
    self.fps = fps
    self.frames = frames
    self._container = container

  def __iter__(self) -> Iterator[tuple[int, float, UInt8[np.ndarray, 'H W 3']]]:
    """Frames in order: (index, seconds, RGB, turned as the file asks for).

    Raises:
      UserError: the file ends early or is damaged; frames before that have come.
    """
    stream = _stream(self._container)
    stream.thread_type = 'AUTO'
    first, began, index = None, time.monotonic(), -1
    for index, (image, at) in enumerate(self._decoded(stream)):
      if self.frames is None:
        seconds = time.monotonic() - began
      elif at is None:
        seconds = index / (self.fps or 30.0)
      else:
        first = at if first is None else first
        seconds = float(at - first)
      yield index, seconds, image
    if self.frames is not None and index + 1 < self.frames:
      raise UserError(
        f'{self.source}: {self.frames} frames are in the file, {index + 1} could be '
        'decoded: it is cut off or damaged'
      )

  def _decoded(self, stream):
    """Yields (RGB, seconds or None)."""
    count = 0
    frames = self._container.decode(stream)
    while True:
      try:
        frame = next(frames, None)
        if frame is None:
          return
        if frame.width * frame.height > MAX_PIXELS:
          raise UserError(
            f'{self.source}: {frame.width} x {frame.height} px a frame; at most '
            f'{MAX_PIXELS // 10**6} million are read'
          )
        image = _upright(frame)
      except UserError:
        raise
      except Exception as error:
        # Whatever a damaged file makes a decoder do.
        raise UserError(
          f'{self.source}: cannot be decoded after {count} frames ({_why(error)})'
        ) from None
      count += 1
      yield image, frame.time


@contextlib.contextmanager
def opened(source: str | os.PathLike) -> Iterator[Video]:
  """Opens a file, or a webcam by its index ('0').

  Raises:
    UserError: PyAV is not installed; the file is missing, empty, no video, or holds no
      frame; there is no such webcam.
  """
  av = _av()
  source = str(source)
  if source.isdecimal() and not pathlib.Path(source).exists():
    form, device = _WEBCAMS.get(platform.system(), _WEBCAMS['Linux'])
    try:
      container = av.open(device.format(source), format=form)
    except (av.error.FFmpegError, ValueError) as error:
      raise UserError(f'webcam {source} cannot be opened: {_why(error)}') from None
    with container:
      yield Video(f'webcam:{source}', container, None, None)
    return
  with _decoding(source) as (container, stream):
    fps, frames = _timing(container, stream)
  if not frames:
    raise UserError(f'{source}: there is no video frame in this file')
  with av.open(source) as container:
    yield Video(source, container, fps, frames)


def count(path: str | os.PathLike) -> int:
  """How many frames a file says that it holds; nothing is decoded.

  Raises:
    UserError: the file is missing, empty or cut off, or is no video.
  """
  with _decoding(path) as (container, stream):
    # Some containers (AVI) do not tell; their packets do.
    return stream.frames or sum(p.size > 0 for p in container.demux(stream))


def chosen(
  path: str | os.PathLike, wanted: range
) -> Iterator[tuple[int, UInt8[np.ndarray, 'H W 3']]]:
  """The wanted frames in order, as (index from 0 in the file, RGB as stored).

  One frame is in memory at a time. Frames between the wanted ones are decoded, as
  later ones are stored as changes to them, but not converted. One thread: datasets
  are read by one process for each core.

  Args:
    path: any file that FFmpeg reads.
    wanted: indices of frames, ascending; decoding ends with the last.

  Raises:
    UserError: the file is missing, cut off, damaged at a wanted frame, or ends
      before the last wanted one.
  """
  if not wanted:
    return
  index = -1
  with _decoding(path) as (container, stream):
    stream.thread_type = 'NONE'
    stream.codec_context.thread_count = 1
    for index, frame in enumerate(container.decode(stream)):
      if index in wanted:
        if frame.is_corrupt:
          raise UserError(f'{path}: frame {index} is damaged')
        yield index, frame.to_ndarray(format='rgb24')
      if index >= wanted[-1]:
        return
  raise UserError(
    f'{path}: the video ends after {index + 1} frames, frame {wanted[-1]} is needed; '
    'it is cut off or damaged'
  )


class _NoPictures(Exception):  # noqa: N818
  pass


@contextlib.contextmanager
def _decoding(path):
  """(container, stream) of a file; whatever goes wrong in the block names it."""
  av = _av()
  if not pathlib.Path(path).is_file():
    raise UserError(f'{path}: no such file')
  if not pathlib.Path(path).stat().st_size:
    raise UserError(f'{path}: the video cannot be decoded: the file is empty')
  try:
    with av.open(str(path)) as container:
      yield container, _stream(container)
  except av.error.EOFError:  # a file that ends behind its header
    raise UserError(f'{path}: there is no video frame in this file') from None
  except _NoPictures:
    raise UserError(
      f'{path}: there is no moving picture in this file (sound alone?)'
    ) from None
  except UserError:
    raise
  except Exception as error:
    raise UserError(
      f'{path}: the video cannot be decoded: no video, or cut off or damaged '
      f'({_why(error)})'
    ) from None


def _stream(container):
  """The first stream of moving pictures: the cover of a song is none."""
  for stream in container.streams.video:
    if not stream.disposition & type(stream.disposition).attached_pic:
      return stream
  raise _NoPictures


def _why(error):
  said = getattr(error, 'strerror', None) or str(error)
  return f'{type(error).__name__}: {" ".join(said.split())[:120]}'


def _av():
  try:
    import av
  except ImportError:
    raise UserError("videos need PyAV: pip install 'wild3d[video]'") from None
  av.logging.set_level(None)  # libraries' remarks on damaged files
  return av


def _timing(container, stream):
  """(fps or None, number of frames) from the packets: nothing is decoded."""
  declared = float(stream.average_rate or stream.guessed_rate or 0) or None
  tick = float(stream.time_base or 0)
  stamps, count, unseen, declared_frames = [], 0, 0, stream.frames
  for packet in container.demux(stream):
    if packet.size and packet.is_discard:  # before or after what the edit list shows
      unseen += 1
    elif packet.size:
      count += 1
      stamps.append(packet.pts)
  # Of a file that is cut off the index still names all, what an edit list hides too.
  total = max(count, declared_frames - unseen)
  if None in stamps or len(stamps) < 2:
    return declared, total
  times = np.sort(np.array(stamps, np.float64)) * tick
  if times[-1] <= times[0]:
    return declared, total
  fps = (count - 1) / (times[-1] - times[0])
  if declared and abs(declared - fps) < 5e-3 * fps:
    fps = declared
  off = np.abs(times - times[0] - np.arange(count) / fps).max()
  return (fps if off < max(_ROUNDING, 1.5 * tick) else None), total


def _upright(frame):
  """RGB of a frame, turned by a multiple of 90 degrees as its metadata asks for."""
  image = frame.to_ndarray(format='rgb24')
  turns = _mirrored(frame)
  if turns is not None:
    return np.ascontiguousarray(np.rot90(image[:, ::-1], turns))
  # The rotation is counter-clockwise, in degrees.
  return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90) % 4))


def _mirrored(frame):
  """Quarter turns counter-clockwise after a mirroring; None where there is none."""
  for data in frame.side_data:
    if data.type.name == 'DISPLAYMATRIX' and len(bytes(data)) >= 36:
      a, b, _, c, d, *_ = struct.unpack('=9i', bytes(data)[:36])
      # (x, y) of the frame comes to (a x + c y, b x + d y); a mirroring has a negative
      # determinant. What remains is a turn of the mirrored x, -x, by the matrix.
      if a * d - b * c < 0:
        return round(math.degrees(math.atan2(b, -a)) / 90) % 4
  return None
