import json
import os
import subprocess
import sys
import threading
import time

import pytest
from etils import epath

from wild3d.errors import UserError
from wild3d.training import lock


@pytest.fixture
def folder(tmp_path):
  return epath.Path(tmp_path) / 'run'


@pytest.fixture
def other():
  """A process that lives, and is no run."""
  process = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)
  yield process
  process.communicate(b'\n')


def owned(folder, **changed):
  """A lock that this machine's own process might have left, as changed."""
  folder.mkdir()
  path = folder / lock.FILE
  record = json.loads(lock.Lock(path)._record()) | {'token': 'theirs'} | changed
  path.write_text(json.dumps(record))
  return path


def refused(folder):
  with pytest.raises(UserError) as error, lock.held(folder):
    pass
  assert '\n' not in str(error.value)
  return str(error.value)


def test_second_run_is_refused(folder, other):
  """Catches two runs that interleave in one folder; names the one at work."""
  path = owned(folder, pid=other.pid)
  assert f'process {other.pid} on ' in refused(folder)
  assert json.loads(path.read_text())['token'] == 'theirs'


def test_it_goes_with_its_owner(folder):
  """Catches a lock, or an empty folder, that stays after the run."""
  with lock.held(folder):
    assert (folder / lock.FILE).exists()
  assert not folder.exists()
  with lock.held(folder):
    (folder / 'kept').touch()
  assert [p.name for p in folder.iterdir()] == ['kept']


def test_dead_owners_are_passed_over(folder, other):
  """Catches a run that cannot go on after kill -9, a restart, or the machine's loss."""
  gone = subprocess.Popen([sys.executable, '-c', ''])
  gone.wait()
  long_ago = time.time() - 2 * lock.DEAD
  for dead in (
    {'pid': gone.pid},
    {'pid': os.getpid()},  # the number of a container's first process, again
    {'pid': other.pid, 'beat': long_ago},
    {'host': 'elsewhere', 'beat': long_ago},
  ):
    owned(folder, **dead)
    with lock.held(folder) as owner:
      owner.check()
    assert not folder.exists()
  for half in ('', '{"host"', '[]'):
    folder.mkdir()
    (folder / lock.FILE).write_text(half)
    with lock.held(folder) as owner:
      owner.check()


def test_another_host_is_believed_for_a_while(folder):
  """Catches a process number of one machine looked up on another."""
  owned(folder, host='elsewhere', pid=2**22 + 1)
  assert 'on elsewhere' in refused(folder)


def test_a_run_that_seemed_dead_saves_no_more(folder):
  """Catches a run, stopped for an hour, that wakes up and writes between another's."""
  with lock.held(folder) as owner:
    (folder / lock.FILE).unlink()
    owner.beat()  # someone deleted it: it is taken again
    owner.check()
    record = json.loads((folder / lock.FILE).read_text()) | {
      'token': 'theirs',
      'pid': 7,
    }
    (folder / lock.FILE).write_text(json.dumps(record))
    with pytest.raises(UserError, match='process 7'):
      owner.check()
    owner.beat()
    owner.release()
    assert json.loads((folder / lock.FILE).read_text())['token'] == 'theirs'


def test_signs_of_life(folder, monkeypatch):
  """Catches a long run that seems dead to another host."""
  monkeypatch.setattr(lock, 'BEAT', 0.01)
  with lock.held(folder):
    read = lambda: json.loads((folder / lock.FILE).read_text())['beat']  # noqa: E731
    first, until = read(), time.monotonic() + 10
    while read() == first and time.monotonic() < until:
      time.sleep(0.01)
    assert read() > first


def test_one_that_appears_meanwhile_is_no_dead_ones(folder, monkeypatch):
  """Catches a lock taken away between a look for an owner and one for a file."""
  read = lock._read

  def late(path):
    found = read(path)
    if not path.exists():
      monkeypatch.setattr(lock, '_read', read)
      theirs.append(lock.Lock(path))
    return found

  theirs = []
  folder.mkdir()
  monkeypatch.setattr(lock, '_read', late)
  with pytest.raises(UserError, match='a run is at work here'):
    lock.Lock(folder / lock.FILE)
  theirs[0].check()
  assert (folder / lock.FILE).exists()


def test_one_of_many_that_start_at_once(folder):
  """Catches a race in which several think that the lock is theirs."""
  won, lost = [], []
  ready, done = threading.Barrier(8), threading.Event()

  def start():
    ready.wait()
    try:
      with lock.held(folder):
        won.append(1)
        done.wait(5)
    except UserError:
      lost.append(1)
    if len(lost) == 7:
      done.set()

  # Threads have one process number, which would seem a dead one's.
  patched = pytest.MonkeyPatch()
  patched.setattr(lock, '_lives', lambda owner: True)
  threads = [threading.Thread(target=start) for _ in range(8)]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()
  patched.undo()
  assert (len(won), len(lost)) == (1, 7)
