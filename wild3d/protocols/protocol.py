"""A protocol: what is compared, how it is aligned, and how the mean is taken."""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

from wild3d.protocols.samples import Predictions, Truth

Rows = Int[np.ndarray, ' R'] | Bool[np.ndarray, ' N'] | None


@dataclasses.dataclass(frozen=True)
class Measure:
  """One figure before its mean is taken.

  Attributes:
    name: such as 'MPJPE'.
    unit: 'mm', '%', 'mm/frame^2', ...
    higher_is_better: whether it is.
    columns: names of the C columns: joints, limbs, ...
    values: [N, C]; anything where not counted.
    counted: [N, C].
    average: 'samples': mean over a sample's columns, then over samples (each sample
      weighs 1); 'pooled': mean over all that is counted; 'columns': mean over the
      samples for each column, then over columns, unweighted.
  """

  name: str
  unit: str
  higher_is_better: bool
  columns: tuple[str, ...]
  values: Float[np.ndarray, 'N C']
  counted: Bool[np.ndarray, 'N C']
  average: str

  def mean(self, rows: Rows = None) -> tuple[float, int]:
    """One figure for the samples `rows`: indices (repeats count) or a mask.

    Returns:
      (value, count): the mean as `average` says, NaN if nothing was counted; count is
      of samples for 'samples', of counted values for the other two. A sample or a
      column of which nothing is counted has no part in the mean.

    Raises:
      ValueError: `average` is none of the three.
    """
    values, counted = self.values, self.counted
    if rows is not None:
      values, counted = values[rows], counted[rows]
    if self.average == 'pooled':
      return _mean(values[counted]), int(np.count_nonzero(counted))
    if self.average == 'columns':
      means, number = mean_along(values, counted, 0)
      return _mean(means[number > 0]), int(number.sum())
    if self.average == 'samples':
      means, number = mean_along(values, counted, 1)
      return _mean(means[number > 0]), int(np.count_nonzero(number))
    raise ValueError(f'unknown average {self.average!r} of {self.name}')


def mean_along(
  values: Float[np.ndarray, 'N C'], counted: Bool[np.ndarray, 'N C'], axis: int
) -> tuple[Float[np.ndarray, ' M'], Int[np.ndarray, ' M']]:
  """The mean along an axis, NaN where nothing counts, and how many count."""
  number = np.count_nonzero(counted, axis=axis)
  total = np.where(counted, values, 0.0).sum(axis, dtype=np.float64)
  means = np.full(len(total), np.nan)
  np.divide(total, number, out=means, where=number > 0)
  return means, number


def _mean(values):
  return float(np.mean(values, dtype=np.float64)) if values.size else float('nan')


def sequence_of(truth: Truth) -> np.ndarray:
  """[N] str: the sequence of each sample, '' of a still."""
  return np.asarray(truth.sequence, str)


@dataclasses.dataclass(frozen=True)
class Protocol:
  """A definition with a name, as papers refer to it.

  Attributes:
    name: 'h36m_p1'.
    text: what it is, completely: subset, stride, joints, root, alignment, scale rule,
      thresholds, mean. One paragraph for the result file.
    source: where it is defined: paper, section, or code of the dataset.
    needs: '2d' or '3d': which predictions it compares.
    select: Truth -> [N] bool: the samples that it scores (subjects, frames, valid).
    measure: (Predictions, Truth) of the selected samples -> its figures, the main
      one first.
    groups: name of a grouping -> function of the truth giving [N] labels, such as
      {'action': ...}; '' leaves a sample out of the grouping.
    group_mean: whether papers report the mean over the first grouping's groups beside
      the mean over samples.
    independent: function of the truth giving [N] names of what intervals resample as
      a whole; '' makes a sample its own unit.
    unit: what these are, in the plural.
    note: Truth -> what its figures are of that the text leaves open; '' for nothing.
  """

  name: str
  text: str
  source: str
  needs: str
  select: Callable[[Truth], np.ndarray]
  measure: Callable[[Predictions, Truth], list[Measure]]
  groups: dict[str, Callable[[Truth], np.ndarray]] = dataclasses.field(
    default_factory=dict
  )
  group_mean: bool = False
  independent: Callable[[Truth], np.ndarray] = sequence_of
  unit: str = 'sequences'
  note: Callable[[Truth], str] = lambda _: ''
