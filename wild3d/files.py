"""Files of ours: absolute paths, written whole or not at all, checked before any work."""

import contextlib
import errno
import importlib.util
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from etils import epath

from wild3d.errors import UserError, missing

DATA_DIR = '~/.cache/wild3d/tfds'  # where built datasets are kept, unless told


def absolute(path: str | os.PathLike) -> epath.Path:
  """The path without ~ and made absolute; addresses such as gs:// stay.

  Raises:
    UserError: it is in a bucket, and nothing is installed that reads there.
  """
  if '://' in str(path):
    found = map(importlib.util.find_spec, ('tensorflow', 'gcsfs'))
    if str(path).startswith('gs://') and not any(found):
      raise missing(str(path), 'gcsfs', 'or tensorflow-cpu, which reads buckets too')
    return epath.Path(path)
  return epath.Path(path).expanduser().absolute()


@contextlib.contextmanager
def whole(path: str | os.PathLike) -> Iterator[epath.Path]:
  """Yields where to write a file or a new folder, which appears at `path` at the end.

  Readers see the old file or the new one, never a part; after an error, or where
  nothing was written, nothing is left behind.

  Raises:
    UserError: `path` is a folder or cannot be written. Errors of the caller pass: see
      `errors_named`.
  """
  final = absolute(path)
  if fault := _unfit(final):
    raise UserError(f'{final} {fault}')
  partial = _partial(final)
  try:
    with errors_named(final):
      final.parent.mkdir(parents=True, exist_ok=True)
    yield partial
    with errors_named(final):
      if partial.exists():
        partial.replace(final)
  finally:
    with contextlib.suppress(OSError):  # where the parent is a file
      partial.rmtree() if partial.is_dir() else partial.unlink(missing_ok=True)


@contextlib.contextmanager
def errors_named(path: str | os.PathLike) -> Iterator[None]:
  """Makes an OSError within, such as a full disk, a UserError that names the file."""
  try:
    yield
  except OSError as error:
    raise UserError(f'{path} cannot be written: {error.strerror or error}') from None


def check_room(folder: epath.Path, size: int) -> None:
  """Raises before so many bytes are written to a disk that has no room for them.

  Libraries that write in threads of their own tell of a full disk late and at length.

  Args:
    folder: which may be missing yet. Addresses such as gs:// are not looked at, nor disks
      that tell no size.
    size: in bytes.

  Raises:
    OSError: what writing would raise.
  """
  if '://' in str(folder):
    return
  there = next((p for p in (folder, *folder.parents) if p.exists()), None)
  disk = shutil.disk_usage(there) if there else None
  if disk and disk.total and disk.free < size:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def why(error: BaseException) -> str:
  """The system's word for what failed, from whichever library passed it on."""
  while True:
    if isinstance(error, OSError) and error.strerror:
      return error.strerror
    if 'No space left' in str(error):
      return os.strerror(errno.ENOSPC)
    cause = error.__cause__ or error.__context__
    if cause is None:
      return ' '.join(str(error).split())[:200] or type(error).__name__
    error = cause


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[BinaryIO]:
  """A stream of bytes to write; see `whole` and `errors_named`."""
  with whole(path) as partial, errors_named(path), partial.open('wb') as stream:
    yield stream


def read_json(path: str | os.PathLike, told: str = '') -> object:
  """What a JSON file holds.

  Args:
    path: the file.
    told: what a message calls it, such as '--boxes=a.json'; else its path.

  Raises:
    UserError: it is missing, or damaged.
  """
  told = told or str(path)
  try:
    return json.loads(absolute(path).read_text(encoding='utf-8'))
  except OSError as error:
    raise UserError(f'{told}: cannot be read: {error.strerror}') from None
  except (ValueError, RecursionError) as error:
    raise UserError(f'{told}: no JSON, or an incomplete one: {error}') from None


def write(path: str | os.PathLike, content: str | bytes) -> None:
  """Writes a file whole or not at all, text as UTF-8.

  Raises:
    UserError: `path` is a folder or cannot be written.
  """
  # A file name of undecodable bytes, in a text, is written with backslashes.
  if isinstance(content, str):
    content = content.encode(errors='backslashreplace')
  with opened(path) as stream:
    stream.write(content)


def _partial(path):
  return path.parent / f'.{path.name}.{os.getpid()}.tmp'


def _unfit(path):
  """Why no file can be written there, or None."""
  if os.path.isdir(path):
    return 'is a folder: give the name of the file to write'
  # Of epath's own paths a pipe is a file. The superuser would replace /dev/null.
  if os.path.exists(path) and not os.path.isfile(path):
    return 'is no regular file: give the name of the file to write'
  return None


def check_outputs(
  outputs: Mapping[str, str | None], inputs: Mapping[str, str] | None = None
) -> None:
  """Refuses files that cannot be written, or that are read or written too.

  Args:
    outputs: flag -> the file that it names; '' or None where the flag is not given.
    inputs: likewise, of what is read.

  Raises:
    UserError: a file is a folder, a device, in no folder, in one that takes no file, or
      another flag's. Addresses such as gs:// are not looked at.
  """
  named = {**(inputs or {}), **outputs}
  given = {flag: path for flag, path in named.items() if path and '://' not in path}
  full = {flag: absolute(path) for flag, path in given.items()}
  taken = {os.path.realpath(full[flag]): flag for flag in full if flag not in outputs}
  for flag in (flag for flag in full if flag in outputs):
    file, told = full[flag], f'{flag}={given[flag]}'
    if fault := _unfit(file):
      raise UserError(f'{told}: {fault}')
    if not file.parent.is_dir():
      raise UserError(f'{told}: its folder does not exist')
    if other := taken.get(os.path.realpath(file)):
      raise UserError(f'{told}: is {other} too: give the file another name')
    taken[os.path.realpath(file)] = flag
    # By trying: the superuser may do all, and yet /proc takes no file.
    with errors_named(f'{told}:'):
      _partial(file).touch()
      _partial(file).unlink()
