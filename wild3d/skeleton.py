"""Joints, bones, bone groups, flips, and conversions between joint sets by name.

Every array of joints in wild3d follows `JOINTS`, the 16 joints of MPII. Left and
right are the person's own. Nothing here needs JAX.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

JOINTS = (
  *('right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle'),
  *('pelvis', 'thorax', 'upper_neck', 'head_top'),
  *('right_wrist', 'right_elbow', 'right_shoulder'),
  *('left_shoulder', 'left_elbow', 'left_wrist'),
)
ROOT = JOINTS.index('pelvis')

# Their indices by name: joints[skeleton.LEFT_KNEE].
RIGHT_ANKLE, RIGHT_KNEE, RIGHT_HIP, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE = range(6)
PELVIS, THORAX, UPPER_NECK, HEAD_TOP = range(6, 10)
RIGHT_WRIST, RIGHT_ELBOW, RIGHT_SHOULDER = range(10, 13)
LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST = range(13, 16)

# Limbs from the trunk outwards; right, left.
LEGS = ((RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE), (LEFT_HIP, LEFT_KNEE, LEFT_ANKLE))
ARMS = (
  (RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST),
  (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST),
)

# Zhou et al. 2017, section 3: the 14 bones whose lengths set a skeleton's size.
BONES = (
  *((0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5)),
  *((10, 11), (11, 12), (12, 8), (8, 13), (13, 14), (14, 15)),
  *((6, 8), (8, 9)),
)

# The four groups of the geometric loss (equation 5): within each, the ratio of
# a bone's length to its average length should be the same for all bones.
BONE_GROUPS = {
  'arms': ((10, 11), (11, 12), (13, 14), (14, 15)),
  'legs': ((0, 1), (1, 2), (3, 4), (4, 5)),
  'shoulders': ((12, 8), (13, 8)),
  'hips': ((2, 6), (3, 6)),
}

FLIP_PAIRS = ((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13))


def _flip_index() -> np.ndarray:
  index = np.arange(len(JOINTS))
  for right, left in FLIP_PAIRS:
    index[right], index[left] = left, right
  return index


# joints[FLIP_INDEX] swaps left and right; its own inverse.
FLIP_INDEX = _flip_index()

# Average bone lengths in mm over Human3.6M's training skeletons, as used by the
# authors' released code.
MEAN_BONE_MM = {
  'knee-ankle': 452.125519758,
  'hip-knee': 456.008604234,
  'pelvis-hip': 134.201602044,
  'pelvis-torso': 421.517337247,
  'torso-neck': 77.938555657,
  'neck-head': 182.550526846,
  'elbow-wrist': 249.772589249,
  'shoulder-elbow': 284.125346475,
  'torso-shoulder': 180.776851782,
}

# Average length in mm of each bone of each group, in BONE_GROUPS' order.
GROUP_MEAN_MM = {
  'arms': (
    MEAN_BONE_MM['elbow-wrist'],
    MEAN_BONE_MM['shoulder-elbow'],
    MEAN_BONE_MM['shoulder-elbow'],
    MEAN_BONE_MM['elbow-wrist'],
  ),
  'legs': (
    MEAN_BONE_MM['knee-ankle'],
    MEAN_BONE_MM['hip-knee'],
    MEAN_BONE_MM['hip-knee'],
    MEAN_BONE_MM['knee-ankle'],
  ),
  'shoulders': (MEAN_BONE_MM['torso-shoulder'],) * 2,
  'hips': (MEAN_BONE_MM['pelvis-hip'],) * 2,
}

# The sum of the 14 bone lengths, in mm, to which the authors scale predictions
# before scoring Human3.6M. It is a constant of theirs, not their training mean.
ZHOU2017_SKELETON_MM = 4296.99233013

# Bones compared left against right by the geometric validity score (Table 4).
SYMMETRIC_BONES = {
  'upper_arm': ((11, 12), (13, 14)),
  'lower_arm': ((10, 11), (14, 15)),
  'upper_leg': ((1, 2), (3, 4)),
  'lower_leg': ((0, 1), (4, 5)),
}

# Knees and elbows: (joint, upper end, lower end, sign, most degrees from straight). A knee
# turns the shin one way about the body's axis, an elbow the other: from the right of the
# upper end to the left. Limits after Dabral et al. 2018's idea; docs/protocols.md says how
# rarely real people pass them.
BENDS = (
  ('right_knee', 'right_hip', 'right_ankle', 1.0, 165.0),
  ('left_knee', 'left_hip', 'left_ankle', 1.0, 165.0),
  ('right_elbow', 'right_shoulder', 'right_wrist', -1.0, 160.0),
  ('left_elbow', 'left_shoulder', 'left_wrist', -1.0, 160.0),
)
# Over-extension that is put down to noise, and to arms and legs turned in their socket.
WRONG_WAY_DEGREES = 20.0

# Joint sets met on users' disks. Names equal to one of JOINTS mean that joint;
# any other name has no counterpart there.
_SETS = {
  'h36m17': """
    pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle
    spine upper_neck nose head_top
    left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist""",
  'mpi_inf_3dhp17': """
    head_top upper_neck
    right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist
    right_hip right_knee right_ankle left_hip left_knee left_ankle
    pelvis spine head""",
  'lsp14': """
    right_ankle right_knee right_hip left_hip left_knee left_ankle
    right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist
    upper_neck head_top""",
  'coco17': """
    nose left_eye right_eye left_ear right_ear
    left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist
    left_hip right_hip left_knee right_knee left_ankle right_ankle""",
  'smpl24': """
    pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle
    spine3 left_foot right_foot neck left_collar right_collar head
    left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist
    left_hand right_hand""",
}
JOINT_SETS = {'mpii16': JOINTS} | {
  k: tuple(names.split()) for k, names in _SETS.items()
}


def bone_lengths(
  joints: Float[np.ndarray, '*N 16 D'], bones: Sequence[tuple[int, int]] = BONES
) -> Float[np.ndarray, '*N E']:
  """Length of each bone, in the joints' unit."""
  ends = joints[..., np.array(bones), :]
  return np.linalg.norm(ends[..., 0, :] - ends[..., 1, :], axis=-1)


