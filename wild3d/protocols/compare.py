"""Scores side by side, with what their difference is worth: of two files, or two groups.

A group are runs that differ in their seed; its figures are means over them.
"""

from collections.abc import Sequence

import numpy as np

from wild3d.errors import UserError
from wild3d.protocols import paired, score_table
from wild3d.protocols.scores_json import Scores

_MOST_FIELDS = 20  # of the configurations, that differ


def compare(a: Sequence[Scores], b: Sequence[Scores]) -> str:
  """Markdown: each protocol that all files have, A beside B, and B minus A.

  The differences are paired: each resample takes the same sequences (or samples,
  where there are none) of A and of B, and the same places in both groups, so that what
  makes a sample hard for both does not widen the interval. A difference whose interval
  does not hold 0 is marked.

  Args:
    a: one file, or one for each seed.
    b: as many, in the same order.

  Raises:
    UserError: the groups are of two sizes; no protocol is in all files; the samples of
      one that is in all differ.
  """
  if len(a) != len(b):
    raise UserError(
      f'{len(a)} files are compared with {len(b)}: give as many of both, in the same '
      'order of seeds'
    )
  parts = [_sources(a, b), *_protocols(a, b)]
  for name in _in_all([run.others for run in (*a, *b)]):
    others = [run.others[name] for run in a], [run.others[name] for run in b]
    parts += [f'# {name}', *_protocols(*others)]
  return '\n\n'.join(parts) + '\n'


def _in_all(dicts):
  return [key for key in dicts[0] if all(key in other for other in dicts)]


def _protocols(a, b):
  runs = (*a, *b)
  common = _in_all([run.protocols for run in runs])
  if not common:
    have = ', '.join(
      f'{run.path} has {", ".join(run.protocols) or "none"}' for run in runs
    )
    raise UserError(f'no protocol is in {"both" if len(runs) == 2 else "all"}: {have}')
  for name in common:
    yield from _protocol(a, b, name)
  for run in runs:
    if alone := [name for name in run.protocols if name not in common]:
      yield f'Only in {run.path}: {", ".join(alone)}'


def _sources(a, b):
  keys = [key for run in (*a, *b) for key in run.header if key != 'config']
  rows = [('files', *(_said(run.path for run in runs) for runs in (a, b)))]
  rows += [('software', *(_said(run.software for run in runs) for runs in (a, b)))]
  for key in dict.fromkeys(keys):
    rows.append((key, *(_said(run.header.get(key, '–') for run in x) for x in (a, b))))
  rows += _fields(a, b)
  return score_table.markdown(('', 'A', 'B'), rows, left=3)


def _said(values):
  return f'{", ".join(dict.fromkeys(map(str, values)))!s:.100}'


def _fields(a, b):
  """The fields of the configurations in which A and B differ."""
  trees = [[dict(_flat(run.header.get('config'))) for run in runs] for runs in (a, b)]
  fields = dict.fromkeys(field for runs in trees for tree in runs for field in tree)
  rows = [
    (
      f'config.{field}',
      *(_said(tree.get(field, '–') for tree in runs) for runs in trees),
    )
    for field in fields
  ]
  rows = [row for row in rows if row[1] != row[2]]
  more = len(rows) - _MOST_FIELDS
  return rows[:_MOST_FIELDS] + [(f'and {more} more fields', '', '')] * (more > 0)


def _flat(tree, prefix=''):
  for key, value in (tree or {}).items():
    if isinstance(value, dict):
      yield from _flat(value, f'{prefix}{key}.')
    else:
      yield f'{prefix}{key}', value


def _protocol(a, b, name):
  like, runs = a[0], (*a, *b)
  one = [run.protocols[name] for run in a]
  other = [run.protocols[name] for run in b]
  for run in runs[1:]:  # an error comes before any text
    paired.same_samples(like, run, name)
  yield f'## {name}'
  if len({protocol['text'] for protocol in (*one, *other)}) == 1:
    both = 'both files' if len(runs) == 2 else 'all files'
    yield f'The text of the protocol is the same in {both}.'
  else:
    yield (
      'THE TEXTS OF THE PROTOCOL DIFFER: the figures may not be of one kind.\n\n'
      + '\n'.join(
        f'- {which}: {text}'
        for which, group in (('A', one), ('B', other))
        for text in dict.fromkeys(protocol['text'] for protocol in group)
      )
    )
  notes = [_said(p.get('note', '') or '–' for p in group) for group in (one, other)]
  if len({p.get('note', '') for p in (*one, *other)}) > 1:
    yield f'THE NOTES DIFFER. A: {notes[0]}. B: {notes[1]}.'
  rows, notes, pairs = [], {}, list(_pairs(one, other))
  for mine, yours in pairs:
    key = mine[0]['name']
    means = [paired.mean(group, name, key, like) for group in (a, b)]
    parts = [_parts(m) for m in (*mine, *yours)]
    weights = [w for _, w in paired.in_order(runs, name, key, like)]
    alike = all(p == parts[0] for p in parts) and all(
      np.allclose(w, weights[0], rtol=1e-5) for w in weights
    )
    rows.append(_row(mine, yours, means[1].minus(means[0]).interval, alike))
    if not alike:
      notes[key] = _unlike(key, parts[0], next((p for p in parts if p != parts[0]), {}))
  head = ('measure', 'A', 'B', 'B - A', '95 % of B - A', 'better', 'counted')
  yield score_table.markdown(head, rows) if rows else 'No measure is in both.'
  if notes:
    yield '\n'.join(f'- {note}' for note in notes.values())
  if pairs:
    mine, yours = pairs[0]
    if mine[0]['name'] not in notes:
      yield _votes(a, b, name, mine[0])
    yield from _details(mine, yours)


