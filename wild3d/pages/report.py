"""A run as one HTML file: tables, curves, pictures, conventions, settings.

The file holds everything that it shows. It can be mailed, and read on a phone.
"""

import datetime
import math
import os
import platform
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

import wild3d
from wild3d.draw import charts, svg
from wild3d.pages import cards, page, sentences
from wild3d.protocols import baselines, rows


class Claim(NamedTuple):
  """What each part of the method gives, for the top of a report: see pages/claim.py.

  Attributes:
    sentences: paragraphs.
    tables: below them.
    people: of each person, the same sample as `write` takes them under each row, with
      the row's name as its `id`.
  """

  sentences: Sequence[str]
  tables: Sequence[rows.Table]
  people: Sequence[Sequence[Mapping]]


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
  claim: Claim | None = None,
) -> None:
  """Writes the report; readers see the old file or the new one, never a part.

  Args:
    path: the HTML file; its folder is made if need be.
    title: heading.
    intro: text below it; an empty line begins a new paragraph.
    stages: dicts with `name`, `step` (optimiser steps of the whole run when it
      was scored, at the stage's end) and `rows`: row label to metric name to
      number, the network's first. The best number of a metric is emphasised where
      one row alone has it. Rows named in baselines.NAMES are set apart.
    curves: name of a loss to (step, value) pairs in order of step.
    samples: dicts with `id`, `image` uint8 [H,W,3], `predicted2d` and `true2d`
      [J,2] px of the image, `visible` bool [J], `predicted3d` and `true3d` [J,3]
      mm, camera axes, minus the root; optionally `note`, a line of text.
      `true2d`, `true3d` and `visible` may be None.
    settings: name to value. `config` is shown as text of its own. `version`,
      `date` and `hardware` are filled in unless given.
    metrics: name to (unit, whether higher is better, what it is). Other names
      speak for themselves.
    claim: shown first.

  Raises:
    UserError: `path` is a folder or cannot be written.
  """
  metrics = metrics or {}
  ends = [(stage['step'], stage['name']) for stage in stages]
  now = datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%d %H:%M UTC')
  known = {
    'version': f'wild3d {wild3d.__version__}',
    'date': now,
    'hardware': f'{platform.machine()}, {os.cpu_count()} CPU cores',
  }
  page.write(
    path,
    'report.html',
    title=title,
    intro=[text for text in intro.split('\n\n') if text.strip()],
    claim=claim
    and claim._replace(
      people=[[_sample(sample) for sample in person] for person in claim.people]
    ),
    stages=[_stage(stage, metrics) for stage in stages],
    baselines=baselines.NAMES,
    # Losses fall by orders of magnitude.
    curves=[
      (name, charts.steps(points, label=_readable(name), log=True, boundaries=ends))
      for name, points in curves.items()
    ],
    samples=[_sample(sample) for sample in samples],
    settings=(known | {k: v for k, v in settings.items() if k != 'config'}).items(),
    config=settings.get('config'),
  )


def _readable(name):
  return name.removesuffix('_mm').replace('_', ' ')


def _stage(stage, metrics):
  """A line for each metric, a column for each row: the page is narrow on a phone."""
  rows = stage['rows']
  lines = []
  for name in dict.fromkeys(name for row in rows.values() for name in row):
    unit, higher, what = metrics.get(name, ('', None, ''))
    values = [row.get(name, math.nan) for row in rows.values()]
    texts = [_number(value, unit) for value in values]
    best = _best(values, texts, higher)
    kinds = [
      'best' if text == best else 'baseline' if label in baselines.NAMES else ''
      for label, text in zip(rows, texts, strict=True)
    ]
    arrow = {True: '↑', False: '↓', None: ''}[higher]
    lines.append(
      {
        'name': _readable(name),
        'hint': f'{arrow} {unit}'.strip(),
        'what': what,
        'cells': list(zip(texts, kinds, strict=True)),
      }
    )
  return {
    'name': stage['name'],
    'step': f'{stage["step"]:,}',
    'sentence': sentences.of_stage(rows),
    'heads': list(rows),
    'lines': lines,
  }


def _number(value, unit):
  if not math.isfinite(value):
    return '–'
  return f'{value:{ {"mm": ".1f", "share": ".3f"}.get(unit, ".4g") }}'


def _best(values, texts, higher):
  """The best as it is printed; None where nothing is, or where several rows have it."""
  known = [(v, t) for v, t in zip(values, texts, strict=True) if math.isfinite(v)]
  if higher is None or len(known) < 2:
    return None
  best = (max if higher else min)(known)[1]
  return best if texts.count(best) == 1 else None


def _sample(sample):
  true2d, visible = sample.get('true2d'), sample.get('visible')
  if true2d is not None and visible is not None:
    true2d = np.where(np.asarray(visible)[:, None], true2d, np.nan)
  return cards.Card(
    sample['id'],
    cards.of_image(sample['image'], sample['predicted2d'], true2d),
    svg.views(sample['predicted3d'], sample.get('true3d')),
    note=sample.get('note', ''),
  )
