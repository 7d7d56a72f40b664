"""Where a run stands: its stages, and the learning rate at a step of a stage."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from wild3d import losses

DECAYS = ('constant', 'cosine')


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
    decay: of DECAYS.
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
    stages: name -> fields of configs/base.stage, by key; see check_config for values.
  """
  result, start = [], 0
  for index, name in enumerate(names):
    fields = stages[name]
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
        weights=dict.fromkeys(losses.TERMS, 0.0) | dict(fields['weights']),
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
