"""Compiled programs are kept from one start of a command to the next."""

import os
import sys

_FOLDER = 'JAX_COMPILATION_CACHE_DIR'  # JAX's own; empty: nothing is kept


def enable() -> None:
  """Lets JAX keep what it compiles in ~/.cache/wild3d/xla, unless told otherwise.

  To be called before JAX is imported. XDG_CACHE_HOME moves the folder; JAX's own
  JAX_COMPILATION_CACHE_DIR names another or, empty, none, and
  JAX_ENABLE_COMPILATION_CACHE=false is obeyed too. Where the folder cannot be written
  that is said, and programs are compiled anew.
  """
  if _FOLDER in os.environ:
    return
  home = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
  folder = os.path.join(os.path.expanduser(home), 'wild3d', 'xla')
  try:
    os.makedirs(folder, exist_ok=True)
    writable = os.access(folder, os.W_OK | os.X_OK)
  except OSError:
    writable = False
  if writable:
    os.environ[_FOLDER] = folder
  else:
    print(
      f'wild3d: {folder} cannot be written: what is compiled is not kept '
      f'({_FOLDER} names another folder)',
      file=sys.stderr,
    )
