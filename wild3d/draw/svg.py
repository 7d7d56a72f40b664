"""Poses as SVG for `wild3d data browse`: sharp at any size, joints named on hover.

Sides and colours are those of `visualize`; a hollow joint is an occluded one.
"""

import numpy as np
from jaxtyping import Bool, Num

from wild3d.draw import pixels
from wild3d.skeleton import BONES, JOINTS, ROOT

_ALL = range(len(BONES))
# A person as seen from the front, in units of a tenth of its height.
_FIGURE = np.array(
  [
    *[(3.9, 9.6), (4.0, 7.6), (4.2, 5.6), (5.8, 5.6), (6.0, 7.6), (6.1, 9.6)],
    *[(5.0, 5.5), (5.0, 2.7), (5.0, 2.1), (5.0, 0.4)],
    *[(2.4, 5.7), (2.9, 4.2), (3.6, 2.7), (6.4, 2.7), (7.1, 4.2), (7.6, 5.7)],
  ]
)


def overlay(
  joints2d: Num[np.ndarray, '16 2'],
  labelled: Bool[np.ndarray, '16'],
  occluded: Bool[np.ndarray, '16'],
  size: tuple[int, int],
  box: tuple[float, float, float],
) -> str:
  """Bones and joints to lay over a picture of the same width.

  Args:
    joints2d: px of the picture.
    labelled: joints that are drawn.
    occluded: joints that are hollow.
    size: width and height of the picture, px.
    box: of the person: centre x, y and side, px; dashed.
  """
  unit = max(size) / 100
  left, top = box[0] - box[2] / 2, box[1] - box[2] / 2
  frame = (
    f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{box[2]:.1f}" '
    f'height="{box[2]:.1f}"/>'
  )
  bones = _bones(joints2d, labelled, 1.1 * unit)
  dots = ''.join(
    _dot(joints2d[j], j, 1.5 * unit, bool(occluded[j]))
    for j in np.flatnonzero(labelled)
  )
  return _svg(f'0 0 {size[0]} {size[1]}', frame + bones + dots, 'overlay')


def views(joints3d: Num[np.ndarray, '16 3']) -> tuple[str, str]:
  """A pose as the camera sees it, and from its right, the camera being on the left.

  Orthographic, both to the same scale, with a bar of half a metre and the floor under
  the lowest joint.

  Args:
    joints3d: mm, camera axes.
  """
  joints = joints3d.astype(np.float64) - joints3d[ROOT].astype(np.float64)
  limits = pixels.bounds(joints)
  room = 0.05 * float(limits[0, 1] - limits[0, 0])
  limits = limits + np.array([[-room, room]])
  width = float(limits[0, 1] - limits[0, 0])
  pictures = []
  # horizontal axis, what grows towards the viewer, name
  for across, near, name in ((0, -joints[:, 2], 'front'), (2, joints[:, 0], 'side')):
    at = np.stack([joints[:, across], joints[:, 1]], axis=-1) - limits[[across, 1], 0]
    order = sorted(range(len(BONES)), key=lambda i: near[list(BONES[i])].sum())
    floor = float(at[:, 1].max())
    parts = (
      f'<rect class="floor" y="{floor:.0f}" width="{width:.0f}" '
      f'height="{max(0.0, width - floor):.0f}"/>'
      f'<path class="scale" d="M{0.04 * width:.0f} {0.965 * width:.0f}h500" '
      f'stroke-width="{0.008 * width:.1f}"/>'
      f'<text x="{0.04 * width:.0f}" y="{0.945 * width:.0f}" '
      f'font-size="{0.045 * width:.0f}">500 mm</text>'
    )
    drawn = _bones(at, np.ones(len(JOINTS), bool), 0.016 * width, order)
    dots = ''.join(_dot(at[j], j, 0.013 * width, False) for j in np.argsort(near))
    pictures.append(_svg(f'0 0 {width:.0f} {width:.0f}', parts + drawn + dots, name))
  return pictures[0], pictures[1]


def legend() -> str:
  """A standing figure with the numbers of the joints."""
  everything = np.ones(len(JOINTS), bool)
  drawn = _bones(_FIGURE, everything, 0.13)
  for number, (x, y) in enumerate(_FIGURE):
    drawn += (
      f'<circle cx="{x}" cy="{y}" r=".29" class="{_side(number)}"/>'
      f'<text x="{x}" y="{y + 0.13:.2f}" font-size=".36" text-anchor="middle">{number}'
      f'<title>{JOINTS[number]}</title></text>'
    )
  return _svg('1.6 0 6.8 10', drawn, 'legend-figure')


def _svg(box, content, kind):
  return (
    f'<svg class="{kind}" viewBox="{box}" xmlns="http://www.w3.org/2000/svg">'
    f'{content}</svg>'
  )


def _bones(at, drawn, width, order=_ALL):
  """Lines with a white edge, from the first to the last of `order`."""
  lines = []
  for i in order:
    start, end = BONES[i]
    if not drawn[start] or not drawn[end]:
      continue
    (x1, y1), (x2, y2) = at[start], at[end]
    place = f'x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
    lines.append(
      f'<line {place} class="edge" stroke-width="{1.8 * width:.2f}"/>'
      f'<line {place} class="{pixels.bone_side(BONES[i])}" stroke-width="{width:.2f}"/>'
    )
  return ''.join(lines)


def _dot(at, joint, radius, hollow):
  name = JOINTS[joint].replace('_', ' ') + (', occluded' if hollow else '')
  return (
    f'<circle cx="{at[0]:.2f}" cy="{at[1]:.2f}" r="{radius:.2f}" '
    f'stroke-width="{(0.55 if hollow else 0.3) * radius:.2f}" class="{_side(joint)}'
    f'{" hollow" if hollow else ""}"><title>{joint} {name}</title></circle>'
  )


def _side(joint):
  side = JOINTS[joint].split('_')[0]
  return side if side in ('left', 'right') else 'trunk'
