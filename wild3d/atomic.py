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
  partial = path.parent / f'.{path.name}.{os.getpid()}.tmp'
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(content.encode() if isinstance(content, str) else content)
    partial.replace(path)
  except OSError as error:
    raise UserError(f'{path} cannot be written: {error.strerror or error}') from None
  finally:
    with contextlib.suppress(OSError):  # where the parent is a file
      partial.unlink(missing_ok=True)
