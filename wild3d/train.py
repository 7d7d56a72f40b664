"""The experiment: the stages of a configuration, from start or resumption to end."""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable

import jax
import numpy as np

from wild3d import evaluate, losses, network, settings
from wild3d.data.batch import HOST_KEYS
from wild3d.protocols import overview
from wild3d.training import (
  check_config,
  checkpoints,
  guard,
  mesh,
  processes,
  run_folder,
  schedule,
  sources,
  step,
)
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
  check_config.check(config)
  sources.check_datasets(config)
  stages = schedule.plan(config.schedule, config.stages)
  devices = mesh.make()
  mesh.check_batch_size(
    devices, config.batch_size, 'config.batch_size', config.clip_frames
  )
  model = network.make_model(config)
  optimizer = optimizers.make(**config.optimizer)
  target = losses.Target(**config.target, clip_frames=config.clip_frames)
  folder = run_folder.check(folder, settings.as_json(config))
  before = None
  if config.init_from and not run_folder.has_checkpoints(folder):
    before = checkpoints.open_existing(config.init_from)
  sources.prepare_datasets(config, stages)
  evaluator = evaluate.Evaluator(config, devices)

  # ---- Where it stands: this folder's checkpoint, else init_from, else fresh.
  state = jax.device_put(
    states.fresh(model, optimizer, jax.random.key(config.seed), config.input_size),
    mesh.replicated(devices),
  )
  if before:
    state = state.replace(**before.restore_model(before.latest(), state.variables))
    say(f'parameters of {config.init_from}, step {before.latest()}')
  saved = checkpoints.Checkpoints(
    folder,
    keep=config.checkpoint.keep,
    best=config.evaluation.best,
    lower_is_better=not overview.ENTRIES[config.evaluation.best].higher_is_better,
  )
  resumed = saved.latest()
  if resumed is not None:
    state = saved.restore(resumed, state)
    say(f'resumed: {folder}, step {resumed}')
  if jax.process_index() == 0:
    run_folder.claim(folder, settings.as_json(config))
  processes.barrier()

  # ---- One compiled step for all the stages.
  train_step = jax.jit(
    functools.partial(
      step.train,
      model=model,
      optimizer=optimizer,
      target=target,
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
    run = Run(
      config=config,
      train_step=train_step,
      saved=saved,
      evaluator=evaluator,
      network=network.make(config, state.variables, devices),
      writer=writer,
      end=stages[-1].end,
    )
    for stage in stages:
      at = int(state.step)
      if at >= stage.end:
        continue
      if at == stage.start:
        # Every stage starts with a fresh optimiser (Zhou et al. 2017, section 4.1).
        state = states.with_fresh_optimizer(state, optimizer)
      state = run.stage(state, stage, resumed=at > stage.start)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
  """What the stages of one run share; `end` is the last step of the last one."""

  config: object
  train_step: Callable
  saved: checkpoints.Checkpoints
  evaluator: evaluate.Evaluator
  network: network.Network
  writer: writers.MetricWriter
  end: int

  def stage(self, state, stage: schedule.Stage, resumed: bool):
    """Runs a stage from where `state` stands to its end; returns the new state."""
    config = self.config
    batches = sources.for_training(config, stage)
    if resumed:
      at = int(state.step)
      self.saved.restore_iterator(at, batches, at - stage.start)
    say(f'stage {stage.name}: steps {int(state.step)} to {stage.end}')
    clock = Clock(config.batch_size)
    pending = None
    for at in range(int(state.step), stage.end):
      batch = next(batches)
      rate = schedule.learning_rate(stage, at - stage.start)
      state, metrics = self.train_step(
        state,
        mesh.put(
          {key: value for key, value in batch.items() if key not in HOST_KEYS},
          self.network.mesh,
        ),
        np.float32(rate),
        {name: np.float32(weight) for name, weight in stage.weights.items()},
      )
      # The step just started runs while the one before it is looked at.
      if pending:
        self._report(*pending, stage, clock)
      pending = (at + 1, metrics, batch, rate, batches.source_names)
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
        self._report(*pending, stage, clock)  # nothing unchecked is ever saved
        pending = None
        self._save(state, stage, batches, evaluates)
        clock.skip()
    return state

  def _report(self, at, metrics, batch, learning_rate, source_names, stage, clock):
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
        'train/learning_rate': learning_rate,
        'train/stage': stage.index,
        'train/images_per_second': rate,
      },
    )
    left = (self.end - at) * self.config.batch_size / rate
    shown = ('loss', *(name for name, weight in stage.weights.items() if weight))
    terms = {name: values[name] for name in shown}
    say(writers.progress(at, self.end, rate, left, stage=stage.name, losses=terms))

  def _save(self, state, stage, batches, evaluates):
    """Evaluates if due, and writes a checkpoint."""
    at, scores, best = int(state.step), {}, {}
    if evaluates and self.config.evaluation.sets:
      scores = self.evaluator.scores(self.network.with_variables(state.variables))
      say(f'scores after step {at}, stage {stage.name}:\n{overview.table(scores)}')
      self.writer.write(at, overview.flat(scores) | {'eval/stage': stage.index})
      main = scores[self.config.evaluation.main][overview.NETWORK]
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


def say(text: str) -> None:
  """Prints a line of the log, in process 0 alone."""
  if jax.process_index() == 0:
    print(text, flush=True)
