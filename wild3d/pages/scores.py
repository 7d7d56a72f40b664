"""Results as one HTML file: tables, curves, bars, the worst samples and random ones."""

import datetime
import json
import os
from collections.abc import Callable, Sequence
from html import escape

import numpy as np

import wild3d
from wild3d import files
from wild3d.draw import pixels, pose_pair, score_charts
from wild3d.pages import page as page_frame
from wild3d.protocols import lsp, score_table
from wild3d.protocols.result import Result
from wild3d.protocols.samples import Predictions, Truth

SHOWN = 24
_MOST_COLUMNS = 12  # a table of more is turned on its side, for the means stand last
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
  now = datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%d %H:%M UTC')
  card = _Card(predictions, truth, pictures or (lambda _: None))
  body = [
    f'<header><h1>Scores</h1><p>{escape(names)}</p><p class="note">'
    f'wild3d {wild3d.__version__}, {now}. {len(truth):,} samples.</p></header>',
    _facts(header or {}),
    _section('Results', [_html_table(*t) for t in score_table.tables(results)]),
    *(_protocol(r, predictions, truth) for r in results),
    _LEGEND,
  ]
  for needs in ('3d', '2d'):
    first = next((r for r in results if r.protocol.needs == needs), None)
    if first is not None:
      title, rows, values = _worst(first, predictions, truth)
      cards = [card.html(row, value) for row, value in zip(rows, values, strict=True)]
      body.append(_section(title, [_grid(cards)]))
  rows = results[0].rows
  chosen = np.random.default_rng(seed).permutation(len(rows))[:SHOWN]
  _, value = _badness(results[0], predictions, truth)
  cards = [card.html(rows[i], value(i)) for i in np.sort(chosen)]
  body.append(_section(f'{len(cards)} random samples (seed {seed})', [_grid(cards)]))
  colours = {k: f'rgb{v}' for k, v in pixels.COLOURS.items()}
  style = _STYLE.format(**colours, true=f'rgb{pixels.TRUTH}')
  files.write(out, page_frame.page(f'Scores: {names}', style, '\n'.join(body)))


def _facts(header):
  """The header of the JSON, what is long folded away."""
  rows = ''.join(
    f'<dt>{escape(score_table.readable(key))}</dt><dd>{_fact(value)}</dd>'
    for key, value in header.items()
  )
  return f'<dl>{rows}</dl>' if rows else ''


def _fact(value):
  if not isinstance(value, dict):
    return escape(str(value))
  text = escape(json.dumps(value, indent=1, default=str))
  return f'<details><summary>show</summary><pre>{text}</pre></details>'


def _protocol(result, predictions, truth):
  main = result.main
  charts = []
  points, label, what = _curve(result, predictions, truth)
  if points:
    charts.append((score_charts.curve(points, label), f'PCK curve of {what}'))
  # Others of the same parts would be bars over again: PCK, AUC; one limb's PCKh.
  # What counts nothing, as jitter of stills, says so in the table.
  of_other_parts = [
    m
    for m in result.measures
    if m.overall.count and not set(m.columns) <= set(main.columns)
  ]
  for measure in (main, *of_other_parts):
    title = f'{measure.name} ({measure.unit}) by part, with 95 % intervals'
    charts.append((score_charts.bars(measure.columns, measure.unit, title), title))
  for grouping, groups in main.groups.items():
    if groups:
      title = f'{main.name} ({main.unit}) by {grouping}, with 95 % intervals'
      charts.append((score_charts.bars(groups, main.unit, title), title))
  figures = ''.join(
    f'<figure>{svg}<figcaption>{escape(text)}</figcaption></figure>'
    for svg, text in charts
  )
  return _section(
    result.protocol.name,
    [
      f'<p class="text">{escape(result.protocol.text)}</p>',
      f'<p class="note">Source: {escape(result.protocol.source)}</p>',
      f'<p class="note">{escape(score_table.sentence(result))}</p>',
      f'<div class="charts">{figures}</div>',
    ],
  )


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


class _Card:
  """Draws samples of one truth."""

  def __init__(self, predictions, truth, pictures):
    self._predictions, self._truth, self._pictures = predictions, truth, pictures

  def html(self, row, value):
    predictions, truth, row = self._predictions, self._truth, int(row)
    found = self._pictures(row)
    picture, affine = found if isinstance(found, tuple) else (found, None)

    def both(field):
      pair = (getattr(predictions, field), getattr(truth, field))
      return [
        None if j is None else pose_pair.as_mpii(j[row], truth.joints) for j in pair
      ]

    drawn = pose_pair.flat(*both('joints2d'), picture, affine)
    if predictions.joints3d is not None:
      drawn += pose_pair.solid(*both('joints3d'))
    tags = [str(truth.subject[row]), str(truth.action[row])]
    chips = ''.join(f'<span>{escape(tag)}</span>' for tag in tags if tag)
    return (
      f'<article>{drawn or "<p>No joints.</p>"}<h3>{escape(str(truth.ids[row]))}</h3>'
      f'<p class="chips"><b>{escape(value)}</b>{chips}</p></article>'
    )


def _grid(cards):
  return f'<div class="cards">{"".join(cards)}</div>'


def _section(title, parts):
  return f'<section><h2>{escape(title)}</h2>{"".join(parts)}</section>'


def _html_table(head, rows, left):
  if len(head) > _MOST_COLUMNS and len(rows) < len(head):
    head, *rows = zip(head, *rows, strict=True)

  def row(texts, tag):
    cells = (
      f'<{tag}{" class=text-cell" if i < left else ""}>{escape(text)}</{tag}>'
      for i, text in enumerate(texts)
    )
    return f'<tr>{"".join(cells)}</tr>'

  body = ''.join(row(texts, 'td') for texts in rows)
  return (
    f'<div class="scroll"><table><thead>{row(head, "th")}</thead>'
    f'<tbody>{body}</tbody></table></div>'
  )


