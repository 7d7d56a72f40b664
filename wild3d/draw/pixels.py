"""Pictures of poses: limbs over the photograph, and the 3D pose from two sides.

All functions take and return RGB images uint8 [H, W, 3] and keep no state.
Left and right are the person's own, in one pair of colours everywhere.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Num, UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from wild3d.skeleton import BONES, JOINTS

# Chosen by simulation: any two stay apart for each kind of colour blindness.
LEFT = (0, 114, 178)  # blue
RIGHT = (230, 159, 0)  # orange
TRUNK = (136, 34, 85)  # wine
TRUTH = (150, 150, 150)  # grey
COLOURS = {'left': LEFT, 'right': RIGHT, 'trunk': TRUNK}
PAPER = (255, 255, 255)

LONGEST = 2048  # px: nothing is enlarged to a longer side, as thin pictures would be
_ENLARGED = 3  # times at most in a row of pictures; paper fills the rest
_SUPERSAMPLE = 3  # PIL draws jagged lines: draw larger, then shrink.
_INCHES = 2.6  # Height of a view: sets how large its text is beside the bones.


def bone_side(bone: tuple[int, int]) -> str:
  """'left' or 'right' if an end of the bone is of that side, else 'trunk'."""
  sides = {JOINTS[joint].split('_')[0] for joint in bone} & {'left', 'right'}
  return sides.pop() if sides else 'trunk'


def overlay(
  image: UInt8[np.ndarray, 'H W 3'],
  joints2d: Num[np.ndarray, 'J 2'],
  visible: Bool[np.ndarray, ' J'] | None = None,
  *,
  min_side: int = 256,
  line: float | None = None,
) -> UInt8[np.ndarray, 'H2 W2 3']:
  """Draws the bones over a photograph, right under left, each with a white edge.

  Args:
    image: RGB.
    joints2d: px of `image`, continuous: (0.5, 0.5) is the first pixel's centre.
    visible: joints to draw; a bone needs both of its ends. None: all that are
      finite.
    min_side: small images are enlarged by a whole number until both sides have
      at least this many px, but not beyond `LONGEST`.
    line: width of a bone in px of `image`; None: a 90th of its longer side.

  Returns:
    The enlarged image with the bones.
  """
  known = np.ones(len(joints2d), bool) if visible is None else visible
  joints2d = np.where(known[:, None], joints2d, np.nan)
  return overlay_all(image, [(joints2d, line)], min_side=min_side)


def overlay_all(
  image: UInt8[np.ndarray, 'H W 3'],
  people: Sequence[tuple[Num[np.ndarray, 'J 2'], float | None]],
  *,
  min_side: int = 256,
) -> UInt8[np.ndarray, 'H2 W2 3']:
  """Draws several people as `overlay` does one, the last on top.

  Args:
    image: RGB.
    people: (joints2d, line) of each, see `overlay`; joints that are not finite are
      left out.
    min_side: see `overlay`.

  Returns:
    The enlarged image with the bones.
  """
  height, width = image.shape[:2]
  wanted = math.ceil(min_side / min(height, width))
  factor = max(1, min(wanted, LONGEST // max(height, width)))
  size = (width * factor, height * factor)
  picture = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
  layer = Image.new('RGBA', [_SUPERSAMPLE * s for s in size])
  draw = ImageDraw.Draw(layer)
  for joints2d, line in people:
    drawable = np.isfinite(joints2d).all(-1)
    _draw_bones(
      draw,
      np.where(drawable[:, None], joints2d, 0.0) * factor * _SUPERSAMPLE,
      drawable,
      line=(line or max(height, width) / 90) * factor * _SUPERSAMPLE,
    )
  # BOX averages each pixel's own block, so that positions do not shift.
  layer = layer.resize(size, Image.Resampling.BOX)
  picture.paste(layer, mask=layer.getchannel('A'))
  return np.asarray(picture)


def _draw_bones(draw, joints, drawable, line):
  """Draws on a canvas whose continuous px coordinates `joints` are in."""
  # PIL means pixel centres by whole numbers; a continuous centre is at .5.
  at = [tuple(float(c) - 0.5 for c in joint) for joint in joints]
  order = sorted(
    (bone for bone in BONES if drawable[list(bone)].all()),
    key=lambda bone: ('trunk', 'right', 'left').index(bone_side(bone)),
  )
  for bone in order:
    colour = (*COLOURS[bone_side(bone)], 255)
    ends = [at[joint] for joint in bone]
    for shade, width in (((255, 255, 255, 230), line * 1.8), (colour, line)):
      draw.line(ends, fill=shade, width=round(width))
      for x, y in ends:
        draw.circle((x, y), width / 2, fill=shade)
  for joint in sorted({joint for bone in order for joint in bone}):
    draw.circle(at[joint], line * 0.35, fill=(255, 255, 255, 255))


def bounds(*poses: Num[np.ndarray, 'J 3'] | None) -> Num[np.ndarray, '3 2']:
  """The cube, mm, that holds all poses: the limits that make `views` comparable.

  Args:
    poses: camera axes, root-relative; None and joints not finite are left out.

  Returns:
    Lower and upper limit of x, y and z; equally long, at least 1000 mm.
  """
  points = np.concatenate([np.zeros((1, 3)), *(p for p in poses if p is not None)])
  points = points[np.isfinite(points).all(-1)]
  low, high = points.min(0), points.max(0)
  half = max(500.0, 0.55 * float((high - low).max()))
  return (low + high)[:, None] / 2 + half * np.array([[-1.0, 1.0]])


def views(
  joints_mm: Num[np.ndarray, 'J 3'],
  truth: Num[np.ndarray, 'J 3'] | None = None,
  *,
  limits: Num[np.ndarray, '3 2'] | None = None,
  height: int = 360,
  name: str = '',
) -> UInt8[np.ndarray, 'height 2*height 3']:
  """Draws a 3D pose as the camera sees it and as seen from the camera's right.

  Both views are orthographic with one scale for all axes. Up is up: the y axis
  points down, as in the camera. From the side, the camera is on the left.

  Args:
    joints_mm: mm, camera axes (x right, y down, z away), minus the root.
    truth: the true pose in the same terms, drawn in grey underneath.
    limits: of x, y, z in mm; None takes `bounds` of both poses.
    height: px of the picture, which is twice as wide.
    name: written in the corner.

  Returns:
    The two views side by side.
  """
  limits = bounds(joints_mm, truth) if limits is None else limits
  dpi = height / _INCHES
  figure = Figure(figsize=(2 * _INCHES, _INCHES), dpi=dpi, facecolor='white')
  canvas = FigureCanvasAgg(figure)
  # title, horizontal axis, depth axis that grows away from the viewer, label
  sides = (
    ('front: as the camera sees it', 0, np.array([0.0, 0.0, 1.0]), 'x right, mm'),
    ('side: camera on the left', 2, np.array([-1.0, 0.0, 0.0]), 'z away, mm'),
  )
  for column, (title, across, depth, label) in enumerate(sides):
    axes = figure.add_axes((0.115 + 0.5 * column, 0.17, 0.375, 0.75))
    axes.set_aspect('equal')
    axes.set_xlim(*limits[across])
    axes.set_ylim(*limits[1][::-1])
    axes.set_title(title, fontsize=8, color='#333', pad=4)
    axes.set_xlabel(label, fontsize=8, color='#555', labelpad=2)
    axes.set_ylabel('y down, mm', fontsize=8, color='#555', labelpad=1)
    axes.tick_params(labelsize=7, colors='#555', length=2, pad=2)
    axes.locator_params(nbins=4)
    axes.grid(color='#eee', linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
      spine.set_color('#ccc')
    if truth is not None:
      _plot_bones(axes, truth, across, depth, grey=True)
    _plot_bones(axes, joints_mm, across, depth, grey=False)
    _plot_floor(axes, joints_mm if truth is None else truth, limits[1, 1])
  figure.text(0.008, 0.94, name, fontsize=8, weight='bold', color='#333')
  canvas.draw()
  return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _plot_bones(axes, joints, across, depth, grey):
  """Adds the bones from the farthest to the nearest, as one would see them."""
  bones = [b for b in BONES if np.isfinite(joints[list(b)]).all()]
  for bone in sorted(bones, key=lambda b: -float((joints[list(b)] @ depth).mean())):
    colour = TRUTH if grey else COLOURS[bone_side(bone)]
    ends = joints[list(bone)]
    for shade, width in (('white', 3.4), (np.array(colour) / 255, 2.0)):
      axes.plot(
        ends[:, across],
        ends[:, 1],
        color=shade,
        linewidth=width + (1.0 if grey else 0.0),
        solid_capstyle='round',
        zorder=2 if grey else 3,
      )


def _plot_floor(axes, joints, bottom):
  """Adds the level of the lowest joint, where the feet would stand."""
  y = joints[:, 1][np.isfinite(joints[:, 1])]
  if y.size:
    axes.axhline(y.max(), color='#999', linewidth=1, zorder=1)
    axes.axhspan(y.max(), max(bottom, y.max()), color='#f1f1f1', zorder=0)


def grid(
  rows: list[list[UInt8[np.ndarray, '_ _ 3']]], *, gap: int = 8
) -> UInt8[np.ndarray, 'H W 3']:
  """Puts images on white paper in rows; those of a row are made equally high.

  What would have to grow to more than three times its size, or beyond `LONGEST`, gets
  paper above and below instead.

  Args:
    rows: the images, from top to bottom and from left to right.
    gap: px between and around them.

  Returns:
    One image.

  Raises:
    ValueError: there is no image.
  """
  rows = [[Image.fromarray(image) for image in row] for row in rows if row]
  if not rows:
    raise ValueError('no images given')
  lines = []
  for row in rows:
    tallest = max(image.height for image in row)
    lines.append([_to_height(image, tallest) for image in row])
  width = max(sum(image.width + gap for image in line) for line in lines) + gap
  height = sum(line[0].height + gap for line in lines) + gap
  paper = Image.new('RGB', (width, height), PAPER)
  y = gap
  for line in lines:
    x = gap
    for image in line:
      paper.paste(image, (x, y))
      x += image.width + gap
    y += line[0].height + gap
  return np.asarray(paper)


def _to_height(image, height):
  if image.height == height:
    return image
  longest = max(LONGEST, image.width)
  scale = min(height / image.height, _ENLARGED, longest / image.width)
  size = [max(1, round(side * scale)) for side in image.size]
  image = image.resize(size, Image.Resampling.BICUBIC)
  if image.height == height:
    return image
  paper = Image.new('RGB', (image.width, height), PAPER)
  paper.paste(image, (0, (height - image.height) // 2))
  return paper
