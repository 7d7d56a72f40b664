"""TrainState: everything that a training step changes."""

from collections.abc import Sequence

import flax.struct
import jax
import jax.numpy as jnp
import optax

from wild3d.errors import UserError
from wild3d.models import initial


class TrainState(flax.struct.PyTreeNode):
  """Parameters, batch-norm statistics, optimiser state and the step counter.

  `average` is the moving average of parameters and statistics, or None: see `averaged`.
  """

  step: jax.Array
  params: dict
  batch_stats: dict
  opt_state: optax.OptState
  average: dict | None = None

  @property
  def trained(self) -> dict:
    """What the optimiser moves, as `model.apply` takes it."""
    return {'params': self.params, 'batch_stats': self.batch_stats}

  @property
  def variables(self) -> dict:
    """What is evaluated, exported and shipped: the average where there is one."""
    return self.trained if self.average is None else self.average

  @property
  def rest(self):
    """What training goes on from beside `variables`: the optimiser's state, or both."""
    if self.average is None:
      return self.opt_state
    return {'optimizer': self.opt_state, 'trained': self.trained}

  def restored(self, step: jax.Array, variables: dict, rest) -> 'TrainState':
    """The state of another step, of which these are the parts."""
    if self.average is None:
      return TrainState(step, **variables, opt_state=rest)
    return TrainState(
      step, **rest['trained'], opt_state=rest['optimizer'], average=variables
    )


def fresh(model, optimizer, key, image_size: int, average: bool = False) -> TrainState:
  """A state at step 0 with newly drawn parameters, with their average if asked."""
  variables = initial.variables(model, key, image_size)
  state = TrainState(
    jnp.int32(0), **variables, opt_state=optimizer.init(variables['params'])
  )
  return with_average(state) if average else state


def averaged(state: TrainState, before: TrainState, decay: float) -> TrainState:
  """The state with the exponential moving average of its parameters and statistics.

  In the first steps the decay is (1 + step) / (10 + step), which soon leaves the drawn
  parameters behind.

  Args:
    state: after a step.
    before: the state before it, which has an average.
    decay: what stays of the average in a step.

  Source: Polyak and Juditsky 1992; the start as TensorFlow's ExponentialMovingAverage.
  """
  step = before.step.astype(jnp.float32)
  decay = jnp.minimum(decay, (1 + step) / (10 + step))
  mean = lambda old, new: old + (1 - decay).astype(old.dtype) * (new - old)  # noqa: E731
  return state.replace(average=jax.tree.map(mean, before.average, state.trained))


def with_average(state: TrainState) -> TrainState:
  """The same state, its average equal to what it has now."""
  # Copies: a step is given both to overwrite.
  return state.replace(average=jax.tree.map(jnp.copy, state.trained))


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
  for kind, own in state.trained.items():
    taken = {p: v for p, v in variables[kind].items() if p in own and p not in drawn}
    begun[kind] = own | taken
    if other := difference(begun[kind], own):
      raise UserError(
        f'config.init_from: its parameters do not fit the network of the configuration: '
        f'{other}; other config.model or config.input_size, or name the part in '
        'config.init_fresh'
      )
  started = state.replace(**begun)
  return started if state.average is None else with_average(started), drawn


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
