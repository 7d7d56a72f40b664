"""What is looked at: the photograph with the poses, and each in 3D from two sides."""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from wild3d.draw import pixels
from wild3d.poses.pose import Pose
from wild3d.skeleton import BONES, JOINTS

LARGEST = 960  # px of the longer side of the photograph
VIDEO_HEIGHT = 480  # px
SHOWN = 4  # people of a video whose 3D poses are drawn
_HALF = 1250.0  # mm round the pelvis, in all frames: a person with the arms up fits
_GRID, _FLOOR, _TEXT = (236, 236, 236), (150, 150, 150), (70, 70, 70)
_HEAD = JOINTS.index('head_top')


def still(
  image: UInt8[np.ndarray, 'H W 3'], poses: list[Pose]
) -> UInt8[np.ndarray, 'H2 W2 3']:
  """The overlay and the views of everybody, side by side.

  Args:
    image: RGB, the original.
    poses: of it.
  """
  height, width = image.shape[:2]
  shown = _overlay(image, poses, min(1.0, LARGEST / max(height, width)))
  names = [f'person {pose.person}' if len(poses) > 1 else '' for pose in poses]
  views = [
    pixels.views(pose.joints_mm, name=name)
    for pose, name in zip(poses, names, strict=True)
  ]
  if poses:
    shown = _with_legend(shown)
  if len(views) < 2:
    return pixels.grid([[shown, *views]])
  return pixels.grid([[shown]] + [views[i : i + 2] for i in range(0, len(views), 2)])


