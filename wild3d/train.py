"""The experiment: the stages of a configuration, from start or resumption to end."""

import contextlib
import functools
import time

import jax
import numpy as np

from wild3d import evaluate, files, network, scoring, settings
from wild3d.data import augment, pipeline
from wild3d.data.batch import BATCH_KEYS
from wild3d.errors import UserError
from wild3d.training import checkpoints, guard, mesh, run_folder, schedule, step
from wild3d.training import metric_writer as writers
from wild3d.training import optimizer as optimizers
from wild3d.training import state as states


def train(config, folder) -> None:
  """Runs the stages of `config`, going on where the folder's last checkpoint stands.

  Args:
    config: see configs/base.py.
    folder: receives config.json, checkpoints/, metrics.jsonl and tensorboard/.

  Raises:
    UserError: a mistake in the configuration, the data or the folder; or a loss
      that is not finite (the message names step, stage, sources and samples).
  """
  # ---- What to run, on which devices.
  stages = schedule.plan(config.schedule, config.stages)
  devices = mesh.make()
  mesh.check_batch_size(devices, config.batch_size, 'config.batch_size')
  model = network.make_model(config)
  optimizer = optimizers.make(**config.optimizer)
  for stage in stages:
    check_sources(config, stage)
  folder = run_folder.check(folder, settings.as_json(config))
  evaluator = evaluate.Evaluator(config, model, devices)
  prepare_sources(config)

  # ---- Where it stands: this folder's checkpoint, else init_from, else fresh.
  source = None
  if config.init_from and not run_folder.has_checkpoints(folder):
    source = checkpoints.open_existing(config.init_from)
  state = jax.device_put(
    states.fresh(model, optimizer, jax.random.key(config.seed), config.input_size),
    mesh.replicated(devices),
  )
  if source:
    state = state.replace(**source.restore_model(source.latest(), state.variables))
    say(f'parameters of {config.init_from}, step {source.latest()}')
  saved = checkpoints.Checkpoints(
    folder,
    keep=config.checkpoint.keep,
    best=config.evaluation.best,
    lower_is_better=not scoring.METRICS[config.evaluation.best][1],
  )
  resumed = saved.latest()
  if resumed is not None:
    state = saved.restore(resumed, state)
    say(f'resumed: {folder}, step {resumed}')
  run_folder.claim(folder, settings.as_json(config))

  # ---- One compiled step for all the stages.
  train_step = jax.jit(
    functools.partial(
      step.train,
      model=model,
      optimizer=optimizer,
      target=network.make_target(config),
      clip_frames=config.clip_frames,
      pixels=network.make_pixels(config),
    ),
    donate_argnums=0,
    out_shardings=mesh.replicated(devices),
  )

  # ---- The stages.
  writer = writers.MetricWriter(
    folder, resume_step=resumed or 0, process=jax.process_index()
  )
  # Closing waits for the checkpoint being written, also when the guard stops us.
  with writer, contextlib.closing(saved):
    run = Run(config, devices, train_step, saved, evaluator, writer, stages[-1].end)
    for stage in stages:
      at = int(state.step)
      if at >= stage.end:
        continue
      if at == stage.start:
        # Every stage starts with a fresh optimiser (Zhou et al. 2017, section 4.1).
        state = states.with_fresh_optimizer(state, optimizer)
      state = run.stage(state, stage, resumed=at > stage.start)


