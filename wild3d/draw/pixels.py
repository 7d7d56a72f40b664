"""The painter of poses in pixels: limbs over a photograph, a 3D pose from two sides.

All functions take and return RGB images uint8 [H, W, 3] and keep no state.
"""

import math

import numpy as np
from jaxtyping import Num, UInt8
from PIL import Image, ImageDraw, ImageFont

from wild3d.draw import style

PAPER = (255, 255, 255)
LONGEST = 2048  # px: nothing is enlarged to a longer side, as thin pictures would be
INK = (70, 70, 70)
_LINE, _FLOOR, _GROUND = (232, 232, 232), (150, 150, 150), (245, 245, 245)
_FINE = 2  # PIL draws jagged lines: draw so many times larger, then shrink
GRID_MM = 500
_STRIP = 16  # px over a view, for its name


def overlay(
  image: UInt8[np.ndarray, 'H W 3'],
  *people: Num[np.ndarray, 'J 2'],
  widths: list[float] | None = None,
  min_side: int = 256,
) -> UInt8[np.ndarray, 'H2 W2 3']:
  """Draws bones over a photograph, right under left, each with a white edge.

  Args:
    image: RGB.
    people: joints in px of `image`, continuous: (0.5, 0.5) is the first pixel's
      centre. Joints that are not finite are left out, with their bones; the last
      person is on top.
    widths: of each person's bones, px of `image`; None: a 90th of its longer side.
    min_side: small images are enlarged by a whole number until both sides have
      at least this many px, but not beyond `LONGEST`.

  Returns:
    The enlarged image with the bones.
  """
  height, width = image.shape[:2]
  wanted = math.ceil(min_side / min(height, width))
  factor = max(1, min(wanted, LONGEST // max(height, width)))
  picture = Image.fromarray(image)
  if factor > 1:
    size = (width * factor, height * factor)
    picture = picture.resize(size, Image.Resampling.BICUBIC)
  widths = widths or [max(height, width) / 90] * len(people)
  for joints, line in zip(people, widths, strict=True):
    _paint(picture, joints * factor, line * factor)
  return np.asarray(picture)


def _paint(picture, joints, line):
  """Draws one person on a PIL image, in a layer no larger than the person."""
  bones = style.bones_of(joints)
  if not bones:
    return
  at = joints[sorted({joint for bone in bones for joint in bone})]
  room = (0, 0, *picture.size)
  edge = line + 1
  box = [math.floor(v) for v in (*(at.min(0) - edge), *(at.max(0) + edge + 1))]
  box = [
    min(max(v, low), high)
    for v, low, high in zip(box, room[:2] * 2, room[2:] * 2, strict=True)
  ]
  size = (box[2] - box[0], box[3] - box[1])
  if min(size) < 1:
    return
  layer = Image.new('RGBA', [_FINE * side for side in size])
  fine = (joints - box[:2]) * _FINE
  draw = ImageDraw.Draw(layer)
  for bone in bones:
    colour = (*style.COLOURS[style.bone_side(bone)], 255)
    _bone(draw, fine[list(bone)], line * 1.8 * _FINE, (255, 255, 255, 230))
    _bone(draw, fine[list(bone)], line * _FINE, colour)
  for joint in sorted({joint for bone in bones for joint in bone}):
    _dot(draw, fine[joint], line * 0.35 * _FINE, (255, 255, 255, 255))
  # Averages each pixel's own block, so that positions do not shift.
  layer = layer.reduce(_FINE)
  picture.paste(layer, box[:2], mask=layer)


def _bone(draw, ends, width, colour):
  # PIL means pixel centres by whole numbers; a continuous centre is at .5.
  draw.line([tuple(end) for end in (ends - 0.5).tolist()], colour, round(width))
  for end in ends:
    _dot(draw, end, width / 2, colour)


def _dot(draw, at, radius, colour):
  draw.circle(tuple((at - 0.5).tolist()), radius, fill=colour)


def views(
  joints_mm: Num[np.ndarray, 'J 3'],
  truth: Num[np.ndarray, 'J 3'] | None = None,
  *,
  limits: Num[np.ndarray, '3 2'] | None = None,
  height: int = 360,
  name: str = '',
) -> UInt8[np.ndarray, 'height W 3']:
  """Draws a 3D pose as the camera sees it and as seen from the camera's right.

  Both views are orthographic with one scale for all axes, a line every 500 mm and the
  floor under the lowest joint. Up is up: the y axis points down, as in the camera.
  From the side, the camera is on the left.

  Args:
    joints_mm: mm, camera axes (x right, y down, z away), minus the root.
    truth: the true pose in the same terms, drawn in grey underneath.
    limits: of x, y, z in mm; None takes `style.bounds` of both poses, and the picture
      says what its grid is.
    height: px of the picture, of which a strip for text is 16.
    name: written over the views.

  Returns:
    The two views side by side, as wide as x and z are: see `views_width`.
  """
  grid = f'grid {GRID_MM} mm' if limits is None else ''
  limits = style.bounds(joints_mm, truth) if limits is None else limits
  paper = Image.new('RGB', (views_width(limits, height), height), PAPER)
  draw, font, left = ImageDraw.Draw(paper), ImageFont.load_default(11), 0
  for told, (side, across, away) in zip((name, grid), style.VIEWS, strict=True):
    size = _size(limits, across, height)
    # The longest text that there is room for; a small view has the name alone.
    seen_from = 'side, camera left' if side == 'side' else side
    for parts in ((told, seen_from), (told, side), (told,)):
      text = ', '.join(filter(None, parts))
      if font.getlength(text) <= size[0] - 8:
        break
    draw.text((left + 4, 1), text, fill=INK, font=font)
    view = _view(joints_mm, truth, limits, across, away, size)
    paper.paste(view, (left, height - size[1]))
    if left:
      draw.line([(left, 0), (left, height)], fill=_FLOOR)
    left += size[0]
  return np.asarray(paper)


def views_width(limits: Num[np.ndarray, '3 2'], height: int) -> int:
  """Px across the two views of that height and those limits, mm."""
  return sum(_size(limits, across, height)[0] for _, across, _ in style.VIEWS)


def _size(limits, across, height):
  """Px of one view, without its strip."""
  wide, high = np.ptp(limits[[across, 1]], axis=1).tolist()
  height = max(1, height - _STRIP)
  return max(1, round(height * wide / high)), height


def _view(joints_mm, truth, limits, across, away, size):
  wide, high = (side * _FINE for side in size)
  paper = Image.new('RGB', (wide, high), PAPER)
  draw = ImageDraw.Draw(paper)
  low = limits[[across, 1], 0]
  scale = high / float(limits[1, 1] - limits[1, 0])

  def flat(joints):
    # What leaves the view by far would overflow PIL's coordinates.
    far = max(wide, high)
    return np.clip((joints[:, [across, 1]] - low) * scale, -far, 2 * far)

  lowest = flat(joints_mm if truth is None else truth)[:, 1]
  lowest = lowest[np.isfinite(lowest)]
  if lowest.size:
    draw.rectangle([0, lowest.max(), wide, max(high, lowest.max())], fill=_GROUND)
  for axis, (start, side) in enumerate(zip(low, (wide, high), strict=True)):
    first = math.ceil(start / GRID_MM) * GRID_MM
    for at in (np.arange(first, start + side / scale, GRID_MM) - start) * scale:
      ends = [(at, 0), (at, high)] if axis == 0 else [(0, at), (wide, at)]
      draw.line(ends, fill=_LINE, width=_FINE)
  if lowest.size:
    draw.line([(0, lowest.max()), (wide, lowest.max())], fill=_FLOOR, width=_FINE)
  line = max(1.5 * _FINE, high / 70)
  for pose, grey in ((truth, True), (joints_mm, False)):
    for bone in [] if pose is None else style.bones_of(pose, away):
      ends = flat(pose)[list(bone)]
      colour = style.TRUTH if grey else style.COLOURS[style.bone_side(bone)]
      thick = line * (1.4 if grey else 1.0)
      _bone(draw, ends, thick * 1.7, PAPER)
      _bone(draw, ends, thick, colour)
  return paper.reduce(_FINE)