def frame(
  image: UInt8[np.ndarray, 'H W 3'], poses: list[Pose]
) -> UInt8[np.ndarray, 'H2 W2 3']:
  """The same for a video: of one size, whoever is there; the first `SHOWN` in 3D.

  Args:
    image: RGB, the original.
    poses: of it.
  """
  height = VIDEO_HEIGHT
  scale = min(height / image.shape[0], pixels.LONGEST / image.shape[1])
  size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
  shown = Image.fromarray(_overlay(image, poses, scale)).resize(size)
  photograph = Image.new('RGB', (size[0], height), pixels.PAPER)
  photograph.paste(shown, (0, (height - size[1]) // 2))
  paper = Image.new('RGB', (2 * height * 3 // 4, height), pixels.PAPER)
  # Two below each other are larger than side by side; of more, two fit in a row.
  columns = 1 if len(poses) <= 2 else 2
  rows = min(max(len(poses), 1), 2)
  room = min(height // rows, paper.width // (2 * columns))
  for place, pose in enumerate(poses[:SHOWN]):
    view = quick_views(pose.joints_mm, room, f'person {pose.person}')
    row, column = divmod(place, columns)
    paper.paste(view, (2 * room * column, room * row))
  legend = _legend()  # The views leave this corner free, however many they are.
  paper.paste(legend, (paper.width - legend.width, height - legend.height))
  return np.concatenate([np.asarray(photograph), np.asarray(paper)], axis=1)


def quick_views(
  joints_mm: Float[np.ndarray, 'J 3'], height: int, name: str
) -> Image.Image:
  """What `pixels.views` shows, ten times as fast: for the frames of a video.

  From the front, as the camera sees it, and from the side, with the camera on the left;
  one scale for all axes, a line every 500 mm, and the floor at the lowest joint.

  Args:
    joints_mm: mm, camera axes, minus the root.
    height: px of the picture, which is twice as wide.
    name: written in the corner.
  """
  side = 2 * height  # drawn larger, then shrunk
  paper = Image.new('RGB', (2 * side, side), pixels.PAPER)
  draw = ImageDraw.Draw(paper)
  scale = side / (2 * _HALF)
  # Horizontal axis, and the direction that grows away from the viewer.
  for column, (across, away) in enumerate(((0, [0, 0, 1]), (2, [-1, 0, 0]))):
    left = column * side
    for line in range(-1000, 1001, 500):
      at = round((line + _HALF) * scale)
      draw.line([(left + at, 0), (left + at, side)], fill=_GRID, width=2)
      draw.line([(left, at), (left + side, at)], fill=_GRID, width=2)
    floor = (float(joints_mm[:, 1].max()) + _HALF) * scale
    draw.line([(left, floor), (left + side, floor)], fill=_FLOOR, width=4)
    flat = np.clip((joints_mm[:, [across, 1]] + _HALF) * scale, 0, side - 1)
    depth = joints_mm @ np.array(away, np.float64)
    for bone in sorted(BONES, key=lambda b: -depth[list(b)].mean()):
      ends = [(left + float(x), float(y)) for x, y in flat[list(bone)]]
      colour = pixels.COLOURS[pixels.bone_side(bone)]
      for shade, width in ((pixels.PAPER, side // 28), (colour, side // 50)):
        draw.line(ends, fill=shade, width=max(2, width))
  draw.line([(side, 0), (side, side)], fill=_FLOOR, width=2)
  paper = paper.resize((2 * height, height), Image.Resampling.BOX)
  draw, font = ImageDraw.Draw(paper), ImageFont.load_default(11)
  draw.text((5, 3), f'{name}, front', fill=_TEXT, font=font)
  draw.text((height + 5, 3), 'side, camera left; grid 500 mm', fill=_TEXT, font=font)
  return paper


def _overlay(image, poses, scale):
  size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
  shown = Image.fromarray(image)
  if size != list(image.shape[1::-1]):
    shown = shown.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
  shown = np.asarray(shown)
  people = []
  for pose in poses:
    joints = pose.joints2d * (np.array(size) / image.shape[1::-1])
    # Not so wide that they hide a small person.
    line = min(max(size) / 90, max(2.0, np.ptp(joints, axis=0).max() / 25))
    people.append((joints, float(line)))
  drawn = pixels.overlay_all(shown, people)
  if len(poses) < 2:
    return drawn
  factor = drawn.shape[1] / size[0]
  heads = [joints[_HEAD] * factor for joints, _ in people]
  return _named(drawn, [f'person {pose.person}' for pose in poses], heads)


def _named(drawn, names, heads):
  """Each person's name above the head, within the picture, and over no other name."""
  paper = Image.fromarray(drawn)
  draw = ImageDraw.Draw(paper)
  font = ImageFont.load_default(max(14, max(paper.size) // 40))
  taken = []
  for name, (x, y) in zip(names, heads, strict=True):
    _, _, width, height = draw.textbbox((0, 0), name, font, stroke_width=3)
    left = min(max(x - width / 2, 0), max(0, paper.width - width))
    top = min(max(y - 1.4 * height, 0), max(0, paper.height - height))
    while any(abs(left - x) < width and abs(top - y) < height for x, y in taken):
      top += height
    taken.append((left, top))
    draw.text(
      (left, top),
      name,
      font=font,
      fill=pixels.PAPER,
      stroke_width=3,
      stroke_fill=(0, 0, 0),
    )
  return np.asarray(paper)


def _legend():
  """Which colour is which side."""
  paper = Image.new('RGB', (236, 22), pixels.PAPER)
  draw, font = ImageDraw.Draw(paper), ImageFont.load_default(12)
  x = 6
  for side, text in (('left', "the person's left"), ('right', "the person's right")):
    draw.rectangle([x, 8, x + 12, 14], fill=pixels.COLOURS[side])
    draw.text((x + 17, 3), text, fill=_TEXT, font=font)
    x += 112
  return paper


def _with_legend(shown):
  legend = _legend()
  height, width = shown.shape[:2]
  size = (max(width, legend.width), height + legend.height)
  paper = Image.new('RGB', size, pixels.PAPER)
  paper.paste(Image.fromarray(shown), (0, 0))
  paper.paste(legend, (0, height))
  return np.asarray(paper)
