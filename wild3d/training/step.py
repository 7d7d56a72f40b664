"""One update: a pure function of state, batch, learning rate and loss weights."""

import functools

import jax
import jax.numpy as jnp
import optax

from wild3d import losses
from wild3d.data.batch import POSES
from wild3d.models.pixels import RGB, Pixels, to_float
from wild3d.training import lift_poses, mesh
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


def jitted(devices: jax.sharding.Mesh, **made):
  """The jitted `train`, its state donated; `made`: model, optimizer, target, ..."""
  return jax.jit(
    functools.partial(train, devices=devices.size, **made),
    donate_argnums=0,
    out_shardings=mesh.replicated(devices),
  )


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
  parts: int = 1,
  devices: int = 1,
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
    parts: into which the batch is cut, see `cut`. Above 1 they go through the network
      one after the other, as batches of their own: the gradient and the losses are the
      means of theirs, and the running statistics move with each.
    devices: that share the batch.

  Returns:
    (next state, metrics): 'loss', each term's mean over the examples that count in
    it, 'gradient_norm', and 'example_loss' [B] by which a bad sample is found; of the
    next state the largest absolute values, NaN where one is: 'largest_parameter',
    'largest_statistic', 'largest_moment' (of the optimiser).
  """

  def loss_fn(params, batch_stats, batch, number):
    seen, updates = model.apply(
      {'params': params, 'batch_stats': batch_stats},
      to_float(batch['image'], pixels),
      train=True,
      mutable=['batch_stats'],
    )
    predicted = losses.Predicted(*seen)
    if POSES in batch:
      key = jax.random.fold_in(jax.random.key(0), state.step * parts + number)
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
    found = means | {'loss': total}
    return total, (found, per_example, updates.get('batch_stats', {}))

  differentiate = jax.grad(loss_fn, has_aux=True)
  if parts == 1:
    gradient, (found, per_example, batch_stats) = differentiate(
      state.params, state.batch_stats, batch, 0
    )
  else:

    def add(carry, numbered):
      sums, batch_stats = carry
      gradient, (found, per_example, batch_stats) = differentiate(
        state.params, batch_stats, *numbered
      )
      sums = jax.tree.map(jnp.add, sums, (gradient, found))
      return (sums, batch_stats), per_example

    nothing = dict.fromkeys((*losses.TERMS, 'loss'), jnp.float32(0.0))
    start = (jax.tree.map(jnp.zeros_like, state.params), nothing), state.batch_stats
    each = {key: cut(value, parts, devices) for key, value in batch.items()}
    (sums, batch_stats), per_example = jax.lax.scan(
      add, start, (each, jnp.arange(parts))
    )
    gradient, found = jax.tree.map(lambda x: x / parts, sums)
    per_example = cut(per_example.ravel(), devices, parts).ravel()  # the rows' order
  updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
  params = jax.tree.map(lambda p, u: p - learning_rate * u, state.params, updates)
  after = TrainState(state.step + 1, params, batch_stats, opt_state)
  if state.average is not None:
    after = averaged(after, state, ema)
  kept = (after.trained, after.average or {})
  metrics = found | {
    'gradient_norm': optax.tree.norm(gradient),
    'example_loss': per_example,
    'largest_parameter': largest([one.get('params') for one in kept]),
    'largest_statistic': largest([one.get('batch_stats') for one in kept]),
    'largest_moment': largest(opt_state),
  }
  return after, metrics


def cut(rows: jax.Array, parts: int, devices: int) -> jax.Array:
  """[B, ...] -> [parts, B / parts, ...]: of each device's run of rows an equal run.

  So no row leaves its device, and roles, evenly interleaved, stay so.
  """
  runs = rows.reshape(devices, parts, -1, *rows.shape[1:])
  return runs.swapaxes(0, 1).reshape(parts, -1, *rows.shape[1:])
