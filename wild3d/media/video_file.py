"""Frames of a video file or a webcam, RGB, one at a time (PyAV)."""

import contextlib
import itertools
import math
import os
import pathlib
import platform
import time
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from wild3d.errors import UserError, missing
from wild3d.media import video_turn

SUFFIXES = (
  '.mp4', '.mov', '.m4v', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.ts',
)  # fmt: skip
MAX_PIXELS = 64_000_000  # of a frame
_ROUNDING = 1.5e-3  # s: containers keep times in ticks, seldom above a millisecond
_SAME_TIME = 1e-6  # s: of times that are told in decimals
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

  def __init__(
    self,
    source: str,
    container,
    fps: float | None,
    frames: int | None,
    stamps: Sequence[int] = (),
  ):
    """See `opened`; `stamps` are the frames' times in the stream's unit, ascending."""
    self.source = source
    self.fps = fps
    self.frames = frames
    self._container = container
    self._stamps = stamps

  def __iter__(self) -> Iterator[tuple[int, float, UInt8[np.ndarray, 'H W 3']]]:
    """All of `part`."""
    return self.part()

  def part(
    self, start: float = 0.0, end: float = math.inf, every: int = 1
  ) -> Iterator[tuple[int, float, UInt8[np.ndarray, 'H W 3']]]:
    """Frames in order: (index in the video, seconds, RGB, turned as the file asks for).

    Args:
      start: seconds; decoding begins at the last whole picture before.
      end: seconds; a frame at that very time is the last.
      every: of the frames between the two, the first and each `every`th after it.

    Raises:
      UserError: the file ends early or is damaged; frames before that have come.
    """
    stream = _stream(self._container)
    stream.thread_type = 'AUTO'
    first, began, index, passed = None, time.monotonic(), -1, 0
    for index, frame in self._from(stream, start):
      if self.frames is None:
        seconds = time.monotonic() - began
      elif frame.time is None:
        seconds = index / (self.fps or 30.0)
      else:
        if first is None:
          first = self._stamps[0] * stream.time_base if index else frame.time
        seconds = float(frame.time - first)
      if seconds > end + _SAME_TIME:
        return
      if seconds < start - _SAME_TIME:
        continue
      if passed % every == 0:
        yield index, seconds, self._image(frame)
      passed += 1
    if self.frames is not None and index + 1 < self.frames:
      raise UserError(
        f'{self.source}: {self.frames} frames are in the file, {index + 1} could be '
        'decoded: it is cut off or damaged'
      )

  def count(
    self, start: float = 0.0, end: float = math.inf, every: int = 1
  ) -> int | None:
    """How many frames `part` gives; None of a webcam."""
    if self.frames is None:
      return None
    times = np.arange(self.frames) / (self.fps or 30.0)
    if len(self._stamps) == self.frames:
      unit = float(_stream(self._container).time_base)
      times = (np.array(self._stamps) - self._stamps[0]) * unit
    inside = (times >= start - _SAME_TIME) & (times <= end + _SAME_TIME)
    return -(-int(inside.sum()) // every)

  def _from(self, stream, start):
    """Yields (index, frame) from some frame before `start` seconds."""
    if start > 0 and self._stamps:
      # Some containers go to a whole picture that is stored before, and shown after.
      for earlier in (0.0, 0.1, 0.5, 2.0, 10.0):
        ticks = max(0.0, start - earlier - _SAME_TIME) / stream.time_base
        wanted = self._stamps[0] + math.floor(ticks)
        frames = self._sought(stream, wanted)
        frame = next(frames, None)
        if frame is not None and frame.pts in self._stamps and frame.pts <= wanted:
          index = self._stamps.index(frame.pts)
          yield from enumerate(itertools.chain([frame], frames), index)
          return
      yield from enumerate(self._sought(None, 0))
    else:
      yield from enumerate(self._decoded(stream))

  def _sought(self, stream, place):
    with self._errors(0):
      self._container.seek(place, stream=stream)
    yield from self._decoded(_stream(self._container))

  def _decoded(self, stream):
    frames = self._container.decode(stream)
    count = 0
    while True:
      with self._errors(count):
        frame = next(frames, None)
      if frame is None:
        return
      if frame.width * frame.height > MAX_PIXELS:
        raise UserError(
          f'{self.source}: {frame.width} x {frame.height} px a frame; at most '
          f'{MAX_PIXELS // 10**6} million are read'
        )
      count += 1
      yield frame

  def _image(self, frame):
    with self._errors(None):
      return video_turn.upright(frame)

  @contextlib.contextmanager
  def _errors(self, count):
    """Whatever a damaged file makes a decoder do is a line that names it."""
    try:
      yield
    except Exception as error:
      after = '' if count is None else f' after {count} frames'
      raise UserError(
        f'{self.source}: cannot be decoded{after} ({_why(error)})'
      ) from None


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
    fps, frames, stamps = _timing(container, stream)
  if not frames:
    raise UserError(f'{source}: there is no video frame in this file')
  with av.open(source) as container:
    yield Video(source, container, fps, frames, stamps)


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
    raise missing('a video', 'av') from None
  av.logging.set_level(None)  # libraries' remarks on damaged files
  return av


def _timing(container, stream):
  """(fps or None, number of frames, their times in ticks) from the packets alone."""
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
    return declared, total, ()
  times = np.sort(np.array(stamps, np.float64)) * tick
  if times[-1] <= times[0]:
    return declared, total, sorted(stamps)
  fps = (count - 1) / (times[-1] - times[0])
  if declared and abs(declared - fps) < 5e-3 * fps:
    fps = declared
  off = np.abs(times - times[0] - np.arange(count) / fps).max()
  even = off < max(_ROUNDING, 1.5 * tick)
  return fps if even else None, total, sorted(stamps)
