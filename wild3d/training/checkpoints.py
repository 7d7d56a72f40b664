"""Orbax checkpoints: the only importer of orbax.

A checkpoint holds 'model' (params, batch_stats), 'optimizer' (its state) and
'run' (configuration, stage, scores) as separate items, so that evaluation
restores the model alone. The position of the data iterator is a file of its own
beside them, one folder a step and process.
"""

import logging

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as policies

from wild3d import weights
from wild3d.errors import UserError
from wild3d.files import absolute
from wild3d.training.state import TrainState

# Orbax warns at every save without a score; here only evaluated steps have one.
logging.getLogger('absl').addFilter(
  lambda record: 'Requested `tracked_metric`' not in record.getMessage()
)


class Checkpoints:
  """The checkpoints of one run, under WORKDIR/checkpoints."""

  def __init__(self, workdir, *, keep=2, best='mpjpe', lower_is_better=True):
    """Opens them; the folder is made with the first save.

    Args:
      workdir: the run's folder.
      keep: how many of the latest are kept, the best one beside them.
      best: the score that chooses the best.
      lower_is_better: whether a smaller score is better.
    """
    self.folder = absolute(workdir) / 'checkpoints'
    self._data = absolute(workdir) / 'data_iterator'

    def score(metrics):
      worst = float('inf') if lower_is_better else float('-inf')
      return (metrics or {}).get(best, worst)

    self._manager = ocp.CheckpointManager(
      self.folder,
      options=ocp.CheckpointManagerOptions(
        preservation_policy=policies.AnyPreservationPolicy(
          [
            policies.LatestN(keep),
            policies.BestN(
              get_metric_fn=score,
              reverse=lower_is_better,
              n=1,
              keep_checkpoints_without_metrics=False,
            ),
          ]
        ),
        best_fn=score,
        best_mode='min' if lower_is_better else 'max',
        save_decision_policy=policies.AnySavePolicy(
          [policies.FixedIntervalPolicy(1), policies.PreemptionCheckpointingPolicy()]
        ),
      ),
    )

  def latest(self) -> int | None:
    """The newest step, or None."""
    return self._manager.latest_step()

  def steps(self) -> list[int]:
    """All the steps on disk, ascending."""
    return sorted(self._manager.all_steps())

  def best(self) -> int | None:
    """The step with the best score; the newest where none was scored."""
    best = self._manager.best_step()
    return self.latest() if best is None else best

  def choose(self, wanted: str) -> int:
    """The step that 'best', 'latest' or a number names.

    Raises:
      UserError: it names none.
    """
    if wanted == 'best':
      return self.best()
    if wanted == 'latest':
      return self.latest()
    if wanted.isdigit() and int(wanted) in self.steps():
      return int(wanted)
    raise UserError(f"--step={wanted}: there are 'best', 'latest' and {self.steps()}")

  def reached_preemption(self, step: int) -> bool:
    """True when the machine is about to be taken away."""
    return self._manager.reached_preemption(step)

  def save(self, state: TrainState, run: dict, scores: dict, iterator=None) -> None:
    """Saves a step; the data iterator first, so that no checkpoint lacks it."""
    step = int(state.step)
    if step in self._manager.all_steps():
      return
    if iterator is not None:
      self._save_iterator(step, iterator)
    self._manager.save(
      step,
      args=ocp.args.Composite(
        model=ocp.args.StandardSave(state.variables),
        optimizer=ocp.args.StandardSave(state.opt_state),
        run=ocp.args.JsonSave(run),
      ),
      metrics=scores or None,
    )
    self._forget_iterators()

  def save_alone(self, step: int, variables: dict, run: dict) -> None:
    """Saves a step without an optimiser: for evaluation, or as a start."""
    self._manager.save(
      step,
      args=ocp.args.Composite(
        model=ocp.args.StandardSave(variables), run=ocp.args.JsonSave(run)
      ),
    )

  def restore(self, step: int, state: TrainState) -> TrainState:
    """The state of a step, with the shapes and shardings of `state`."""
    restored = self._manager.restore(
      step,
      args=ocp.args.Composite(
        model=ocp.args.StandardRestore(_abstract(state.variables)),
        optimizer=ocp.args.StandardRestore(_abstract(state.opt_state)),
      ),
    )
    return TrainState(
      step=jax.device_put(jax.numpy.int32(step), state.step.sharding),
      params=restored['model']['params'],
      batch_stats=restored['model']['batch_stats'],
      opt_state=restored['optimizer'],
    )

  def restore_model(self, step: int, variables: dict) -> dict:
    """The parameters and statistics of a step, shaped as `variables`.

    Raises:
      UserError: they have other shapes, so belong to another network; or they are
        damaged.
    """
    # Orbax would say it at length, in other tasks' tracebacks too.
    self._check_shapes(step, variables)
    args = ocp.args.Composite(model=ocp.args.StandardRestore(_abstract(variables)))
    try:
      return self._manager.restore(step, args=args)['model']
    except Exception as error:  # whatever damaged files make Orbax do
      raise self._damaged(step, 'model') from error

  def run(self, step: int) -> dict:
    """What `save` was given as `run`.

    Raises:
      UserError: it is damaged.
    """
    args = ocp.args.Composite(run=ocp.args.JsonRestore())
    try:
      run = self._manager.restore(step, args=args)['run']
    except Exception as error:
      raise self._damaged(step, 'run') from error
    if not isinstance(run, dict) or not isinstance(run.get('config'), dict):
      raise self._damaged(step, 'run')
    return run

  def restore_iterator(self, step: int, iterator, batches: int) -> None:
    """Moves the data iterator to where it stood when `step` was saved.

    Its position is the number of `batches` yielded before: where as many processes
    saved it, it is read, which is quick; else it goes there batch by batch.
    """
    path = self._iterator_folder(step)
    if path.exists():
      iterator.restore(path / 'it')
    else:
      iterator.skip(batches)

  def wait(self) -> None:
    """Blocks until what is being saved is on disk."""
    self._manager.wait_until_finished()

  def close(self) -> None:
    """Waits and releases."""
    self._manager.close()

  def _check_shapes(self, step, variables):
    try:
      metadata = ocp.StandardCheckpointHandler().metadata(
        self.folder / str(step) / 'model'
      )
      saved = _shapes(metadata.tree)
    except Exception as error:
      raise self._damaged(step, 'model') from error
    wanted = _shapes(variables)
    # The first in the saved order, and then what the checkpoint lacks.
    for name in [*saved, *wanted]:
      if saved.get(name) != wanted.get(name):
        has, wants = (_say(shapes.get(name)) for shapes in (saved, wanted))
        raise UserError(
          f'{self.folder}, step {step}: its parameters do not fit the network of the '
          f'configuration: {name} is {has} in the checkpoint, {wants} in the network; '
          "config.model or config.input_size differ from the run's"
        )

  def _damaged(self, step, item):
    return UserError(
      f'{self.folder / str(step) / item}: the checkpoint is damaged or incomplete: '
      'choose another with --step, or copy the run again'
    )

  def _iterator_folder(self, step):
    share = f'{jax.process_index()}_of_{jax.process_count()}'
    return self._data / str(step) / share

  def _save_iterator(self, step, iterator):
    folder = self._iterator_folder(step)
    folder.mkdir(parents=True, exist_ok=True)
    iterator.save(folder / 'it')

  def _forget_iterators(self):
    if jax.process_index():  # two cannot remove one folder
      return
    kept = set(self._manager.all_steps())
    for folder in self._data.glob('*'):
      if int(folder.name) not in kept:
        folder.rmtree(missing_ok=True)


