"""Joint angles of a pose in degrees, named and signed as by the ISB, where joints tell them.

Wu et al., J. Biomechanics 35 (2002) and 38 (2005): segments have X forwards, Y up and Z
to the right. Points tell the direction of a limb but not its turn about its own axis, so
of each joint the rotations remain that are made of directions. The pelvis's frame has
the line between the hips for Z and the trunk for its upright; the thorax's has the trunk
for Y and the line between the shoulders for its Z. Ankles have none: there is no joint
of a foot.
"""

import itertools

import numpy as np
from jaxtyping import Float

from wild3d import skeleton

_OF_A_SIDE = {
  'hip_flexion': 'thigh forwards in the frame of the pelvis (Z of Z-X-Y)',
  'hip_adduction': 'thigh inwards in the frame of the pelvis (X of Z-X-Y)',
  'knee_flexion': 'between thigh and shank, 0 straight; from three points: never below 0',
  'shoulder_plane_of_elevation': 'of the upper arm in the frame of the thorax, 0 to the '
  'side, 90 forwards (first Y of Y-X-Y); null within 10 degrees of hanging or upright',
  'shoulder_elevation': 'of the upper arm, 0 hanging, 90 level (X of Y-X-Y, whose sign '
  'the ISB has negative)',
  'elbow_flexion': 'between upper arm and forearm, 0 straight; from three points: never '
  'below 0',
}
NAMES = tuple(f'{side}_{name}' for side in ('right', 'left') for name in _OF_A_SIDE)
MEANING = (
  'degrees; names and signs of the ISB (Wu et al. 2002, 2005), of directions: turns of '
  'a limb about its own axis are not told by joints, nor an ankle without a foot; '
  + '; '.join(f'{name}: {what}' for name, what in _OF_A_SIDE.items())
)
_NO_PLANE = 10.0  # degrees from hanging or upright, where the arm is in every plane


def of(joints: Float[np.ndarray, '*N 16 3']) -> Float[np.ndarray, '*N A']:
  """The angles `NAMES` of poses in axes x right, y down, z away, in any unit.

  NaN where joints fall together, and see `MEANING`.
  """
  at = np.moveaxis(np.asarray(joints, np.float64), -2, 0)
  up = at[skeleton.THORAX] - at[skeleton.PELVIS]
  found = []
  with np.errstate(invalid='ignore', divide='ignore'):
    z = _unit(at[skeleton.RIGHT_HIP] - at[skeleton.LEFT_HIP])
    y = _unit(_across(up, z))
    pelvis = np.stack([np.cross(y, z), y, z], axis=-2)
    y = _unit(up)
    z = _unit(_across(at[skeleton.RIGHT_SHOULDER] - at[skeleton.LEFT_SHOULDER], y))
    thorax = np.stack([np.cross(y, z), y, z], axis=-2)
    for outwards, leg, arm in zip((1, -1), skeleton.LEGS, skeleton.ARMS, strict=True):
      thigh, shank = (_unit(at[b] - at[a]) for a, b in itertools.pairwise(leg))
      upper, lower = (_unit(at[b] - at[a]) for a, b in itertools.pairwise(arm))
      x, y, z = np.moveaxis(np.einsum('...ij,...j->...i', pelvis, thigh), -1, 0)
      found += [np.arctan2(x, -y), -outwards * np.arcsin(z), _between(thigh, shank)]
      x, y, z = np.moveaxis(np.einsum('...ij,...j->...i', thorax, upper), -1, 0)
      off = np.hypot(x, z)
      plane = np.where(
        off < np.sin(np.radians(_NO_PLANE)), np.nan, np.arctan2(x, outwards * z)
      )
      found += [plane, np.arctan2(off, -y), _between(upper, lower)]
  return np.degrees(np.stack(found, axis=-1))


def _unit(v):
  return v / np.linalg.norm(v, axis=-1, keepdims=True)


def _across(v, axis):
  """The part of v across a unit axis."""
  return v - (v * axis).sum(-1, keepdims=True) * axis


def _between(a, b):
  return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1))
