"""Scores of ONE person, unbatched (the caller vmaps), and their means.

Every score is a pair (value, weight): the value is a mean over what was counted,
the weight is how many that were, 0 (with value 0) if none. `Mean` then gives the
mean over all joints of all examples. `counted` [J] says which joints to score.

The 3D scores take millimetres. A prediction in the crop frame becomes
millimetres by `geometry.size_normalise`, and the size chosen names the variant:
  raw scale        the average training skeleton's sum of bone lengths
  size-normalised  skeleton.ZHOU2017_SKELETON_MM, as in Zhou et al. 2017
  oracle scale     the true skeleton's own sum, geometry.skeleton_size(true)
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from wild3d import geometry, skeleton

Score = tuple[Float[Array, ''], Float[Array, '']]

# The joints that MPII, LSP and MPI-INF-3DHP score: pelvis and thorax are derived.
SCORED_2D = np.array([name not in ('pelvis', 'thorax') for name in skeleton.JOINTS])
AUC_THRESHOLDS_MM = np.arange(0.0, 151.0, 5.0, dtype=np.float32)


class Mean(NamedTuple):
  """A weighted mean that can be split over batches, devices and processes."""

  total: Float[Array, '...'] | Float[np.ndarray, '...'] | float
  count: Float[Array, '...'] | Float[np.ndarray, '...'] | float

  @classmethod
  def of(cls, values, weights, axis: int | None = None) -> 'Mean':
    """Mean of values, of any shape, over `axis` or over all of them.

    On the device in the values' precision; NumPy arrays are summed in float64.
    A value of weight 0 is left out, even if it is not finite.
    """
    if isinstance(values, jax.Array):
      xp, dtype = jnp, values.dtype
    else:
      xp, dtype = np, np.float64
    values, weights = xp.asarray(values, dtype), xp.asarray(weights, dtype)
    product = xp.where(weights > 0, values, xp.zeros_like(values)) * weights
    return cls(product.sum(axis), weights.sum(axis))

  def merge(self, other: 'Mean') -> 'Mean':
    """Mean of both together. On the host use `to_host` first."""
    return Mean(self.total + other.total, self.count + other.count)

  def to_host(self) -> 'Mean':
    """The same in NumPy's float64, in which long sums stay exact enough."""
    return Mean(np.float64(self.total), np.float64(self.count))

  def compute(self):
    """The mean as float or float64 array, NaN where nothing was counted. Host."""
    total, count = np.asarray(self.total, float), np.asarray(self.count, float)
    mean = np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)
    return float(mean) if mean.ndim == 0 else mean


def joint_errors(
  pred: Float[Array, 'J D'],
  true: Float[Array, 'J D'],
  root: geometry.Root | None = skeleton.ROOT,
) -> Float[Array, ' J']:
  """Distance of each joint from its true place, in the joints' unit.

  Both are first moved so that their root is the origin, unless `root` is None.
  """
  if root is not None:
    pred, true = geometry.root_align(pred, root), geometry.root_align(true, root)
  return geometry.safe_norm(pred - true)


def mpjpe(
  pred: Float[Array, 'J 3'],
  true: Float[Array, 'J 3'],
  counted: Bool[Array, ' J'],
  root: geometry.Root = skeleton.ROOT,
) -> Score:
  """Mean per joint position error in mm after root alignment, scale as given.

  The root itself is scored where counted, with error 0, as is usual on Human3.6M.
  Source: Zhou et al. 2017, section 4.2; Human3.6M's protocol 1.
  """
  return _masked_mean(joint_errors(pred, true, root), counted)


def n_mpjpe(
  pred: Float[Array, 'J 3'],
  true: Float[Array, 'J 3'],
  counted: Bool[Array, ' J'],
  root: geometry.Root = skeleton.ROOT,
) -> Score:
  """MPJPE in mm after root alignment and the best scale in least squares.

  `pred` may be in any unit. Source: Rhodin et al. 2018, section 4.
  """
  pred, true = geometry.root_align(pred, root), geometry.root_align(true, root)
  square = jnp.where(counted[:, None], pred**2, 0.0)
  product = jnp.where(counted[:, None], pred * true, 0.0)
  scale = geometry.safe_divide(jnp.sum(product), jnp.sum(square))
  return _masked_mean(joint_errors(pred * scale, true, None), counted)


def pa_mpjpe(
  pred: Float[Array, 'J 3'], true: Float[Array, 'J 3'], counted: Bool[Array, ' J']
) -> Score:
  """MPJPE in mm after Procrustes alignment: rotation, scale and translation.

  `pred` may be in any unit; only counted joints align and score.
  """
  aligned = geometry.procrustes_align(pred, true, counted)
  return _masked_mean(joint_errors(aligned, true, None), counted)


def pck3d(
  errors: Float[Array, ' J'], counted: Bool[Array, ' J'], threshold: float = 150.0
) -> Score:
  """Share of the joints whose error is below, strictly, `threshold`; both in mm.

  Source: MPI-INF-3DHP's evaluation (root-aligned errors of 14 joints).
  """
  return _masked_mean((errors < threshold).astype(errors.dtype), counted)


