"""What all drawings of a person share: colours, sides, order of bones, limits.

Left and right are the person's own, in one pair of colours everywhere.
"""

import numpy as np
from jaxtyping import Num

from wild3d.skeleton import BONES, JOINTS

# Chosen by simulation: any two stay apart for each kind of colour blindness.
LEFT = (0, 114, 178)  # blue
RIGHT = (230, 159, 0)  # orange
TRUNK = (136, 34, 85)  # wine
TRUTH = (150, 150, 150)  # grey
COLOURS = {'left': LEFT, 'right': RIGHT, 'trunk': TRUNK}
# The two views of a 3D pose: name, horizontal axis, direction away from the viewer.
VIEWS = (
  ('front', 0, np.array([0.0, 0.0, 1.0])),
  ('side', 2, np.array([-1.0, 0.0, 0.0])),
)


def joint_side(joint: int) -> str:
  """'left', 'right' or, of the head and the trunk, 'trunk'."""
  side = JOINTS[joint].split('_')[0]
  return side if side in COLOURS else 'trunk'


def bone_side(bone: tuple[int, int]) -> str:
  """'left' or 'right' if an end of the bone is of that side, else 'trunk'."""
  sides = {joint_side(joint) for joint in bone} - {'trunk'}
  return sides.pop() if sides else 'trunk'


def bones_of(
  joints: Num[np.ndarray, 'J D'], away: Num[np.ndarray, ' D'] | None = None
) -> list[tuple[int, int]]:
  """The bones whose ends are finite, in the order in which they are drawn.

  Args:
    joints: 2D or 3D; NaN where a joint is not to be drawn.
    away: direction away from the viewer: the farthest bone comes first. None: the
      trunk first and the left limbs last.
  """
  known = np.isfinite(joints).all(-1)
  bones = [bone for bone in BONES if known[list(bone)].all()]
  if away is None:
    return sorted(bones, key=lambda b: ('trunk', 'right', 'left').index(bone_side(b)))
  return sorted(bones, key=lambda b: -float((joints[list(b)] @ away).mean()))


def bounds(
  *poses: Num[np.ndarray, 'J 3'] | None, cube: bool = True
) -> Num[np.ndarray, '3 2']:
  """The box, mm, that holds all poses: the limits that make views comparable.

  Args:
    poses: camera axes, root-relative; None and joints not finite are left out.
    cube: equally long sides, at least 1000 mm; else no longer ones than need be.

  Returns:
    Lower and upper limit of x, y and z.
  """
  points = np.concatenate([np.zeros((1, 3)), *(p for p in poses if p is not None)])
  points = points[np.isfinite(points).all(-1)]
  low, high = points.min(0), points.max(0)
  longest = float((high - low).max())
  half = np.full(3, max(500.0, 0.6 * longest))
  if not cube:
    half = np.maximum([400.0, 500.0, 400.0], (high - low) / 2 + 0.06 * longest)
  return ((low + high) / 2)[:, None] + half[:, None] * np.array([-1.0, 1.0])
