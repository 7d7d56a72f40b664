"""Losses: one number per example, and what each example weighs in them.

A 2D example weighs 0 in the depth loss and a 3D one 0 in the geometric loss, so
mixing the two kinds in a batch is arithmetic. Coordinates are the crop frame's.

TERMS, at the end, is the one list of losses: steps, weights, console, TensorBoard,
report and the guard against exploding values go through it. To add a loss: a function
and its line there, and its weight in configs/base.py.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float

from wild3d import geometry, heatmaps, skeleton

FORMS = ('paper', 'released')
HEATMAP_LOSSES = ('squared', 'cross_entropy')

# config.target.depth_root -> joints whose middle has depth 0. The 16 joints have no
# spine; the middle of pelvis and neck stands for it.
DEPTH_ROOTS = {'pelvis': skeleton.ROOT, 'spine': (6, 8)}


class Target(NamedTuple):
  """How targets and losses are formed: config.target, and config.clip_frames."""

  sigma: float = 1.75
  truncate: int = 3
  subpixel: bool = False
  loss: str = 'squared'
  mask_unlabelled: bool = True
  geometric_form: str = 'paper'
  depth_root: str = 'pelvis'
  clip_frames: int = 1


def _padded_groups():
  """Bone groups as arrays: bones [G, K, 2], mask [G, K], average mm [G, K]."""
  most = max(len(group) for group in skeleton.BONE_GROUPS.values())
  shape = (len(skeleton.BONE_GROUPS), most)
  bones, mask = np.zeros((*shape, 2), np.int32), np.zeros(shape, bool)
  mean = np.ones(shape, np.float64)
  for g, (name, group) in enumerate(skeleton.BONE_GROUPS.items()):
    bones[g, : len(group)] = group
    mask[g, : len(group)] = True
    mean[g, : len(group)] = skeleton.GROUP_MEAN_MM[name]
  return bones, mask, mean


GROUP_BONES, GROUP_MASK, GROUP_MEAN = _padded_groups()
# [2, 4, 2]: the right and the left bones that symmetry_loss compares.
_SIDES = np.array(list(skeleton.SYMMETRIC_BONES.values())).swapaxes(0, 1)
_SHORTEST = 0.05  # crop units


def heatmap_loss(
  heatmaps: Float[Array, 'B S H W J'],
  targets: Float[Array, 'B H W J'],
  visible: Bool[Array, 'B J'],
  mask_unlabelled: bool = True,
) -> Float[Array, ' B']:
  """Squared error of each stack's heatmaps, summed over the stacks.

  Args:
    heatmaps: of each stack.
    targets: one set for all stacks.
    visible: joints with a target.
    mask_unlabelled: leave joints without a target out. False trains them towards
      their targets, zero maps, as the authors' code does.

  Returns:
    Per stack the mean over all H W J elements, a left out joint adding 0: each
    labelled joint then pulls equally hard whatever else is labelled, and with
    all labelled both settings agree.

  Source: Zhou et al. 2017, equation 3.
  """
  square = jnp.mean((heatmaps - targets[:, None]) ** 2, axis=(2, 3))  # [B, S, J]
  if mask_unlabelled:
    square = jnp.where(visible[:, None], square, 0.0)
  return jnp.sum(jnp.mean(square, axis=2), axis=1)


def heatmap_cross_entropy(
  heatmaps: Float[Array, 'B S H W J'],
  targets: Float[Array, 'B H W J'],
  visible: Bool[Array, 'B J'],
) -> Float[Array, ' B']:
  """Cross-entropy of each stack's heatmaps, as logits over places; stacks summed.

  Not the paper's loss. A map says where its one joint is, so every picture
  teaches every labelled joint with the same force however small the peak is; on
  small networks it learns several times faster than the squared error.

  Args:
    heatmaps: of each stack; softmax over H W makes them probabilities.
    targets: one set for all stacks, scaled here to sum to 1.
    visible: joints with a target; the others are left out.

  Returns:
    Per stack the sum over the visible joints, divided by all J.
  """
  total = jnp.sum(targets, axis=(1, 2), keepdims=True)
  share = geometry.safe_divide(targets, jnp.broadcast_to(total, targets.shape))
  logs = jax.nn.log_softmax(heatmaps, axis=(2, 3))
  each = -jnp.sum(share[:, None] * logs, axis=(2, 3))  # [B, S, J]
  each = jnp.where(visible[:, None], each, 0.0)
  return jnp.sum(jnp.mean(each, axis=2), axis=1)


def depth_loss(
  depth: Float[Array, 'B J'], target: Float[Array, 'B J']
) -> Float[Array, ' B']:
  """Squared error of the depths, mean over joints, in crop units squared.

  Source: Zhou et al. 2017, equation 4, for 3D samples.
  """
  return jnp.mean((depth - target) ** 2, axis=-1)


def geometric_loss(
  joints: Float[Array, 'B J 3'], visible: Bool[Array, 'B J'], form: str = 'paper'
) -> Float[Array, ' B']:
  """Variance within each bone group of the bones' relative lengths, summed.

  Args:
    joints: crop units; x, y the ground-truth labels and z predicted. Gradient
      reaches z alone.
    visible: a bone counts if both its ends are visible. A group with fewer than
      two such bones adds 0.
    form: 'paper' divides a bone's length by its average length, in hip-knee
      lengths, so that legs keep their size in the released code; 'released'
      takes the longest average of the bone's own group as the unit, so
      that arms, shoulders and hips weigh 2.58, 6.36 and 11.5 times less.

  Raises:
    ValueError: `form` is unknown.

  Source: Zhou et al. 2017, equation 5.
  """
  if form not in FORMS:
    raise ValueError(f'unknown form {form!r}: choose from {FORMS}')
  if form == 'paper':
    unit = np.full_like(GROUP_MEAN, skeleton.MEAN_BONE_MM['hip-knee'])
  else:
    longest = np.max(GROUP_MEAN, axis=1, keepdims=True)
    unit = np.broadcast_to(longest, GROUP_MEAN.shape)
  factor = jnp.asarray(unit / GROUP_MEAN, joints.dtype)

  def person(joints, visible):
    def group(bones, mask, factor):
      counted = mask & geometry.bones_visible(visible, bones)
      lengths = geometry.bone_lengths(joints, bones) * factor
      return geometry.masked_variance(lengths, counted)

    return jnp.sum(jax.vmap(group)(GROUP_BONES, GROUP_MASK, factor))

  return jax.vmap(person)(_gradient_to_depth_alone(joints), visible)


def temporal_bone_loss(
  joints: Float[Array, 'B T J 3'], visible: Bool[Array, 'B T J']
) -> Float[Array, ' B']:
  """Variance over the frames of one person of each bone's length, summed.

  Args:
    joints: as in `geometric_loss`, T frames of one person.
    visible: a bone counts in the frames where both its ends are visible.
  """

  def person(joints, visible):
    lengths = jax.vmap(geometry.bone_lengths)(joints)  # [T, E]
    counted = jax.vmap(geometry.bones_visible)(visible)
    return jnp.sum(jax.vmap(geometry.masked_variance, in_axes=1)(lengths, counted))

  return jax.vmap(person)(_gradient_to_depth_alone(joints), visible)


def symmetry_loss(
  joints: Float[Array, 'B J 3'], visible: Bool[Array, 'B J']
) -> Float[Array, ' B']:
  """Squared relative difference of left and right arms and legs, mean over the pairs.

  Args:
    joints: crop units; x, y the ground-truth labels and z predicted. Gradient
      reaches z alone.
    visible: a pair of bones counts if all four ends are visible. Without one: 0.

  Not in the paper, whose geometric loss compares upper with lower limbs too. The
  difference is relative to the pair's mean length plus 0.05, so that limbs that point at
  the camera do not weigh without bound.
  """

  def person(joints, visible):
    left, right = (geometry.bone_lengths(joints, bones) for bones in _SIDES)
    both = [geometry.bones_visible(visible, bones) for bones in _SIDES]
    counted = both[0] & both[1]
    apart = (left - right) / ((left + right) / 2 + _SHORTEST)
    total = jnp.sum(jnp.where(counted, apart**2, 0.0))
    return total / jnp.maximum(jnp.sum(counted), 1)

  return jax.vmap(person)(_gradient_to_depth_alone(joints), visible)


def _gradient_to_depth_alone(joints):
  xy = jax.lax.stop_gradient(joints[..., :2])
  return jnp.concatenate([xy, joints[..., 2:]], axis=-1)


# ---- The terms of the training loss: what of a batch each compares, and where.


class Predicted(NamedTuple):
  """What the network says of a batch, see models.pose3d.Outputs.

  `lifted` is what its lift says of P poses without pictures, and the truth, both in
  crop units: see training/lift_poses.py; None where there are none.
  """

  heatmaps: Float[Array, 'B S H W J']
  depth: Float[Array, 'B J']
  presence: Float[Array, ' B'] | None = None
  lifted: tuple[Float[Array, 'P J'], Float[Array, 'P J']] | None = None


def draw_targets(
  joints2d: Float[Array, 'B J 2'],
  visible: Bool[Array, 'B J'],
  size: int,
  target: Target,
) -> Float[Array, 'B {size} {size} J']:
  """Heatmap targets of joints in the crop frame; 0 where not visible."""

  about = {key: getattr(target, key) for key in ('sigma', 'truncate', 'subpixel')}
  draw = functools.partial(heatmaps.draw, size=size, **about)
  maps = jax.vmap(jax.vmap(draw, out_axes=-1))(joints2d)
  return maps * visible[:, None, None, :]


def _heatmap_term(predicted, batch, target):
  maps, visible = predicted.heatmaps, batch['visible']
  wanted = draw_targets(batch['joints2d'], visible, maps.shape[2], target)
  if target.loss == 'cross_entropy':
    values = heatmap_cross_entropy(maps, wanted, visible)
  else:
    values = heatmap_loss(maps, wanted, visible, target.mask_unlabelled)
  return values, batch['weight']


def _depth_term(predicted, batch, target):
  root = DEPTH_ROOTS[target.depth_root]
  wanted = jax.vmap(functools.partial(geometry.depth_target, root=root))(
    batch['joints2d'], batch['joints3d']
  )
  # where, not a product: 0 * NaN of a missing target would be NaN.
  wanted = jnp.where(batch['has3d'][:, None], wanted, 0.0)
  weights = batch['weight'] * batch['has3d'].astype(jnp.float32)
  return depth_loss(predicted.depth, wanted), weights


def _geometric_term(predicted, batch, target):
  lifted = _lifted(predicted, batch)
  values = geometric_loss(lifted, batch['visible'], target.geometric_form)
  return values, _of_2d(batch)


def _angles_term(predicted, batch, target):
  lifted = _lifted(predicted, batch)
  return jax.vmap(geometry.bend_excess)(lifted, batch['visible']), _of_2d(batch)


def _temporal_term(predicted, batch, target):
  """A clip's loss counts for each of its frames: the mean over rows is that of clips."""
  frames = target.clip_frames
  in_clips = lambda x: x.reshape(-1, frames, *x.shape[1:])  # noqa: E731
  lifted = _lifted(predicted, batch)
  values = temporal_bone_loss(in_clips(lifted), in_clips(batch['visible']))
  weights = batch['weight'] * (batch['clip_frame'] >= 0)
  return jnp.repeat(values, frames), weights


