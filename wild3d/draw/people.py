"""The picture of a prediction: the photograph with the poses, and each in 3D."""

import math

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from wild3d.draw import pixels, style
from wild3d.poses.pose import Pose
from wild3d.skeleton import JOINTS

LARGEST = 960  # px of the longer side of the photograph
VIDEO_HEIGHT = 480  # px
SHOWN = 4  # people of a video whose 3D poses are drawn
_TALLEST = 480  # px of a view
_LEAST = 256  # px: a thin photograph gets paper around it
# The room for 3D, in widths of the photograph: of several people it is the larger part.
_BESIDE_ONE, _BESIDE_SEVERAL = 1.5, 0.8
_VIDEO_LIMITS = np.array([[-1250.0, 1250.0]] * 3)  # mm: a person with the arms up fits
_HEAD, _NECK = JOINTS.index('head_top'), JOINTS.index('upper_neck')


def still(
  image: UInt8[np.ndarray, 'H W 3'], poses: list[Pose]
) -> UInt8[np.ndarray, 'H2 W2 3']:
  """The overlay, and beside it the views of everybody, all of one scale.

  Args:
    image: RGB, the original.
    poses: of it.
  """
  shown = _overlay(image, poses, min(1.0, LARGEST / max(image.shape[:2])))
  if not poses:
    return shown
  limits = style.bounds(*(pose.joints_mm for pose in poses))
  beside = _BESIDE_ONE if len(poses) == 1 else _BESIDE_SEVERAL
  room = round(max(_LEAST, beside * shown.shape[1]))
  return _beside(shown, poses, room, max(shown.shape[0], _LEAST), limits)


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
  room = round(min(max(_LEAST, _BESIDE_SEVERAL * size[0]), 1.5 * VIDEO_HEIGHT))
  return _beside(shown, poses[:SHOWN], room, VIDEO_HEIGHT, _VIDEO_LIMITS)


def _beside(shown, poses, room, height, limits):
  """The photograph, the views in the room to its right, and the legend below."""
  width, legend = shown.shape[1], _legend()
  size = (max(width + room, legend.width), height + legend.height)
  paper = Image.new('RGB', size, pixels.PAPER)
  paper.paste(Image.fromarray(shown), (0, (height - shown.shape[0]) // 2))
  paper.paste(legend, (0, height))
  columns, side = _arranged(len(poses), room, height)
  rows = -(-len(poses) // columns)
  top = (height - rows * side) // 2
  for place, pose in enumerate(poses):
    name = f'person {pose.person}' if len(poses) > 1 or pose.person else ''
    view = pixels.views(pose.joints_mm, limits=limits, height=side, name=name)
    row, column = divmod(place, columns)
    paper.paste(Image.fromarray(view), (width + 2 * side * column, top + side * row))
  return np.asarray(paper)


def _arranged(count, room, height):
  """(columns, px of a view): as large as so many pairs of views can be."""
  sides = [
    (min(height // -(-count // columns), room // (2 * columns), _TALLEST), -columns)
    for columns in range(1, count + 1)
  ]
  side, columns = max(sides, default=(1, -1))
  return -columns, max(1, side)


def _overlay(image, poses, scale):
  size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
  shown = Image.fromarray(image)
  if size != list(image.shape[1::-1]):
    shown = shown.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
  people = [pose.joints2d * (np.array(size) / image.shape[1::-1]) for pose in poses]
  # Not so wide that they hide a small person.
  widths = [
    float(min(max(size) / 90, max(2.0, np.ptp(joints, axis=0).max() / 25)))
    for joints in people
  ]
  drawn = pixels.overlay(np.asarray(shown), *people, widths=widths)
  if len(poses) < 2:
    return drawn
  factor = drawn.shape[1] / size[0]
  heads = [joints[[_HEAD, _NECK]] * factor for joints in people]
  return _named(drawn, [f'person {pose.person}' for pose in poses], heads)


def _named(drawn, names, heads):
  """Each person's name beside the head: in the picture, over no face and no name.

  Args:
    drawn: the picture.
    names: of the people.
    heads: [2,2] top of the head and neck of each, px.
  """
  paper = Image.fromarray(drawn)
  draw = ImageDraw.Draw(paper)
  font = ImageFont.load_default(max(14, max(paper.size) // 40))
  taken = [_face(*head) for head in heads]
  for name, face in zip(names, taken[: len(names)], strict=True):
    left, top, right, bottom = draw.textbbox((0, 0), name, font, stroke_width=3)
    width, height = math.ceil(right - left), math.ceil(bottom - top)
    far = (max(0, paper.width - width), max(0, paper.height - height))
    box = _free(face, width, height, far, taken)
    taken.append(box)
    at = (box[0] - left, box[1] - top)
    draw.text(at, name, pixels.PAPER, font, stroke_width=3, stroke_fill=(0, 0, 0))
  return np.asarray(paper)


def _face(top, neck):
  """The box round a head: left, top, right, bottom."""
  half = 0.55 * float(np.linalg.norm(top - neck))
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
  paper = Image.new('RGB', (345, 22), pixels.PAPER)
  draw, font = ImageDraw.Draw(paper), ImageFont.load_default(12)
  x = 6
  for side, text in (('left', "the person's left"), ('right', "the person's right")):
    draw.rectangle([x, 8, x + 12, 14], fill=style.COLOURS[side])
    draw.text((x + 17, 3), text, fill=pixels.INK, font=font)
    x += 122
  draw.text((x, 3), f'grid: {pixels.GRID_MM} mm', fill=pixels.INK, font=font)
  return paper