def save_model(workdir, variables: dict, run: dict) -> None:
  """Makes a run folder whose only checkpoint, step 0, has a model and no optimiser.

  Args:
    workdir: a folder that does not exist yet; it appears whole or not at all.
    variables: 'params' and 'batch_stats'.
    run: see `Checkpoints.save`.

  Raises:
    UserError: the folder cannot be made.
  """
  folder = absolute(workdir)
  partial = folder.with_name(f'.{folder.name}.partial')
  try:
    if partial.exists():  # of a conversion that was killed
      partial.rmtree()
    saved = Checkpoints(partial)
    saved.save_alone(0, variables, run)
    saved.close()
    partial.rename(folder)
  except OSError as error:
    raise UserError(f'{workdir} cannot be made: {error.strerror}') from None
  finally:
    if partial.exists():
      partial.rmtree()


def open_existing(workdir) -> Checkpoints | weights.File:
  """The checkpoints of a finished or running run, or a file of weights, for reading.

  Raises:
    UserError: there are none.
  """
  if weights.is_file(workdir):
    return weights.File(workdir)
  folder = absolute(workdir) / 'checkpoints'
  if not folder.is_dir():
    raise UserError(f'{workdir} holds no checkpoints: expected {folder}')
  checkpoints = Checkpoints(workdir)
  if checkpoints.latest() is None:
    raise UserError(f'{folder} is empty: train first')
  return checkpoints


def _abstract(tree):
  return jax.tree.map(ocp.utils.to_shape_dtype_struct, tree)


def _shapes(tree) -> dict:
  """The shape of every array, by its name."""
  leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
  return {
    jax.tree_util.keystr(path, simple=True, separator='.'): tuple(leaf.shape)
    for path, leaf in leaves
  }


def _say(shape):
  return 'missing' if shape is None else str(list(shape))
