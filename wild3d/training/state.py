"""TrainState: everything that a training step changes."""

import flax.struct
import jax
import jax.numpy as jnp
import optax

from wild3d.models import initial


class TrainState(flax.struct.PyTreeNode):
  """Parameters, batch-norm statistics, optimiser state and the step counter."""

  step: jax.Array
  params: dict
  batch_stats: dict
  opt_state: optax.OptState

  @property
  def variables(self) -> dict:
    """What `model.apply` takes."""
    return {'params': self.params, 'batch_stats': self.batch_stats}


def fresh(model, optimizer, key, image_size: int) -> TrainState:
  """A state at step 0 with newly drawn parameters."""
  variables = initial.variables(model, key, image_size)
  return TrainState(
    step=jnp.int32(0),
    params=variables['params'],
    batch_stats=variables['batch_stats'],
    opt_state=optimizer.init(variables['params']),
  )


def with_fresh_optimizer(state: TrainState, optimizer) -> TrainState:
  """The same state, its optimiser as at the start; shardings stay."""
  fresh_state = optimizer.init(state.params)
  shardings = jax.tree.map(lambda x: x.sharding, state.opt_state)
  return state.replace(opt_state=jax.device_put(fresh_state, shardings))


def difference(saved, wanted) -> str | None:
  """The first array that two trees do not both have in one shape, in words; or None.

  Args:
    saved: tree of a checkpoint.
    wanted: tree of the network's.
  """
  has, wants = _shapes(saved), _shapes(wanted)
  # The first in the saved order, and then what the checkpoint lacks.
  for name in [*has, *wants]:
    if has.get(name) != wants.get(name):
      found, wish = (_say(shapes.get(name)) for shapes in (has, wants))
      return f'{name} is {found} in the checkpoint, {wish} in the network'
  return None


def _shapes(tree) -> dict:
  """The shape of every array, by its name."""
  leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
  return {
    jax.tree_util.keystr(path, simple=True, separator='.'): tuple(leaf.shape)
    for path, leaf in leaves
  }


def _say(shape):
  return 'missing' if shape is None else str(list(shape))
