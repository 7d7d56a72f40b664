"""Finds people with the pose network itself: it looks at windows of the picture.

Where a window holds one person of the right size, the heatmaps are narrow and their joints
fill the window; elsewhere they are broad. A network with a presence head says besides
whether somebody is centred there. No second network, no download.
"""

import dataclasses

import numpy as np

from wild3d.poses.pose import Box
from wild3d.predict import boxes as box_lib
from wild3d.predict import crop

WINDOWS = 160  # at most: what a picture costs
STEP = 0.35  # from window to window, in sides
SHRINK = 1.45  # from size to size
SMALLEST = 48.0  # px: people below are not looked for,
ENLARGED = 3.0  # nor those whom the network would see enlarged by more
# Score of the first person, and of a further one, see docs/predict.md: of networks that
# tell presence, and of others, whose best window stays in any case, as a photograph that
# somebody gives shows a person.
LEAST_PRESENCE = (0.2, 0.35)
LEAST_HEATMAPS = (-1.0, 0.37)
_SIZE_BONUS = 0.03  # for each doubling: half a person can look like one
_OVERLAP = 0.5  # of the smaller box
_CANDIDATES = 24  # that get a second look


def windows(
  width: int, height: int, smallest: float
) -> list[tuple[float, float, float, float]]:
  """Square boxes of many sizes and places, the largest first, at most `WINDOWS`.

  Args:
    width: px of the picture.
    height: px of the picture.
    smallest: px, side of the smallest window; the whole picture is always one.
  """
  side = float(max(width, height))
  found = _of_side(width, height, side)
  side /= SHRINK
  while side >= smallest:
    found_here = _of_side(width, height, side)
    if len(found) + len(found_here) > WINDOWS:
      break
    found += found_here
    side /= SHRINK
  return found


def _of_side(width, height, side):
  across, down = (_starts(length, side) for length in (width, height))
  return [(float(x), float(y), side, side) for y in down for x in across]


def _starts(length, side):
  """Evenly from border to border; centred where the window is longer."""
  if side >= length:
    return [(length - side) / 2]
  count = 1 + int(np.ceil((length - side) / (STEP * side)))
  return np.linspace(0, length - side, count)


def make(predictor):
  """The detector: see `detect.make`.

  Args:
    predictor: a Predictor.
  """

  smallest = max(SMALLEST, predictor.input_size / ENLARGED)
  least = LEAST_PRESENCE if predictor.tells_presence else LEAST_HEATMAPS

  def find(image):
    height, width = image.shape[:2]
    looked = windows(width, height, smallest)
    # First at all, then once more at the best ones' own joints.
    first = _found_in(predictor, image, [Box(w, None, 'search') for w in looked])
    best = box_lib.distinct(first, 0.7)[:_CANDIDATES]
    second = sorted(_found_in(predictor, image, best), key=lambda b: -b.score)
    people = box_lib.distinct(second, _OVERLAP, box_lib.share_of_smaller)
    first, further = least
    return [
      box for i, box in enumerate(people) if box.score > (further if i else first)
    ]

  return find


def _found_in(predictor, image, boxes):
  """The box of the joints in each window that holds one person of its size."""
  if not boxes:
    return []
  height, width = image.shape[:2]
  affines = [crop.to_original(box.xywh) for box in boxes]
  crops = [crop.cut(image, affine, predictor.input_size) for affine in affines]
  found = predictor.of_crops(crops, glance=True)
  people = []
  for i, affine in enumerate(affines):
    joints = found['joints_crop'][i]
    xy = joints[:, :2]
    extent = (xy.max(0) - xy.min(0)).max()
    if not 0.8 <= extent <= 1.95:  # of 2, the crop's side; 1.6 is what it is cut for
      continue
    in_picture = xy @ affine[:, :2].T + affine[:, 2]
    box = box_lib.around(in_picture, width, height, None, 'search')
    if box is None:
      continue
    # The less sure half tells: a wrong window finds some joints all the same.
    scores = np.sort(found['scores'][i])
    score = scores[: len(scores) // 2].mean()
    if 'presence' in found:
      score *= found['presence'][i]
    else:
      score += _SIZE_BONUS * np.log2(max(box.xywh[2:]) / max(width, height))
    people.append(dataclasses.replace(box, score=float(score)))
  return people
