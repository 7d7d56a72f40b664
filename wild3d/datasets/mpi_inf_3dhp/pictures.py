"""Frames of one camera: of a video, or of a folder of numbered pictures."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator

import numpy as np
from PIL import Image

from wild3d.errors import UserError
from wild3d.media import image_file, video_file

_NUMBERED = re.compile(r'(.*?)(\d+)\.(jpe?g|png)', re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Pictures:
  """Where the frames of one camera lie."""

  path: str  # video file, or folder of pictures
  prefix: str = ''  # of the names of the pictures; what follows is their number
  first: int = 0  # number of the picture of row 0 of the labels; 0 for a video

  @property
  def is_video(self) -> bool:
    """Whether `path` is a video file."""
    return not pathlib.Path(self.path).is_dir()

  def rows(self) -> dict[int, str]:
    """Row of the labels -> name of its picture in the folder.

    Raises:
      UserError: two pictures have the same number.
    """
    names = {}
    for name, prefix, number in _numbered(pathlib.Path(self.path)):
      if prefix == self.prefix:
        row = number - self.first
        if row in names:
          raise UserError(f'{self.path}: {names[row]} and {name} have one number')
        names[row] = name
    return names

  def read(
    self, rows: range, size: tuple[int, int]
  ) -> Iterator[tuple[int, np.ndarray | Image.Image]]:
    """The pictures of `rows` in order, one in memory at a time.

    Args:
      rows: ascending. A folder skips those that it lacks.
      size: width, height that they must have, px.

    Raises:
      UserError: naming the file: cut off, damaged, or of another size.
    """
    for row, where, picture in self._decoded(rows):
      found = picture.shape[1::-1] if self.is_video else picture.size
      if found != size:
        raise UserError(
          f'{where}: is {found[0]} x {found[1]} px; the labels are for '
          f'{size[0]} x {size[1]}: take the original pictures, not resized ones'
        )
      yield row, picture

  def _decoded(self, rows):
    if self.is_video:
      for row, frame in video_file.chosen(self.path, rows):
        yield row, f'{self.path}, frame {row}', frame
      return
    names = (
      None  # listed where a name is not the usual one: a folder may hold a million
    )
    for row in rows:
      path = pathlib.Path(self.path, f'{self.prefix}{row + self.first:06d}.jpg')
      if not path.exists():
        names = self.rows() if names is None else names
        if row not in names:
          continue
        path = pathlib.Path(self.path, names[row])
      yield row, path, image_file.read_as_stored(path)


def find(sequence: pathlib.Path, camera: int) -> Pictures:
  """The frames of a camera of a training sequence; the video, if it is there.

  Extracted frames carry numbers from 0 or from 1, as their tool counted; the lowest
  number that is there says which.

  Args:
    sequence: .../S1/Seq1.
    camera: 0..13.

  Raises:
    UserError: neither is there, or the lowest number is above 1.
  """
  folder = sequence / 'imageSequence'
  film, frames = folder / f'video_{camera}.avi', folder / f'video_{camera}'
  if film.is_file():
    return Pictures(str(film))
  lowest = {}
  if frames.is_dir():
    folder = frames
    for _, prefix, number in _numbered(folder):
      lowest[prefix] = min(number, lowest.get(prefix, number))
  elif folder.is_dir():
    numbers = [n for _, p, n in _numbered(folder) if p == f'img_{camera}_']
    if numbers:
      lowest = {f'img_{camera}_': min(numbers)}
  if not lowest:
    raise UserError(
      f'{film} is missing, and so are its frames ({frames.name}/*.jpg or '
      f'img_{camera}_000001.jpg); extract them, or leave camera {camera} out: '
      '--set cameras=...'
    )
  if len(lowest) > 1:
    raise UserError(f'{folder}: pictures of several kinds: {", ".join(sorted(lowest))}')
  ((prefix, first),) = lowest.items()
  if first > 1:
    raise UserError(
      f'{folder}: the first picture {prefix}* has the number {first}; 0 or 1 is '
      'needed, as all frames are counted'
    )
  return Pictures(str(folder), prefix, first)


def _numbered(folder):
  """(name, prefix, number) of the pictures in a folder."""
  for path in sorted(folder.iterdir()):
    match = _NUMBERED.fullmatch(path.name)
    if match:
      yield path.name, match[1], int(match[2])
