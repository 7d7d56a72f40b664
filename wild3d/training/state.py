"""TrainState: everything that a training step changes."""

from collections.abc import Sequence

import flax.struct
import jax
import jax.numpy as jnp
import optax

from wild3d.errors import UserError
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


def started_from(
  state: TrainState, variables: dict, anew: Sequence[str] = ()
) -> tuple[TrainState, list[str]]:
  """The state with another network's parameters, part by part ('stem', 'lift', ...).

  Args:
    state: as drawn.
    variables: 'params' and 'batch_stats' of the other network.
    anew: parts that stay as drawn, as do those that the other network lacks.

  Returns:
    (state, the names of what stayed as drawn).

  Raises:
    UserError: a part is of another size, or `anew` names none.
  """
  if unknown := sorted(set(anew) - set(state.params)):
    raise UserError(
      f'config.init_fresh names {unknown[0]!r}: choose from {", ".join(state.params)}'
    )
  drawn = [p for p in state.params if p in anew or p not in variables['params']]
  begun = {}
  for kind, own in state.variables.items():
    taken = {p: v for p, v in variables[kind].items() if p in own and p not in drawn}
    begun[kind] = own | taken
    if other := difference(begun[kind], own):
      raise UserError(
        f'config.init_from: its parameters do not fit the network of the configuration: '
        f'{other}; other config.model or config.input_size, or name the part in '
        'config.init_fresh'
      )
  return state.replace(**begun), drawn


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
