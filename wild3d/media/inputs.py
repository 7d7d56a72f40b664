"""What a user named on the command line: files, folders, patterns, a webcam."""

import dataclasses
import glob
import os
import pathlib
import re

from wild3d.errors import UserError
from wild3d.media import image_file, video_file


@dataclasses.dataclass(frozen=True)
class Input:
  """One picture, video or webcam."""

  kind: str  # 'image', 'video' or 'webcam'
  source: str  # its path, or a webcam's index


def expand(arguments: list[str]) -> tuple[list[Input], list[str]]:
  """What the arguments name, each once.

  Args:
    arguments: files; folders, for the pictures and videos in them (hidden ones and
      folders within are left out); patterns such as 'shots/**/*.jpg'; a webcam's index,
      such as '0'.

  Returns:
    (inputs, in the order of the arguments and, within one, sorted with numbers as
    numbers; paths of other files met in folders and patterns).

  Raises:
    UserError: an argument names nothing, a file that is no picture or video, or a HEIC
      photograph without pillow-heif.
  """
  found, passed = {}, []
  for argument in arguments:
    # Path.expanduser refuses a file whose name begins with ~.
    path = pathlib.Path(os.path.expanduser(argument))
    if '://' in argument:
      raise UserError(
        f'{argument}: an address is not read: download it and name the file'
      )
    if argument.isdecimal() and not path.exists():
      found[Input('webcam', argument)] = None
      continue
    if path.is_file():
      if kind(path) is None:
        known = ', '.join(image_file.SUFFIXES + video_file.SUFFIXES)
        raise UserError(
          f'{argument}: no picture or video by its name; known are {known}'
        )
      image_file.check_decoder(path)
      found[Input(kind(path), str(path))] = None
      continue
    if path.is_dir():
      inside = [p for p in path.iterdir() if p.name[0] != '.']
    else:
      inside = map(pathlib.Path, glob.glob(str(path), recursive=True))
    files = sorted((p for p in inside if p.is_file()), key=_natural)
    chosen = [Input(kind(p), str(p)) for p in files if kind(p)]
    if not chosen:
      raise UserError(
        f'{argument}: no such file, or a folder without pictures and videos'
      )
    found.update(dict.fromkeys(chosen))
    passed += [str(p) for p in files if not kind(p)]
  return list(found), passed


def kind(path: os.PathLike) -> str | None:
  """'image' or 'video' by the name's ending, else None."""
  suffix = pathlib.Path(path).suffix.lower()
  if suffix in image_file.SUFFIXES:
    return 'image'
  return 'video' if suffix in video_file.SUFFIXES else None


def _natural(path):
  parts = re.split('([0-9]{1,9})', str(path))
  return [(int(p), '') if p.isdecimal() else (-1, p) for p in parts]
