"""Files that are whole or not there."""

import contextlib
import os

from wild3d.errors import UserError
from wild3d.workdir import place


def write(path: str | os.PathLike, content: str | bytes) -> None:
  """Writes a file, text as UTF-8; readers see the old file or the new one, never a part.

  Raises:
    UserError: `path` is a folder or cannot be written.
  """
  path = place(path)
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
