"""Charts by matplotlib as inline SVG, coloured by the page's style sheet.

The text stays text, in the page's font. All functions return an <svg> element that
templates take as it is; the line of a curve has the class curve, bars the class bar.
"""

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib import ticker
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

_MOST_POINTS = 400
_LONGEST = 24  # characters of a bar's name
_WIDTH, _HEIGHT, _ROW = 400, 240, 19  # px
# Stand-ins that the page's colours replace: matplotlib knows no CSS variables.
_INK, _SOFT, _LINE, _ACCENT = '#010101', '#010102', '#010103', '#010104'
_PLAIN, _LEFT, _RIGHT = '#010105', '#010106', '#010107'
_CSS = {
  **{_INK: '--ink', _SOFT: '--soft', _LINE: '--line', _ACCENT: '--accent'},
  **{_PLAIN: '--plain', _LEFT: '--left', _RIGHT: '--right'},
}
_STYLE: Any = {  # matplotlib knows its keys by name
  'svg.fonttype': 'none',
  'text.parse_math': False,  # names hold what they like
  'path.simplify': False,
  'font.size': 12,
  'text.color': _INK,
  'axes.labelcolor': _SOFT,
  'axes.edgecolor': _LINE,
  'axes.axisbelow': True,
  'axes.grid': True,
  'grid.color': _LINE,
  'xtick.labelcolor': _SOFT,
  'ytick.labelcolor': _SOFT,
  **{f'{axis}tick.{kind}.size': 0 for axis in 'xy' for kind in ('major', 'minor')},
  **{f'axes.spines.{side}': False for side in ('top', 'right', 'left')},
}


