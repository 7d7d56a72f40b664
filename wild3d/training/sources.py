"""From a configuration to batches: what training reads, and what evaluation does."""

import jax

from wild3d import files
from wild3d.data import augment, pipeline
from wild3d.datasets import prepare
from wild3d.errors import UserError
from wild3d.training import schedule


def check(config, stage: schedule.Stage) -> None:
  """Raises UserError unless the stage's sources exist and suit its shares."""
  fields = config.stages[stage.name]
  for name in fields.sources:
    if name not in config.sources:
      raise UserError(
        f'config.stages.{stage.name}.sources names {name!r}: choose from '
        f'{sorted(config.sources)}'
      )
  roles = {config.sources[name].role for name in fields.sources}
  for role, share in _shares(fields).items():
    if share and role not in roles:
      raise UserError(
        f'config.stages.{stage.name}: a share of {share:g} is from {role!r} sources, '
        'but its sources hold none'
      )


def dataset(config, name: str) -> str:
  """The tfds name of what config.datasets calls `name`; built first if need be.

  Raises:
    UserError: there is none of that name, or it cannot be built.
  """
  if name not in config.datasets:
    raise UserError(
      f'config.datasets has no {name!r}: choose from {sorted(config.datasets)}'
    )
  fields = config.datasets[name]
  prepare.prepare(fields.name, config.data_dir, fields.manual_dir)
  return fields.name


def for_training(config, stage: schedule.Stage) -> pipeline.TrainBatches:
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
    shares={role: share for role, share in _shares(fields).items() if share},
    augment=augment.Augment(**config.augment),
    shuffle_buffer=config.shuffle_buffer,
    # Stages see different orders; the stage's place, not its name, decides.
    seed=config.seed * 1000 + stage.index,
    clip_frames=config.clip_frames,
    poses=config.lift_poses if fields.weights.lift else 0,
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
    process_index=jax.process_index(),
    process_count=jax.process_count(),
    limit=limit or None,
  )


def _shares(fields) -> dict[str, float]:
  """Role -> share of each batch, for a stage's fields."""
  rest = 1 - fields.share_3d - fields.share_clip
  return {'2d': rest, '3d': fields.share_3d, 'clip': fields.share_clip}