def _pairs(one, other):
  """(measure of each run of A, of each run of B) of what all of them measure."""
  named = [
    {(m['name'], m['unit']): m for m in protocol['measures']}
    for protocol in (*one, *other)
  ]
  for key in _in_all(named):
    measures = [run[key] for run in named]
    yield measures[: len(one)], measures[len(one) :]


def _parts(measure):
  """{joint or other column: how often it is counted}, of those that are."""
  return {k: f['count'] for k, f in measure['columns'].items() if f['count']}


def _unlike(name, mine, yours):
  """What a reader is told of figures that are not of the same joints."""
  said = f'{name}: A and B count DIFFERENT JOINTS, so neither is called better: '
  only = [
    f'only in {which} {", ".join(names)}'
    for which, names in (
      ('A', [n for n in mine if n not in yours]),
      ('B', [n for n in yours if n not in mine]),
    )
    if names
  ]
  apart = ', '.join(only) or 'some are counted on fewer samples'
  return f'{said}{len(mine)} in A, {len(yours)} in B ({apart}).'


def _row(mine, yours, ends, alike):
  measure, better, interval_cell = mine[0], '–', '–'
  unit, difference = measure['unit'], _difference(mine, yours)
  if difference is not None and alike and np.isfinite(ends).all():
    sure = ends[0] > 0 or ends[1] < 0
    better = 'AB'[(difference > 0) == measure['higher_is_better']] if sure else 'unsure'
    low, high = (score_table.number(end, unit, sign=True) for end in ends)
    interval_cell = f'{low} to {high}'
  counts = dict.fromkeys(f'{m["count"]:,}' for m in (*mine, *yours))
  values = _values(mine, yours, unit)
  return (
    f'{measure["name"]}, {unit}',
    *values,
    interval_cell,
    better,
    ' / '.join(counts),
  )


def _mean(figures):
  """Of the runs; None where one has no value."""
  values = [figure['value'] for figure in figures]
  return None if None in values else float(np.mean(values))


def _difference(mine, yours):
  """B - A of two groups' figures; None where one has no value."""
  value, other = _mean(mine), _mean(yours)
  return None if value is None or other is None else other - value


def _values(mine, yours, unit):
  """Cells: A, B, and B - A."""
  return (
    *(score_table.number(_mean(figures), unit) for figures in (mine, yours)),
    score_table.number(_difference(mine, yours), unit, sign=True),
  )


def _votes(a, b, protocol, measure):
  """Sample by sample: the mean over the runs of each."""
  like, name = a[0], measure['name']
  found = [paired.in_order(runs, protocol, name, like) for runs in (a, b)]
  both = np.all([w > 0 for group in found for _, w in group], axis=0)
  one, other = (np.mean([v for v, _ in group], axis=0) for group in found)
  change = (other - one)[both] * (1 if measure['higher_is_better'] else -1)
  plan = paired.plan_of(like, protocol)
  seeds = f', and {len(a)} seeds' * (len(a) > 1)
  return (
    f'{name} sample by sample: B is better on {(change > 0).sum():,} of '
    f'{both.sum():,}, worse on {(change < 0).sum():,}, the same on '
    f'{(change == 0).sum():,}. Intervals: {plan.units:,} {plan.kind}{seeds} resampled.'
  )


def _details(mine, yours):
  """Groups and columns of the main measure."""
  unit = mine[0]['unit']
  every = [m['groups'] | {'part': m['columns']} for m in (*mine, *yours)]
  for grouping in _in_all(every):
    of = [measure[grouping] for measure in every]
    rows = [
      (
        score_table.readable(label),
        *_values(
          [figures[label] for figures in of[: len(mine)]],
          [figures[label] for figures in of[len(mine) :]],
          unit,
        ),
      )
      for label in _in_all(of)
    ]
    if rows:
      head = (f'{mine[0]["name"]} by {grouping}', 'A', 'B', 'B - A')
      yield score_table.markdown(head, rows)
