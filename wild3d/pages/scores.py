"""Results as one HTML file: tables, curves, bars, the worst samples and random ones."""

import datetime
import json
import os
from collections.abc import Callable, Sequence

import numpy as np

import wild3d
from wild3d.draw import charts, svg
from wild3d.pages import cards, page, sentences
from wild3d.protocols import lsp, score_table
from wild3d.protocols.result import Result
from wild3d.protocols.samples import Predictions, Truth

SHOWN = 24
_MOST_COLUMNS = 4  # of numbers in a table; more of them make several tables
# What a caller can give for a sample: its picture, or a crop and where it lies.
Pictures = Callable[[int], bytes | tuple[bytes, np.ndarray] | None]


def write(
  results: Sequence[Result],
  predictions: Predictions,
  truth: Truth,
  out: str | os.PathLike,
  pictures: Pictures | None = None,
  *,
  seed: int = 0,
  header: dict | None = None,
) -> None:
  """Writes the page, whole or not at all; it needs no other file.

  Args:
    results: of these predictions and this truth, all of it.
    predictions: 2D, 3D or both.
    truth: the labels.
    out: the HTML file.
    pictures: place in the truth -> JPEG or PNG of the original picture; or of a crop,
      with the affine [2, 3] from px of the crop to px of the original; or None.
    seed: chooses the random samples.
    header: where they come from, as in the JSON: command, workdir, step, config, ...

  Raises:
    UserError: the file cannot be written.
  """
  names = ', '.join(r.protocol.name for r in results)
  pictures = pictures or (lambda _: None)
  shown = []
  for needs in ('3d', '2d'):
    first = next((r for r in results if r.protocol.needs == needs), None)
    if first is not None:
      title, rows, values = _worst(first, predictions, truth)
      shown.append((title, rows, values))
  rows = results[0].rows
  chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:SHOWN])
  _, value = _badness(results[0], predictions, truth)
  title = f'{len(chosen)} random samples (seed {seed})'
  shown.append((title, rows[chosen], [value(i) for i in chosen]))
  page.write(
    out,
    'scores.html',
    title=f'Scores: {names}',
    names=names,
    version=wild3d.__version__,
    date=datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%d %H:%M UTC'),
    samples=f'{len(truth):,}',
    header=[(score_table.readable(k), *_fact(v)) for k, v in (header or {}).items()],
    results=list(_tables(results)),
    protocols=[_protocol(r, predictions, truth) for r in results],
    shown=[
      (
        title,
        [
          _card(int(row), value, predictions, truth, pictures)
          for row, value in zip(rows, values, strict=True)
        ],
      )
      for title, rows, values in shown
    ],
  )


def _fact(value):
  """(text, whether it is long and folded away) of a value of the header."""
  if isinstance(value, dict):
    return json.dumps(value, indent=1, default=str), True
  return str(value), False


def _tables(results):
  """(sentences, parts of a table) of each table."""
  (head, rows, _), *others = score_table.tables(results)
  for result in results:
    name = result.protocol.name
    own = [row[1:] for row in rows if row[0] == name]
    yield [sentences.of_result(result)], [([name, *head[2:]], own, 1)]
  for head, rows, _ in others:
    said = sentences.of_table(head, rows)
    if len(rows) < len(head):  # turned on its side, for the means stand last
      head, *rows = zip(head, *rows, strict=True)
    # As many columns as a phone has room for.
    parts = range(1, len(head), _MOST_COLUMNS)
    cut = lambda row, start: [row[0], *row[start : start + _MOST_COLUMNS]]  # noqa: E731
    yield (
      said,
      [(cut(head, start), [cut(row, start) for row in rows], 1) for start in parts],
    )


