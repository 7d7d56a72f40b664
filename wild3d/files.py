"""Files of ours: absolute paths, written whole or not at all, checked before any work."""

import contextlib
import os
from collections.abc import Mapping

from etils import epath

from wild3d.errors import UserError


def absolute(path: str | os.PathLike) -> epath.Path:
  """The path without ~ and made absolute; addresses such as gs:// stay."""
  if '://' in str(path):
    return epath.Path(path)
  return epath.Path(path).expanduser().absolute()


def write(path: str | os.PathLike, content: str | bytes) -> None:
  """Writes a file, text as UTF-8; readers see the old file or the new one, never a part.

  Raises:
    UserError: `path` is a folder or cannot be written.
  """
  path = absolute(path)
  if path.is_dir():
    raise UserError(f'{path} is a folder: give the name of the file to write')
  # Of epath's own paths a pipe is a file. The superuser would replace /dev/null.
  if os.path.exists(path) and not os.path.isfile(path):
    raise UserError(f'{path} is no regular file: give the name of the file to write')
  # A file name of undecodable bytes, in a text, is written with backslashes.
  if isinstance(content, str):
    content = content.encode(errors='backslashreplace')
  partial = path.parent / f'.{path.name}.{os.getpid()}.tmp'
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(content)
    partial.replace(path)
  except OSError as error:
    raise UserError(f'{path} cannot be written: {error.strerror or error}') from None
  finally:
    with contextlib.suppress(OSError):  # where the parent is a file
      partial.unlink(missing_ok=True)


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
  given = {**(inputs or {}), **outputs}
  given = {flag: path for flag, path in given.items() if path and '://' not in path}
  place = {flag: os.fspath(absolute(path)) for flag, path in given.items()}
  taken = {os.path.realpath(place[flag]): flag for flag in place if flag not in outputs}
  for flag in (flag for flag in place if flag in outputs):
    file, told = place[flag], f'{flag}={given[flag]}'
    folder, name = os.path.split(file)
    if os.path.isdir(file):
      raise UserError(f'{told}: is a folder: give the name of the file to write')
    if not os.path.isdir(folder):
      raise UserError(f'{told}: its folder does not exist')
    if os.path.exists(file) and not os.path.isfile(file):
      raise UserError(f'{told}: is no regular file: give the name of the file to write')
    if other := taken.get(os.path.realpath(file)):
      raise UserError(f'{told}: is {other} too: give the file another name')
    taken[os.path.realpath(file)] = flag
    # By trying: the superuser may do all, and yet /proc takes no file.
    trial = os.path.join(folder, f'.{name}.{os.getpid()}.tmp')
    try:
      open(trial, 'wb').close()
      os.remove(trial)
    except OSError as error:
      raise UserError(f'{told}: cannot be written: {error.strerror}') from None
