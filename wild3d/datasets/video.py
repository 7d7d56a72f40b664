"""Frames of a video file, decoded once through as a stream (PyAV)."""

import contextlib
import pathlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8

from wild3d.errors import UserError


def count(path: pathlib.Path) -> int:
  """How many frames the file says that it holds; nothing is decoded.

  Raises:
    UserError: the file is missing, empty or cut off, or is no video.
  """
  with _opened(path) as (container, stream):
    # Some containers (AVI) do not tell; their packets do.
    return stream.frames or sum(p.size > 0 for p in container.demux(stream))


def frames(
  path: pathlib.Path, wanted: range
) -> Iterator[tuple[int, UInt8[np.ndarray, 'H W 3']]]:
  """The wanted frames in order, as (index from 0 in the file, RGB).

  One frame is in memory at a time. Frames between the wanted ones are decoded, as
  later ones are stored as changes to them, but not converted. One thread: units are
  read by one process for each core.

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
  with _opened(path) as (container, stream):
    stream.thread_type = 'NONE'
    stream.codec_context.thread_count = 1
    for index, frame in enumerate(container.decode(stream)):
      if index in wanted:
        if frame.is_corrupt:
          raise UserError(f'{path}: frame {index} is damaged; download it again')
        yield index, frame.to_ndarray(format='rgb24')
      if index >= wanted[-1]:
        return
  raise UserError(
    f'{path}: the video ends after {index + 1} frames, frame {wanted[-1]} is needed; '
    'it is cut off or damaged: download it again'
  )


@contextlib.contextmanager
def _opened(path):
  import av

  if not path.is_file():
    raise UserError(f'{path}: no such video')
  try:
    with av.open(str(path)) as container:
      if not container.streams.video:
        raise UserError(f'{path}: there is no video in this file')
      yield container, container.streams.video[0]
  except av.error.FFmpegError as error:
    raise UserError(
      f'{path}: the video cannot be decoded ({error.strerror}); it is cut off or '
      'damaged: download it again'
    ) from None