def steps(
  points: Sequence,
  *,
  label: str,
  log: bool = False,
  boundaries: Sequence = (),
) -> Markup | None:
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
    The chart; None where no value can be drawn.
  """
  points = np.array(points, float).reshape(-1, 2)
  last = max([1e-9, *points[-1:, 0].tolist(), *(float(step) for step, _ in boundaries)])
  at, values = _thin(points).T
  log = log and bool((values > 0).any())
  values = np.where(np.isfinite(values) & ((values > 0) | (not log)), values, np.nan)
  if not np.isfinite(values).any():
    return None
  shown = label + ' (log scale)' * log
  with mpl.rc_context(_STYLE):
    axes = _axes(_WIDTH, _HEIGHT, 'step', shown)
    for start, end in _runs(np.isfinite(values)):
      x, y = at[start:end], values[start:end]
      if len(x) == 1:  # a line of no length, whose round ends are a dot
        x, y = np.repeat(x, 2), np.repeat(y, 2)
      wide = 5.0 if end - start == 1 else 1.8
      axes.plot(x, y, color=_ACCENT, lw=wide, solid_capstyle='round', gid='curve')
    axes.set_xlim(min(0.0, *at.tolist()), last)
    _vertical_limits(axes, values[np.isfinite(values)], log)
    _name_stages(axes, boundaries, last)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(4, integer=last >= 1))
    axes.xaxis.set_major_formatter(ticker.EngFormatter(sep=''))
    return _svg(axes.figure, f'{shown} against step')


def shares(points: Sequence, label: str) -> Markup:
  """Draws a share against a threshold: a PCK curve.

  Args:
    points: (threshold, share in %), thresholds rising from 0.
    label: of the horizontal axis, with its unit.
  """
  thresholds, values = np.array(points, float).T
  with mpl.rc_context(_STYLE):
    axes = _axes(_WIDTH, _HEIGHT, label, '% of joints')
    below = ([0, *thresholds, thresholds[-1]], [0, *values, 0])
    axes.fill(*below, color=_ACCENT, alpha=0.1, lw=0)
    axes.plot(thresholds, values, color=_ACCENT, lw=1.8, gid='curve')
    axes.set(xlim=(0, thresholds[-1]), ylim=(0, 100), yticks=range(0, 101, 20))
    axes.xaxis.set_major_locator(ticker.MaxNLocator(6))
    return _svg(axes.figure, f'share of joints against {label}')


def bars(named: Mapping[str, tuple], unit: str, label: str) -> Markup:
  """A bar for each value, from 0, with its interval as a whisker.

  Args:
    named: name -> (value, lower and upper end of its interval, value as text); NaN
      draws nothing. Names that begin with a side get the side's colour.
    unit: of the values.
    label: what the bars are, for those who cannot see them.
  """
  colours = {'left': _LEFT, 'right': _RIGHT}
  with mpl.rc_context(_STYLE | {'axes.spines.bottom': False}):
    axes = _axes(_WIDTH, _ROW * len(named) + 40, unit, '')
    for row, (name, (value, low, high, _)) in enumerate(named.items()):
      if math.isfinite(value):
        colour = colours.get(name.split('_')[0], _PLAIN)
        axes.barh(row, value, 0.72, color=colour, alpha=0.75, gid='bar')
      if math.isfinite(low):
        axes.plot([low, high], [row, row], color=_INK, lw=1.2)
    ends = [v for value, _, high, _ in named.values() for v in (value, high)]
    top = max((v for v in ends if math.isfinite(v)), default=0.0) or 1.0
    axes.set_xlim(0, 100 if unit == '%' and top > 50 else 1.02 * top)
    axes.set_ylim(len(named) - 0.4, -0.6)
    axes.set_yticks(
      range(len(named)), [_short(name.replace('_', ' ')) for name in named]
    )
    axes.yaxis.grid(False)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(4))
    values = axes.secondary_yaxis('right')
    texts = [_short(text) for *_, text in named.values()]
    values.set_yticks(range(len(named)), texts, color=_INK)
    values.spines[:].set_visible(False)
    return _svg(axes.figure, label)


def _short(text):
  """What leaves room for the bars."""
  return text if len(text) <= _LONGEST else f'{text[: _LONGEST - 1]}…'


def _axes(width, height, x_label, y_label):
  figure = Figure((width / 72, height / 72), dpi=72, layout='constrained')
  FigureCanvasSVG(figure)
  axes = figure.add_subplot(xlabel=x_label, ylabel=y_label)
  figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03)
  return axes


def _thin(points):
  size = max(1, math.ceil(len(points) / _MOST_POINTS))
  starts = range(0, len(points), size)
  return np.array([points[i : i + size].mean(0) for i in starts]).reshape(-1, 2)


def _runs(drawn):
  """(start, end) of each stretch without a gap."""
  edges = np.flatnonzero(np.diff(np.concatenate([[False], drawn, [False]])))
  return edges.reshape(-1, 2).tolist()


def _vertical_limits(axes, values, log):
  """Limits with a margin, and at least two ticks within them."""
  low, high = float(values.min()), float(values.max())
  if log:
    axes.set_yscale('log')
    axes.set_ylim(low / 1.1, high * 1.1)
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    locator = ticker.LogLocator(
      subs=(1, 2, 5) if high / low < 1e3 else (1,), numticks=7
    )
    ticks = locator.tick_values(low / 1.1, high * 1.1)
    if np.count_nonzero((ticks >= low / 1.1) & (ticks <= high * 1.1)) < 3:
      locator = ticker.MaxNLocator(4)
    axes.yaxis.set_major_locator(locator)
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f'{v:.4g}'))
  else:
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.yaxis.set_major_locator(ticker.MaxNLocator(5))


def _name_stages(axes, boundaries, last):
  """Dashed lines; the name of a short stage stands a line lower, not over the next."""
  free, lower = 0.0, False
  for step, name in boundaries:
    axes.axvline(step, color=_SOFT, lw=1, ls=(0, (4, 4)), gid='stage')
    begins = step / last - 0.018 * len(name)
    lower = not lower and begins < free
    place = {'xytext': (-2, -12 if lower else 3), 'textcoords': 'offset points'}
    at = {'xy': (step, 1), 'xycoords': ('data', 'axes fraction')}
    axes.annotate(name, **at, **place, ha='right', color=_SOFT, size=11)
    free = step / last


def _svg(figure, label):
  buffer = io.StringIO()
  nothing = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
  figure.savefig(buffer, format='svg', metadata=nothing, transparent=True)
  text = buffer.getvalue()
  text = text[text.index('<svg') :]
  content = text[text.index('>') + 1 : text.rindex('</svg>')]
  # Its rules for the whole page, and clipping: nothing lies beyond the axes.
  content = re.sub(
    r'<defs>.*?</defs>| clip-path="[^"]*"|<!--.*?-->', '', content, flags=re.S
  )
  content = re.sub(r' id="(curve|stage|bar)"', r' class="\1"', content)
  content = re.sub(r' id="[^"]*"|\n\s*| font-family: [^;]*;', ' ', content)
  for stand_in, name in _CSS.items():
    content = content.replace(stand_in, f'var({name})')
  width, height = (round(72 * inches) for inches in figure.get_size_inches())
  return Markup(
    f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" '
    f'aria-label="{escape(label)}">{content}</svg>'
  )
