"""Pictures read in batches: the next one in a thread, while the caller has this one."""

import concurrent.futures
import dataclasses
import threading
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from wild3d.errors import UserError
from wild3d.media import image_file

# What is odd about one input raises these: it is named, and the others are done.
FAULTS = (UserError, MemoryError, OSError, ValueError)
PIXELS = 64_000_000  # 192 MB as RGB, of a batch; two are held


@dataclasses.dataclass(frozen=True)
class Photo:
  """A picture that was read, or why it was not."""

  source: str  # its path
  image: UInt8[np.ndarray, 'H W 3'] | None = None  # RGB; None where there is a fault
  fault: Exception | None = None  # one of `FAULTS`, or None


def batches(
  sources: Sequence[str], most: int, pixels: int = PIXELS
) -> Iterator[list[Photo]]:
  """Yields the pictures in order, in lists. Close it to end the thread early.

  Args:
    sources: paths.
    most: pictures in a list.
    pixels: a list ends with the picture that reaches so many, so that a list of large
      ones takes no more memory than one of small ones.
  """
  rest, stopped = iter(sources), threading.Event()

  def read():
    batch, room = [], pixels
    while len(batch) < most and room > 0 and not stopped.is_set():
      source = next(rest, None)
      if source is None:
        break
      batch.append(_photo(source))
      if batch[-1].image is not None:
        room -= batch[-1].image.size // 3
    return batch

  with concurrent.futures.ThreadPoolExecutor(1) as thread:
    try:
      ahead = thread.submit(read)
      while batch := ahead.result():
        ahead = thread.submit(read)
        yield batch
    finally:
      stopped.set()


def _photo(source):
  try:
    return Photo(source, image_file.read(source))
  except FAULTS as fault:
    return Photo(source, fault=fault)
