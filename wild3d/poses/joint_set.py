"""Poses in another set of joints, by name: COCO's, Human3.6M's, SMPL's."""

import dataclasses

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.poses.pose import Pose, PoseFile

# What the network finds, and the one joint that is made of it: Human3.6M's and 3DHP's
# spine, which is no landmark, as the middle of pelvis and thorax.
FOUND = (*skeleton.JOINTS, 'spine')
_OF_JOINTS = ('joints2d', 'joints_crop', 'joints_mm', 'joints_camera')


def check(name: str) -> None:
  """Refuses what is no set of joints.

  Raises:
    UserError: the name is none of skeleton.JOINT_SETS.
  """
  if name not in skeleton.JOINT_SETS:
    raise UserError(
      f'no joint set {name!r}: choose from {", ".join(skeleton.JOINT_SETS)}'
    )


def missing(name: str) -> tuple[str, ...]:
  """The joints of a set that no network of ours finds: eyes, feet, vertebrae."""
  return tuple(joint for joint in skeleton.JOINT_SETS[name] if joint not in FOUND)


def rows(
  joints: Float[np.ndarray, '*N 16 D'], names: tuple[str, ...]
) -> Float[np.ndarray, '*N M D']:
  """The named joints of ours; NaN for those that are not found."""
  middle = joints[..., [skeleton.PELVIS, skeleton.THORAX], :].mean(-2, keepdims=True)
  whole = np.concatenate([joints, middle], axis=-2)
  found, known = skeleton.convert(whole, FOUND, names)
  return np.where(known[:, None], found, np.nan)


def converted(poses: PoseFile, name: str) -> PoseFile:
  """Poses of our 16 joints in the set `name`; `missing` ones are NaN.

  The same object where they are in that set.

  Raises:
    UserError: see `check`; or the poses are not of our 16 joints.
  """
  check(name)
  if name == poses.header.joints:
    return poses
  if poses.header.joints != 'mpii16':
    raise UserError(f'poses in the joints of {poses.header.joints}: expected mpii16')
  pictures = tuple(
    dataclasses.replace(
      picture,
      poses=tuple(_pose(pose, skeleton.JOINT_SETS[name]) for pose in picture.poses),
    )
    for picture in poses.pictures
  )
  return PoseFile(dataclasses.replace(poses.header, joints=name), pictures)


def _pose(pose, names) -> Pose:
  arrays = {key: getattr(pose, key) for key in _OF_JOINTS}
  arrays = {k: v if v is None else rows(v, names) for k, v in arrays.items()}
  return dataclasses.replace(
    pose, scores=rows(pose.scores[:, None], names)[:, 0], **arrays
  )
