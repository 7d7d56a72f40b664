"""What can be measured of records, NaN where it does not apply.

Axes: N records, 16 joints. 3D is in mm, camera axes (right-handed); px are those of
the stored picture unless said.
"""

import numpy as np
from jaxtyping import Bool, Float, Num

from wild3d import skeleton
from wild3d.datasets import camera
from wild3d.skeleton import FLIP_PAIRS

_BENT = 20.0  # degrees between two limbs: from there the hinge's direction is clear
_CLEAR = 0.06  # of the box: a width in the picture from which sides can be told
_PAIRS = np.array(FLIP_PAIRS)
UNCROSSED = ('knees', 'ankles', 'elbows', 'wrists')  # columns of `uncrossed`
_DIFFERENT = 0.03  # of both lengths, by which a limb and a crossed one differ clearly
_SLACK = 0.02  # of its side, by which a box may leave the picture


def knees_forwards(joints3d: Num[np.ndarray, 'N 16 3']) -> Float[np.ndarray, 'N 2']:
  """1 where the right and left knee bend as knees do, 0 the other way, NaN if straight.

  A knee turns about the axis through both hips. Thigh x shin is that axis with a
  sign: towards the person's left if the shin swings backwards. Exchanging left and
  right, or looking into a mirror, turns the sign. In the motion capture of CMU and
  HDM05 99 % of the bent knees give 1 (95 to 100 % of each person's).
  """
  return _hinges(joints3d, skeleton.LEGS, sign=1)


def elbows_forwards(joints3d: Num[np.ndarray, 'N 16 3']) -> Float[np.ndarray, 'N 2']:
  """As `knees_forwards`, for the elbows about the line through both shoulders.

  The forearm swings forwards, so the axis points the other way. 97 % give 1 (85 to
  100 % of each person's).
  """
  return _hinges(joints3d, skeleton.ARMS, sign=-1)


def _hinges(joints3d, limbs, sign):
  joints3d = joints3d.astype(np.float64)
  to_left = joints3d[:, limbs[1][0]] - joints3d[:, limbs[0][0]]
  columns = []
  for start, hinge, end in limbs:
    upper = joints3d[:, hinge] - joints3d[:, start]
    lower = joints3d[:, end] - joints3d[:, hinge]
    axis = np.cross(upper, lower)
    sine, cosine = np.linalg.norm(axis, axis=-1), np.sum(upper * lower, axis=-1)
    bent = np.degrees(np.arctan2(sine, cosine)) > _BENT
    natural = sign * np.sum(axis * to_left, axis=-1) > 0
    columns.append(np.where(bent, natural, np.nan))
  return np.stack(columns, axis=-1)


def residuals(record: dict[str, np.ndarray]) -> Float[np.ndarray, 'N 16']:
  """Distance of the projected 3D joints from the 2D labels, px of the original.

  NaN without 3D, 2D or camera; infinite behind the camera.
  """
  found = np.full(record['labelled'].shape, np.nan)
  for row in np.flatnonzero(record['has3d'] & (record['camera'][:, 0] > 0)):
    points = record['joints3d'][row].astype(np.float64)
    labels = to_original(record['joints2d'][row], record['to_original'][row])
    front = points[:, 2] > 0
    known = record['labelled'][row] & front
    projected = camera.project(
      points[known],
      record['camera'][row].astype(np.float64),
      record['distortion'][row].astype(np.float64),
    )
    found[row, known] = np.linalg.norm(projected - labels[known], axis=-1)
    found[row, record['labelled'][row] & ~front] = np.inf
  return found


def to_original(
  points: Num[np.ndarray, '*K 2'], affine: Num[np.ndarray, '2 3']
) -> Float[np.ndarray, '*K 2']:
  """Stored px in px of the original."""
  affine = affine.astype(np.float64)
  return points @ affine[:, :2].T + affine[:, 2]