def _swatch(name, kind):
  return f'<span><i class="{kind}"></i>{name}</span>'


_LEGEND = (
  '<p class="legend">Predicted: '
  + _swatch("the person's left", 'left')
  + _swatch("the person's right", 'right')
  + _swatch('trunk and head', 'trunk')
  + _swatch('the true pose', 'true')
  + '3D in camera axes, minus the pelvis, in mm as given; from the side the camera is '
  'on the left.</p>'
)

_STYLE = """
:root {{ --left: {left}; --right: {right}; --trunk: {trunk}; --true: {true}; }}
h1 {{ font-size: 1.8rem; margin: 0 0 .3rem; }}
h2 {{ font-size: 1.25rem; margin: 2.4rem 0 .8rem; padding-bottom: .3rem;
 border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }}
h3 {{ font: 600 .78rem/1.35 ui-monospace, 'SF Mono', Menlo, monospace;
 margin: .6rem .8rem .3rem; overflow-wrap: anywhere; }}
header p {{ margin: .2rem 0; overflow-wrap: anywhere; }}
.text {{ max-width: 62rem; font-size: .92rem; margin: .3rem 0; }}
.note {{ color: var(--soft); font-size: .84rem; margin: .2rem 0; }}
.scroll {{ overflow-x: auto; margin: 0 0 1.2rem; }}
table {{ border-collapse: collapse; font-size: .88rem;
 font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem .7rem; text-align: right; white-space: nowrap;
 border-bottom: 1px solid var(--line); }}
th {{ font-size: .8rem; white-space: normal; vertical-align: bottom; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem;
 font-size: .84rem; margin: .8rem 0; }}
dt {{ color: var(--soft); }} dd {{ margin: 0; overflow-wrap: anywhere; }}
pre {{ max-height: 24rem; overflow: auto; }}
.text-cell {{ text-align: left; }}
td:first-child {{ font-weight: 600; }}
.charts {{ display: grid; gap: 1rem; margin-top: .8rem; align-items: start;
 grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); }}
figure {{ margin: 0; }}
.charts figure {{ background: var(--card); border-radius: 10px; padding: .8rem; }}
svg {{ width: 100%; height: auto; display: block; }}
.label {{ font-size: 10.5px; fill: var(--soft); }}
.value {{ font-size: 10.5px; fill: var(--ink); font-variant-numeric: tabular-nums; }}
.charts svg text {{ font-size: 10.5px; fill: var(--soft); }}
.charts svg text.value {{ fill: var(--ink); }}
.axis {{ stroke: var(--line); }}
.area {{ fill: var(--accent); opacity: .1; }}
.curve {{ fill: none; stroke: var(--accent); stroke-width: 1.8; }}
.dot {{ fill: var(--accent); }}
.bar.plain {{ fill: #7b8798; }} .bar.left {{ fill: var(--left); }}
.bar.right {{ fill: var(--right); }}
.bar {{ opacity: .75; }}
.whisker {{ stroke: var(--ink); stroke-width: 1.2; }}
.hit {{ fill: transparent; }}
figcaption {{ color: var(--soft); font-size: .78rem; margin-top: .4rem; }}
.legend {{ margin: 2.4rem 0 0; font-size: .88rem; color: var(--soft); }}
.legend span {{ display: inline-block; margin-right: 1.2rem; color: var(--ink); }}
.legend i {{ display: inline-block; width: 1.4em; height: .5em; border-radius: .25em;
 margin-right: .45em; vertical-align: .1em; }}
.legend .left {{ background: var(--left); }} .legend .right {{ background: var(--right); }}
.legend .trunk {{ background: var(--trunk); }} .legend .true {{ background: var(--true); }}
.cards {{ display: grid; gap: 1rem; align-items: start;
 grid-template-columns: repeat(auto-fill, minmax(min(100%, 240px), 1fr)); }}
article {{ background: var(--card); border-radius: 12px; overflow: hidden;
 padding-bottom: .7rem; }}
.flat {{ position: relative; aspect-ratio: 1; overflow: hidden; background: #2a2f38; }}
.flat img, .flat svg {{ position: absolute; inset: 0; width: 100%; height: 100%; }}
.solid {{ display: grid; grid-template-columns: 1fr 1fr; background: #fff; }}
.solid figure + figure {{ border-left: 1px solid #e6e8eb; }}
.solid figcaption {{ color: #5c6675; font-size: .7rem; text-align: center;
 margin: 0 0 .2rem; }}
.scale {{ stroke: #8b94a1; stroke-width: .8; }}
.scale-text {{ fill: #8b94a1; }}
article line {{ stroke-linecap: round; }}
.edge {{ stroke: #fff; stroke-opacity: .85; }}
line.left {{ stroke: var(--left); }} line.right {{ stroke: var(--right); }}
line.trunk {{ stroke: var(--trunk); }} line.true {{ stroke: var(--true); }}
circle.left {{ fill: var(--left); }} circle.right {{ fill: var(--right); }}
circle.trunk {{ fill: var(--trunk); }} circle.true {{ fill: var(--true); }}
.chips {{ margin: 0 .8rem; display: flex; flex-wrap: wrap; gap: .3rem .6rem;
 font-size: .76rem; align-items: baseline; }}
.chips span {{ border: 1px solid var(--line); border-radius: 1em; padding: 0 .6em; }}
.broken {{ color: #cfd5de; text-align: center; padding: 3rem 1rem; margin: 0; }}
"""
