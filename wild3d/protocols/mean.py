"""The mean of a Measure, over all of its samples or some of them."""

import numpy as np
from jaxtyping import Bool, Float, Int

from wild3d.protocols.protocol import Measure

Rows = Int[np.ndarray, ' R'] | Bool[np.ndarray, ' N'] | None


def overall(measure: Measure, rows: Rows = None) -> tuple[float, int]:
  """One figure for the samples `rows`: indices (repeats count) or a mask.

  Returns:
    (value, count): the mean as `measure.average` says, NaN if nothing was counted;
    count is of samples for 'samples', of counted values for the other two. A sample
    or a column of which nothing is counted has no part in the mean.

  Raises:
    ValueError: `measure.average` is none of the three.
  """
  values, counted = measure.values, measure.counted
  if rows is not None:
    values, counted = values[rows], counted[rows]
  if measure.average == 'samples':
    number = np.count_nonzero(counted, axis=1)
    means = np.where(counted, values, 0.0).sum(1)[number > 0] / number[number > 0]
    return _mean(means), len(means)
  if measure.average == 'pooled':
    return _mean(values[counted]), int(np.count_nonzero(counted))
  if measure.average == 'columns':
    means, number = per_column(values, counted)
    return _mean(means[number > 0]), int(number.sum())
  raise ValueError(f'unknown average {measure.average!r} of {measure.name}')


def per_column(
  values: Float[np.ndarray, 'N C'], counted: Bool[np.ndarray, 'N C']
) -> tuple[Float[np.ndarray, ' C'], Int[np.ndarray, ' C']]:
  """The mean over samples of each column, NaN where nothing counts, and how many."""
  number = np.count_nonzero(counted, axis=0)
  total = np.where(counted, values, 0.0).sum(0, dtype=np.float64)
  means = np.full(len(total), np.nan)
  np.divide(total, number, out=means, where=number > 0)
  return means, number


def _mean(values):
  return float(np.mean(values, dtype=np.float64)) if values.size else float('nan')
