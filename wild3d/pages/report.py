"""A run as one HTML file: tables, curves, pictures, conventions, settings.

The file holds everything that it shows. It can be mailed, and read on a phone.
"""

import base64
import datetime
import io
import math
import os
import platform
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from etils import epath
from PIL import Image

import wild3d
from wild3d import files
from wild3d.draw import line_chart, pixels
from wild3d.errors import UserError
from wild3d.pages import page as page_frame
from wild3d.protocols import baselines

# What a name tells where the caller says nothing: the first row with a fragment
# that is part of the name -> (unit, whether higher is better).
_KINDS = (
  (('pck', 'auc'), ('share', True)),
  (('mpjpe', 'left_right', '_mm'), ('mm', False)),
  (('loss', 'heatmap', 'depth', 'geometric', 'temporal'), ('', False)),
)

_CONVENTIONS = (
  ('Units', '3D joints are in millimetres. 2D joints are in pixels of the picture.'),
  (
    'Axes',
    'Camera axes: x to the right of the picture, y down, z away from the camera.',
  ),
  ('Root', 'The pelvis is the origin: every 3D joint is given minus the pelvis.'),
  (
    'Scale',
    'One photograph does not tell how large a person is. The network gives x, y '
    'and z in units of the crop; millimetres come from scaling the skeleton to a '
    'known or an average size, as the metric or the command says.',
  ),
  (
    'Pixels',
    'Continuous: (0, 0) is the top left corner of the top left pixel, whose '
    'centre is (0.5, 0.5).',
  ),
  ('Left, right', "The person's own, not the viewer's."),
  ('Joints', 'The 16 joints of MPII, in the order of wild3d.skeleton.JOINTS.'),
)


def write(
  path: str | os.PathLike,
  *,
  title: str,
  intro: str,
  stages: Sequence[Mapping],
  curves: Mapping[str, Sequence],
  samples: Sequence[Mapping],
  settings: Mapping[str, object],
  metrics: Mapping[str, tuple] | None = None,
) -> None:
  """Writes the report; readers see the old file or the new one, never a part.

  Args:
    path: the HTML file; its folder is made if need be.
    title: heading.
    intro: text below it; an empty line begins a new paragraph.
    stages: dicts with `name`, `step` (optimiser steps of the whole run when it
      was scored, at the stage's end) and `rows`: row label to metric name to
      number. The best number of a column is emphasised. Rows named in
      baselines.NAMES are set apart.
    curves: name to (step, value) pairs in order of step.
    samples: dicts with `id`, `image` uint8 [H,W,3], `predicted2d` and `true2d`
      [J,2] px of the image, `visible` bool [J], `predicted3d` and `true3d` [J,3]
      mm, camera axes, minus the root; optionally `note`, a line of text.
      `true2d`, `true3d` and `visible` may be None.
    settings: name to value. `config` is shown as text of its own. `version`,
      `date` and `hardware` are filled in unless given.
    metrics: name to (unit, whether higher is better, what it is), such as
      evaluate.METRICS; explained below the tables. Other names speak for
      themselves.

  Raises:
    UserError: `path` is a folder.
  """
  path = epath.Path(path)
  if path.is_dir():
    raise UserError(f'{path} is a folder: give the name of the HTML file to write')
  metrics = metrics or {}
  ends = [(stage['step'], stage['name']) for stage in stages]
  results = [_stage(stage, metrics) for stage in stages]
  results += [_glossary(stages, metrics)] if stages else []
  body = [
    f'<header><h1>{escape(title)}</h1>{_paragraphs(intro)}</header>',
    _section('Results', results),
    _section('Curves', [_curves(curves, ends, metrics)] if curves else []),
    _section('Samples', [_LEGEND, *map(_sample, samples)] if samples else []),
    _section('Conventions', [_definitions(_CONVENTIONS)]),
    _section('Settings', [_settings(settings)]),
  ]
  files.write(path, page_frame.page(title, _STYLE, '\n'.join(body)))


def _kind(name, metrics):
  """A metric's (unit, whether higher is better); None where nothing says it."""
  last = name.split('/')[-1]
  if last in metrics:
    return metrics[last][:2]
  for fragments, kind in _KINDS:
    if any(fragment in last for fragment in fragments):
      return kind
  return '', None


