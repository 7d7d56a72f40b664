"""SIGTERM and Ctrl-C: noted, so that the step in flight ends and is saved.

A request is a number: 0 for none, SAVE, or the signal because of which to stop; of
several the largest counts. A job of several processes agrees on it in every step, so
that all save the same step and stop, whichever of them was told.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

import jax
import numpy as np

from wild3d.training import mesh

SAVE = 1  # a checkpoint is due by the clock; below SIGINT (2) and SIGTERM (15)


class Stopped(Exception):  # noqa: N818
  """What is under way is to be left, because of the signal `number`."""

  def __init__(self, number: int):
    """See signal.Signals."""
    super().__init__(number)
    self.number = number


class Watch:
  """What was received.

  Attributes:
    number: of the first signal, 0 before there is one.
    saves: set as soon as there is something to save; until then a signal ends the
      process at once, also while it restores or compiles.
  """

  def __init__(self, leave: Callable[[], None] = lambda: None):
    """`leave` is called before the process ends at once."""
    self.number, self.saves = 0, False
    self._leave, self._interrupted = leave, False

  def note(self, number: int) -> None:
    """Takes a signal; a second Ctrl-C ends the process at once."""
    name = signal.Signals(number).name
    again = number == signal.SIGINT and self._interrupted
    if again or not self.saves:
      _tell(f'{name}: ended; what was saved before is whole')
      self._leave()
      os._exit(128 + number)
    self._interrupted |= number == signal.SIGINT
    if not self.number:
      _tell(f'{name}: saving after this step (Ctrl-C twice: end at once)')
    self.number = self.number or number


@contextlib.contextmanager
def watched(leave: Callable[[], None] = lambda: None) -> Iterator[Watch]:
  """Notes the signals within, in place of what they do elsewhere.

  Python runs a handler when the main thread is next in Python, which may be a minute
  later while XLA compiles. So a thread of its own hears of them, through a socket.
  """
  watch = Watch(leave)
  if threading.current_thread() is not threading.main_thread():
    yield watch  # signals are the main thread's
    return
  ears, mouth = socket.socketpair()
  mouth.setblocking(False)

  def listen():
    while number := ears.recv(1):
      watch.note(number[0])

  thread = threading.Thread(target=listen, name='signals', daemon=True)
  before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
  wakeup = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
  thread.start()
  try:
    for number in before:
      signal.signal(number, lambda *_: None)
    yield watch
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)
    signal.set_wakeup_fd(wakeup)
    mouth.close()
    thread.join()
    ears.close()


class Requests:
  """What is to be done after a step, in all processes alike."""

  def __init__(self, watch: Watch, minutes: float | int, devices):
    """Starts the clock: a checkpoint is due every `minutes` (0: never by the clock)."""
    self._watch, self._minutes = watch, minutes
    self._largest = jax.jit(jax.numpy.max, out_shardings=mesh.replicated(devices))
    self._sharding = mesh.batched(devices)
    self.saved()

  def saved(self) -> None:
    """Starts the clock again, in all processes after the same step."""
    self._since, self._asked = time.monotonic(), None

  def now(self) -> int:
    """The largest request; called equally often in all processes.

    Of several processes it is the one before: nobody waits for the answer.
    """
    due = self._minutes and time.monotonic() - self._since >= 60 * self._minutes
    mine = self._watch.number or (SAVE if due else 0)
    if jax.process_count() == 1:
      return mine
    asked, here = self._asked, np.full(jax.local_device_count(), mine, np.int32)
    self._asked = self._largest(
      jax.make_array_from_process_local_data(self._sharding, here)
    )
    return 0 if asked is None else int(asked)

  def check(self) -> None:
    """Raises Stopped where a signal asks to stop; called like `now`."""
    asked = self.now()
    if asked > SAVE:
      raise Stopped(asked)


def _tell(line):
  print(f'wild3d: {line}', file=sys.stderr, flush=True)
