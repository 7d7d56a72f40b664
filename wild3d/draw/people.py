"""The picture of a prediction: the photograph with the poses, and each in 3D."""

import bisect
import math

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from wild3d.draw import pixels, style
from wild3d.poses.pose import Pose
from wild3d.skeleton import JOINTS

LARGEST = 960  # px of the longer side of the photograph
_SMALLEST, _ENLARGED = (
  640,
  4.0,
)  # px, below which it is enlarged, and by how much at most
VIDEO_HEIGHT = 480  # px
SHOWN = 4  # people of a video whose 3D poses are drawn
_TALLEST = 480  # px of a view
_LEAST = 256  # px: a thin photograph gets paper around it
_ROOM = 2 / 3  # for 3D, of the photograph's: it is the larger part, three fifths
_VIDEO_LIMITS = np.array([[-1250.0, 1250.0]] * 3)  # mm: a person with the arms up fits
_PLATE = (25, 25, 25)  # behind a number
_HEAD, _NECK = JOINTS.index('head_top'), JOINTS.index('upper_neck')


def still(
  image: UInt8[np.ndarray, 'H W 3'], poses: list[Pose]
) -> UInt8[np.ndarray, 'H2 W2 3']:
  """The overlay, and to its right or below it the views of everybody, of one scale.

  Args:
    image: RGB, the original.
    poses: of it.
  """
  longer = max(image.shape[:2])
  scale = min(LARGEST / longer, max(1.0, min(_ENLARGED, _SMALLEST / longer)))
  shown = _overlay(image, poses, scale)
  if not poses:
    return shown
  height, width = shown.shape[:2]
  limits = style.bounds(*(pose.joints_mm for pose in poses), cube=False)
  wide, high = round(_ROOM * width), round(_ROOM * height)
  right = _arranged(len(poses), limits, wide, max(height, _LEAST))
  below = _arranged(len(poses), limits, max(width, _LEAST), high)
  # Where the views are larger; and if that is all the same, where they leave less paper.
  added = right[2] * max(height, right[3]), below[3] * max(width, below[2])
  is_below = (below[1], -added[1]) > (right[1], -added[0])
  columns, side, *area = below if is_below else right
  views = _views(poses, limits, columns, side, *area)
  return _together(shown, views, is_below)


def frame(
  image: UInt8[np.ndarray, 'H W 3'], poses: list[Pose]
) -> UInt8[np.ndarray, 'H2 W2 3']:
  """The same for a video: of one size, whoever is there; the first `SHOWN` in 3D.

  Args:
    image: RGB, the original.
    poses: of it.
  """
  scale = min(VIDEO_HEIGHT / image.shape[0], pixels.LONGEST / image.shape[1])
  size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
  shown = _overlay(image, poses, scale)
  if shown.shape[1::-1] != tuple(size):  # the overlay enlarges what is thin
    shown = np.asarray(Image.fromarray(shown).resize(size))
  room = round(min(max(_LEAST, _ROOM * size[0]), 1.5 * VIDEO_HEIGHT))
  poses = poses[:SHOWN]
  columns, side, *_ = _arranged(len(poses), _VIDEO_LIMITS, room, VIDEO_HEIGHT)
  views = _views(poses, _VIDEO_LIMITS, columns, side, room, VIDEO_HEIGHT)
  return _together(shown, views, is_below=False)