def convert(
  joints: npt.ArrayLike,
  source: str | Sequence[str],
  target: str | Sequence[str] = JOINTS,
) -> tuple[np.ndarray, np.ndarray]:
  """Reorders joints from one joint set to another, matching by name.

  Args:
    joints: array [..., N, D], one row a joint of `source`.
    source: names of the N joints: a key of JOINT_SETS or a sequence.
    target: names wanted, M of them: a key of JOINT_SETS or a sequence.

  Returns:
    (converted [..., M, D], known [M] bool). The thorax is the middle of the
    shoulders and the pelvis the middle of the hips where `source` lacks them;
    other joints that `source` lacks are zero, with known False.

  Raises:
    ValueError: a name of a joint set is unknown, or N differs from `source`.
  """
  joints = np.asarray(joints)
  source, target = _names(source), _names(target)
  if joints.shape[-2] != len(source):
    raise ValueError(
      f'{joints.shape[-2]} joints given, the joint set has {len(source)}'
    )
  column = {name: joints[..., i, :] for i, name in enumerate(source)}
  for middle, side in (('pelvis', 'hip'), ('thorax', 'shoulder')):
    pair = (f'right_{side}', f'left_{side}')
    if middle not in column and all(p in column for p in pair):
      column[middle] = (column[pair[0]] + column[pair[1]]) / 2
  known = np.array([name in column for name in target])
  missing = np.zeros_like(joints[..., 0, :])
  return np.stack([column.get(name, missing) for name in target], axis=-2), known


def _names(joint_set):
  if not isinstance(joint_set, str):
    return tuple(joint_set)
  if joint_set not in JOINT_SETS:
    raise ValueError(
      f'unknown joint set {joint_set!r}: choose from {sorted(JOINT_SETS)}'
    )
  return JOINT_SETS[joint_set]
