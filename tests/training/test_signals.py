import os
import signal
import subprocess
import sys
import time

import pytest

from wild3d.training import mesh, signals

# A loop of steps, each in C for longer than a signal may wait, as compiling is.
LOOP = """
import sys, time
from wild3d.training import signals

with signals.watched(lambda: print('left', flush=True)) as watch:
  watch.saves = SAVES
  print('ready', flush=True)
  while not watch.number:
    BUSY
  print('saving', watch.number, flush=True)
  sys.stdin.readline()
  time.sleep(0.2)
print('saved', flush=True)
raise SystemExit(128 + watch.number)
"""


@pytest.fixture
def start():
  """Starts the loop; returns the process when it is under way."""
  started = []

  def run(saves=True, busy='time.sleep(0.05)'):
    code = LOOP.replace('SAVES', str(saves)).replace('BUSY', busy)
    process = subprocess.Popen(
      [sys.executable, '-c', code],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )
    started.append(process)
    assert process.stdout.readline() == 'ready\n'
    return process

  yield run
  for process in started:
    process.kill()
    process.wait()


@pytest.mark.parametrize(('number', 'code'), [(15, 143), (2, 130)])
def test_what_is_under_way_is_saved(start, number, code):
  """Catches a signal that ends a run before it has saved; and a wrong exit code."""
  process = start()
  process.send_signal(number)
  assert process.stdout.readline() == f'saving {number}\n'
  process.send_signal(signal.SIGTERM)  # schedulers may say it more than once
  out, err = process.communicate('\n')
  assert out == 'saved\n'
  assert process.returncode == code
  assert err.count('\n') == 1
  assert 'saving after this step' in err


def test_second_interrupt_ends_at_once(start):
  """Catches a run that cannot be stopped while it saves; its lock must go."""
  process = start()
  process.send_signal(signal.SIGINT)
  assert process.stdout.readline() == 'saving 2\n'
  process.send_signal(signal.SIGINT)
  out, err = process.communicate()
  assert out == 'left\n'
  assert process.returncode == 130
  assert err.count('\n') == 2


def test_nothing_to_save_ends_at_once_also_in_native_code(start):
  """Catches a signal that waits for a compilation to end."""
  process = start(saves=False, busy='import ctypes; ctypes.CDLL(None).sleep(60)')
  time.sleep(0.1)
  begin = time.monotonic()
  process.send_signal(signal.SIGTERM)
  out, err = process.communicate()
  assert process.returncode == 143
  assert out == 'left\n'
  assert err.count('\n') == 1
  assert time.monotonic() - begin < 30


def test_handlers_are_put_back():
  """Catches a library that keeps a program's Ctrl-C for itself."""
  before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
  with signals.watched() as watch:
    watch.saves = True
    os.kill(os.getpid(), signal.SIGTERM)
    until = time.monotonic() + 10
    while not watch.number and time.monotonic() < until:
      time.sleep(0.01)
    assert watch.number == signal.SIGTERM
  assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_requests(monkeypatch):
  """Catches a clock that is not started again, and a signal that it hides."""
  watch, clock = signals.Watch(), [0.0]
  monkeypatch.setattr(signals.time, 'monotonic', lambda: clock[0])
  asks = signals.Requests(watch, 10.0, mesh.make())
  assert asks.now() == 0
  clock[0] = 600.0
  assert asks.now() == signals.SAVE
  asks.check()
  asks.saved()
  assert asks.now() == 0
  watch.number = signal.SIGTERM
  clock[0] = 1200.0
  assert asks.now() == signal.SIGTERM
  with pytest.raises(signals.Stopped) as stopped:
    asks.check()
  assert stopped.value.number == signal.SIGTERM
  never = signals.Requests(signals.Watch(), 0, mesh.make())
  clock[0] = 1e9
  assert never.now() == 0


def test_several_processes_agree_a_step_later(monkeypatch):
  """Catches a request that is lost, repeated after a save, or waited for."""
  watch = signals.Watch()
  asks = signals.Requests(watch, 0, mesh.make())
  monkeypatch.setattr(signals.jax, 'process_count', lambda: 2)
  watch.number = signal.SIGINT
  assert [asks.now(), asks.now()] == [0, 2]
  asks.saved()
  watch.number = 0
  assert [asks.now(), asks.now()] == [0, 0]