def _arranged(count, limits, room, height):
  """(columns, px of a view, px across and down of all): as large as there is room for."""
  sides = [
    (_tallest(limits, room // columns, height // -(-count // columns)), -columns)
    for columns in range(1, count + 1)
  ]
  side, columns = max(sides, default=(1, -1))
  columns = -columns
  across, rows = pixels.views_width(limits, side), -(-count // columns)
  return columns, side, columns * across, rows * side


def _tallest(limits, room, height):
  """Px of the tallest pair of views that is no wider than there is room for."""
  sides = range(1, min(height, _TALLEST) + 1)
  fits = bisect.bisect(sides, room, key=lambda side: pixels.views_width(limits, side))
  return max(1, fits)


def _views(poses, limits, columns, side, wide, high):
  """The views of everybody, in rows, in the middle of paper of that size."""
  paper = Image.new('RGB', (wide, high), pixels.PAPER)
  step = pixels.views_width(limits, side)
  top = (high - -(-len(poses) // columns) * side) // 2
  for place, pose in enumerate(poses):
    name = f'person {pose.person}' if len(poses) > 1 or pose.person else ''
    view = pixels.views(pose.joints_mm, limits=limits, height=side, name=name)
    row, column = divmod(place, columns)
    paper.paste(Image.fromarray(view), (step * column, top + side * row))
  return paper


def _together(shown, views, is_below):
  """The photograph, the views to its right or below it, and the legend under both."""
  height, width = shown.shape[:2]
  legend = _legend()
  if is_below:
    wide, high = max(width, views.width), height + views.height
    places = ((wide - width) // 2, 0), ((wide - views.width) // 2, height)
  else:
    wide, high = width + views.width, max(height, views.height)
    places = (0, (high - height) // 2), (width, (high - views.height) // 2)
  size = (max(wide, legend.width), high + legend.height)
  paper = Image.new('RGB', size, pixels.PAPER)
  for part, place in zip((Image.fromarray(shown), views), places, strict=True):
    paper.paste(part, place)
  paper.paste(legend, (0, high))
  return np.asarray(paper)


def _overlay(image, poses, scale):
  size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
  shown = Image.fromarray(image)
  if size != list(image.shape[1::-1]):
    shown = shown.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
  people = [pose.joints2d * (np.array(size) / image.shape[1::-1]) for pose in poses]
  # Not so wide that they hide a small person.
  widths = [
    float(
      min(math.sqrt(math.prod(size)) / 80, max(2.0, np.ptp(joints, axis=0).max() / 25))
    )
    for joints in people
  ]
  drawn = pixels.overlay(np.asarray(shown), *people, widths=widths)
  if len(poses) < 2:
    return drawn
  factor = drawn.shape[1] / size[0]
  return _numbered(
    drawn, [pose.person for pose in poses], [joints * factor for joints in people]
  )


def _numbered(drawn, numbers, people):
  """Each person's number beside the head: in the picture, over no face and no number.

  Args:
    drawn: the picture.
    numbers: of the people.
    people: joints of each, px.
  """
  paper = Image.fromarray(drawn)
  draw = ImageDraw.Draw(paper)
  font = ImageFont.load_default(max(14, round(math.sqrt(math.prod(paper.size)) / 40)))
  taken = [_face(joints) for joints in people]
  for number, face in zip(numbers, taken[: len(numbers)], strict=True):
    left, top, right, bottom = draw.textbbox((0, 0), f'{number}', font)
    edge = math.ceil(font.size / 4)
    width, height = (
      math.ceil(right - left) + 2 * edge,
      math.ceil(bottom - top) + 2 * edge,
    )
    far = (max(0, paper.width - width), max(0, paper.height - height))
    box = _free(face, width, height, far, taken)
    taken.append(box)
    plate = (box[0], box[1], box[2] - 1, box[3] - 1)
    draw.rounded_rectangle(plate, edge, _PLATE, pixels.PAPER)
    at = (box[0] - left + edge, box[1] - top + edge)
    draw.text(at, f'{number}', pixels.PAPER, font)
  return np.asarray(paper)


def _face(joints):
  """The box round a head: left, top, right, bottom."""
  top, neck = joints[[_HEAD, _NECK]]
  # Who looks up or down has a short line from the neck to the top.
  half = max(
    0.65 * float(np.linalg.norm(top - neck)), 0.05 * float(np.ptp(joints, 0).max())
  )
  x, y = ((top + neck) / 2).tolist()
  return (*map(math.floor, (x - half, y - half)), *map(math.ceil, (x + half, y + half)))


def _free(face, width, height, far, taken):
  """Where a text of this size goes: above the face or in the nearest free place."""
  left, top, right, bottom = face
  middle = (left + right - width) / 2
  places = [(middle, top - height)]
  for step in range(8):
    y = top + step * height / 2
    places += [(right, y), (left - width, y), (middle, top - height * (1 + step / 2))]
  places += [(middle, bottom + step * height / 2) for step in range(8)]
  boxes = []
  for x, y in places:
    x, y = (round(min(max(v, 0), most)) for v, most in zip((x, y), far, strict=True))
    boxes.append((x, y, x + width, y + height))
  return min(boxes, key=lambda box: sum(_common(box, other) for other in taken))


def _common(a, b):
  """Area that two boxes share."""
  across = min(a[2], b[2]) - max(a[0], b[0])
  return max(0.0, across) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _legend():
  """Which colour is which side, and what the lines behind a pose are."""
  paper = Image.new('RGB', (412, 22), pixels.PAPER)
  draw, font = ImageDraw.Draw(paper), ImageFont.load_default(12)
  x = 6
  for side, text in (('left', "the person's left"), ('right', "the person's right")):
    draw.rectangle([x, 8, x + 12, 14], fill=style.COLOURS[side])
    draw.text((x + 17, 3), text, fill=pixels.INK, font=font)
    x += 122
  told = f'3D: one scale, grid {pixels.GRID_MM} mm'
  draw.text((x, 3), told, fill=pixels.INK, font=font)
  return paper
