"""Person boxes: from a user's file, and how two of them compare."""

import math
import pathlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from wild3d import files
from wild3d.errors import UserError
from wild3d.poses.pose import Box

# Left, top, width, height in px, with or without a score.
BoxLike = Box | Sequence[float | int] | np.ndarray
_PERSON = 1  # COCO's category


def as_box(box: BoxLike) -> Box:
  """A Box of one, or of left, top, width, height.

  Raises:
    UserError: it is neither.
  """
  if isinstance(box, Box):
    return box
  try:
    x, y, width, height = map(float, box)
  except (TypeError, ValueError):
    raise UserError(
      f'box {box!r}: expected a Box, or left, top, width, height in px'
    ) from None
  return Box((x, y, width, height))


def overlap(one: Box, other: Box) -> float:
  """Intersection over union of two boxes."""
  shared = _shared(one, other)
  total = _area(one) + _area(other) - shared
  return shared / total if total > 0 else 0.0


def share_of_smaller(one: Box, other: Box) -> float:
  """Intersection over the area of the smaller: 1 for a box within another."""
  smaller = min(_area(one), _area(other))
  return _shared(one, other) / smaller if smaller > 0 else 0.0


def _area(box):
  return box.xywh[2] * box.xywh[3]


def _shared(one, other):
  (x0, y0, w0, h0), (x1, y1, w1, h1) = one.xywh, other.xywh
  across = min(x0 + w0, x1 + w1) - max(x0, x1)
  down = min(y0 + h0, y1 + h1) - max(y0, y1)
  return max(across, 0.0) * max(down, 0.0)


def distinct(boxes: list[Box], limit: float, measure=overlap) -> list[Box]:
  """Boxes from the highest score down, without those too close to a higher one.

  Args:
    boxes: a box without a score counts as 0.
    limit: of `measure`; boxes above it are the same person.
    measure: of two boxes.
  """
  kept = []
  for box in sorted(boxes, key=lambda b: -(b.score or 0.0)):
    if all(measure(box, other) <= limit for other in kept):
      kept.append(box)
  return kept


def around(
  joints2d: Float[np.ndarray, 'J 2'],
  width: int,
  height: int,
  score: float | None,
  source: str,
) -> Box | None:
  """The box of a pose's joints within the picture; None if it shares nothing with it."""
  low = np.clip(joints2d.min(0), 0, [width, height])
  high = np.clip(joints2d.max(0), 0, [width, height])
  if (high - low).min() < 1:
    return None
  x, y, w, h = (float(v) for v in (*low, *(high - low)))
  return Box((x, y, w, h), score, source)


class BoxFile:
  """Boxes for each picture, as a file gives them."""

  def __init__(self, path: str):
    """Reads a file.

    Args:
      path: JSON: {"photo.jpg": [[x, y, w, h], {"box": [x, y, w, h], "score": 0.9}]}; or
        COCO detections, [{"image_id", "category_id", "bbox", "score"}, ...]; or COCO
        annotations, {"images": [...], "annotations": [...]}. Of COCO's categories,
        persons (1) are taken, but no crowds (`iscrowd`). Boxes are left, top, width, height in px.

    Raises:
      UserError: it is missing, no such JSON, or a box is none.
    """
    self.path = path
    data = files.read_json(path, f'--boxes={path}')
    try:
      self._boxes = self._parse(data)
    except (AttributeError, KeyError, TypeError, ValueError):
      raise UserError(
        f'--boxes={path}: expected {{"photo.jpg": [[x, y, w, h], ...]}}, or detections '
        'or annotations of COCO'
      ) from None

  def of(self, source: str) -> list[Box]:
    """Boxes of a picture: by its path as given, its name, or its name without ending.

    Raises:
      UserError: the file does not name it.
    """
    path = pathlib.Path(source)
    keys = [source, path.name, path.stem]
    if path.stem.isdecimal():
      keys.append(str(int(path.stem)))  # COCO's 000000000785.jpg is image 785
    for key in keys:
      if key in self._boxes:
        return self._boxes[key]
    raise UserError(
      f'{source}: --boxes={self.path} does not name it; give it an empty list if there '
      'is nobody in it'
    )

  def _parse(self, data):
    if isinstance(data, dict) and 'annotations' in data:
      names = {image['id']: image['file_name'] for image in data['images']}
      found = {name: [] for name in names.values()}
      for item in data['annotations']:
        self._add_coco(found, names[item['image_id']], item)
      return found
    if isinstance(data, list):
      found = {}
      for item in data:
        self._add_coco(found, str(item['image_id']), item)
      return found
    return {name: [self._own(name, b) for b in boxes] for name, boxes in data.items()}

  def _add_coco(self, found, name, item):
    boxes = found.setdefault(name, [])
    if item.get('category_id', _PERSON) == _PERSON and not item.get('iscrowd'):
      boxes.append(self._box(name, item['bbox'], item.get('score')))

  def _own(self, name, item):
    if isinstance(item, dict):
      return self._box(name, item['box'], item.get('score'))
    return self._box(name, item, None)

  def _box(self, name, xywh, score):
    numbers = [float(v) for v in xywh]
    score = None if score is None else float(score)
    if (
      len(numbers) != 4
      or not all(map(math.isfinite, [*numbers, score or 0.0]))
      or min(numbers[2:]) <= 0
    ):
      raise UserError(
        f'--boxes={self.path}: {name}: {xywh}: expected left, top, width, height in px, '
        'the last two above 0'
      )
    return Box(tuple(numbers), score, 'file')
