"""From a file's joints to ours: axes, millimetres, the head's top, frame rate."""

import dataclasses
import itertools

import numpy as np
from jaxtyping import Bool, Float

from wild3d import skeleton
from wild3d.synthetic import kinematics

# Units met in files: millimetres, centimetres, metres, inches, feet, and those of
# the CMU database (1 / 0.45 inches). A leg tells them apart: no two agree on one.
UNITS_MM = (1.0, 10.0, 1000.0, 25.4, 304.8, 25.4 / 0.45)
LEG_MM = (550.0, 1150.0)  # hip to ankle along the bones, where the unit is guessed
ANY_LEG_MM = (300.0, 1400.0)  # where it is given: children, figures of games
# Head over leg (hip to ankle) of the renderer's people, whose head ends at the top
# of the skull, as MPII's. Mocap's bone ends lower: 0.24 in CMU and HDM05.
HEAD_OVER_LEG = kinematics.SHARES['head'][0] / (
  kinematics.SHARES['thigh'][0] + kinematics.SHARES['shin'][0]
)
# Bones that a body cannot have, mm: lower and upper limits.
_LIMBS = (
  *(
    bone
    for limb in (*skeleton.LEGS, *skeleton.ARMS)
    for bone in itertools.pairwise(limb)
  ),
  (skeleton.PELVIS, skeleton.THORAX),
  (skeleton.UPPER_NECK, skeleton.HEAD_TOP),
)
_LIMB_MM = (80.0, 900.0)


@dataclasses.dataclass(frozen=True)
class Clip:
  """A motion, or some single poses, of one person."""

  name: str  # within its file; '' if it is the only one
  joints: Float[np.ndarray, 'T 16 3']  # mm, z up; or in a file's own units and axes
  fps: float  # frames a second; 0: single poses, in no order
  subject: str  # '' where unknown, as `action`
  action: str


def leg(joints: Float[np.ndarray, 'T 16 3']) -> float:
  """Hip to knee to ankle, in the units of `joints`: median over frames and sides."""
  return float(np.median(sum(skeleton.bone_lengths(joints, _LIMBS[:4]).T) / 2))


def guess_unit(leg: float) -> float | None:
  """Millimetres in the unit in which a leg has this length; None if none fits."""
  low, high = LEG_MM
  return next((unit for unit in UNITS_MM if low <= leg * unit <= high), None)


def guess_up(joints: Float[np.ndarray, 'T 16 3']) -> str | None:
  """'y' or 'z', whichever the body mostly stands along; None if neither is clear."""
  ankles = (joints[:, skeleton.RIGHT_ANKLE] + joints[:, skeleton.LEFT_ANKLE]) / 2
  body = joints[:, skeleton.HEAD_TOP] - ankles
  length = np.linalg.norm(body, axis=-1, keepdims=True)
  body = np.median(body / np.maximum(length, 1e-9), axis=0)
  axis = int(np.argmax(body))
  return 'xyz'[axis] if axis > 0 and body[axis] > 0.6 else None


def z_up(joints: Float[np.ndarray, 'T 16 3'], up: str) -> Float[np.ndarray, 'T 16 3']:
  """Turns axes with `up` ('y' or 'z') upwards so that z is; nothing is mirrored."""
  if up == 'z':
    return joints
  x, y, z = np.moveaxis(joints, -1, 0)
  return np.stack([x, -z, y], axis=-1)


def extend_head(joints: Float[np.ndarray, 'T 16 3']) -> Float[np.ndarray, 'T 16 3']:
  """Moves the head's top to the top of the skull, along the head; never down.

  The bone's end lies lower than MPII's head top, and where a file has no end, the
  'head top' is the joint on which the head turns.
  """
  joints = joints.copy()
  wanted = HEAD_OVER_LEG * leg(joints)
  bone = joints[:, skeleton.HEAD_TOP] - joints[:, skeleton.UPPER_NECK]
  length = np.linalg.norm(bone, axis=-1, keepdims=True)
  longer = np.maximum(wanted / np.maximum(length, 1e-6), 1.0)
  joints[:, skeleton.HEAD_TOP] = joints[:, skeleton.UPPER_NECK] + longer * bone
  return joints


def resample(
  joints: Float[np.ndarray, 'T 16 3'], fps: float, wanted: float
) -> Float[np.ndarray, 'K 16 3']:
  """The motion at another rate, from its first frame on.

  Joints run straight from frame to frame, and limbs keep their lengths on the way:
  the straight line alone would shorten what turns.
  """
  count = int(np.floor((len(joints) - 1) / fps * wanted + 1e-6)) + 1
  at = np.minimum(np.arange(count) * fps / wanted, len(joints) - 1)
  low = np.minimum(np.floor(at + 1e-6).astype(int), len(joints) - 1)
  high = np.minimum(low + 1, len(joints) - 1)
  share = np.clip(at - low, 0, 1)[:, None]
  middle = (1 - share[..., None]) * joints[low] + share[..., None] * joints[high]
  before, after = (skeleton.bone_lengths(joints[at], _LIMBS) for at in (low, high))
  lengths = (1 - share) * before + share * after
  done = middle.copy()
  for (start, end), length in zip(_LIMBS, lengths.T, strict=True):
    bone = middle[:, end] - middle[:, start]
    scale = length / np.maximum(np.linalg.norm(bone, axis=-1), 1e-6)
    if end != skeleton.THORAX:  # it stays the middle of the shoulders
      done[:, end] = done[:, start] + scale[:, None] * bone
  return done


def plausible(joints: Float[np.ndarray, 'T 16 3']) -> Bool[np.ndarray, ' T']:
  """Which frames' limbs have lengths (mm) that a person's can have."""
  lengths = skeleton.bone_lengths(joints, _LIMBS)
  return ((lengths > _LIMB_MM[0]) & (lengths < _LIMB_MM[1])).all(axis=1)


def stand(joints: Float[np.ndarray, 'T 16 3']) -> Float[np.ndarray, 'T 16 3']:
  """Moves a clip so that it starts at the origin and its lowest flesh is at z = 0.

  The heights of floors in mocap files are not to be relied on, and what people
  climb on there is not drawn here.
  """
  moved = joints - joints[0, skeleton.PELVIS] * (1, 1, 0)
  flesh = kinematics.FLESH_MM[: joints.shape[1]]
  return moved - (0, 0, (moved[..., 2] - flesh).min())
