"""Stops a run whose loss is not finite or explodes, and says where to look."""

import math

import numpy as np

from wild3d.errors import UserError

_MOST_NAMED = 8


def check(
  metrics: dict,
  example_loss,
  ids,
  sources,
  *,
  limit: float,
  step: int,
  stage: str,
) -> None:
  """Raises unless the step's loss and gradient are finite and the loss small.

  Args:
    metrics: 'loss' and 'gradient_norm' of step.train.
    example_loss: [B], of this process's rows.
    ids: their sample ids, bytes [B].
    sources: the name of the source of each [B].
    limit: largest loss that is no explosion.
    step: of the run.
    stage: its name.

  Raises:
    UserError: names step, stage, and the samples at fault with their sources; all
      the batch's where no single one stands out (the parameters are at fault).
  """
  loss, norm = float(metrics['loss']), float(metrics['gradient_norm'])
  if math.isfinite(loss) and math.isfinite(norm) and abs(loss) <= limit:
    return
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
    f'step {step}, stage {stage}: loss {loss:g}, gradient norm {norm:g} (the limit, '
    f'config.guard_loss, is {limit:g}); samples: {", ".join(named[:_MOST_NAMED])}{more}'
    '; the last checkpoint is from before it: lower the learning rate or look at '
    'these samples'
  )
