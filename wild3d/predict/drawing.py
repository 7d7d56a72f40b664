"""What is looked at: the photograph with the poses, and each in 3D from two sides."""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from wild3d import visualize
from wild3d.poses.pose import Pose
from wild3d.skeleton import BONES

LARGEST = 960  # px of the longer side of the photograph
VIDEO_HEIGHT = 480  # px
SHOWN = 3  # people of a video whose 3D poses are drawn
_HALF = 1250.0  # mm round the pelvis, in all frames: a person with the arms up fits
_GRID, _FLOOR, _TEXT = (236, 236, 236), (150, 150, 150), (70, 70, 70)


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
  views = [visualize.views(pose.joints_mm) for pose in poses]
  if len(views) < 2:
    return visualize.grid([[shown, *views]])
  return visualize.grid([[shown]] + [views[i : i + 2] for i in range(0, len(views), 2)])


def frame(
  image: UInt8[np.ndarray, 'H W 3'], poses: list[Pose]
) -> UInt8[np.ndarray, 'H2 W2 3']:
  """The same for a video: of one size, whoever is there; the first `SHOWN` in 3D.

  Args:
    image: RGB, the original.
    poses: of it.
  """
  height = VIDEO_HEIGHT
  size = max(1, round(image.shape[1] * height / image.shape[0]))
  shown = _overlay(image, poses, (height / image.shape[0]))
  shown = np.asarray(Image.fromarray(shown).resize((size, height)))
  count = min(max(len(poses), 1), SHOWN)
  paper = Image.new('RGB', (2 * height * 3 // 4, height), visualize.PAPER)
  room = min(height // count, paper.width // 2)
  for row, pose in enumerate(poses[:SHOWN]):
    view = quick_views(pose.joints_mm, room, f'person {pose.person}')
    paper.paste(view, (0, row * (height // count)))
  return np.concatenate([shown, np.asarray(paper)], axis=1)


def quick_views(
  joints_mm: Float[np.ndarray, 'J 3'], height: int, name: str
) -> Image.Image:
  """What `visualize.views` shows, ten times as fast: for the frames of a video.

  From the front, as the camera sees it, and from the side, with the camera on the left;
  one scale for all axes, a line every 500 mm, and the floor at the lowest joint.

  Args:
    joints_mm: mm, camera axes, minus the root.
    height: px of the picture, which is twice as wide.
    name: written in the corner.
  """
  side = 2 * height  # drawn larger, then shrunk
  paper = Image.new('RGB', (2 * side, side), visualize.PAPER)
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
      colour = visualize.COLOURS[visualize.bone_side(bone)]
      for shade, width in ((visualize.PAPER, side // 28), (colour, side // 50)):
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
  return visualize.overlay_all(shown, people)
