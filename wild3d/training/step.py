"""The pure steps: one update, one forward pass for scoring.

Batches are those of data/batch.py without the host keys. Losses come as one
number per example; which of them count for an example is a weight, never a
branch: a 2D-only example weighs 0 in the depth loss and 1 in the geometric one.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from wild3d import geometry, heatmaps, losses, skeleton
from wild3d.training.state import TrainState


class Target(NamedTuple):
  """How targets and losses are formed: config.target."""

  sigma: float
  truncate: int
  subpixel: bool
  loss: str
  mask_unlabelled: bool
  geometric_form: str
  depth_root: str = 'pelvis'


# config.target.depth_root -> joints whose middle has depth 0. The 16 joints have no
# spine; the middle of pelvis and neck stands for it.
DEPTH_ROOTS = {'pelvis': skeleton.ROOT, 'spine': (6, 8)}


class Pixels(NamedTuple):
  """How the network wants its input: config.pixels.

  Attributes:
    order: of the channels, 'rgb' or 'bgr'.
    divisor: of the uint8 values: 255 gives [0, 1].
  """

  order: str = 'rgb'
  divisor: float = 255.0


RGB = Pixels()


def to_float(images, pixels: Pixels = RGB):
  """uint8 RGB [B,H,W,3] -> float32, channels in the network's order."""
  if pixels.order == 'bgr':
    images = images[..., ::-1]
  return images.astype(jnp.float32) / pixels.divisor


def draw_targets(joints2d, visible, size: int, target: Target):
  """Heatmap targets [B,h,w,J] of joints [B,J,2] in the crop frame; 0 if not visible."""

  def draw(xy):
    return heatmaps.draw(
      xy,
      size,
      sigma=target.sigma,
      truncate=target.truncate,
      subpixel=target.subpixel,
    )

  maps = jax.vmap(jax.vmap(draw, out_axes=-1))(joints2d)
  return maps * visible[:, None, None, :]


def example_losses(predicted_maps, predicted_depth, batch, target, clip_frames):
  """The four losses of each example, and the weight of each.

  Args:
    predicted_maps: [B,S,h,w,J].
    predicted_depth: [B,J], crop frame.
    batch: see data/batch.py.
    target: how targets are formed.
    clip_frames: T; the batch is B/T groups of T rows.

  Returns:
    (losses, weights): dicts of [B], or [B/T] for the temporal loss.
  """
  size = predicted_maps.shape[2]
  visible, weight = batch['visible'], batch['weight']
  true_maps = draw_targets(batch['joints2d'], visible, size, target)
  root = DEPTH_ROOTS[target.depth_root]
  true_depth = jax.vmap(functools.partial(geometry.depth_target, root=root))(
    batch['joints2d'], batch['joints3d']
  )
  # x and y are the labels: the geometric losses teach depth alone.
  lifted = jax.vmap(geometry.lift)(batch['joints2d'], predicted_depth)
  has3d = batch['has3d'].astype(jnp.float32)
  in_clips = lambda x: x.reshape(-1, clip_frames, *x.shape[1:])  # noqa: E731
  if target.loss == 'cross_entropy':
    heatmap = losses.heatmap_cross_entropy(predicted_maps, true_maps, visible)
  else:
    heatmap = losses.heatmap_loss(
      predicted_maps, true_maps, visible, mask_unlabelled=target.mask_unlabelled
    )
  losses_ = {
    'heatmap': heatmap,
    # where, not a product: 0 * NaN of a missing target would be NaN.
    'depth': losses.depth_loss(
      predicted_depth, jnp.where(batch['has3d'][:, None], true_depth, 0.0)
    ),
    'geometric': losses.geometric_loss(lifted, visible, form=target.geometric_form),
    'temporal': losses.temporal_bone_loss(in_clips(lifted), in_clips(visible)),
  }
  weights = {
    'heatmap': weight,
    'depth': weight * has3d,
    'geometric': weight * (1 - has3d),
    'temporal': in_clips(weight * (batch['clip_frame'] >= 0))[:, 0],
  }
  return losses_, weights


def weighted_mean(values, weights):
  """Mean of the values that count; 0 when none does."""
  return jnp.sum(values * weights) / jnp.maximum(jnp.sum(weights), 1.0)


