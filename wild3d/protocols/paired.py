"""Runs that differ in their seed alone, taken together, and two such groups in pairs.

What makes a sample hard, or a seed lucky, is the same for both of a pair. So both groups
are resampled alike, samples (or whole sequences) and seeds at once, and the interval is of
the difference in each resample: other people like these, and other seeds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from wild3d.errors import UserError
from wild3d.protocols.bootstrap import RESAMPLES, Bootstrap, interval
from wild3d.protocols.scores_json import Scores

_LISTED = 5  # ids named in a message


class Mean(NamedTuple):
  """The mean of a group's figures; NaN where one of its runs has none.

  Attributes:
    value: of all samples, mean over the runs.
    resampled: the same in each resample.
  """

  value: float
  resampled: Float[np.ndarray, ' R']

  @property
  def interval(self) -> tuple[float, float]:
    """Its 95 % interval."""
    low, high = interval(self.resampled)
    return float(low), float(high)

  def minus(self, other: 'Mean') -> 'Mean':
    """The difference from a group that was resampled alike."""
    return Mean(self.value - other.value, self.resampled - other.resampled)


def mean(runs: Sequence[Scores], protocol: str, measure: str, like: Scores) -> Mean:
  """The mean of a measure over runs.

  Args:
    runs: those of a group, in the order of their seeds.
    protocol: its name, in all of them.
    measure: likewise.
    like: whose order of samples, and whose units, are resampled: one file for all
      groups that are compared.

  Raises:
    UserError: the runs score other samples than `like`.
  """
  plan = plan_of(like, protocol)
  values = [value_of(run, protocol, measure) for run in runs]
  resampled = [
    plan.means(np.nan_to_num(values)[:, None], weights[:, None])[:, 0, 0]
    for values, weights in in_order(runs, protocol, measure, like)
  ]
  chosen = _chosen(len(runs))
  return Mean(float(np.mean(values)), (np.stack(resampled, axis=1) * chosen).sum(1))


def plan_of(like: Scores, protocol: str) -> Bootstrap:
  """What is resampled of a file's samples."""
  kind = str(like.protocols[protocol]['interval']['resampled'])
  return Bootstrap.of(like.samples[protocol].unit, kind)


def value_of(run: Scores, protocol: str, measure: str) -> float:
  """A figure of a file; NaN where it has none."""
  measures = run.protocols.get(protocol, {}).get('measures', ())
  values = [m['value'] for m in measures if m['name'] == measure]
  return np.nan if values in ([], [None]) else values[0]


def in_order(
  runs: Sequence[Scores], protocol: str, measure: str, like: Scores
) -> list[tuple[Float[np.ndarray, ' n'], Float[np.ndarray, ' n']]]:
  """(values, weights) of each run's samples, in the order of `like`'s.

  Raises:
    UserError: the runs score other samples than `like`.
  """
  found = []
  for run in runs:
    order = same_samples(like, run, protocol)
    found.append(tuple(x[order] for x in run.samples[protocol].measures[measure]))
  return found


def same_samples(a: Scores, b: Scores, protocol: str) -> Int[np.ndarray, ' n']:
  """Where A's samples are among B's.

  Raises:
    UserError: one has samples that the other lacks, or one twice.
  """
  mine, yours = a.samples[protocol].ids, b.samples[protocol].ids
  differences = []
  for path, names in (
    (a.path, np.setdiff1d(mine, yours)),
    (b.path, np.setdiff1d(yours, mine)),
  ):
    if len(names):
      listed = ', '.join(f'{str(n)!r:.100}' for n in names[:_LISTED])
      more = ', ...' if len(names) > _LISTED else ''
      differences.append(f'{len(names):,} only in {path} ({listed}{more})')
  if differences:
    raise UserError(
      f'{protocol} scores different samples in the two files: {"; ".join(differences)}; '
      'differences are of the same samples, so score both on the same truth'
    )
  if len(np.unique(mine)) != len(mine) or len(yours) != len(mine):
    raise UserError(f'{protocol}: an id is there twice in {a.path} or {b.path}')
  place = np.argsort(yours)
  return place[np.searchsorted(yours, mine, sorter=place)]


def _chosen(runs):
  """[R, S]: what each of S runs weighs in a resample.

  S - 1 are drawn, so that the variance is that of a mean over S (Rao and Wu 1988): with
  S draws of three runs it would be a third too small.
  """
  if runs == 1:
    return np.ones((RESAMPLES, 1))
  rng = np.random.default_rng(runs)
  return rng.multinomial(runs - 1, np.full(runs, 1 / runs), RESAMPLES) / (runs - 1)
