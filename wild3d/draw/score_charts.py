"""A PCK curve and bars with intervals as inline SVG, coloured by the page's CSS."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from wild3d.protocols import score_table
from wild3d.protocols.figures import Figure

_WIDTH, _HEIGHT = 420, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 14, 40
_ROW = 19


def curve(points: Sequence[tuple[float, float]], label: str) -> str:
  """Share against threshold.

  Args:
    points: (threshold, share in %), thresholds rising from 0.
    label: of the horizontal axis, with its unit.
  """
  end = points[-1][0]
  x = lambda value: _LEFT + value / end * (_WIDTH - _LEFT - _RIGHT)  # noqa: E731
  y = lambda share: _TOP + (1 - share / 100) * (_HEIGHT - _TOP - _BOTTOM)  # noqa: E731
  parts = []
  for share in range(0, 101, 20):
    parts.append(_line(_LEFT, y(share), _WIDTH - _RIGHT, y(share), 'axis'))
    parts.append(_text(_LEFT - 6, y(share) + 3.5, str(share), 'end'))
  for step in range(7):
    tick = end * step / 6
    parts.append(_line(x(tick), y(0), x(tick), y(0) + 4, 'axis'))
    parts.append(_text(x(tick), y(0) + 16, f'{tick:.3g}', 'middle'))
  path = ' '.join(f'{x(t):.1f},{y(share):.1f}' for t, share in points)
  area = f'{path} {x(end):.1f},{y(0):.1f} {x(0):.1f},{y(0):.1f}'
  parts.append(f'<polygon class="area" points="{area}"/>')
  parts.append(f'<polyline class="curve" points="{path}"/>')
  for threshold, share in points:
    tip = f'{share:.2f} % within {threshold:.3g}'
    parts.append(
      f'<circle class="dot" cx="{x(threshold):.1f}" cy="{y(share):.1f}" r="2">'
      f'<title>{escape(tip)}</title></circle>'
    )
  middle = (_TOP + _HEIGHT - _BOTTOM) / 2
  parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, label, 'middle'))
  parts.append(
    f'<text transform="translate(11 {middle:.0f}) rotate(-90)" text-anchor="middle">'
    '% of joints</text>'
  )
  return _svg(_WIDTH, _HEIGHT, parts, f'share of joints against {label}')


def bars(figures: Mapping[str, Figure], unit: str, label: str) -> str:
  """A bar for each figure, from 0, with its interval as a whisker.

  Args:
    figures: name -> figure; names that begin with a side get the side's colour.
    unit: of the values.
    label: what the bars are, for those who cannot see them.
  """
  known = [f for f in figures.values() if math.isfinite(f.value)]
  top = max((v for f in known for v in (f.value, f.high) if v == v), default=0) or 1.0
  top = 100.0 if unit == '%' and top > 50 else top
  left = 10 + 6.1 * max(len(name) for name in figures)
  span = _WIDTH - left - 64
  x = lambda value: left + max(0.0, value) / top * span  # noqa: E731
  parts = []
  for row, (name, figure) in enumerate(figures.items()):
    y = _ROW * row + 4
    parts.append(_text(left - 6, y + 11, score_table.readable(name), 'end'))
    value, ends = score_table.number(figure.value, unit), ''
    if math.isfinite(figure.value):
      parts.append(
        f'<rect class="bar {_side(name)}" x="{left:.1f}" y="{y}" height="{_ROW - 5}" '
        f'width="{x(figure.value) - left:.1f}" rx="2"/>'
      )
    if math.isfinite(figure.low):
      ends = f', 95 % {score_table.span(figure, unit)}'
      low, high, y0 = x(figure.low), x(figure.high), y + (_ROW - 5) / 2
      parts.append(_line(low, y0, high, y0, 'whisker'))
      parts += [_line(end, y0 - 3, end, y0 + 3, 'whisker') for end in (low, high)]
    tip = f'{name}: {value} {unit}{ends}, {figure.count:,} counted'
    parts.append(_text(_WIDTH - 2, y + 11, value, 'end', 'value'))
    parts.append(
      f'<rect class="hit" x="0" y="{y - 2}" width="{_WIDTH}" height="{_ROW}">'
      f'<title>{escape(tip)}</title></rect>'
    )
  return _svg(_WIDTH, _ROW * len(figures) + 6, parts, label)


def _side(name):
  side = name.split('_')[0]
  return side if side in ('left', 'right') else 'plain'


def _svg(width, height, parts, label):
  return (
    f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
    f'{"".join(parts)}</svg>'
  )


def _line(x1, y1, x2, y2, kind):
  return (
    f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
  )


def _text(x, y, text, anchor, kind='label'):
  return (
    f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
    f'{escape(text)}</text>'
  )
