"""From a configuration to batches: what training reads, and what evaluation does."""

import functools
from collections.abc import Sequence

import jax

from wild3d import files
from wild3d.data import augment, iterators, mixture, pipeline, records
from wild3d.datasets import prepare
from wild3d.errors import UserError
from wild3d.training import processes, schedule


def check_datasets(config) -> None:
  """Raises UserError unless the datasets are known, and there or can be built."""
  for name in _used(config):
    fields = config.datasets[name]
    try:
      prepare.check(fields.name, config.data_dir, fields.manual_dir)
    except UserError as error:
      raise UserError(f'config.datasets.{name}: {error}') from None


def prepare_datasets(config, stages: Sequence[schedule.Stage]) -> None:
  """Builds what sources and sets read and is not there; looks for splits and clips.

  Raises:
    UserError: a dataset cannot be built, has no such split, or no clips.
  """
  # The user's own files first: what is wrong with them shows before people are drawn.
  for used in sorted(
    _used(config), key=lambda name: not config.datasets[name].manual_dir
  ):
    processes.in_turn(functools.partial(dataset, config, used))
    built = records.find(config.datasets[used].name, files.absolute(config.data_dir))
    for name, source in config.sources.items():
      if source.dataset == used:
        _check_split(f'config.sources.{name}', built, source.split)
  for stage in stages:
    if config.stages[stage.name].share_clip:
      for_training(config, stage)


def _check_split(field, built, split):
  try:
    records.count(built, split)
  except UserError as error:
    raise UserError(f'{field}.split: {error}') from None


def _used(config):
  """The datasets that sources and sets read, each once."""
  readers = [*config.sources.values(), *config.evaluation.sets.values()]
  return list(dict.fromkeys(reader.dataset for reader in readers))


def dataset(config, name: str) -> str:
  """The tfds name of what config.datasets calls `name`; built first if need be.

  Raises:
    UserError: it cannot be built.
  """
  fields = config.datasets[name]
  prepare.prepare(fields.name, config.data_dir, fields.manual_dir)
  return fields.name


def for_training(config, stage: schedule.Stage) -> iterators.TrainBatches:
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
    shares=mixture.shares(fields.share_3d, fields.share_clip),
    augment=augment.Augment(**config.augment),
    shuffle_buffer=config.shuffle_buffer,
    # Stages see different orders; the stage's place, not its name, decides.
    seed=config.seed * 1000 + stage.index,
    clip_frames=config.clip_frames,
    poses=config.lift_poses if stage.weights['lift'] else 0,
    perspective=config.perspective_correction,
    process_index=jax.process_index(),
    process_count=jax.process_count(),
  )


def for_evaluation(config, name: str, split: str, limit: int):
  """One pass over a split of what config.datasets calls `name`, in stored order."""
  return pipeline.evaluate(
    dataset(config, name),
    split=split,
    data_dir=files.absolute(config.data_dir),
    batch_size=config.evaluation.batch_size,
    input_size=config.input_size,
    perspective=config.perspective_correction,
    process_index=jax.process_index(),
    process_count=jax.process_count(),
    limit=limit or None,
  )