def _symmetry_term(predicted, batch, target):
  return symmetry_loss(_lifted(predicted, batch), batch['visible']), _of_2d(batch)


def _lift_term(predicted, batch, target):
  """Every example has the mean over the poses, which are of no example."""
  if predicted.lifted is None:
    return jnp.zeros_like(batch['weight']), jnp.zeros_like(batch['weight'])
  mean = jnp.mean(depth_loss(*predicted.lifted))
  return jnp.broadcast_to(mean, batch['weight'].shape), batch['weight']


def _presence_term(predicted, batch, target):
  if predicted.presence is None:
    return jnp.zeros_like(batch['weight']), jnp.zeros_like(batch['weight'])
  present = batch['present'].astype(jnp.float32)
  values = optax.sigmoid_binary_cross_entropy(predicted.presence, present)
  return values, batch['weight']


def _of_2d(batch):
  """Weights [B] of the examples without depth labels."""
  return batch['weight'] * (1 - batch['has3d'].astype(jnp.float32))


def _lifted(predicted, batch):
  """Joints [B,J,3]: x and y are the labels, so that depth alone is taught."""
  return jax.vmap(geometry.lift)(batch['joints2d'], predicted.depth)


# name -> function of (Predicted, batch, Target) that returns (values [B], weights [B]):
# the loss of each example, and how much it counts for that example (0: not at all).
# A batch is that of data/batch.py. The name is that of its weight in the stages.
TERMS = {
  'heatmap': _heatmap_term,  # Zhou et al. 2017, equation 3
  'depth': _depth_term,  # equation 4, 3D samples
  'geometric': _geometric_term,  # equation 5, 2D samples
  'angles': _angles_term,  # knees and elbows, 2D samples; not in the paper
  'temporal': _temporal_term,  # clips; not in the paper
  'symmetry': _symmetry_term,  # 2D samples; not in the paper
  'lift': _lift_term,  # 3D poses without pictures; not in the paper
  'presence': _presence_term,  # whether somebody is centred; not in the paper
}