def train(
  state: TrainState,
  batch: dict,
  knobs: dict,
  *,
  model,
  optimizer: optax.GradientTransformation,
  target: Target,
  clip_frames: int,
  pixels: Pixels = RGB,
) -> tuple[TrainState, dict]:
  """One update.

  Args:
    state: donated by the caller's jit.
    batch: see data/batch.py.
    knobs: scalars that stages change without compiling again: 'learning_rate'
      and the weight of each loss.
    model: Pose3D.
    optimizer: from optimizer.make.
    target: how targets are formed.
    clip_frames: rows of a clip.
    pixels: the network's input.

  Returns:
    (next state, metrics): 'loss', each loss's mean over its examples,
    'gradient_norm', and 'example_loss' [B] by which a bad sample is found.
  """

  def loss_fn(params):
    (maps, depth), updates = model.apply(
      {'params': params, 'batch_stats': state.batch_stats},
      to_float(batch['image'], pixels),
      train=True,
      mutable=['batch_stats'],
    )
    values, weights = example_losses(maps, depth, batch, target, clip_frames)
    means = {name: weighted_mean(values[name], weights[name]) for name in values}
    total = sum(knobs[name] * means[name] for name in means)
    per_example = sum(
      knobs[name] * values[name] * weights[name]
      for name in ('heatmap', 'depth', 'geometric')
    )
    return total, (means, per_example, updates['batch_stats'])

  (total, (means, per_example, batch_stats)), gradient = jax.value_and_grad(
    loss_fn, has_aux=True
  )(state.params)
  updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
  rate = knobs['learning_rate']
  params = jax.tree.map(lambda p, u: p - rate * u, state.params, updates)
  metrics = means | {
    'loss': total,
    'gradient_norm': optax.tree.norm(gradient),
    'example_loss': per_example,
  }
  return TrainState(state.step + 1, params, batch_stats, opt_state), metrics


def forward(
  variables: dict,
  images,
  *,
  model,
  loss: str = 'squared',
  flip_test: bool = False,
  pixels: Pixels = RGB,
) -> tuple[jax.Array, jax.Array]:
  """The network's outputs, before any decoding.

  Args:
    variables: 'params' and 'batch_stats'.
    images: uint8 RGB [B,H,W,3].
    model: Pose3D.
    loss: the heatmap loss it was trained with; maps of 'cross_entropy' are logits
      and become probabilities.
    flip_test: take the mean over the image and its mirror image, mirrored back.
    pixels: the network's input.

  Returns:
    (heatmaps [B,S,h,w,J], depth [B,J] in crop units).
  """

  def see(images):
    maps, depth = model.apply(variables, to_float(images, pixels), train=False)
    return _probabilities(maps) if loss == 'cross_entropy' else maps, depth

  maps, depth = see(images)
  if flip_test:
    mirrored, mirrored_depth = see(images[:, :, ::-1])
    other = skeleton.FLIP_INDEX
    maps = (maps + mirrored[:, :, :, ::-1][..., other]) / 2
    depth = (depth + mirrored_depth[:, other]) / 2
  return maps, depth


def _probabilities(maps):
  """Softmax over the places of each map [B,S,h,w,J]."""
  # Over one axis: exporters know no softmax over two.
  flat = maps.reshape(*maps.shape[:2], -1, maps.shape[-1])
  return jax.nn.softmax(flat, axis=2).reshape(maps.shape)


def predict(
  variables: dict,
  images,
  *,
  model,
  loss: str = 'squared',
  refine: str = 'quarter',
  flip_test: bool = False,
  pixels: Pixels = RGB,
) -> dict:
  """Decodes the network's outputs: the forward pass that scoring shares.

  Args:
    variables: see `forward`.
    images: uint8 RGB [B,H,W,3].
    model: Pose3D.
    loss: see `forward`.
    refine: sub-pixel rule of heatmaps.decode.
    flip_test: see `forward`.
    pixels: the network's input.

  Returns:
    'joints2d' [B,J,2] and 'depth' [B,J] in the crop frame, 'score' [B,J] the
    height of each peak, 'heatmaps' [B,S,h,w,J].
  """
  maps, depth = forward(
    variables, images, model=model, loss=loss, flip_test=flip_test, pixels=pixels
  )
  decode = functools.partial(heatmaps.decode, refine=refine)
  joints2d, score = jax.vmap(jax.vmap(decode, in_axes=-1))(maps[:, -1])
  return {'joints2d': joints2d, 'depth': depth, 'score': score, 'heatmaps': maps}
