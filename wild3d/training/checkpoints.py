"""Orbax checkpoints: the only importer of orbax.

A checkpoint holds 'model' (params, batch_stats), 'optimizer' (its state) and
'run' (configuration, stage, scores) as separate items, so that evaluation
restores the model alone. The position of the data iterator is a file of its own
beside them, one folder a step and process. Checksums of all of them are committed
with the checkpoint, and compared before anything is read: see manifest.py.
"""

import functools
import json
import logging

import jax
import orbax.checkpoint as ocp
from etils import epath
from orbax.checkpoint import checkpoint_managers as policies

from wild3d import files, weights
from wild3d.errors import UserError
from wild3d.training import manifest, state, whole
from wild3d.training.state import TrainState

# Orbax warns at every save without a score, and logs at length what it raises as well.
logging.getLogger('absl').addFilter(
  lambda record: not (record.exc_info or '`tracked_metric`' in record.getMessage())
)


_BESIDE = 1 << 20  # bytes that a checkpoint takes beside its arrays, about


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
    self._place = whole.Place(files.absolute(workdir))
    self._keep, self._best, self._lower_is_better = keep, best, lower_is_better
    self._saving = None  # the step that is on its way to the disk

  def latest(self) -> int | None:
    """The newest step, or None."""
    return max(self.steps(), default=None)

  def steps(self) -> list[int]:
    """All the steps on disk, ascending."""
    return self._place.steps()

  def best(self) -> int | None:
    """The step with the best score; the newest where none was scored."""
    return whole.best(self._place, self._best, self._lower_is_better)

  def choose(self, wanted: str) -> int:
    """The step that 'best', 'latest' or a number names; see whole.choose."""
    return whole.choose(self._place, wanted, self.best)

  def resume(self) -> int | None:
    """The step that training goes on from, or None; see whole.resume."""
    return whole.resume(self._place)

  def save(
    self,
    state: TrainState,
    run: dict,
    scores: dict,
    iterator=None,
    replace: bool = False,
  ) -> None:
    """Saves a step; the data iterator first, so that no checkpoint lacks it.

    Args:
      state: of the step.
      run: configuration, stage, scores.
      scores: the one that chooses the best, by name; may be empty.
      iterator: of the data.
      replace: the checkpoint of this step, if there is one; else it is left.

    Raises:
      UserError: it, or the one before it, cannot be written.
    """
    step = int(state.step)
    exists = step in self._manager.all_steps()
    if exists and not replace:
      return
    self.wait()
    self._saving = step
    with self.failures_told():
      size = sum(leaf.nbytes for leaf in jax.tree.leaves((state.variables, state.rest)))
      room = functools.partial(
        files.check_room, self._place.checkpoint(step).parent, size + _BESIDE
      )
      room()
      if exists:
        self._manager.delete(step)
      if iterator is not None:
        folder = self._iterator_folder(step, iterator)
        folder.mkdir(parents=True, exist_ok=True)
        iterator.save(folder / 'it')
        room()  # which it may have taken
      self._manager.save(
        step,
        args=ocp.args.Composite(
          model=ocp.args.StandardSave(state.variables),
          optimizer=ocp.args.StandardSave(state.rest),
          run=ocp.args.JsonSave(run),
        ),
        metrics=scores or None,
        force=True,
      )
      self._forget_iterators()

  def save_alone(self, step: int, variables: dict, run: dict) -> None:
    """Saves a step without an optimiser: for evaluation, or as a start."""
    self._saving = step
    self._manager.save(
      step,
      args=ocp.args.Composite(
        model=ocp.args.StandardSave(variables), run=ocp.args.JsonSave(run)
      ),
    )

  def failures_told(self, path: epath.Path | None = None):
    """Tells of a full disk, in what is written within; see whole.failures_told."""
    return whole.failures_told(self._place, self._saving, path)

  def wait(self) -> None:
    """Blocks until what is being saved is on disk.

    Raises:
      UserError: it cannot be written.
    """
    if self._saving is not None:
      with self.failures_told():
        self._manager.wait_until_finished()

  def close(self) -> None:
    """Waits and releases.

    Raises:
      UserError: what is being saved cannot be written.
    """
    if self._saving is not None:
      self.wait()
      self._manager.close()

  def restore(self, step: int, state: TrainState) -> TrainState:
    """The state of a step, with the shapes and shardings of `state`; see `restore_model`."""
    variables = self._restore(step, 'model', state.variables)
    rest = self._restore(step, 'optimizer', state.rest)
    at = jax.device_put(jax.numpy.int32(step), state.step.sharding)
    return state.restored(at, variables, rest)

  def restore_model(self, step: int, variables: dict) -> dict:
    """The parameters and statistics of a step, shaped as `variables`.

    Raises:
      UserError: they have other shapes, so belong to another network; or they are
        damaged.
    """
    # Orbax would say it at length, in other tasks' tracebacks too.
    self._check_shapes(step, variables)
    return self._restore(step, 'model', variables)

  def run(self, step: int) -> dict:
    """What `save` was given as `run`.

    Raises:
      UserError: it is damaged.
    """
    try:
      run = json.loads((self._place.checkpoint(step) / 'run' / 'metadata').read_text())
    except (OSError, ValueError) as error:
      raise self._damaged(step, 'run') from error
    if not isinstance(run, dict) or not isinstance(run.get('config'), dict):
      raise self._damaged(step, 'run')
    return run

  def restore_iterator(self, step: int, iterator, batches: int) -> None:
    """Moves the data iterator to where it stood when `step` was saved.

    Its position is the number of `batches` yielded before: where as many processes
    saved it, and the same code, it is read, which is quick; else it goes there batch by
    batch.

    Raises:
      UserError: what was saved is damaged.
    """
    path = self._iterator_folder(step, iterator)
    if not path.exists():
      iterator.skip(batches)
      return
    try:
      iterator.restore(path / 'it')
    except Exception as error:  # whatever damaged files make TensorFlow do
      raise self._damaged(step, manifest.DATA) from error

  @functools.cached_property
  def _manager(self):
    """Orbax's, which saves and removes; made late, as it fails at damaged files."""
    return ocp.CheckpointManager(
      self._place.checkpoint(''),
      options=ocp.CheckpointManagerOptions(
        preservation_policy=policies.AnyPreservationPolicy(
          [
            policies.LatestN(self._keep),
            policies.BestN(
              get_metric_fn=self._score,
              reverse=self._lower_is_better,
              n=1,
              keep_checkpoints_without_metrics=False,
            ),
          ]
        ),
        best_fn=self._score,
        best_mode='min' if self._lower_is_better else 'max',
        cleanup_tmp_directories=True,
        async_options=ocp.AsyncOptions(post_finalization_callback=self._write_manifest),
      ),
    )

  def _score(self, metrics):
    worst = float('inf') if self._lower_is_better else float('-inf')
    return (metrics or {}).get(self._best, worst)

  def _write_manifest(self):
    """Called by Orbax, in its thread, when all is written and nothing is committed."""
    if jax.process_index() == 0:
      step = self._saving
      # In a bucket it is written where it will stay.
      final = self._place.checkpoint(step)
      partial = next(final.parent.glob(f'{step}.*'), final)
      manifest.write(partial, self._place.iterator(step), step)

  def _restore(self, step, item, like):
    try:
      with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as checkpointer:
        return checkpointer.restore(
          self._place.checkpoint(step) / item,
          args=ocp.args.StandardRestore(_abstract(like)),
        )
    except Exception as error:  # whatever damaged files make Orbax do
      raise self._damaged(step, item) from error

  def _check_shapes(self, step, variables):
    folder = self._place.checkpoint(step)
    try:
      saved = ocp.StandardCheckpointHandler().metadata(folder / 'model').tree
      other = state.difference(saved, variables)
    except Exception as error:
      raise self._damaged(step, 'model') from error
    if other:
      raise UserError(
        f'{folder.parent}, step {step}: its parameters do not fit the network of the '
        f"configuration: {other}; config.model or config.input_size differ from the run's"
      )

  def _damaged(self, step, item):
    return UserError(
      f'{self._place.checkpoint(step) / item}: the checkpoint is damaged or incomplete: '
      'choose another with --step, or copy the run again'
    )

  def _iterator_folder(self, step, iterator):
    share = f'{jax.process_index()}_of_{jax.process_count()}_{iterator.layout}'
    return self._place.iterator(step) / share

  def _forget_iterators(self):
    if jax.process_index():  # two cannot remove one folder
      return
    kept = set(self._manager.all_steps())
    for folder in self._place.iterator('').glob('[0-9]*'):
      if folder.name.isdigit() and int(folder.name) not in kept:
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
  folder = files.absolute(workdir)
  partial = folder.with_name(f'.{folder.name}.partial')
  try:
    if partial.exists():  # of a conversion that was killed
      partial.rmtree()
    saved = Checkpoints(partial)
    saved.save_alone(0, variables, run)
    saved.close()
    partial.rename(folder)
  except Exception as error:  # Orbax has its own for a full disk
    raise UserError(f'{workdir} cannot be made: {files.why(error)}') from error
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
  folder = files.absolute(workdir) / 'checkpoints'
  if not folder.is_dir():
    for part in (folder.parent, folder.parent.parent):  # of a run, and one of its steps
      if part.name == 'checkpoints' and part.is_dir():
        step = '' if part == folder.parent else f' and --step={folder.parent.name}'
        raise UserError(f'{workdir} is inside a run: give the run, {part.parent}{step}')
    raise UserError(f'{workdir} holds no checkpoints: expected {folder}')
  checkpoints = Checkpoints(workdir)
  if checkpoints.latest() is None:
    raise UserError(f'{folder} is empty: train first')
  return checkpoints


def open_named(source: str) -> tuple[Checkpoints | weights.File, int]:
  """A run, or RUN/checkpoints/STEP, for reading; and that step, else its newest.

  Raises:
    UserError: there is none, or none that is whole.
  """
  path = files.absolute(source)
  if path.parent.name == 'checkpoints' and path.name.isdigit():
    saved = open_existing(path.parent.parent)
    return saved, saved.choose(path.name)
  saved = open_existing(source)
  return saved, saved.choose('latest')


def _abstract(tree):
  return jax.tree.map(ocp.utils.to_shape_dtype_struct, tree)
