"""Whether the files that a command is to write can be written: said before any work."""

import os
from collections.abc import Mapping


def check(
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
  from wild3d import workdir
  from wild3d.errors import UserError

  given = {**(inputs or {}), **outputs}
  given = {flag: path for flag, path in given.items() if path and '://' not in path}
  place = {flag: os.fspath(workdir.place(path)) for flag, path in given.items()}
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
