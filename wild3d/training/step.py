"""One update: a pure function of state, batch, learning rate and loss weights."""

import jax
import jax.numpy as jnp
import optax

from wild3d import losses
from wild3d.data.batch import POSES
from wild3d.models.pixels import RGB, Pixels, to_float
from wild3d.training import lift_poses
from wild3d.training.state import TrainState, averaged


def weighted_mean(values, weights):
  """Mean of the values that count; 0 when none does."""
  return jnp.sum(values * weights) / jnp.maximum(jnp.sum(weights), 1.0)


def largest(tree) -> jax.Array:
  """The largest absolute value in a tree; NaN where there is one; 0 of nothing."""
  found = [
    jnp.max(jnp.abs(leaf))
    for leaf in jax.tree.leaves(tree)
    if jnp.issubdtype(leaf.dtype, jnp.floating) and leaf.size
  ]
  return jnp.max(jnp.stack(found)) if found else jnp.float32(0.0)


def train(
  state: TrainState,
  batch: dict,
  learning_rate: jax.Array,
  loss_weights: dict,
  *,
  model,
  optimizer: optax.GradientTransformation,
  target: losses.Target,
  pixels: Pixels = RGB,
  ema: float = 0.0,
) -> tuple[TrainState, dict]:
  """One update.

  Args:
    state: donated by the caller's jit.
    batch: see data/batch.py.
    learning_rate: scalar; like the weights it changes without compiling again.
    loss_weights: name of each of losses.TERMS -> scalar.
    model: Pose3D.
    optimizer: from optimizer.make.
    target: how targets and losses are formed.
    pixels: the network's input.
    ema: decay of the average of the parameters, of a state that has one.

  Returns:
    (next state, metrics): 'loss', each term's mean over the examples that count in
    it, 'gradient_norm', and 'example_loss' [B] by which a bad sample is found; of the
    next state the largest absolute values, NaN where one is: 'largest_parameter',
    'largest_statistic', 'largest_moment' (of the optimiser).
  """

  def loss_fn(params):
    seen, updates = model.apply(
      {'params': params, 'batch_stats': state.batch_stats},
      to_float(batch['image'], pixels),
      train=True,
      mutable=['batch_stats'],
    )
    predicted = losses.Predicted(*seen)
    if POSES in batch:
      key = jax.random.fold_in(jax.random.key(0), state.step)
      lifted = lift_poses.depths(key, model, params, seen.heatmaps[:, -1], batch)
      predicted = predicted._replace(lifted=lifted)
    terms = {
      name: term(predicted, batch, target) for name, term in losses.TERMS.items()
    }
    means = {name: weighted_mean(*term) for name, term in terms.items()}
    total = sum(loss_weights[name] * mean for name, mean in means.items())
    per_example = sum(
      loss_weights[name] * values * weights for name, (values, weights) in terms.items()
    )
    return total, (means, per_example, updates.get('batch_stats', {}))

  (total, (means, per_example, batch_stats)), gradient = jax.value_and_grad(
    loss_fn, has_aux=True
  )(state.params)
  updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
  params = jax.tree.map(lambda p, u: p - learning_rate * u, state.params, updates)
  after = TrainState(state.step + 1, params, batch_stats, opt_state)
  if state.average is not None:
    after = averaged(after, state, ema)
  kept = (after.trained, after.average or {})
  metrics = means | {
    'loss': total,
    'gradient_norm': optax.tree.norm(gradient),
    'example_loss': per_example,
    'largest_parameter': largest([one.get('params') for one in kept]),
    'largest_statistic': largest([one.get('batch_stats') for one in kept]),
    'largest_moment': largest(opt_state),
  }
  return after, metrics