def sides_agree(record: dict[str, np.ndarray]) -> Float[np.ndarray, ' N']:
  """1 where right-to-left points the same way in 2D as in 3D; NaN if not clear.

  Needs no camera: summed over the six pairs of joints, the dot product of both.
  """
  flat = record['joints2d'].astype(np.float64) / record['side'][:, None, None]
  right, left = _PAIRS.T
  known = record['labelled'][:, right] & record['labelled'][:, left]
  across2d = (flat[:, left] - flat[:, right]) * known[..., None]
  across3d = (record['joints3d'][:, left] - record['joints3d'][:, right])[..., :2]
  clear = np.linalg.norm(across2d, axis=-1).max(axis=-1) > _CLEAR
  dot = np.sum(across2d * across3d, axis=(1, 2))
  return np.where(record['has3d'] & clear, dot > 0, np.nan)


def hips_as_shoulders(record: dict[str, np.ndarray]) -> Float[np.ndarray, ' N']:
  """1 where hips and shoulders have the same order in 2D; NaN if not clear."""
  hips, hips_clear = _across(record, skeleton.RIGHT_HIP, skeleton.LEFT_HIP)
  shoulders, shoulders_clear = _across(
    record, skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER
  )
  same = np.sum(hips * shoulders, axis=-1) > 0
  return np.where(hips_clear & shoulders_clear, same, np.nan)


def uncrossed(
  joints: Num[np.ndarray, 'N 16 D'], known: Bool[np.ndarray, 'N 16']
) -> Float[np.ndarray, 'N 4']:
  """1 where knees, ankles, elbows, wrists are on their own limbs; NaN if not clear.

  There the bones that end in them, right and left together, are shorter than those
  from the other side's joint would be.

  Args:
    joints: in any unit.
    known: which of them are given.
  """
  joints, columns = joints.astype(np.float64), []
  for right, left in (skeleton.LEGS, skeleton.ARMS):
    for start, end in ((0, 1), (1, 2)):
      starts, ends = [right[start], left[start]], [right[end], left[end]]
      own, other = (
        np.linalg.norm(joints[:, places] - joints[:, starts], axis=-1).sum(axis=-1)
        for places in (ends, ends[::-1])
      )
      clear = known[:, [*starts, *ends]].all(axis=1)
      clear &= np.abs(own - other) > _DIFFERENT * (own + other)
      columns.append(np.where(clear, own < other, np.nan))
  return np.stack(columns, axis=-1)


def faces_camera(record: dict[str, np.ndarray]) -> Float[np.ndarray, ' N']:
  """1 where the chest is turned to the camera, by the 2D shoulders; NaN if not clear.

  Says nothing of one record, but most photographs show faces: 72 % in MPII, 73 % in
  LSPET.
  """
  shoulders, clear = _across(record, skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER)
  trunk = [skeleton.PELVIS, skeleton.THORAX]  # COCO has no neck
  up = np.diff(record['joints2d'][:, trunk], axis=1)[:, 0]
  clear = clear & record['labelled'][:, trunk].all(axis=1)
  turned = shoulders[:, 0] * up[:, 1] - shoulders[:, 1] * up[:, 0] < 0
  return np.where(clear, turned, np.nan)


def _across(record, *ends):
  """Right to left [N, 2] px, and whether it is labelled and wide enough."""
  across = np.diff(record['joints2d'][:, ends], axis=1)[:, 0]
  wide = np.linalg.norm(across, axis=-1) > _CLEAR * record['side']
  return across, wide & record['labelled'][:, ends].all(axis=-1)


def joints_inside(
  record: dict[str, np.ndarray], size: Num[np.ndarray, 'N 2']
) -> Float[np.ndarray, 'N 16']:
  """1 where a labelled joint lies in the stored picture; NaN if not labelled.

  Args:
    record: columns of RECORD_KEYS.
    size: width and height of the stored pictures, px.
  """
  at = record['joints2d']
  inside = ((at >= 0) & (at <= size[:, None])).all(axis=-1)
  return np.where(record['labelled'], inside, np.nan)


def box_inside(
  record: dict[str, np.ndarray], size: Num[np.ndarray, 'N 2']
) -> Bool[np.ndarray, ' N']:
  """Whether the person box lies in the stored picture, but for 2 % of its side."""
  half = (record['side'] * (0.5 - _SLACK))[:, None]
  low, high = record['center'] - half, record['center'] + half
  return ((low >= 0) & (high <= size)).all(axis=-1)
