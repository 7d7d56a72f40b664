"""Groups of runs as the rows of one table: their means, and what sets a row apart."""

from collections.abc import Mapping, Sequence

import numpy as np

from wild3d.protocols import paired
from wild3d.protocols.scores_json import Scores

# (protocol, measure) -> (what the table calls it, its unit).
COLUMNS = {
  ('pose3d', 'MPJPE'): ('MPJPE', 'mm'),
  ('pose3d', 'PA-MPJPE'): ('PA-MPJPE', 'mm'),
  ('pck_torso', 'PCK@0.2'): ('PCK@0.2', '%'),
  ('pose3d', 'PCK@150mm at the true size'): ('3D PCK', '%'),
  ('pose3d', 'AUC at the true size'): ('AUC', '%'),
  ('geometry', 'left-right difference'): ('left-right', 'mm'),
  ('geometry', 'bone-length spread'): ('bone spread', 'mm'),
}

Table = tuple[list[str], list[list[str]], int]  # as score_table.markdown takes it


def means(groups: Mapping[str, Sequence[Scores]]) -> Table:
  """A row a group, a column a measure that any run has; means over the runs.

  Args:
    groups: name of the row -> its runs, one a seed, all of one test set.
  """
  shown = _shown([run for runs in groups.values() for run in runs])
  rows = []
  for name, runs in groups.items():
    values = [np.mean([paired.value_of(run, *key) for run in runs]) for key in shown]
    rows.append([name, str(len(runs)), *map(_number, values)])
  return ['', 'seeds', *_heads(shown)], rows, 1


def differences(
  pairs: Mapping[str, tuple[Sequence[Scores], Sequence[Scores]]], mark: str = '**'
) -> Table:
  """B minus A with its 95 % interval, marked where that does not hold 0.

  Args:
    pairs: name of the row -> (A, B): runs of the same seeds, in one order.
    mark: before and after; Markdown's bold.
  """
  shown = _shown([run for pair in pairs.values() for runs in pair for run in runs])
  rows = []
  for name, (a, b) in pairs.items():
    cells = []
    for key in shown:
      one, other = (paired.mean(runs, *key, like=a[0]) for runs in (a, b))
      cells.append(_difference(other.minus(one), mark))
    rows.append([name, str(len(a)), *cells])
  return ['', 'seeds', *_heads(shown)], rows, 1


def _shown(runs):
  """The measures of which every run has a figure."""
  return [
    (protocol, measure)
    for protocol, measure in COLUMNS
    if all(np.isfinite(paired.value_of(run, protocol, measure)) for run in runs)
  ]


def _heads(shown):
  return [', '.join(COLUMNS[key]) for key in shown]


def _number(value, sign=''):
  return f'{value:{sign}.1f}' if np.isfinite(value) else '–'


def _difference(found, mark):
  low, high = (_number(end, '+') for end in found.interval)
  text = f'{_number(found.value, "+")} ({low} to {high})'
  sure = found.interval[0] > 0 or found.interval[1] < 0
  return f'{mark}{text}{mark}' if sure else text