def auc3d(errors: Float[Array, ' J'], counted: Bool[Array, ' J']) -> Score:
  """Mean of `pck3d` over the thresholds 0, 5, ..., 150 mm; at most 30/31.

  Source: MPI-INF-3DHP's evaluation.
  """
  hits = errors[:, None] < jnp.asarray(AUC_THRESHOLDS_MM)[None]
  return _masked_mean(jnp.mean(hits, axis=1, dtype=errors.dtype), counted)


def joint_hits(
  pred: Float[Array, 'J 2'],
  true: Float[Array, 'J 2'],
  threshold: Float[Array, ''],
) -> Float[Array, ' J']:
  """1 for each joint within `threshold` (inclusive, the joints' unit), else 0."""
  return (joint_errors(pred, true, None) <= threshold).astype(pred.dtype)


def pckh(
  pred: Float[Array, 'J 2'],
  true: Float[Array, 'J 2'],
  counted: Bool[Array, ' J'],
  head_size: Float[Array, ''],
  threshold: float = 0.5,
) -> Score:
  """Share of 2D joints within `threshold` head sizes; pelvis, thorax left out.

  Joints and head size in one unit. MPII's head size is 0.6 times the head box's
  diagonal; 0 means unknown, and the example then has weight 0.

  Source: MPII's evaluation, PCKh@0.5, all joints weighted alike.
  """
  counted = counted & jnp.asarray(SCORED_2D) & (head_size > 0)
  return _masked_mean(joint_hits(pred, true, threshold * head_size), counted)


def pck_torso(
  pred: Float[Array, 'J 2'],
  true: Float[Array, 'J 2'],
  counted: Bool[Array, ' J'],
  threshold: float = 0.2,
) -> Score:
  """Share of 2D joints within `threshold` torsos; pelvis, thorax left out.

  The torso is the true distance from left shoulder to right hip; an example
  that counts not both of them, or has them in one place, has weight 0.

  Source: PCK@0.2 as used on LSP.
  """
  ends = np.array([skeleton.JOINTS.index(n) for n in ('left_shoulder', 'right_hip')])
  torso = geometry.bone_lengths(true, ends[None])[0]
  usable = jnp.all(counted[ends]) & (torso > 0)
  counted = counted & jnp.asarray(SCORED_2D) & usable
  return _masked_mean(joint_hits(pred, true, threshold * torso), counted)


def left_right_difference(
  joints: Float[Array, 'J 3'],
  counted: Bool[Array, ' J'],
  skeleton_mm: float = skeleton.ZHOU2017_SKELETON_MM,
) -> tuple[Float[Array, ' P'], Float[Array, ' P']]:
  """Absolute difference in mm of left and right, for `skeleton.SYMMETRIC_BONES`.

  Args:
    joints: any unit and origin; scaled here to `skeleton_mm`.
    counted: a pair counts if the four ends do; the scale is taken over the
      counted bones, see `geometry.size_normalise`.
    skeleton_mm: sum of the 14 bone lengths that all people are scaled to.

  Returns:
    (values, weights), one each per pair of bones.

  Source: Zhou et al. 2017, table 4.
  """
  joints = geometry.size_normalise(joints, skeleton_mm, counted)
  pairs = np.array(list(skeleton.SYMMETRIC_BONES.values()))  # [P, 2 sides, 2 ends]
  right, left = (geometry.bone_lengths(joints, pairs[:, side]) for side in (0, 1))
  weight = jnp.all(counted[pairs], axis=(1, 2)).astype(joints.dtype)
  return jnp.abs(right - left) * weight, weight


def bone_length_spread(
  joints: Float[Array, 'T J 3'], counted: Bool[Array, 'T J']
) -> Score:
  """Standard deviation over one person's frames of a bone's length, mean of bones.

  In the joints' unit: scale the clip first. A bone is measured in the frames
  that count both its ends; the weight is how many bones have two or more.
  """
  lengths = jax.vmap(geometry.bone_lengths)(joints)
  weights = jax.vmap(geometry.bones_visible)(counted).astype(joints.dtype)
  frames = jnp.sum(weights, axis=0)
  mean = geometry.safe_divide(jnp.sum(lengths * weights, axis=0), frames)
  square = jnp.sum((lengths - mean[None]) ** 2 * weights, axis=0)
  return _masked_mean(jnp.sqrt(geometry.safe_divide(square, frames)), frames >= 2)


def spine_for_thorax(joints: Float[Array, 'J 3']) -> Float[Array, 'J 3']:
  """Thorax := middle of pelvis and neck, as the authors score Human3.6M."""
  j = skeleton.JOINTS.index
  middle = (joints[j('pelvis')] + joints[j('upper_neck')]) / 2
  return joints.at[j('thorax')].set(middle)


def raise_hips(joints: Float[Array, 'J 3'], share: float = 0.2) -> Float[Array, 'J 3']:
  """Moves pelvis and hips by `share` of (neck - pelvis), as for MPI-INF-3DHP.

  The authors do so to a prediction learnt on Human3.6M before they score it,
  because the two sets define hips differently.
  """
  j = skeleton.JOINTS.index
  move = share * (joints[j('upper_neck')] - joints[j('pelvis')])
  hips = np.array([j('pelvis'), j('right_hip'), j('left_hip')])
  return joints.at[hips].add(jnp.broadcast_to(move, (3, 3)))


def _masked_mean(values, counted):
  counted = counted.astype(values.dtype)
  number = jnp.sum(counted)
  total = jnp.sum(jnp.where(counted > 0, values, 0.0))
  return geometry.safe_divide(total, number), number
