"""MPII annotations in the JSON form of HRNet and "simple baselines".

A list of people: `image`, `joints` 16x2 (pixels counted from 1, -1 where absent),
`joints_vis` (1: a position is given; it says nothing about occlusion), `center`
and `scale` (person height / 200 px). Read here if present: `visible` (0 with a
position: occluded) and `head_box` (x1, y1, x2, y2, pixels counted from 1).
"""

import math
import pathlib

import numpy as np

from wild3d import files
from wild3d.datasets.mpii import person
from wild3d.datasets.mpii.person import Person
from wild3d.errors import UserError


def read(path: pathlib.Path, images: pathlib.Path) -> list[Person]:
  """Reads and checks a whole annotation file; of the pictures, the headers.

  Args:
    path: the JSON file.
    images: folder of its pictures.

  Raises:
    UserError: see `people`; and a picture is missing or none, or a joint lies more
      than person.OUTSIDE of the longer side beyond its picture.
  """
  result, sizes = people(path), {}
  for one in result:
    where = f'{path}, entry {one.row}'
    if one.image not in sizes:
      sizes[one.image] = person.size(images / one.image, where)
    if wrong := person.misfit(one, sizes[one.image]):
      raise UserError(f'{where}: {wrong}')
  return result


def people(path: pathlib.Path) -> list[Person]:
  """The people of an annotation file, without a look at the pictures.

  Raises:
    UserError: naming the file and the row: it is missing or no JSON list, an
      entry lacks a field or holds NaN, has no person box or no labelled joint,
      or repeats another.
  """
  entries = files.read_json(path)
  if not isinstance(entries, list) or not entries:
    raise UserError(f'{path}: must hold a list of people, and at least one')
  result, seen = [], {}
  for row, entry in enumerate(entries):
    where = f'{path}, entry {row}'
    one = _person(entry, row, where)
    key = (one.image, one.joints2d.tobytes(), one.center.tobytes())
    if key in seen:
      raise UserError(f'{where}: repeats entry {seen[key]} ({one.image})')
    seen[key] = row
    result.append(one)
  return result


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
  return Person.of(
    image,
    row,
    joints=joints,
    labelled=labelled,
    visible=visible,
    center=center,
    scale=scale,
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
