"""The painter of poses in SVG, for pages: sharp at any size, joints named on hover.

Colours are left to the page's style sheet: lines and dots have the classes left, right,
trunk and true (the true pose, grey beneath a prediction); a hollow dot is an occluded
joint. All functions return an <svg> element that templates take as it is.
"""

import numpy as np
from jaxtyping import Bool, Num
from markupsafe import Markup

from wild3d.draw import style
from wild3d.skeleton import JOINTS, ROOT

_FAR_MM = 3000.0  # from the pelvis: a joint twice as far off is not drawn
# A person as seen from the front, in units of a tenth of its height.
_FIGURE = np.array(
  [
    *[(3.9, 9.6), (4.0, 7.6), (4.2, 5.6), (5.8, 5.6), (6.0, 7.6), (6.1, 9.6)],
    *[(5.0, 5.5), (5.0, 2.7), (5.0, 2.1), (5.0, 0.4)],
    *[(2.4, 5.7), (2.9, 4.2), (3.6, 2.7), (6.4, 2.7), (7.1, 4.2), (7.6, 5.7)],
  ]
)


def overlay(
  size: tuple[int, int],
  joints2d: Num[np.ndarray, '16 2'],
  *,
  truth: Num[np.ndarray, '16 2'] | None = None,
  occluded: Bool[np.ndarray, '16'] | None = None,
  box: tuple[float, float, float] | None = None,
) -> Markup:
  """Bones and joints to lay over a picture.

  Args:
    size: width and height of the picture, px.
    joints2d: px of the picture; joints that are not finite are left out.
    truth: the true pose, drawn in grey underneath.
    occluded: joints that are hollow.
    box: of the person: centre x, y and side, px; dashed.
  """
  unit = max(size) / 100
  drawn = ''
  if box is not None:
    left, top = box[0] - box[2] / 2, box[1] - box[2] / 2
    drawn = (
      f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{box[2]:.1f}" '
      f'height="{box[2]:.1f}"/>'
    )
  if truth is not None:
    drawn += _person(truth, 1.7 * unit, true=True)
  drawn += _person(joints2d, 1.1 * unit, occluded=occluded)
  return _svg(f'0 0 {size[0]:g} {size[1]:g}', drawn, 'overlay', '2D joints')


def views(
  joints_mm: Num[np.ndarray, '16 3'], truth: Num[np.ndarray, '16 3'] | None = None
) -> list[tuple[str, Markup]]:
  """A 3D pose as the camera sees it, and from its right, the camera being on the left.

  Orthographic, both to the same scale, with a bar of half a metre and the floor under
  the lowest joint. Each pose is drawn minus its pelvis, or minus the mean of its joints
  where one of them has no pelvis; in mm as given: a pose of another scale looks it.

  Args:
    joints_mm: camera axes; joints that are not finite are left out.
    truth: the true pose, drawn in grey underneath.

  Returns:
    (name, picture) of the two views; empty where there is no joint.
  """
  poses = [joints_mm] if truth is None else [truth, joints_mm]
  poses = [np.asarray(pose, np.float64) for pose in poses]
  rooted = all(np.isfinite(pose[ROOT]).all() for pose in poses if _known(pose))
  poses = [_centred(pose, rooted) for pose in poses]
  if not any(map(_known, poses)):
    return []
  limits = style.bounds(*(np.clip(pose, -_FAR_MM, _FAR_MM) for pose in poses))
  scale = 100 / float(limits[0, 1] - limits[0, 0])
  pictures = []
  for name, across, away in style.VIEWS:
    at = [(pose[:, [across, 1]] - limits[[across, 1], 0]) * scale for pose in poses]
    floor = max(y for pose in at for y in pose[:, 1] if np.isfinite(y))
    drawn = (
      f'<rect class="floor" y="{floor:.1f}" width="100" '
      f'height="{max(0.0, 100 - floor):.1f}"/>'
      f'<path class="scale" d="M4 96.5h{500 * scale:.3f}"/>'
      '<text x="4" y="94" font-size="4.5">500 mm</text>'
    )
    for flat, pose in zip(at, poses, strict=True):
      true = truth is not None and pose is poses[0]
      drawn += _person(flat, 2.1 if true else 1.5, pose @ away, true=true)
    pictures.append((name, _svg('0 0 100 100', drawn, 'view', f'3D, {name}')))
  return pictures


def legend() -> Markup:
  """A standing figure with the numbers of the joints."""
  drawn = _person(_FIGURE, 0.13)
  for number, (x, y) in enumerate(_FIGURE):
    drawn += (
      f'<circle cx="{x}" cy="{y}" r=".29" class="{style.joint_side(number)}"/>'
      f'<text x="{x}" y="{y + 0.13:.2f}" font-size=".36" text-anchor="middle">{number}'
      f'<title>{JOINTS[number]}</title></text>'
    )
  return _svg('1.6 0 6.8 10', drawn, 'legend-figure', 'the joints by number')


def _svg(box, content, kind, label):
  return Markup(
    f'<svg class="{kind}" viewBox="{box}" role="img" aria-label="{label}">{content}'
    '</svg>'
  )


def _known(pose):
  return np.isfinite(pose).all(-1).any()


def _centred(pose, rooted):
  if not _known(pose):
    return pose
  pose = pose - (pose[ROOT] if rooted else pose[np.isfinite(pose).all(-1)].mean(0))
  return np.where(np.abs(pose).max(-1, keepdims=True) < 2 * _FAR_MM, pose, np.nan)


def _person(at, width, depth=None, *, true=False, occluded=None):
  """Lines with a white edge, the farthest first, and dots that tell their names.

  Args:
    at: [16,2] places in the drawing.
    width: of a line.
    depth: [16] away from the viewer, or None.
    true: in grey.
    occluded: [16] bool, or None.
  """
  keyed = at if depth is None else np.column_stack([at, depth])
  drawn = ''
  for bone in style.bones_of(keyed, None if depth is None else np.array([0, 0, 1.0])):
    (x1, y1), (x2, y2) = at[list(bone)]
    place = f'x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
    kind = 'true' if true else style.bone_side(bone)
    drawn += (
      f'<line {place} class="edge" stroke-width="{1.8 * width:.2f}"/>'
      f'<line {place} class="{kind}" stroke-width="{width:.2f}"/>'
    )
  joints = np.flatnonzero(np.isfinite(keyed).all(-1)).tolist()
  for joint in joints if depth is None else sorted(joints, key=lambda j: -depth[j]):
    hollow = occluded is not None and bool(occluded[joint])
    kind = 'true' if true else style.joint_side(joint)
    name = f'{joint} {JOINTS[joint].replace("_", " ")}'
    name += ', true' * true + ', occluded' * hollow
    drawn += (
      f'<circle cx="{at[joint, 0]:.2f}" cy="{at[joint, 1]:.2f}" r="{1.1 * width:.2f}" '
      f'stroke-width="{(0.6 if hollow else 0.3) * width:.2f}" '
      f'class="{kind}{" hollow" * hollow}"><title>{name}</title></circle>'
    )
  return drawn
