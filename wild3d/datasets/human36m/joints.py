"""Names and numbers of Human3.6M: joints, subjects, actions, cameras."""

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.data import action_names
from wild3d.errors import UserError

# The 32 joints of the release hold 17 that move on their own, in the order of
# skeleton.JOINT_SETS['h36m17'].
FROM_32 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
SPINE = skeleton.JOINT_SETS['h36m17'].index('spine')

SUBJECTS = {'train': (1, 5, 6, 7, 8), 'validation': (9, 11)}
CAMERAS = ('54138969', '55011271', '58860488', '60457274')

# Number of the action in metadata.xml and in Zhou's file names; 1 is _ALL, the
# subjects' free movement in one long take, which no protocol uses.
ACTIONS = {
  2: 'Directions',
  3: 'Discussion',
  4: 'Eating',
  5: 'Greeting',
  6: 'Phoning',
  7: 'Posing',
  8: 'Purchases',
  9: 'Sitting',
  10: 'SittingDown',
  11: 'Smoking',
  12: 'TakingPhoto',
  13: 'Waiting',
  14: 'Walking',
  15: 'WalkingDog',
  16: 'WalkTogether',
}

# Takes of S9 whose 3D positions, and the 2D ones made from them, lie 200 mm too
# far along the world's x.
SHIFTED = {('S9', 'Greeting'), ('S9', 'SittingDown 1'), ('S9', 'Waiting 1')}
SHIFT_MM = (200.0, 0.0, 0.0)
# (subject, take, camera) whose video in the release is corrupt.
CORRUPT = {('S11', 'Directions', '54138969')}


def action_of(take: str) -> str:
  """The action of a take, in the spelling of ACTIONS: 'Photo 1' is 'TakingPhoto'.

  Raises:
    UserError: no action of Human3.6M has this name.
  """
  name = action_names.normalised(take)
  if name not in ACTIONS.values():
    raise UserError(f'{take!r}: no action of Human3.6M; they are {list_of_actions()}')
  return name


def list_of_actions() -> str:
  """The names of all actions, for messages."""
  return ', '.join(ACTIONS.values())


def to_mpii16(joints17: Float[np.ndarray, '*N 17 D']) -> Float[np.ndarray, '*N 16 D']:
  """The 17 joints as skeleton.JOINTS.

  The thorax is the middle of the shoulders, as in the training targets of Zhou et
  al.; the pelvis is joint 0 and the other joints keep their names.
  """
  return skeleton.convert(joints17, 'h36m17')[0]


def scaled_orthographic(
  joints3d: Float[np.ndarray, '17 3'], joints2d: Float[np.ndarray, '17 2']
) -> Float[np.ndarray, '17 2']:
  """2D labels as in the release of Zhou et al. 2017, not where the joints are seen.

  All joints lie at spine2d + s (xy - spine xy): camera x and y, scaled, and pinned
  where the spine is seen. s is the sum of the 14 bone lengths in the picture over
  their sum in camera x, y.

  Args:
    joints3d: mm, camera axes, in the order of JOINT_SETS['h36m17'].
    joints2d: px, the true projections.

  Returns:
    px.
  """
  flat = joints3d[:, :2]
  seen = skeleton.bone_lengths(to_mpii16(joints2d)).sum()
  across = skeleton.bone_lengths(to_mpii16(flat)).sum()
  return joints2d[SPINE] + seen / across * (flat - flat[SPINE])
