"""Seconds of work that is repeated, and the memory that it took."""

import resource
import time
from collections.abc import Callable

import jax
import numpy as np

_REPEATS = 10  # aimed at; three at least


def measure(run: Callable[[int], None], seconds: float) -> list[float]:
  """Seconds of one time, of each repeat.

  Args:
    run: does the work so many times, and waits once, at the end.
    seconds: to spend, about; what is compiled, and a first time, come on top.
  """
  run(1)
  start = time.perf_counter()
  run(1)
  once = time.perf_counter() - start
  number = max(1, int(seconds / _REPEATS / once))
  taken, start = [], time.perf_counter()
  while len(taken) < 3 or time.perf_counter() - start < seconds:
    before = time.perf_counter()
    run(number)
    taken.append((time.perf_counter() - before) / number)
  return taken


def rate(batch: int, taken: list[float]) -> dict:
  """Images a second: median, lowest and highest of the repeats."""
  rates = batch / np.asarray(taken)
  return {
    'batch': batch,
    'images_per_second': float(np.median(rates)),
    'lowest': float(rates.min()),
    'highest': float(rates.max()),
    'repeats': len(taken),
  }


def processor_seconds() -> float:
  """User and system seconds of this process so far."""
  usage = resource.getrusage(resource.RUSAGE_SELF)
  return usage.ru_utime + usage.ru_stime


def peak_memory() -> dict[str, float]:
  """MB: of this process the most so far, and of the fullest device, where it tells."""
  found = {'process': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
  stats = [device.memory_stats() or {} for device in jax.local_devices()]
  most = max(each.get('peak_bytes_in_use', 0) for each in stats)
  return found | ({'device': most / 2**20} if most else {})
