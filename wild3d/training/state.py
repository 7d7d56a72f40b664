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
