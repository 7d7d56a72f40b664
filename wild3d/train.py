"""The experiment: the stages of a configuration, from start or resumption to end."""

import contextlib
import dataclasses
import json
import signal
from collections.abc import Callable

import jax
import numpy as np
from etils import epath

from wild3d import evaluate, losses, network, settings
from wild3d.data.batch import HOST_KEYS
from wild3d.draw import samples
from wild3d.models import initial
from wild3d.protocols import overview
from wild3d.training import (
  check_config,
  checkpoints,
  guard,
  lock,
  mesh,
  processes,
  run_folder,
  schedule,
  signals,
  sources,
  step,
  trace,
)
from wild3d.training import clock as clocks
from wild3d.training import metric_writer as writers
from wild3d.training import optimizer as optimizers
from wild3d.training import state as states

PICTURES = 4  # of the main set, the first ones, shown by TensorBoard at each evaluation


def train(config, folder, profile: str = '') -> None:
  """Runs the stages of `config`, going on where the folder's last checkpoint stands.

  Args:
    config: see configs/base.py.
    folder: receives config.json, checkpoints/, metrics.jsonl and tensorboard/.
    profile: folder for a trace of a few steps; '' for none.

  Raises:
    UserError: a mistake in the configuration, the data or the folder; another run at
      work there; a full disk; or what is not finite (named by step, stage, samples).
    SystemExit: 143 after SIGTERM, 130 after Ctrl-C; the step in flight is saved.
  """
  # ---- What to run, on which devices.
  check_config.check(config)
  sources.check_datasets(config)
  stages = schedule.plan(config.schedule, config.stages)
  devices = mesh.make()
  mesh.check_batch_size(
    devices,
    config.batch_size,
    'config.batch_size',
    config.clip_frames,
    config.accumulate,
  )
  if config.lift_poses:
    mesh.check_batch_size(
      devices, config.lift_poses, 'config.lift_poses', parts=config.accumulate
    )
  profile = trace.check(profile)
  say(f'devices: {devices.size} ({devices.devices.flat[0].device_kind})')
  model = network.make_model(config)
  optimizer = optimizers.make(**config.optimizer)
  target = losses.Target(**config.target, clip_frames=config.clip_frames)
  folder = run_folder.check(folder, settings.as_json(config))
  with (
    lock.held(folder, jax.process_index()) as owner,
    signals.watched(owner.release) as watch,
  ):
    # ---- Where it stands: this folder's checkpoint, else init_from, else fresh.
    before = None
    if config.init_from and not run_folder.has_checkpoints(folder):
      before = checkpoints.open_named(config.init_from)
    sources.prepare_datasets(config, stages)
    evaluator = evaluate.Evaluator(config, devices)
    state = jax.device_put(
      states.fresh(
        model,
        optimizer,
        jax.random.key(config.seed),
        config.input_size,
        average=config.ema > 0,
      ),
      mesh.replicated(devices),
    )
    if before:
      state = started_from(config, *before, state, devices)
    saved = checkpoints.Checkpoints(
      folder,
      keep=config.checkpoint.keep,
      best=config.evaluation.best,
      lower_is_better=not overview.ENTRIES[config.evaluation.best].higher_is_better,
    )
    resumed = saved.resume()
    if resumed is not None:
      state = saved.restore(resumed, state)
      say(f'resumed: {folder}, step {resumed}')
    if jax.process_index() == 0:
      run_folder.claim(folder, settings.as_json(config))
    processes.barrier()

    # ---- One compiled step for all the stages.
    train_step = step.jitted(
      devices,
      model=model,
      optimizer=optimizer,
      target=target,
      pixels=network.make_pixels(config),
      parts=config.accumulate,
      ema=config.ema,
    )

    # ---- The stages.
    with saved.failures_told(folder / writers.FILE):
      writer = writers.MetricWriter(
        folder, resume_step=resumed or 0, process=jax.process_index()
      )
      text = json.dumps(settings.as_json(config), indent=2)
      writer.write_text(resumed or 0, 'config', text)
    # Closing waits for the checkpoint being written, also when the guard stops us.
    tracing = trace.steps(train_step, profile, say)
    with writer, contextlib.closing(saved), tracing as train_step:
      run = Run(
        config=config,
        folder=folder,
        train_step=train_step,
        saved=saved,
        evaluator=evaluator,
        network=network.make(config, state.variables, devices),
        writer=writer,
        owner=owner,
        watch=watch,
        requests=signals.Requests(watch, config.checkpoint.minutes, devices),
        end=stages[-1].end,
      )
      for stage in stages:
        at = int(state.step)
        if at == resumed and stage.start < at <= stage.end:
          run.catch_up(state, stage)
        if at >= stage.end:
          continue
        if at == stage.start:
          # Every stage starts with a fresh optimiser (Zhou et al. 2017, section 4.1).
          state = states.with_fresh_optimizer(state, optimizer)
        state = run.stage(state, stage, resumed=at > stage.start)


