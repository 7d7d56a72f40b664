"""The figures of one measure: overall, of each column, of each group."""

import dataclasses
import re

import numpy as np
from jaxtyping import Float, Shaped

from wild3d.protocols.bootstrap import Bootstrap, interval
from wild3d.protocols.columns import are_joints
from wild3d.protocols.protocol import Measure, mean_along

# Thresholds of the PCK curve that any measure of joint errors in mm gets.
CURVE_MM = np.arange(0.0, 301.0, 5.0)
# Human3.6M's actions as tables of papers name, and sort, them.
_PRINTED_AS = {'TakingPhoto': 'Photo', 'WalkingDog': 'WalkDog'}


@dataclasses.dataclass(frozen=True)
class Figure:
  """One number.

  Attributes:
    value: in the measure's unit; NaN where nothing was counted.
    count: how many values or samples it is the mean of, see `Measure.mean`; of groups
      for a mean over groups.
    low, high: 95 % bootstrap interval; NaN where fewer than two sequences (or
      samples) have a part in it.
  """

  value: float
  count: int
  low: float
  high: float


@dataclasses.dataclass(frozen=True)
class Scored:
  """The figures of one measure.

  Attributes:
    name, unit, higher_is_better, average: the measure's.
    overall: the figure of all samples.
    columns: name of a joint, limb, ... -> its figure.
    groups: grouping -> label -> figure of the group's samples.
    group_means: grouping -> mean over its groups, each weighing the same.
    values, weights: [n] of the selected samples. The mean of values so weighted is
      the overall figure, whatever the average; a sample of weight 0 has none.
    curve: (threshold, % of all counted values strictly below it) of a measure that is
      joint errors in mm; empty for others.
  """

  name: str
  unit: str
  higher_is_better: bool
  average: str
  overall: Figure
  columns: dict[str, Figure]
  groups: dict[str, dict[str, Figure]]
  group_means: dict[str, Figure]
  values: Float[np.ndarray, ' n']
  weights: Float[np.ndarray, ' n']
  curve: tuple[tuple[float, float], ...] = ()


def scored(
  measure: Measure,
  groups: dict[str, Shaped[np.ndarray, ' N']],
  plan: Bootstrap,
) -> Scored:
  """All figures of a measure.

  Args:
    measure: of N samples.
    groups: grouping -> labels of the samples; '' leaves one out.
    plan: what the intervals resample.
  """
  values, weights = per_sample(measure)
  by_column = interval(plan.means(measure.values, measure.counted)[:, 0])
  means, counts = mean_along(measure.values, measure.counted, 0)
  columns = {
    name: _figure(*figure)
    for name, *figure in zip(measure.columns, means, counts, *by_column, strict=True)
  }
  overall = interval(_resampled(measure, values, weights, plan)[:, 0])
  by_group, group_means = {}, {}
  for name, labels in groups.items():
    by_group[name], group_means[name] = _grouped(measure, values, weights, labels, plan)
  meant = measure.name, measure.unit, measure.higher_is_better, measure.average
  figures = _figure(*measure.mean(), *overall), columns, by_group, group_means
  return Scored(*meant, *figures, values, weights, _curve(measure))


def per_sample(
  measure: Measure,
) -> tuple[Float[np.ndarray, ' N'], Float[np.ndarray, ' N']]:
  """(values, weights) of the samples, whose weighted mean is `Measure.mean`.

  The weight is 1 for a mean over samples and the number counted for a pooled mean.
  For a mean over columns, which is linear in the values, each counts as one part of
  its column; then the value is the mean of a sample's columns so weighted.
  """
  counted = measure.counted
  parts = counted.astype(np.float64)
  if measure.average == 'columns':
    parts = parts / np.maximum(np.count_nonzero(counted, axis=0), 1)
  weights = parts.sum(1)
  values = (np.where(counted, measure.values, 0.0) * parts).sum(1)
  values = np.divide(values, weights, out=np.zeros(len(values)), where=weights > 0)
  return values, (weights > 0) * 1.0 if measure.average == 'samples' else weights


def _resampled(measure, values, weights, plan, group=None, groups=1):
  """[R, G]: the overall figure in each resample, for each group."""
  if measure.average != 'columns':
    return plan.means(values[:, None], weights[:, None], group, groups)[..., 0]
  means = plan.means(measure.values, measure.counted, group, groups)
  return _mean_of_finite(means)


def _grouped(measure, values, weights, labels, plan):
  """({label: figure}, mean over the groups of which anything is counted)."""
  names = sorted(set(labels.tolist()) - {''}, key=lambda name: (_key(name), name))
  if not names:
    return {}, _figure(np.nan, 0, np.nan, np.nan)
  place = {name: i for i, name in enumerate(names)}
  group = np.array([place.get(label, -1) for label in labels.tolist()])
  resampled = _resampled(measure, values, weights, plan, group, len(names))
  ends = interval(resampled)
  figures = {
    name: _figure(*measure.mean(group == i), *ends[:, i]) for name, i in place.items()
  }
  known = [f.value for f in figures.values() if f.count]
  low_high = interval(_mean_of_finite(resampled))
  average = float(np.mean(known)) if known else np.nan
  return figures, _figure(average, len(known), *low_high)


def _key(label):
  """Alphabetical, but TS2 before TS10, and actions in the order of the papers."""
  label = _PRINTED_AS.get(label, label).casefold()
  parts = re.split('([0-9]{1,9})', label)
  return [(int(p), '') if p.isdecimal() else (-1, p) for p in parts]


def _mean_of_finite(means):
  """Mean over the last axis of what is not NaN; NaN where all is."""
  number = np.isfinite(means).sum(-1)
  total = np.nansum(means, axis=-1)
  return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


def _curve(measure):
  if measure.unit != 'mm' or not are_joints(measure.columns):
    return ()
  errors = np.sort(measure.values[measure.counted])
  shares = 100.0 * np.searchsorted(errors, CURVE_MM, side='left') / max(1, errors.size)
  return tuple(zip(CURVE_MM.tolist(), shares.tolist(), strict=True))


def _figure(value, count, low, high):
  return Figure(float(value), int(count), float(low), float(high))