class Run:
  """What the stages of one run share."""

  def __init__(self, config, devices, train_step, saved, evaluator, writer, end):
    """Keeps them; `end` is the last step of the last stage."""
    self.config = config
    self.devices = devices
    self.train_step = train_step
    self.saved = saved
    self.evaluator = evaluator
    self.writer = writer
    self.end = end

  def stage(self, state, stage: schedule.Stage, resumed: bool):
    """Runs a stage from where `state` stands to its end; returns the new state."""
    config = self.config
    batches = make_batches(config, stage)
    if resumed:
      self.saved.restore_iterator(int(state.step), batches)
    say(f'stage {stage.name}: steps {int(state.step)} to {stage.end}')
    clock = Clock(config.batch_size)
    pending = None
    for at in range(int(state.step), stage.end):
      batch = next(batches)
      knobs = stage.weights | {
        'learning_rate': schedule.learning_rate(stage, at - stage.start)
      }
      state, metrics = self.train_step(
        state,
        mesh.put({key: batch[key] for key in BATCH_KEYS}, self.devices),
        {name: np.float32(value) for name, value in knobs.items()},
      )
      # The step just started runs while the one before it is looked at.
      if pending:
        self._look(*pending, stage, clock)
      pending = (at + 1, metrics, batch, knobs, batches.source_names)
      done = at + 1
      last = done == stage.end
      evaluates = last or (
        config.evaluation.every and done % config.evaluation.every == 0
      )
      if (
        evaluates
        or done % config.checkpoint.every == 0
        or self.saved.reached_preemption(done)
      ):
        self._look(*pending, stage, clock)  # nothing unchecked is ever saved
        pending = None
        self._save(state, stage, batches, evaluates)
        clock.skip()
    return state

  def _look(self, at, metrics, batch, knobs, source_names, stage, clock):
    """Checks the metrics of a step, and reports them where it is due."""
    metrics = jax.tree.map(np.asarray, metrics)
    clock.step()
    rows = len(batch['id'])
    first = jax.process_index() * rows
    guard.check(
      metrics,
      metrics.pop('example_loss')[first : first + rows],
      batch['id'],
      [source_names[i] for i in batch['source']],
      limit=self.config.guard_loss,
      step=at,
      stage=stage.name,
    )
    if at % self.config.log_every and at != stage.end:
      return
    values = {name: float(value) for name, value in metrics.items()}
    rate = clock.rate()
    self.writer.write(
      at,
      {f'train/{name}': value for name, value in values.items()}
      | {
        'train/learning_rate': knobs['learning_rate'],
        'train/stage': stage.index,
        'train/images_per_second': rate,
      },
    )
    left = (self.end - at) * self.config.batch_size / rate
    shown = {k: v for k, v in values.items() if k == 'loss' or knobs.get(k)}
    say(writers.progress(at, self.end, rate, left, stage=stage.name, losses=shown))

  def _save(self, state, stage, batches, evaluates):
    """Evaluates if due, and writes a checkpoint."""
    at, scores, best = int(state.step), {}, {}
    if evaluates and self.config.evaluation.sets:
      scores = self.evaluator.scores(state.variables)
      say(f'scores after step {at}, stage {stage.name}:\n{scoring.table(scores)}')
      self.writer.write(at, scoring.flat(scores) | {'eval/stage': stage.index})
      main = scores[self.config.evaluation.main][scoring.NETWORK]
      best = {k: v for k, v in main.items() if k == self.config.evaluation.best}
    run = {
      'config': settings.as_json(self.config),
      'stage': stage.name,
      'stage_ended': at == stage.end,
      'scores': scores,
    }
    self.saved.save(state, run, best, batches)


class Clock:
  """Images a second of the training alone."""

  def __init__(self, batch_size: int):
    """Starts counting."""
    self._batch_size = batch_size
    self._steps, self._seconds, self._since = 0, 0.0, time.monotonic()

  def step(self) -> None:
    """Counts a step, and the time since the last call or `skip`."""
    now = time.monotonic()
    self._steps += 1
    self._seconds += now - self._since
    self._since = now

  def skip(self) -> None:
    """Leaves out the time until now: evaluation, saving."""
    self._since = time.monotonic()

  def rate(self) -> float:
    """Images a second since the last call."""
    rate = self._steps * self._batch_size / max(self._seconds, 1e-9)
    self._steps, self._seconds = 0, 0.0
    return rate


def check_sources(config, stage: schedule.Stage) -> None:
  """Raises UserError unless the stage's sources exist and suit its shares."""
  fields = config.stages[stage.name]
  for name in fields.sources:
    if name not in config.sources:
      raise UserError(
        f'config.stages.{stage.name}.sources names {name!r}: choose from '
        f'{sorted(config.sources)}'
      )
  roles = {config.sources[name].role for name in fields.sources}
  for role, share in shares(fields).items():
    if share and role not in roles:
      raise UserError(
        f'config.stages.{stage.name}: a share of {share:g} is from {role!r} sources, '
        'but its sources hold none'
      )


def shares(fields) -> dict[str, float]:
  """Role -> share of each batch, for a stage's fields."""
  rest = 1 - fields.share_3d - fields.share_clip
  return {'2d': rest, '3d': fields.share_3d, 'clip': fields.share_clip}


def prepare_sources(config) -> None:
  """Builds the datasets of all the sources that are not there yet."""
  for source in config.sources.values():
    evaluate.prepare_dataset(config, source.dataset)


def make_batches(config, stage: schedule.Stage) -> pipeline.TrainBatches:
  """This process's share of the stage's batches, from the stage's start."""
  fields = config.stages[stage.name]
  sources = [
    pipeline.Source(
      name=name,
      dataset=config.datasets[config.sources[name].dataset].name,
      split=config.sources[name].split,
      role=config.sources[name].role,
      weight=config.sources[name].weight,
    )
    for name in fields.sources
  ]
  return pipeline.train(
    sources,
    data_dir=files.absolute(config.data_dir),
    batch_size=config.batch_size,
    input_size=config.input_size,
    shares={role: share for role, share in shares(fields).items() if share},
    augment=augment.Augment(**config.augment),
    shuffle_buffer=config.shuffle_buffer,
    # Stages see different orders; the stage's place, not its name, decides.
    seed=config.seed * 1000 + stage.index,
    clip_frames=config.clip_frames,
    process_index=jax.process_index(),
    process_count=jax.process_count(),
  )


def say(text: str) -> None:
  """Prints a line of the log, in process 0 alone."""
  if jax.process_index() == 0:
    print(text, flush=True)
