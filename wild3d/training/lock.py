"""One run in a folder: a lock that a dead owner does not hold."""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator

from etils import epath

from wild3d import files
from wild3d.errors import UserError

FILE = 'lock.json'
BEAT = 30.0  # seconds between signs of life
DEAD = 180.0  # seconds without one after which an owner is dead


class Lock:
  """A lock that is held; see `held`."""

  def __init__(self, path: epath.Path | None):
    """Takes it; None: another process of the job does.

    Raises:
      UserError: a run that lives holds it; the message names host and process.
    """
    self._path, self._token = path, uuid.uuid4().hex
    if not path:
      return
    owner = _read(path)
    if owner and _lives(owner):
      raise _busy(path, owner)
    # An unreadable one too: they are written whole. Not asked of the disk once more: what
    # has appeared since is somebody's who lives.
    stale = owner is not None
    if stale:
      path.unlink(missing_ok=True)
    self._create()
    if stale:  # two that found the same dead owner: the later one took it
      time.sleep(0.5)
    self.check()

  def check(self) -> None:
    """Raises UserError where another run holds it now, as this one seemed dead."""
    owner = _read(self._path)
    if owner and owner['token'] != self._token:
      raise _busy(self._path, owner)

  def beat(self) -> None:
    """Gives a sign of life; nothing where the lock is another's."""
    owner = _read(self._path)
    if self._path and (not owner or owner['token'] == self._token):
      with contextlib.suppress(UserError):  # a full disk ends no run between two saves
        files.write(self._path, self._record())

  def release(self) -> None:
    """Gives it up."""
    owner = _read(self._path)
    if self._path and owner and owner['token'] == self._token:
      self._path.unlink(missing_ok=True)

  def _create(self):
    partial = self._path.with_name(f'.{FILE}.{self._token}')
    with files.errors_named(self._path):
      partial.write_text(self._record())
    try:
      os.link(partial, self._path)  # appears whole, for one of those who try
    except FileExistsError:
      raise _busy(self._path, _read(self._path) or {}) from None
    except OSError:  # no links there, as in a bucket
      self._path.write_text(self._record())
    finally:
      partial.unlink()

  def _record(self):
    host, pids = _machine()
    return json.dumps(
      {
        'host': host,
        'pid': os.getpid(),
        'pids': pids,
        'token': self._token,
        'beat': time.time(),
      }
    )


@contextlib.contextmanager
def held(folder: epath.Path, process: int = 0) -> Iterator[Lock]:
  """Holds the lock of a folder, which is made; it goes again if it stays empty.

  Args:
    folder: of the run.
    process: of the job; the first one holds the lock for all.

  Raises:
    UserError: see `Lock`.
  """
  if process:
    yield Lock(None)
    return
  with files.errors_named(folder):
    folder.mkdir(parents=True, exist_ok=True)
  lock = Lock(folder / FILE)
  done = threading.Event()

  def live():
    while not done.wait(BEAT):
      lock.beat()

  thread = threading.Thread(target=live, name='lock', daemon=True)
  thread.start()
  try:
    yield lock
  finally:
    done.set()
    thread.join()
    lock.release()
    if not any(folder.iterdir()):
      folder.rmdir()


def _read(path):
  """The owner; None where there is none, {} of an unreadable one."""
  if not path:
    return None
  try:
    owner = json.loads(path.read_text())
    return owner if {'host', 'pid', 'pids', 'token', 'beat'} <= owner.keys() else {}
  except FileNotFoundError:
    return None
  except (OSError, ValueError, AttributeError):
    return {}


def _lives(owner):
  if time.time() - owner['beat'] > DEAD:
    return False
  if [owner['host'], owner['pids']] != list(_machine()):
    return True
  if owner['pid'] == os.getpid():  # of a container that was started again
    return False
  try:
    os.kill(owner['pid'], 0)
  except ProcessLookupError:
    return False
  except PermissionError:
    pass
  return True


def _machine():
  """Host, and which processes a number is of: containers count for themselves."""
  try:
    return socket.gethostname(), os.readlink('/proc/self/ns/pid')
  except OSError:
    return socket.gethostname(), ''


def _busy(path, owner):
  host, pid = owner.get('host', 'another host'), owner.get('pid', '?')
  return UserError(
    f'{path.parent}: a run is at work here: process {pid} on {host}; stop it, or use '
    f'another --workdir (one that has died is passed over {DEAD / 60:g} minutes after '
    'its last sign of life)'
  )
