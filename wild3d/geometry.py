"""Geometry of ONE person, unbatched: the caller vmaps.

Everything is differentiable and finite at coincident joints, where distances get
gradient 0. Frames and units are those of `data/batch.py`.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from wild3d import skeleton

Bones = Int[Array, 'E 2'] | Int[np.ndarray, 'E 2'] | tuple[tuple[int, int], ...]
Root = int | tuple[int, ...]

# Average lengths of skeleton.BONES, whose sum says how tall a skeleton is.
_MEAN = skeleton.MEAN_BONE_MM
_LEG = (_MEAN['knee-ankle'], _MEAN['hip-knee'], _MEAN['pelvis-hip'])
_ARM = (_MEAN['elbow-wrist'], _MEAN['shoulder-elbow'], _MEAN['torso-shoulder'])
_TRUNK = (_MEAN['pelvis-torso'] + _MEAN['torso-neck'], _MEAN['neck-head'])
REFERENCE_BONES_MM = np.array(
  [*_LEG, *reversed(_LEG), *_ARM, *reversed(_ARM), *_TRUNK], np.float32
)


def _bending() -> np.ndarray:
  """Joints of each of skeleton.BENDS: its upper end, itself, its lower end, its axis."""
  names = [
    (
      upper,
      middle,
      lower,
      *(f'{side}_{upper.split("_")[1]}' for side in ('right', 'left')),
    )
    for middle, upper, lower, *_ in skeleton.BENDS
  ]
  rows = [[skeleton.JOINTS.index(name) for name in row] for row in names]
  return np.array(rows, np.int32)


_BENDING = _bending()
_BEND_SIGN = np.array([sign for *_, sign, _ in skeleton.BENDS], np.float32)
_FULLEST_BEND = np.cos(
  np.radians([most for *_, most in skeleton.BENDS], dtype=np.float32)
)
_WRONG_WAY = np.float32(np.sin(np.radians(skeleton.WRONG_WAY_DEGREES)))


def safe_norm(vectors: Float[Array, '*N D']) -> Float[Array, '*N']:
  """Length of each vector, with gradient 0 where the length is 0."""
  square = jnp.sum(vectors**2, axis=-1)
  # Below the smallest normal number the square is rounding, flushed or not.
  positive = square >= jnp.finfo(square.dtype).tiny
  return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)


def safe_divide(a: Float[Array, '*N'], b: Float[Array, '*N']) -> Float[Array, '*N']:
  """Returns a / b, and 0 with gradient 0 where b is not positive."""
  return jnp.where(b > 0, a / jnp.where(b > 0, b, 1.0), 0.0)


def masked_variance(
  values: Float[Array, ' K'], counted: Bool[Array, ' K']
) -> Float[Array, '']:
  """Variance of the counted values about their mean; 0 if fewer than two."""
  number = jnp.maximum(jnp.sum(counted), 1)
  mean = jnp.sum(jnp.where(counted, values, 0.0)) / number
  return jnp.sum(jnp.where(counted, values - mean, 0.0) ** 2) / number


def bone_lengths(
  joints: Float[Array, 'J D'], bones: Bones = skeleton.BONES
) -> Float[Array, ' E']:
  """Length of each bone, in the joints' unit; gradient 0 at length 0."""
  bones = jnp.asarray(bones)
  return safe_norm(joints[bones[:, 0]] - joints[bones[:, 1]])


def bones_visible(
  visible: Bool[Array, ' J'], bones: Bones = skeleton.BONES
) -> Bool[Array, ' E']:
  """True for each bone whose both ends are visible."""
  return jnp.all(visible[jnp.asarray(bones)], axis=-1)


def bend_excess(
  joints: Float[Array, 'J 3'], visible: Bool[Array, ' J']
) -> Float[Array, '']:
  """How far knees and elbows bend beyond what bodies can; mean over skeleton.BENDS.

  With u and w the directions of upper and lower bone and a that of the axis from the
  right hip (shoulder) to the left: what a . (u x w) is beyond sin 20 degrees on the side
  of over-extension, and the cosine of u and w below that of the fullest bend. So it is 0
  within the limits by which protocols.validity counts.

  Args:
    joints: any unit, camera axes.
    visible: a bend counts where its three joints and both hips (shoulders) are visible.

  Source: Dabral et al. 2018, section 3.2, in idea; the limits are skeleton.BENDS.
  """
  upper, middle, lower, right, left = _BENDING.T

  def direction(start, end):
    vector = joints[end] - joints[start]
    length = jnp.broadcast_to(safe_norm(vector)[:, None], vector.shape)
    return safe_divide(vector, length)

  u, w, axis = (
    direction(upper, middle),
    direction(middle, lower),
    direction(right, left),
  )
  turn = _BEND_SIGN * jnp.sum(axis * jnp.cross(u, w), axis=-1)
  backwards = jnp.maximum(-_WRONG_WAY - turn, 0.0)
  folded = jnp.maximum(_FULLEST_BEND - jnp.sum(u * w, axis=-1), 0.0)
  counted = jnp.all(visible[_BENDING], axis=1)
  return jnp.mean(jnp.where(counted, backwards + folded, 0.0))