def _protocol(result, predictions, truth):
  main = result.main
  drawn = []
  points, label, what = _curve(result, predictions, truth)
  if points:
    drawn.append((charts.shares(points, label), f'PCK curve of {what}'))
  # Others of the same parts would be bars over again: PCK, AUC; one limb's PCKh.
  # What counts nothing, as jitter of stills, says so in the table.
  of_other_parts = [
    m
    for m in result.measures
    if m.overall.count and not set(m.columns) <= set(main.columns)
  ]
  named = [(m, m.columns, 'part') for m in (main, *of_other_parts)]
  named += [(main, groups, grouping) for grouping, groups in main.groups.items()]
  for measure, figures, by in named:
    if figures:
      title = f'{measure.name} ({measure.unit}) by {by}, with 95 % intervals'
      rows = {
        name: (f.value, f.low, f.high, score_table.number(f.value, measure.unit))
        for name, f in figures.items()
      }
      drawn.append((charts.bars(rows, measure.unit, title), title))
  return {
    'name': result.protocol.name,
    'text': result.protocol.text,
    'source': result.protocol.source,
    'sentence': score_table.sentence(result),
    'charts': drawn,
  }


def _curve(result, predictions, truth):
  """(points, label of the axis, what of); no points where there are no distances."""
  measure = next((m for m in result.measures if m.curve), None)
  if measure is not None:
    return measure.curve, 'threshold, mm', f'{measure.name}: strictly below'
  if not _has_distances2d(result, truth):
    return (), '', ''
  distances, unit = _distances2d(result, predictions, truth)
  distances = np.sort(distances[np.isfinite(distances)])
  thresholds = np.linspace(0.0, 0.6 if unit == 'torso lengths' else 1.2, 61)
  # Inclusive, as the protocols; a float's breath above, for 0.01 x 50 is not 0.5.
  within = np.searchsorted(distances, thresholds * (1 + 1e-12), side='right')
  shares = 100.0 * within / max(1, distances.size)
  points = list(zip(thresholds.tolist(), shares.tolist(), strict=True))
  return points, f'threshold, {unit}', 'all labelled joints, each alike'


def _has_distances2d(result, truth):
  joints_alone = set(result.main.columns) <= set(truth.joints)
  return result.protocol.needs == '2d' and result.main.unit == '%' and joints_alone


def _distances2d(result, predictions, truth):
  """[n, K] of the main measure's joints, NaN where not labelled, and the unit."""
  torso = result.protocol.name == lsp.PCK_TORSO.name
  size = (lsp.torso_length(truth) if torso else truth.head_size)[result.rows]
  at = [truth.joints.index(name) for name in result.main.columns]
  offset = predictions.joints2d[result.rows] - truth.joints2d[result.rows]
  distances = np.linalg.norm(offset[:, at].astype(np.float64), axis=-1)
  size = np.where(size > 0, size, np.nan)[:, None]
  return distances / size, 'torso lengths' if torso else 'head sizes'


def _badness(result, predictions, truth):
  """([n], larger is worse, -inf where not scored), and place -> text of the value.

  A share of few joints has many ties: distances rank instead where there are any.
  """
  main = next((m for m in result.measures if m.curve), result.main)
  worse, name, unit = main.values, main.name, main.unit
  if _has_distances2d(result, truth):
    distances, unit = _distances2d(result, predictions, truth)
    known = np.isfinite(distances)
    worse = np.where(known, distances, 0).sum(1) / np.maximum(known.sum(1), 1)
    name = 'mean distance'
  elif main.higher_is_better:
    worse = -worse

  def text(i):
    if not main.weights[i]:
      return 'nothing counted'
    return f'{name} {score_table.number(abs(float(worse[i])), unit)} {unit}'

  return np.where(main.weights > 0, worse, -np.inf), text


def _worst(result, predictions, truth):
  worse, text = _badness(result, predictions, truth)
  order = np.argsort(-worse, kind='stable')[:SHOWN]
  order = [i for i in order if np.isfinite(worse[i])]
  title = f'The worst {len(order)} of {result.protocol.name}'
  return title, result.rows[order], [text(i) for i in order]


def _card(row, value, predictions, truth, pictures):
  found = pictures(row)
  picture, affine = found if isinstance(found, tuple) else (found, None)

  def both(field):
    pair = (getattr(predictions, field), getattr(truth, field))
    return [None if j is None else cards.as_mpii(j[row], truth.joints) for j in pair]

  return cards.Card(
    str(truth.ids[row]),
    cards.of_pair(*both('joints2d'), picture, affine),
    [] if predictions.joints3d is None else svg.views(*both('joints3d')),
    value,
    tuple(tag for tag in (str(truth.subject[row]), str(truth.action[row])) if tag),
  )
