"""The folder of a prediction, which takes the place of an older one's, whole or never."""

import contextlib
import json
import os
import pathlib
import shutil
from collections.abc import Collection, Iterable, Iterator

from wild3d import files
from wild3d.errors import UserError

PARTS = ('pictures', 'bvh', 'trc', 'c3d')  # the folders in it
_UNFINISHED = '.wild3d-unfinished'


@contextlib.contextmanager
def replaced(
  out: str | os.PathLike, inputs: Collection[str]
) -> Iterator[tuple[pathlib.Path, pathlib.Path]]:
  """Yields (the folder, a new one within it to write to).

  At the end the new files come to the same places in the folder, poses.json last, and
  those of the older prediction that are not written anew are removed: the files that
  its poses.json lists, of the size that it lists. After an error, or Ctrl-C, all is as
  it was.

  Args:
    out: the folder; made if need be.
    inputs: paths that are read, and never removed.

  Raises:
    UserError: it cannot be made or written to, or the name of a part is a file's.
  """
  folder = pathlib.Path(os.path.expanduser(out))
  was_there = folder.is_dir()
  new = folder / _UNFINISHED
  try:
    if new.is_dir():  # of a run that was killed
      shutil.rmtree(new)
    new.mkdir(parents=True)
  except OSError as error:
    raise UserError(f'--out={out}: cannot be written to: {error.strerror}') from None
  try:
    for name in PARTS:
      if (folder / name).exists() and not (folder / name).is_dir():
        raise UserError(f'--out={out}: {name} in it is no folder: name another folder')
    yield folder, new
    with files.errors_named(folder):
      _replace(folder, new, inputs)
  finally:
    shutil.rmtree(new, ignore_errors=True)
    if not was_there:
      with contextlib.suppress(OSError):  # it holds a prediction
        folder.rmdir()


def check_drawings(
  out: str | os.PathLike, drawings: Collection[str], inputs: Collection[str]
) -> None:
  """Refuses a folder whose pictures are the inputs: they would be drawn over.

  Args:
    out: the folder.
    drawings: paths in it.
    inputs: paths that are read.

  Raises:
    UserError: a drawing is an input.
  """
  read = {os.path.realpath(path) for path in inputs}
  for name in drawings:
    path = os.path.join(os.path.expanduser(out), name)
    if os.path.realpath(path) in read:
      raise UserError(f'--out={out}: {path} is an input: name another folder')


def sizes(folder: pathlib.Path, paths: Iterable[str | os.PathLike]) -> dict[str, int]:
  """Path in the folder -> bytes, of the files that lie in it.

  Args:
    folder: the folder.
    paths: files and folders, wherever they are.
  """
  root = folder.resolve()
  real = sorted(pathlib.Path(os.path.expanduser(path)).resolve() for path in paths)
  return {
    path.relative_to(root).as_posix(): path.stat().st_size
    for path in real
    if path.is_file() and path.is_relative_to(root)
  }


def _replace(folder, new, inputs):
  older, listed = (_listed(where / 'poses.json') for where in (folder, new))
  for name in (*sizes(new, new.rglob('*')).keys() - {'poses.json'}, 'poses.json'):
    place = folder / name
    place.parent.mkdir(exist_ok=True)
    (new / name).replace(place)
  # By number: where case does not count, an older a.jpg is the new A.jpg.
  kept = {_number(path) for path in (*inputs, *(folder / name for name in listed))}
  for name in older.keys() - listed.keys():
    path = folder / name
    # The list may have been written by anyone, or the folder changed since.
    ours = path.is_file() and path.resolve().is_relative_to(folder.resolve())
    if ours and _number(path) not in kept and path.stat().st_size == older[name]:
      path.unlink()
      with contextlib.suppress(OSError):  # it holds other files
        path.parent.rmdir()


def _number(path):
  """Of the file, whatever its name; None where there is none."""
  with contextlib.suppress(OSError):
    found = os.stat(path)
    return found.st_dev, found.st_ino
  return None


def _listed(path):
  """Path in the folder -> bytes, of the files that a prediction wrote."""
  try:
    found = json.loads(path.read_text(encoding='utf-8'))
  except (OSError, ValueError, RecursionError):
    return {}
  if not isinstance(found, dict) or found.get('schema') != 'wild3d.poses':
    return {}
  listed = found.get('written')
  return listed if isinstance(listed, dict) else {}
