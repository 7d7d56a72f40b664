"""Two files of scores side by side, with what their difference is worth."""

import numpy as np

from wild3d.errors import UserError
from wild3d.protocols import score_table
from wild3d.protocols.bootstrap import Bootstrap, interval
from wild3d.protocols.scores_json import Scores

_LISTED = 5  # ids named in a message


def compare(a: Scores, b: Scores) -> str:
  """Markdown: each protocol that both have, A beside B, and B minus A.

  The differences are paired: each resample takes the same sequences (or samples,
  where there are none) of A and of B, so that what makes a sample hard for both
  does not widen the interval. A difference whose interval does not hold 0 is marked.

  Raises:
    UserError: no protocol is in both; the samples of one that is in both differ.
  """
  parts = [_sources(a, b), *_protocols(a, b)]
  for name in (name for name in a.others if name in b.others):
    parts += [f'# {name}', *_protocols(a.others[name], b.others[name])]
  return '\n\n'.join(parts) + '\n'


def _protocols(a, b):
  common = [name for name in a.protocols if name in b.protocols]
  if not common:
    raise UserError(
      f'no protocol is in both: {a.path} has {", ".join(a.protocols) or "none"}, '
      f'{b.path} has {", ".join(b.protocols) or "none"}'
    )
  for name in common:
    yield from _protocol(a, b, name)
  for scores, other in ((a, b), (b, a)):
    alone = [name for name in scores.protocols if name not in other.protocols]
    if alone:
      yield f'Only in {scores.path}: {", ".join(alone)}'


def _sources(a, b):
  keys = list(dict.fromkeys((*a.header, *b.header)))
  rows = [('file', a.path, b.path), ('software', a.software, b.software)]
  rows += [(key, a.header.get(key, '–'), b.header.get(key, '–')) for key in keys]
  short = [[f'{text!s:.100}' for text in row] for row in rows]
  return score_table.markdown(('', 'A', 'B'), short, left=3)


def _protocol(a, b, name):
  one, other = a.protocols[name], b.protocols[name]
  order = _same_samples(a, b, name)
  yield f'## {name}'
  if one['text'] == other['text']:
    yield 'The text of the protocol is the same in both files.'
  else:
    yield (
      'THE TEXTS OF THE PROTOCOL DIFFER: the figures may not be of one kind.\n\n'
      f'- A: {one["text"]}\n- B: {other["text"]}'
    )
  if one.get('note', '') != other.get('note', ''):
    yield f'THE NOTES DIFFER. A: {one.get("note", "–")}. B: {other.get("note", "–")}.'
  mine, yours = a.samples[name], b.samples[name]
  plan = Bootstrap.of(mine.unit, str(one['interval']['resampled']))
  theirs = {(m['name'], m['unit']): m for m in other['measures']}
  rows, notes, samples = [], {}, {}
  pairs = [
    (m, theirs[m['name'], m['unit']])
    for m in one['measures']
    if (m['name'], m['unit']) in theirs
  ]
  for measure, other_measure in pairs:
    key = measure['name']
    samples[key] = mine.measures[key], [x[order] for x in yours.measures[key]]
    means = [
      plan.means(np.nan_to_num(values)[:, None], weights[:, None])[:, 0, 0]
      for values, weights in samples[key]
    ]
    parts = _parts(measure), _parts(other_measure)
    weights = [weights for _, weights in samples[key]]
    alike = parts[0] == parts[1] and np.allclose(*weights, rtol=1e-5)
    rows.append(_row(measure, other_measure, interval(means[1] - means[0]), alike))
    if not alike:
      notes[key] = _unlike(key, *parts)
  head = ('measure', 'A', 'B', 'B - A', '95 % of B - A', 'better', 'counted')
  yield score_table.markdown(head, rows) if rows else 'No measure is in both.'
  if notes:
    yield '\n'.join(f'- {note}' for note in notes.values())
  if pairs:
    main, key = pairs[0][0], pairs[0][0]['name']
    if key not in notes:
      yield _votes(*samples[key], main, plan)
    yield from _details(*pairs[0])


def _same_samples(a, b, name):
  """[n]: where A's samples are among B's."""
  mine, yours = a.samples[name].ids, b.samples[name].ids
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
      f'{name} scores different samples in the two files: {"; ".join(differences)}; '
      'differences are of the same samples, so score both on the same truth'
    )
  if len(np.unique(mine)) != len(mine) or len(yours) != len(mine):
    raise UserError(f'{name}: an id is there twice in {a.path} or {b.path}')
  place = np.argsort(yours)
  return place[np.searchsorted(yours, mine, sorter=place)]


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
  unit, better, interval_cell = mine['unit'], '–', '–'
  difference = _difference(mine, yours)
  if difference is not None and alike and np.isfinite(ends).all():
    sure = ends[0] > 0 or ends[1] < 0
    better = 'AB'[(difference > 0) == mine['higher_is_better']] if sure else 'unsure'
    low, high = (score_table.number(end, unit, sign=True) for end in ends)
    interval_cell = f'{low} to {high}'
  counts = dict.fromkeys((f'{mine["count"]:,}', f'{yours["count"]:,}'))
  values = _values(mine, yours, unit)
  return f'{mine["name"]}, {unit}', *values, interval_cell, better, ' / '.join(counts)


def _difference(mine, yours):
  """B - A of two figures; None where one has no value."""
  value, other = mine['value'], yours['value']
  return None if value is None or other is None else other - value


def _values(mine, yours, unit):
  """Cells: A, B, and B - A."""
  return (
    *(score_table.number(figure['value'], unit) for figure in (mine, yours)),
    score_table.number(_difference(mine, yours), unit, sign=True),
  )


def _votes(mine, yours, measure, plan):
  (values, weights), (other, other_weights) = mine, yours
  both = (weights > 0) & (other_weights > 0)
  change = (other - values)[both] * (1 if measure['higher_is_better'] else -1)
  return (
    f'{measure["name"]} sample by sample: B is better on {(change > 0).sum():,} of '
    f'{both.sum():,}, worse on {(change < 0).sum():,}, the same on '
    f'{(change == 0).sum():,}. Intervals: {plan.units:,} {plan.kind} resampled.'
  )


def _details(mine, yours):
  """Groups and columns of the main measure."""
  unit = mine['unit']
  theirs = yours['groups'] | {'part': yours['columns']}
  for grouping, of in (mine['groups'] | {'part': mine['columns']}).items():
    others = theirs.get(grouping, {})
    rows = [
      (score_table.readable(label), *_values(of[label], others[label], unit))
      for label in of
      if label in others
    ]
    if rows:
      head = (f'{mine["name"]} by {grouping}', 'A', 'B', 'B - A')
      yield score_table.markdown(head, rows)
