"""Results as Markdown tables like the papers': overall, by group, by joint."""

import math
import unicodedata
from collections.abc import Sequence

from wild3d.protocols.figures import Figure, Scored


def table(results: Sequence) -> str:
  """Markdown of `result.Result`s, also readable in a terminal: see `tables`."""
  first, *others = (markdown(*table) for table in tables(results))
  notes = '\n'.join(f'- {r.protocol.name}: {sentence(r)}' for r in results)
  return '\n\n'.join([first, notes, *others]) + '\n'


def tables(results: Sequence) -> list[tuple[list[str], list[list[str]], int]]:
  """(heads, rows, how many columns are text) of each table.

  One of all measures; one for each grouping, with a column a group (actions,
  scenarios), the mean over groups where the protocol has it, and all samples; and
  for protocols without groups one by joint, right and left together.
  """
  return [_overall(results), *_by_group(results), *_by_joint(results)]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
  """A table; the first `left` columns are flushed left, the others right."""
  head, *rows = ([_cell(text) for text in row] for row in (head, *rows))
  widths = [max(3, *map(len, column)) for column in zip(head, *rows, strict=True)]
  rule = ['-' * w if i < left else '-' * (w - 1) + ':' for i, w in enumerate(widths)]
  pad = lambda i, text: text.ljust(widths[i]) if i < left else text.rjust(widths[i])  # noqa: E731
  lines = [head, rule, *rows]
  return '\n'.join(
    f'| {" | ".join(pad(i, text) for i, text in enumerate(line))} |' for line in lines
  )


def number(value: float | None, unit: str, sign: bool = False) -> str:
  """With the digits that its unit deserves; '–' for NaN or None."""
  if value is None or not math.isfinite(value):
    return '–'
  places = '.2f' if unit in ('%', 'mm') or unit.startswith('mm/') else '#.3g'
  return f'{value:{"+" if sign else ""}{places}}'.rstrip('.')


def span(figure: Figure, unit: str) -> str:
  """The interval, such as '61.20 to 63.02'."""
  if not math.isfinite(figure.low):
    return '–'
  return f'{number(figure.low, unit)} to {number(figure.high, unit)}'


def sentence(result) -> str:
  """What was scored, and what the interval is of."""
  text = (
    f'{result.given:,} samples given, {len(result.rows):,} selected, '
    f'{result.scored:,} scored'
  )
  if result.scored < len(result.rows):
    text += f' ({len(result.rows) - result.scored:,} have nothing to count)'
  text += ', {} {}'.format(*result.counted)
  text += f' ({result.note})' * bool(result.note)
  return f'{text}; 95 % interval from resampling {result.units:,} {result.resampled}'


def parts_of(result) -> list[Scored]:
  """Measures of some of the main one's columns: a limb's, beside the total."""
  whole = set(result.main.columns)
  return [m for m in result.measures[1:] if set(m.columns) < whole]


def sides_together(scored: Scored) -> dict[str, float]:
  """Column values, right and left in one; weighed by count in a pooled mean."""
  sums = {}
  for name, figure in scored.columns.items():
    weight = figure.count if scored.average == 'pooled' else min(figure.count, 1)
    both = name.removeprefix('right_').removeprefix('left_')
    total, weights = sums.get(both, (0.0, 0))
    value = figure.value if figure.count else 0.0
    sums[both] = (total + weight * value, weights + weight)
  return {n: total / w if w else math.nan for n, (total, w) in sums.items()}


def readable(name: str) -> str:
  """'right_upper_leg' as 'right upper leg'."""
  return name.replace('_', ' ')


def _overall(results):
  rows = []
  for result in results:
    parts = parts_of(result)
    for m in result.measures:
      if m not in parts:
        unit = '' if m.unit == 'ratio^2' else f', {m.unit}'
        arrow = '↑' if m.higher_is_better else '↓'
        name = f'{m.name}{unit} {arrow}'
        value, ends = number(m.overall.value, m.unit), span(m.overall, m.unit)
        rows.append([result.protocol.name, name, value, ends, f'{m.overall.count:,}'])
  return ['protocol', 'measure', 'value', '95 % interval', 'counted'], rows, 2


def _by_group(results):
  """One table for all protocols that have the same groups."""
  tables = {}
  for result in results:
    for grouping in result.protocol.groups:
      for m in result.measures:
        groups = m.groups[grouping]
        if not groups:
          continue
        row = [f'{result.protocol.name} {m.name}']
        row += [number(f.value, m.unit) for f in groups.values()]
        mean = m.group_means[grouping] if _has_mean(result, grouping) else None
        row += [number(mean and mean.value, m.unit), number(m.overall.value, m.unit)]
        tables.setdefault((grouping, tuple(groups)), []).append(row)
  for (grouping, labels), rows in tables.items():
    head = [f'by {readable(grouping)}', *labels, 'mean of these', 'all samples']
    if all(row[-2] == '–' for row in rows):
      head, *rows = ([*row[:-2], row[-1]] for row in (head, *rows))
    yield head, rows, 1


def _has_mean(result, grouping):
  return result.protocol.group_mean and grouping == next(iter(result.protocol.groups))


def _by_joint(results):
  for result in results:
    main, parts = result.main, parts_of(result)
    if result.protocol.groups:
      continue
    columns = {part.name: part.overall.value for part in parts}
    columns = columns or sides_together(main)
    head = [f'{result.protocol.name} {main.name}', *map(readable, columns), 'all']
    values = [
      number(value, main.unit) for value in (*columns.values(), main.overall.value)
    ]
    yield head, [[main.unit, *values]], 1


def _cell(text):
  """Text that cannot end a cell, nor steer a terminal."""
  kept = (' ' if unicodedata.category(c).startswith('C') else c for c in str(text))
  return ''.join(kept).replace('|', '\\|')
