"""MPII annotations in the JSON form of HRNet and "simple baselines".

A list of people: `image`, `joints` 16x2 (pixels counted from 1, -1 where absent),
`joints_vis` (1: a position is given; it says nothing about occlusion), `center`
and `scale` (person height / 200 px). Read here if present: `visible` (0 with a
position: occluded) and `head_box` (x1, y1, x2, y2, pixels counted from 1).
"""

import dataclasses
import json
import math
import pathlib

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from wild3d.errors import UserError

# A joint may lie outside its picture by this share of the longer side: people
# cut off by the border are annotated up to 5 % beyond it. Farther out, the
# annotation belongs to another picture, or to one of another resolution.
OUTSIDE = 0.1


@dataclasses.dataclass(frozen=True)
class Person:
  """One annotated person; positions are continuous px (data/batch.py).

  Attributes:
    row: place in the annotation file, from 0.
    image: file name.
    joints2d: px; 0 where not labelled.
    labelled: a position is given.
    occluded: said to be hidden.
    center: px, of the square person box.
    side: px, of the square person box.
    head_size: px, 0.6 of the head box's diagonal (the unit of PCKh), or 0.
  """

  row: int
  image: str
  joints2d: Float[np.ndarray, '16 2']
  labelled: Bool[np.ndarray, '16']
  occluded: Bool[np.ndarray, '16']
  center: Float[np.ndarray, '2']
  side: float
  head_size: float


def read(path: pathlib.Path, images: pathlib.Path) -> list[Person]:
  """Reads and checks a whole annotation file; of the pictures, the headers.

  The box follows the usual reading of MPII: the centre moves down by 15 * scale,
  the scale grows by a quarter, the side is 200 * scale.

  Args:
    path: the JSON file.
    images: folder of its pictures.

  Raises:
    UserError: naming the file and the row: it is missing or no JSON list, an
      entry lacks a field or holds NaN, has no person box or no labelled joint,
      repeats another, names a picture that is missing or no picture, or has a
      joint more than OUTSIDE of the longer side beyond its picture.
  """
  people, seen, sizes = [], {}, {}
  for row, entry in enumerate(_entries(path)):
    where = f'{path}, entry {row}'
    person = _person(entry, row, where)
    if person.image not in sizes:
      sizes[person.image] = _size(images / person.image, where)
    _check_inside(person, sizes[person.image], where)
    key = (person.image, person.joints2d.tobytes(), person.center.tobytes())
    if key in seen:
      raise UserError(f'{where}: repeats entry {seen[key]} ({person.image})')
    seen[key] = row
    people.append(person)
  return people


def _entries(path):
  try:
    entries = json.loads(path.read_text(encoding='utf-8'))
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror}') from None
  except ValueError as error:
    raise UserError(f'{path}: damaged or no JSON: {error}') from None
  if not isinstance(entries, list) or not entries:
    raise UserError(f'{path}: must hold a list of people, and at least one')
  return entries


def _person(entry, row, where):
  if not isinstance(entry, dict):
    raise UserError(f'{where}: must be an object with image, joints, joints_vis, ...')
  image = entry.get('image')
  if not isinstance(image, str) or not image or pathlib.Path(image).name != image:
    raise UserError(f'{where}: image must be the name of a file, not {image!r}')
  where = f'{where} ({image})'
  if entry.get('center') is None or entry.get('scale') is None:
    raise UserError(f'{where}: no center or scale, so no person box')
  center = _numbers(entry, 'center', (2,), where)
  scale = float(_numbers(entry, 'scale', (), where))
  if scale <= 0 or center[0] == -1:  # how the MPII files say "not given"
    raise UserError(f'{where}: no center or scale (-1), so no person box')
  joints = _numbers(entry, 'joints', (16, 2), where)
  labelled = _numbers(entry, 'joints_vis', (16,), where) > 0
  if not labelled.any():
    raise UserError(f'{where}: no joint is labelled')
  visible = labelled
  if 'visible' in entry:
    visible = _numbers(entry, 'visible', (16,), where) > 0
  head_size = 0.0
  if entry.get('head_box') is not None:
    x1, y1, x2, y2 = _numbers(entry, 'head_box', (4,), where)
    head_size = 0.6 * math.hypot(x2 - x1, y2 - y1)
  center = center - 0.5 + np.array([0.0, 15 * scale])
  return Person(
    row=row,
    image=image,
    joints2d=np.where(labelled[:, None], joints - 0.5, 0.0),
    labelled=labelled,
    occluded=labelled & ~visible,
    center=center,
    side=200 * 1.25 * scale,
    head_size=head_size,
  )


def _numbers(entry, key, shape, where):
  try:
    array = np.asarray(entry.get(key), np.float64)
  except (TypeError, ValueError):
    array = None
  if array is None or array.shape != shape:
    size = ' x '.join(map(str, shape)) or 'one'
    raise UserError(f'{where}: {key} must be {size} number{"s" if shape else ""}')
  if not np.isfinite(array).all():
    raise UserError(f'{where}: {key} holds NaN or infinity')
  return array


def _size(path, where):
  try:
    with Image.open(path) as image:
      return image.size
  except FileNotFoundError:
    raise UserError(f'{where}: {path} does not exist') from None
  except (OSError, Image.DecompressionBombError) as error:
    raise UserError(f'{where}: {path} is no readable picture: {error}') from None


def _check_inside(person, size, where):
  size = np.asarray(size, np.float64)
  slack = OUTSIDE * size.max()
  beyond = np.maximum(-person.joints2d, person.joints2d - size).max(axis=1)
  joint = int(np.argmax(np.where(person.labelled, beyond, -np.inf)))
  if beyond[joint] > slack:
    x, y = person.joints2d[joint] + 0.5
    raise UserError(
      f'{where}: joint {joint} at ({x:g}, {y:g}) is far outside {person.image}, '
      f'{size[0]:g} x {size[1]:g} px'
    )
  distance = np.abs(person.center - size / 2).max()
  if distance > (size.max() + person.side) / 2 or person.side > 20 * size.max():
    raise UserError(
      f'{where}: the box from center and scale (side {person.side:g} px) does not '
      f'fit {person.image}, {size[0]:g} x {size[1]:g} px'
    )
