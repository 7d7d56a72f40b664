"""Stops a run before anything bad is saved, and says where to look and how to go on."""

import math
from collections.abc import Callable

import numpy as np

from wild3d.errors import UserError

_MOST_NAMED = 8
# Statistics and moments are sums of squares and may be large; above it, their own
# squares overflow.
_LARGEST = 1e18
# Of the state after the step: its metric -> what messages call it.
_STATE = {
  'largest_parameter': 'parameters',
  'largest_statistic': 'batch statistics',
  'largest_moment': 'optimiser state',
}


def check(
  metrics: dict,
  example_loss,
  ids,
  sources,
  *,
  limit: float,
  largest: float,
  step: int,
  stage: str,
  advise: Callable[[], str],
) -> None:
  """Raises unless loss and gradient, and the state after the step, are sound.

  Args:
    metrics: of step.train.
    example_loss: [B], of this process's rows.
    ids: their sample ids, bytes [B].
    sources: the name of the source of each [B].
    limit: largest loss that is no explosion.
    largest: parameter that is none.
    step: of the run.
    stage: its name.
    advise: says how to go on, see `advice`.

  Raises:
    UserError: names step, stage, and the samples at fault with their sources; all
      the batch's where no single one stands out (the parameters are at fault).
  """
  start = f'step {step}, stage {stage}'
  loss, norm = float(metrics['loss']), float(metrics['gradient_norm'])
  if not (_within(loss, limit) and math.isfinite(norm)):
    each = np.asarray(example_loss)
    bad = ~np.isfinite(each) | (np.abs(each) > limit)
    if bad.all() or not bad.any():
      bad[:] = True
    named = [
      f'{id_.decode()} ({source})'
      for id_, source, wrong in zip(ids, sources, bad, strict=True)
      if wrong
    ]
    more = f' and {len(named) - _MOST_NAMED} more' if len(named) > _MOST_NAMED else ''
    raise UserError(
      f'{start}: loss {loss:g}, gradient norm {norm:g} (the limit, config.guard_loss, '
      f'is {limit:g}); samples: {", ".join(named[:_MOST_NAMED])}{more}: {advise()}'
    )
  for name, told in _STATE.items():
    most, bound = float(metrics[name]), _LARGEST
    if name == 'largest_parameter':
      bound, told = (
        largest,
        f'{told} (the limit, config.guard_parameter, is {largest:g})',
      )
    if not _within(most, bound):
      raise UserError(f'{start}: after the update up to {most:g} in {told}: {advise()}')


def advice(workdir, stage: str, whole: list[int]) -> str:
  """How to go on in a way that works: the same run would end at the same step again.

  Args:
    workdir: of the run.
    stage: that was under way.
    whole: the steps that are saved.
  """
  rate = f'a lower --config.stages.{stage}.learning_rate'
  if not whole:
    return f'nothing is saved yet: mend the samples, or start in the same --workdir with {rate}'
  steps = ', '.join(map(str, whole))
  return (
    f'saved and checked: step {steps}; the same command goes on from step {whole[-1]} '
    f'once the samples are mended; with {rate} start in a new --workdir, with '
    f'--config.init_from={workdir}/checkpoints/{whole[-1]} (or an earlier step)'
  )


def _within(value, limit):
  return math.isfinite(value) and abs(value) <= limit
