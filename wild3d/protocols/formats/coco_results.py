"""COCO keypoint results: [{"image_id", "category_id", "keypoints", "score"}, ...]."""

import dataclasses
import pathlib
import re

import numpy as np
from jaxtyping import Float, Int

from wild3d.errors import UserError

# COCO's spread of each joint (sigma) in its object keypoint similarity.
_SIGMAS = {
  'shoulder': 0.079,
  'elbow': 0.072,
  'wrist': 0.062,
  'hip': 0.107,
  'knee': 0.087,
  'ankle': 0.089,
  'ear': 0.035,
  'eye': 0.025,
  'nose': 0.026,
}


@dataclasses.dataclass(frozen=True)
class Results:
  """The results of a file.

  Attributes:
    images: [M] image_id as text.
    keypoints: [M, J, 2] px as in the file.
    scores: [M].
  """

  images: np.ndarray
  keypoints: Float[np.ndarray, 'M J 2']
  scores: Float[np.ndarray, ' M']


def read(path: pathlib.Path, data: list) -> Results:
  """The results of a parsed file, in its order.

  Raises:
    UserError: an entry is no result, its keypoints differ in number from the first
      one's, or there is more than one category.
  """
  if not data:
    raise UserError(f'{path}: holds no results')
  for row, one in enumerate(data):
    if not isinstance(one, dict) or not {'image_id', 'keypoints'} <= set(one):
      raise UserError(f'{path}, result {row}: must have image_id and keypoints')
    points, first = one['keypoints'], data[0]['keypoints']
    if not isinstance(points, list) or len(points) != len(first):
      raise UserError(
        f'{path}, result {row} (image {one["image_id"]}): keypoints must be a list as '
        'long as that of the first result'
      )
  categories = {str(one.get('category_id', 1)) for one in data}
  if len(categories) > 1:
    raise UserError(
      f'{path}: results of several categories ({", ".join(sorted(categories))}); keep '
      'those of people'
    )
  try:
    keypoints = np.array([one['keypoints'] for one in data], float)
    scores = np.array([one.get('score', 0.0) for one in data], float)
    keypoints = keypoints.reshape(len(data), -1, 3)
  except (ValueError, TypeError) as error:
    raise UserError(
      f'{path}: keypoints must be x, y, score for each: {error}'
    ) from None
  if not (finite := np.isfinite(scores)).all():
    raise UserError(f'{path}, result {np.argmin(finite)}: score not finite')
  images = np.array([str(one['image_id']) for one in data], str)
  return Results(images, keypoints[..., :2], scores)


def image_of(sample: str) -> tuple[str, ...]:
  """The image_ids by which results may mean a sample of the truth, by its id.

  The id itself; or, for ids of datasets ('coco_person/val#000000000785.jpg:442619'),
  the picture's name, its name without suffix, and the number in that name.
  """
  picture = re.sub(r':[^:]*$', '', sample.rpartition('#')[2])
  stem = re.sub(r'\.[A-Za-z]+$', '', picture).rpartition('/')[2]
  number = (str(int(stem)),) if stem.isascii() and stem.isdigit() else ()
  return (sample, picture, stem, *number)


def assign(
  results: Results,
  joints2d: Float[np.ndarray, 'M J 2'],
  joints: tuple[str, ...],
  ids: np.ndarray,
  truth2d: Float[np.ndarray, 'N J 2'],
) -> tuple[Int[np.ndarray, ' N'], list[str]]:
  """Which result stands for each sample of the truth.

  A picture with one person of the truth takes its result of highest score. In one
  with several, results choose in the order of their scores, each the person still
  free with the greatest object keypoint similarity (over the labelled box's area),
  as COCO's own evaluation does. `joints2d` are the results' keypoints as the truth's
  `joints`, in px of the original; `truth2d` is NaN where not labelled.

  Returns:
    (row of the results for each sample or -1, image_ids that the truth lacks).
  """
  known = {}
  for row, sample in enumerate(ids):
    for name in dict.fromkeys(image_of(str(sample))):
      known.setdefault(name, []).append(row)
  chosen = np.full(len(ids), -1)
  by_image, extra = {}, []
  for row, image in enumerate(results.images):
    by_image.setdefault(str(image), []).append(row)
  for image, rows in by_image.items():
    people = list(known.get(image, ()))
    if not people:
      extra.append(image)
    for row in sorted(rows, key=lambda r: -results.scores[r]):
      if not people:
        break
      likeness = [_likeness(joints2d[row], truth2d[p], joints) for p in people]
      chosen[people.pop(int(np.argmax(likeness)))] = row
  return chosen, extra


def _likeness(pred, true, joints):
  """COCO's object keypoint similarity, with the labelled joints' box as area."""
  sigma = np.array([_SIGMAS.get(name.rpartition('_')[2], np.nan) for name in joints])
  counted = np.isfinite(sigma) & np.isfinite(true).all(-1) & np.isfinite(pred).all(-1)
  if not counted.any():
    return 0.0
  area = np.ptp(true[counted], axis=0).prod() + np.spacing(1)
  square = ((pred - true)[counted] ** 2).sum(-1)
  return float(np.exp(-square / (8 * sigma[counted] ** 2 * area)).mean())