def _section(title, parts):
  return f'<section><h2>{title}</h2>{"".join(parts)}</section>' if parts else ''


def _paragraphs(text):
  return ''.join(f'<p>{escape(p)}</p>' for p in text.split('\n\n') if p.strip())


def _definitions(pairs):
  items = (f'<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>' for k, v in pairs)
  return f'<dl>{"".join(items)}</dl>'


def _stage(stage, metrics):
  rows = stage['rows']
  names = list(dict.fromkeys(name for row in rows.values() for name in row))
  kinds = {name: _kind(name, metrics) for name in names}
  head = ''.join(_heading(name, *kinds[name]) for name in names)
  best = {n: _best([row.get(n) for row in rows.values()], kinds[n][1]) for n in names}
  lines = []
  for label, row in rows.items():
    cells = ''.join(_cell(row.get(n), kinds[n][0], best[n]) for n in names)
    kind = ' class="baseline"' if label in baselines.NAMES else ''
    lines.append(f'<tr{kind}><th scope="row">{escape(label)}</th>{cells}</tr>')
  return (
    f'<h3>{escape(stage["name"])} <small>after step {stage["step"]:,}</small></h3>'
    f'<div class="scroll"><table><thead><tr><td></td>{head}</tr></thead>'
    f'<tbody>{"".join(lines)}</tbody></table></div>'
  )


def _heading(name, unit, higher):
  arrow = {True: '↑', False: '↓', None: ''}[higher]
  hint = escape(f'{arrow} {unit}'.strip())
  return f'<th scope="col">{escape(_readable(name))} <small>{hint}</small></th>'


def _readable(name):
  return name.removesuffix('_mm').replace('_', ' ')


def _best(values, higher):
  """The best of a column, or None if there is nothing to choose from."""
  numbers = [v for v in values if v is not None and math.isfinite(v)]
  if higher is None or len(numbers) < 2:
    return None
  return max(numbers) if higher else min(numbers)


def _cell(value, unit, best):
  if value is None or not math.isfinite(value):
    return '<td>–</td>'
  places = {'mm': '.1f', 'share': '.3f'}.get(unit, '.4g')
  kind = ' class="best"' if value == best else ''
  return f'<td{kind}>{value:{places}}</td>'


def _glossary(stages, metrics):
  """What each metric shown in the tables is, where the caller tells."""
  shown = {n for stage in stages for row in stage['rows'].values() for n in row}
  known = [(_readable(n), kind[2]) for n, kind in metrics.items() if n in shown]
  note = '<p class="note">↑ higher is better, ↓ lower is better; – not measured.</p>'
  return note + (_definitions(known) if known else '')


def _curves(curves, ends, metrics):
  charts = []
  for name, points in curves.items():
    unit, higher = _kind(name, metrics)
    label = f'{_readable(name)}, {unit}' if unit else _readable(name)
    # Losses fall by orders of magnitude; scores and distances in mm do not.
    log = higher is False and not unit
    chart = line_chart.svg(points, label=label, log=log, boundaries=ends)
    charts.append(f'<figure>{chart}</figure>')
  note = '<p class="note">Dashed lines: the end of the training stage named there.</p>'
  return f'<div class="charts">{"".join(charts)}</div>{note if ends else ""}'


def _sample(sample):
  image, visible = sample['image'], sample.get('visible')
  predicted3d, true3d = sample['predicted3d'], sample.get('true3d')
  limits = pixels.bounds(predicted3d, true3d)
  name = sample['id']
  pictures = [
    _picture(pixels.overlay(image, sample['predicted2d']), 'predicted, 2D', name),
    _picture(
      pixels.views(predicted3d, true3d, limits=limits),
      'predicted, 3D' + ('' if true3d is None else ' (true pose in grey)'),
      name,
    ),
  ]
  if sample.get('true2d') is not None:
    truth = pixels.overlay(image, sample['true2d'], visible)
    pictures.append(_picture(truth, 'true, 2D', name))
  if true3d is not None:
    truth = pixels.views(true3d, limits=limits)
    pictures.append(_picture(truth, 'true, 3D', name))
  note = f'<p class="note">{escape(sample["note"])}</p>' if sample.get('note') else ''
  return (
    f'<article><h3>{escape(name)}</h3>{note}'
    f'<div class="sample">{"".join(pictures)}</div></article>'
  )


