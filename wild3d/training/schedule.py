"""Where a run stands: its stages, and the learning rate at a step of a stage."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from wild3d import losses
from wild3d.errors import UserError


class Stage(NamedTuple):
  """One stage and its place in the run.

  Attributes:
    name: its key in config.stages.
    index: 0 for the first stage of the run.
    start: steps of the run before it.
    steps: its length.
    learning_rate: at its start.
    warmup: steps of linear rise.
    drops: ((step of the stage, factor), ...).
    decay: 'constant' or 'cosine'.
    weights: each of losses.TERMS -> its weight.
  """

  name: str
  index: int
  start: int
  steps: int
  learning_rate: float
  warmup: int
  drops: tuple
  decay: str
  weights: dict[str, float]

  @property
  def end(self) -> int:
    """Steps of the run when the stage is over."""
    return self.start + self.steps


def plan(names: Sequence[str], stages) -> list[Stage]:
  """Lays the named stages one after the other.

  Args:
    names: config.schedule.
    stages: name -> fields of configs/base.stage, by key.

  Raises:
    UserError: no stage, an unknown one, one without steps, or an unknown loss.
  """
  if not names:
    raise UserError(
      f'config.schedule is empty: name at least one stage of {sorted(stages)}'
    )
  result, start = [], 0
  for index, name in enumerate(names):
    if name not in stages:
      raise UserError(
        f'config.schedule names the stage {name!r}: choose from {sorted(stages)}'
      )
    fields = stages[name]
    if fields['steps'] < 1:
      raise UserError(f'config.stages.{name}.steps is {fields["steps"]}: at least 1')
    if fields['decay'] not in ('constant', 'cosine'):
      raise UserError(
        f"config.stages.{name}.decay is {fields['decay']!r}: 'constant' or 'cosine'"
      )
    weights = dict(fields['weights'])
    if unknown := sorted(weights.keys() - losses.TERMS.keys()):
      raise UserError(
        f'config.stages.{name}.weights.{unknown[0]}: no such loss; choose from '
        f'{", ".join(losses.TERMS)}'
      )
    result.append(
      Stage(
        name=name,
        index=index,
        start=start,
        steps=fields['steps'],
        learning_rate=fields['learning_rate'],
        warmup=fields['warmup'],
        drops=tuple(fields['drops']),
        decay=fields['decay'],
        weights=dict.fromkeys(losses.TERMS, 0.0) | weights,
      )
    )
    start += fields['steps']
  return result


def learning_rate(stage: Stage, step: int) -> float:
  """The learning rate of update number `step` of the stage, counted from 0."""
  rate = stage.learning_rate
  if step < stage.warmup:
    rate *= (step + 1) / stage.warmup
  for at, factor in stage.drops:
    if step >= at:
      rate *= factor
  if stage.decay == 'cosine':
    rate *= 0.5 * (1 + math.cos(math.pi * step / stage.steps))
  return rate