def skeleton_size(joints: Float[Array, 'J D']) -> Float[Array, '']:
  """Sum of the 14 bone lengths, in the joints' unit."""
  return jnp.sum(bone_lengths(joints))


def crop_to_pixels(xy: Float[Array, '*N 2'], size: int) -> Float[Array, '*N 2']:
  """Crop frame to pixels of the crop at `size` x `size`: -1 is 0, 1 is `size`."""
  return (xy + 1.0) * (size / 2)


def pixels_to_crop(xy: Float[Array, '*N 2'], size: int) -> Float[Array, '*N 2']:
  """Pixels of the crop at `size` x `size` to the crop frame."""
  return xy / (size / 2) - 1.0


def root_position(
  joints: Float[Array, 'J D'], root: Root = skeleton.ROOT
) -> Float[Array, ' D']:
  """Position of the root: one joint, or the middle of several.

  (6, 8), the middle of pelvis and neck, stands for Human3.6M's spine, which the
  16 joints lack.
  """
  return jnp.mean(joints[np.atleast_1d(root)], axis=0)


def root_align(
  joints: Float[Array, 'J D'], root: Root = skeleton.ROOT
) -> Float[Array, 'J D']:
  """Moves the root to the origin."""
  return joints - root_position(joints, root)[None]


def weak_perspective_scale(
  joints2d: Float[Array, 'J 2'], joints3d: Float[Array, 'J 3']
) -> Float[Array, '']:
  """Scale of a 3D sample's weak perspective camera.

  Args:
    joints2d: crop frame.
    joints3d: mm, camera axes, any origin.

  Returns:
    Crop units per mm: the sum of the 14 bone lengths in 2D over that in camera
    x, y. It is 0 where `joints3d` has no extent, as without 3D truth.
  """
  return safe_divide(skeleton_size(joints2d), skeleton_size(joints3d[:, :2]))


def depth_target(
  joints2d: Float[Array, 'J 2'],
  joints3d: Float[Array, 'J 3'],
  root: Root = skeleton.ROOT,
) -> Float[Array, ' J']:
  """Depth targets of a 3D sample, in crop units, 0 at the root.

  Args:
    joints2d: crop frame, all joints true.
    joints3d: mm, camera axes, any origin.
    root: joint (or joints, see `root_position`) whose depth is 0. The authors'
      code takes Human3.6M's spine; the pelvis is the sound choice.

  Source: Zhou et al. 2017, section 3; (z - z_root) times the scale above.
  """
  scale = weak_perspective_scale(joints2d, joints3d)
  return root_align(joints3d, root)[:, 2] * scale


def lift(
  joints2d: Float[Array, 'J 2'], depth: Float[Array, ' J']
) -> Float[Array, 'J 3']:
  """Joints in space from 2D joints and depths, both in crop units."""
  return jnp.concatenate([joints2d, depth[:, None]], axis=-1)


def to_sight_axes(
  joints: Float[Array, 'J 3'], sight: Float[Array, '3']
) -> Float[Array, 'J 3']:
  """Turns camera axes the shortest way, so that z points along `sight`.

  What is left of the picture's centre is seen from its left: a crop shows a person as a
  camera that looked at them would, and no network can tell from it where it was cut.

  Args:
    joints: camera axes, any unit, any origin.
    sight: unit vector, camera axes; not straight backwards.

  Source: perspective correction, Mehta et al. 2017 (3DV).
  """
  aside, ahead = sight[:2], sight[2]
  along = joints[:, :2] @ aside
  xy = joints[:, :2] - aside[None] * (along / (1 + ahead) + joints[:, 2])[:, None]
  return jnp.concatenate([xy, (along + ahead * joints[:, 2])[:, None]], axis=-1)


def to_camera_axes(
  joints: Float[Array, 'J 3'], sight: Float[Array, '3']
) -> Float[Array, 'J 3']:
  """Undoes `to_sight_axes`."""
  # The shortest way back is that of the vector mirrored at the axis.
  return to_sight_axes(joints, sight * jnp.array([-1.0, -1.0, 1.0]))


def size_normalise(
  joints: Float[Array, 'J 3'], skeleton_mm: float | Float[Array, '']
) -> Float[Array, 'J 3']:
  """Scales a skeleton about the origin to a given size.

  Args:
    joints: any unit, any origin.
    skeleton_mm: the wanted sum of the 14 bone lengths.

  Returns:
    Joints in mm; zeros where no bone has any length.
  """
  return joints * safe_divide(jnp.asarray(skeleton_mm), skeleton_size(joints))