def started_from(config, saved, at: int, state: states.TrainState, devices):
  """The state with the parameters of config.init_from.

  Parts of the network that are not there, and those of config.init_fresh, stay as drawn.

  Args:
    config: of the new run.
    saved: the checkpoints that are begun from.
    at: their step.
    state: of the new run, as drawn.
    devices: the mesh.

  Raises:
    UserError: a part is of another size, or config.init_fresh names none.
  """
  theirs = settings.complete(saved.run(at)['config'])
  shapes = initial.shapes(network.make_model(theirs), theirs.input_size)
  variables = saved.restore_model(at, mesh.abstract_on(shapes, devices))
  state, drawn = states.started_from(state, variables, config.init_fresh)
  anew = f'; drawn anew: {", ".join(drawn)}' if drawn else ''
  say(f'parameters of {config.init_from}, step {at}{anew}')
  return state


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
  """What the stages of one run share; `end` is the last step of the last one."""

  config: object
  folder: epath.Path
  train_step: Callable
  saved: checkpoints.Checkpoints
  evaluator: evaluate.Evaluator
  network: network.Network
  writer: writers.MetricWriter
  owner: lock.Lock
  watch: signals.Watch
  requests: signals.Requests
  end: int

  def stage(self, state, stage: schedule.Stage, resumed: bool):
    """Runs a stage from where `state` stands to its end; returns the new state."""
    config = self.config
    batches = sources.for_training(config, stage)
    if resumed:
      at = int(state.step)
      self.saved.restore_iterator(at, batches, at - stage.start)
    say(f'stage {stage.name}: steps {int(state.step)} to {stage.end}')
    clock = clocks.Clock(config.batch_size)
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
      self.watch.saves = True
      # The step just started runs while the one before it is looked at, and while the
      # next batch is made and sent to the devices.
      if pending:
        self._report(*pending, stage, clock)
      pending = (at + 1, metrics, batch, rate, batches.source_names)
      done = at + 1
      asked = self.requests.now()
      evaluates = done == stage.end or (
        config.evaluation.every and done % config.evaluation.every == 0
      )
      if evaluates or asked or done % config.checkpoint.every == 0:
        self._report(*pending, stage, clock)  # nothing unchecked is ever saved
        pending = None
        scores = {}
        if evaluates:
          scores, asked = self._scores(state, stage, asked)
        self._save(state, stage, scores, batches)
        if asked > signals.SAVE:
          self._leave(done, asked)
        clock.skip()
    return state

  def catch_up(self, state, stage: schedule.Stage) -> None:
    """Scores the checkpoint that was resumed, where a signal had ended that."""
    if not self.saved.run(int(state.step)).get('unscored'):
      return
    self.watch.saves = True  # the checkpoint is about to be replaced
    scores, asked = self._scores(state, stage, asked=0)
    if scores is None:
      self._leave(int(state.step), asked)
    self._save(state, stage, scores, replace=True)

  def _report(self, at, metrics, batch, learning_rate, source_names, stage, clock):
    """Checks the metrics of a step, and reports them where it is due."""
    metrics = jax.device_get(metrics)
    clock.step()
    rows = len(batch['id'])
    first = jax.process_index() * rows
    guard.check(
      metrics,
      metrics.pop('example_loss')[first : first + rows],
      batch['id'],
      [source_names[i] for i in batch['source']],
      limit=self.config.guard_loss,
      largest=self.config.guard_parameter,
      step=at,
      stage=stage.name,
      advise=lambda: self._advice(stage),
    )
    if at % self.config.log_every and at != stage.end:
      return
    values = {name: float(value) for name, value in metrics.items()}
    rate = clock.rate()
    self._write(
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

  def _advice(self, stage):
    self.saved.wait()
    return guard.advice(self.folder, stage.name, self.saved.steps())

  def _write(self, at, metrics, *pictures):
    with self.saved.failures_told(self.folder / writers.FILE):
      self.writer.write(at, metrics, *pictures)

  def _scores(self, state, stage, asked):
    """(scores, request); a signal ends them, and they are None."""
    if not self.config.evaluation.sets:
      return {}, asked
    net, at = self.network.with_variables(state.variables), int(state.step)
    try:
      if asked > signals.SAVE:
        raise signals.Stopped(asked)
      scores = self.evaluator.scores(net, self.requests.check)
      main = self.evaluator.sets[0]
      shown = self.evaluator.samples(net, main, PICTURES)
    except signals.Stopped as stopped:
      return None, stopped.number
    say(f'scores after step {at}, stage {stage.name}:\n{overview.table(scores)}')
    self._write(
      at,
      overview.flat(scores) | {'eval/stage': stage.index},
      {f'{main}/predictions': samples.sheet(shown)},
    )
    return scores, asked

  def _save(self, state, stage, scores, batches=None, replace=False):
    """Writes a checkpoint; with `scores` None the next start makes up for them."""
    self.owner.check()
    best = {}
    if scores:
      main = scores[self.config.evaluation.main][overview.NETWORK]
      best = {k: v for k, v in main.items() if k == self.config.evaluation.best}
    run = {
      'config': settings.as_json(self.config),
      'stage': stage.name,
      'stage_ended': int(state.step) == stage.end,
      'scores': scores or {},
      'unscored': scores is None,
    }
    self.saved.save(state, run, best, batches, replace)
    self.requests.saved()

  def _leave(self, at, asked):
    """Ends the process, its checkpoint being whole, as shells expect after a signal."""
    self.saved.wait()
    name = signal.Signals(asked).name
    say(f'{name}: saved step {at}; the same command goes on from there')
    raise SystemExit(128 + asked)


def say(text: str) -> None:
  """Prints a line of the log, in process 0 alone."""
  if jax.process_index() == 0:
    print(text, flush=True)
