"""What a user named on the command line: files, folders and patterns."""

import glob
import os
import pathlib
import re

from wild3d.errors import UserError
from wild3d.media import image_file


def pictures(arguments: list[str]) -> tuple[list[str], list[str]]:
  """The pictures that the arguments name, each once.

  Args:
    arguments: files; folders, for the pictures in them (hidden ones and folders within
      are left out); patterns such as 'shots/**/*.jpg'.

  Returns:
    (paths of pictures, in the order of the arguments and, within one, sorted with
    numbers as numbers; paths of other files met in folders and patterns).

  Raises:
    UserError: an argument names nothing, or a file that is no picture.
  """
  found, passed = {}, []
  for argument in arguments:
    path = pathlib.Path(argument).expanduser()
    if path.is_file():
      if not is_picture(path):
        raise UserError(
          f'{argument}: no picture by its name; known are '
          f'{", ".join(image_file.SUFFIXES)}'
        )
      found[str(path)] = None
      continue
    if path.is_dir():
      inside = [p for p in path.iterdir() if p.name[0] != '.']
    else:
      inside = map(pathlib.Path, glob.glob(str(path), recursive=True))
    files = sorted((p for p in inside if p.is_file()), key=_natural)
    chosen = [p for p in files if is_picture(p)]
    if not chosen:
      raise UserError(f'{argument}: no such file, or a folder without pictures')
    found.update(dict.fromkeys(map(str, chosen)))
    passed += [str(p) for p in files if not is_picture(p)]
  return list(found), passed


def is_picture(path: os.PathLike) -> bool:
  """Whether the name ends as a picture's does."""
  return pathlib.Path(path).suffix.lower() in image_file.SUFFIXES


def _natural(path):
  parts = re.split('([0-9]{1,9})', str(path))
  return [(int(p), '') if p.isdecimal() else (-1, p) for p in parts]
