"""Images a second of the training, without what it waits for."""

import time


class Clock:
  """Images a second of the training alone."""

  def __init__(self, batch_size: int):
    """Starts counting."""
    self._batch_size = batch_size
    self._steps, self._seconds, self._since = 0, 0.0, time.monotonic()

  def step(self) -> None:
    """Counts a step, and the time since the last call or `skip`."""
    now = time.monotonic()
    self._steps += 1
    self._seconds += now - self._since
    self._since = now

  def skip(self) -> None:
    """Leaves out the time until now: evaluation, saving."""
    self._since = time.monotonic()

  def rate(self) -> float:
    """Images a second since the last call."""
    rate = self._steps * self._batch_size / max(self._seconds, 1e-9)
    self._steps, self._seconds = 0, 0.0
    return rate
