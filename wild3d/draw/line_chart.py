"""One curve as an inline SVG: small, sharp, and coloured by the page's CSS."""

import math
from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT = 380, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 22, 38
_LETTER = 6.5  # px, wide
_MAX_POINTS = 400


def svg(
  points: Sequence,
  *,
  label: str,
  log: bool = False,
  boundaries: Sequence = (),
) -> str:
  """Draws value against step.

  Args:
    points: (step, value) in order of step. A value that is not finite (or, on a
      logarithmic axis, not positive) interrupts the line. Many points are
      averaged in equal groups down to at most 400.
    label: what the vertical axis shows, with its unit.
    log: logarithmic vertical axis; ignored if no value is positive.
    boundaries: (last step, name) of each training stage, drawn as dashed lines;
      the horizontal axis reaches from 0 to the last of them or of the points.

  Returns:
    An <svg> element whose parts carry the classes axis, curve, stage and text.
  """
  points = _thin([(float(step), float(value)) for step, value in points])
  log = log and any(_usable(value, True) for _, value in points)
  values = [v for _, v in points if _usable(v, log)]
  steps = [0.0, *(s for s, _ in points), *(float(s) for s, _ in boundaries)]
  span = (min(steps), max(steps))
  if not values:
    return f'<p class="note">{escape(label)}: no finite value yet.</p>'
  x = _scale(span, (_LEFT, _WIDTH - _RIGHT))
  low, high = _padded(min(values), max(values), log)
  to_unit = math.log10 if log else float
  y_unit = _scale((to_unit(low), to_unit(high)), (_HEIGHT - _BOTTOM, _TOP))

  def y(value):
    return y_unit(to_unit(value))

  parts = []
  for tick in _log_ticks(low, high) if log else _ticks(low, high, 4):
    parts.append(_line(_LEFT, y(tick), _WIDTH - _RIGHT, y(tick), 'axis'))
    parts.append(_text(_LEFT - 6, y(tick) + 3.5, _number(tick), 'end'))
  for tick in _ticks(*span, 4):
    parts.append(_text(x(tick), _HEIGHT - _BOTTOM + 15, _number(tick), 'middle'))
  free, lower = 0.0, False
  for step, name in boundaries:
    parts.append(_line(x(step), _TOP, x(step), _HEIGHT - _BOTTOM, 'stage'))
    # The name of a short stage would run into the one before: a line lower.
    lower = not lower and x(step) - _LETTER * len(name) < free
    parts.append(_text(x(step) - 3, _TOP + (8 if lower else -6), name, 'end'))
    free = x(step)
  for run in _runs(points, log):
    path = ' '.join(f'{x(s):.1f},{y(v):.1f}' for s, v in run)
    if len(run) == 1:
      cx, cy = path.split(',')
      parts.append(f'<circle class="dot" cx="{cx}" cy="{cy}" r="2.5"/>')
    else:
      parts.append(f'<polyline class="curve" points="{path}"/>')
  middle = (_HEIGHT - _BOTTOM + _TOP) / 2
  parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, 'step', 'middle'))
  shown = label + (' (log scale)' if log else '')
  parts.append(
    f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">'
    f'{escape(shown)}</text>'
  )
  return (
    f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
    f'aria-label="{escape(shown)} against step">{"".join(parts)}</svg>'
  )


def _usable(value, log):
  return math.isfinite(value) and (value > 0 or not log)


def _thin(points):
  size = math.ceil(len(points) / _MAX_POINTS)
  if size <= 1:
    return points
  groups = [points[i : i + size] for i in range(0, len(points), size)]
  return [
    tuple(sum(c) / len(group) for c in zip(*group, strict=True)) for group in groups
  ]


def _runs(points, log):
  """Splits the curve where a value is missing."""
  runs = [[]]
  for step, value in points:
    if _usable(value, log):
      runs[-1].append((step, value))
    elif runs[-1]:
      runs.append([])
  return [run for run in runs if run]


def _scale(source, target):
  (a, b), (c, d) = source, target
  return lambda value: c + (value - a) / ((b - a) or 1) * (d - c)


def _padded(low, high, log):
  if log:
    return low / 1.1, high * 1.1
  margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
  return low - margin, high + margin


def _ticks(low, high, wanted):
  """Round numbers 1, 2, 5 x 10^n apart within [low, high]."""
  rough = (high - low) / wanted or 1
  power = 10 ** math.floor(math.log10(rough))
  step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
  first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
  return [i * step for i in range(first, last + 1)]


def _log_ticks(low, high):
  """1, 2 and 5 x 10^n within [low, high]; over three decades, 10^n alone."""
  decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
  mantissas = (1,) if math.log10(high / low) > 3 else (1, 2, 5)
  every = max(1, math.ceil(math.log10(high / low) / 6))
  ticks = [m * 10.0**d for d in decades if d % every == 0 for m in mantissas]
  return [t for t in ticks if low <= t <= high] or _ticks(low, high, 3)


def _number(value):
  for size, suffix in ((1e6, 'M'), (1e3, 'k')):
    if abs(value) >= size:
      return f'{value / size:.4g}{suffix}'
  return f'{value:.4g}'


def _line(x1, y1, x2, y2, kind):
  return (
    f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
  )


def _text(x, y, text, anchor):
  return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