def _picture(image, caption, name):
  height, width = image.shape[:2]
  kind = 'wide' if width > 1.5 * height else 'square'
  return (
    f'<figure class="{kind}"><img src="{_data_uri(image)}" width="{width}" '
    f'height="{height}" alt="{escape(name)}: {escape(caption)}">'
    f'<figcaption>{escape(caption)}</figcaption></figure>'
  )


def _data_uri(image):
  """Photographs as JPEG; drawings, which have few colours, as PNG."""
  picture, buffer = Image.fromarray(np.asarray(image)), io.BytesIO()
  drawing = picture.getcolors(maxcolors=8192)
  if drawing:
    picture.quantize(128).save(buffer, 'PNG', optimize=True)
  else:
    picture.save(buffer, 'JPEG', quality=88, subsampling=0)
  data = base64.b64encode(buffer.getvalue()).decode()
  return f'data:image/{"png" if drawing else "jpeg"};base64,{data}'


def _settings(settings):
  now = datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%d %H:%M UTC')
  known = {
    'version': f'wild3d {wild3d.__version__}',
    'date': now,
    'hardware': f'{platform.machine()}, {os.cpu_count()} CPU cores',
  }
  config = settings.get('config')
  rows = known | {k: v for k, v in settings.items() if k != 'config'}
  text = f'<h3>config</h3><pre>{escape(str(config))}</pre>' if config else ''
  return _definitions(rows.items()) + text


def _swatch(name, rgb):
  return f'<span><i style="background:rgb{rgb}"></i>{name}</span>'


_LEGEND = (
  '<p class="legend">'
  + _swatch("the person's left", pixels.LEFT)
  + _swatch("the person's right", pixels.RIGHT)
  + _swatch('trunk and head', pixels.TRUNK)
  + _swatch('true pose', pixels.TRUTH)
  + '</p>'
)

_STYLE = """
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .6rem; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .8rem; padding-bottom: .3rem;
 border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .5rem; overflow-wrap: anywhere; }
small { color: var(--soft); font-weight: normal; }
header p { max-width: 44rem; margin: .5rem 0; }
.note { color: var(--soft); font-size: .85rem; margin: .3rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .8rem; text-align: right; white-space: nowrap;
 border-bottom: 1px solid var(--line); }
th:first-child { text-align: left; font-weight: 600; }
thead th { font-size: .85rem; white-space: normal; vertical-align: bottom; }
thead small { display: block; white-space: nowrap; }
.best { font-weight: 700; color: var(--accent); }
.baseline { color: var(--soft); }
.baseline th:first-child { font-weight: normal; }
.charts { display: grid; gap: 1rem;
 grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); }
figure { margin: 0; }
.charts figure, article { background: var(--card); border-radius: 10px;
 padding: .8rem; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 10.5px; fill: var(--soft); }
.axis { stroke: var(--line); }
.stage { stroke: var(--soft); stroke-dasharray: 4 4; }
.curve { fill: none; stroke: var(--accent); stroke-width: 1.8;
 stroke-linejoin: round; }
.dot { fill: var(--accent); }
.legend span { display: inline-block; margin-right: 1.2rem; font-size: .9rem; }
.legend i { display: inline-block; width: 1.4em; height: .5em; border-radius: .25em;
 margin-right: .45em; vertical-align: .1em; }
article { margin: 0 0 1rem; }
article h3 { margin: 0 0 .5rem; }
.sample { display: grid; gap: .6rem; grid-template-columns: 1fr 2fr; }
.sample img { width: 100%; height: auto; display: block; border-radius: 6px; }
figcaption { color: var(--soft); font-size: .8rem; }
@media (min-width: 1000px) { .sample { grid-template-columns: 1fr 2fr 1fr 2fr; } }
@media (max-width: 600px) { .sample { grid-template-columns: 1fr 1fr; }
 .sample .wide { grid-column: span 2; order: 1; } }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr;
 gap: .4rem 1.2rem; margin: 0; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--card); border-radius: 10px; padding: 1rem; overflow: auto;
 max-height: 30rem; font-size: .8rem; line-height: 1.45; }
"""
