"""Charts: lines at their values, ticks that can be read, nothing that leaks."""

import re

import numpy as np
import pytest
from readers import html_page

from wild3d.draw import charts


def _lines(chart):
  """[n,2] of each stretch of the curve."""
  runs = re.findall(r'class="curve"> *<path d="([^"]*)"', chart)
  return [np.array(re.findall(r'[ML] (\S+) (\S+)', run), float) for run in runs]


def _ticks(chart, anchor):
  """The texts so anchored: 'middle' at the horizontal axis, 'end' at the vertical."""
  texts = re.findall(rf'<text style="[^"]*anchor: {anchor}[^"]*"[^>]*>([^<]*)<', chart)
  return [text for text in texts if re.match('[-−]?[0-9]', text)]


def test_logarithmic_axis_makes_decades_equal():
  """Catches a log label on a linear axis."""
  points = [(0, 1.0), (1, 0.1), (2, 0.01)]
  (line,) = _lines(charts.steps(points, label='loss', log=True))
  first, second = np.diff(line[:, 1])
  assert first > 10
  assert first == pytest.approx(second, abs=0.2)
  (line,) = _lines(charts.steps(points, label='loss'))
  first, second = np.diff(line[:, 1])
  assert first == pytest.approx(10 * second, rel=0.05)


def test_values_that_are_not_finite_interrupt_the_curve():
  """Catches 'nan' in the path, which hides the whole curve, and a lone value unseen."""
  points = [(i, float('nan') if i in (3, 5) else 1.0 + i) for i in range(7)]
  chart = charts.steps(points, label='loss')
  assert [len(line) for line in _lines(chart)] == [3, 2, 2]
  lone = _lines(chart)[1]
  assert (lone[0] == lone[1]).all()  # no length: a dot of its round ends
  assert 'nan' not in chart
  assert charts.steps([(0, float('nan'))], label='loss') is None
  assert charts.steps([], label='loss') is None


def test_stage_boundaries_stand_at_their_steps():
  """Catches dashed lines in px of another axis."""
  points = [(0, 1.0), (500, 2.0), (1000, 3.0)]
  chart = charts.steps(points, label='y', boundaries=[(500, 'one'), (1000, 'two')])
  (line,) = _lines(chart)
  stages = re.findall(r'class="stage"> *<path d="M (\S+) ', chart)
  np.testing.assert_allclose([float(x) for x in stages], line[1:, 0], atol=0.1)
  assert '>one<' in chart
  assert '>two<' in chart


def test_names_of_short_stages_do_not_overlap():
  """Catches 'depth' and 'geometric' printed over each other."""
  ends = [(1800, 'heatmap'), (6000, 'depth'), (7000, 'geometric'), (7100, 'last')]
  chart = charts.steps([(0, 1.0), (7100, 2.0)], label='y', boundaries=ends)
  heights = [
    float(re.search(rf' y="([\d.]+)"[^>]*>{name}<', chart)[1]) for _, name in ends
  ]
  assert heights[0] == heights[1] == heights[3] < heights[2]


def test_long_curves_are_thinned_without_a_shift():
  """Catches megabytes of path, and a last part that is left out."""
  points = [(i, float(i)) for i in range(10_001)]
  (line,) = _lines(charts.steps(points, label='y'))
  assert len(line) <= 400
  (whole,) = _lines(charts.steps(points[::1000], label='y'))
  np.testing.assert_allclose(line[-1], whole[-1], atol=2)
  np.testing.assert_allclose(line[0], whole[0], atol=2)


@pytest.mark.parametrize('value', [0.0, 5.0, -3.0, 1e-12, 1e30])
def test_constant_curves_are_drawn(value):
  """Catches division by a range of zero."""
  assert _lines(charts.steps([(1, value), (2, value)], label='y'))
  assert charts.steps([(1, value)], label='y', log=True).startswith('<svg')


@pytest.mark.parametrize('log', [False, True])
@pytest.mark.parametrize(
  ('low', 'high'), [(1e-9, 1.0), (0.03, 0.9), (3.0, 3.1), (21.0, 29.0), (1e-4, 2e-4)]
)
def test_axes_have_several_ticks(low, high, log):
  """Catches a logarithmic axis with one number, from which nothing can be read."""
  points = [(step, value) for step, value in enumerate(np.geomspace(high, low, 50))]
  chart = charts.steps(points, label='loss', log=log)
  assert len(set(_ticks(chart, 'end'))) >= 2
  assert len(set(_ticks(chart, 'middle'))) >= 2


def test_bars_have_an_axis_and_end_at_their_values():
  """Catches a bar of another length than its number, and sides in wrong colours."""
  nan = float('nan')
  chart = charts.bars(
    {
      'left_wrist': (40.0, 30.0, 50.0, '40.00'),
      'right_wrist': (20.0, nan, nan, '20.00'),
      'pelvis': (nan, nan, nan, '–'),
    },
    'mm',
    'errors',
  )
  bars = re.findall(
    r'class="bar"> *<path d="([^"]*)" *style="fill: var\((--\w+)\)', chart
  )
  widths = [np.ptp([float(x) for x in re.findall(r'[ML] (\S+)', d)]) for d, _ in bars]
  assert widths[0] == pytest.approx(2 * widths[1], rel=1e-3)
  assert [colour for _, colour in bars] == ['--left', '--right']
  assert len(_ticks(chart, 'middle')) >= 3
  for text in ('left wrist', '40.00', 'pelvis', '–'):
    assert f'>{text}<' in chart


def test_charts_are_safe_to_put_into_a_page():
  """Catches rules that restyle the page, doubled ids, and a name that is markup."""
  evil = '"><script>alert(1)</script>&$x$'
  drawn = [
    charts.steps([(0, 1.0), (1, 2.0)], label=evil, boundaries=[(1, evil)]),
    charts.shares([(0.0, 0.0), (1.0, 100.0)], evil),
    charts.bars({evil: (1.0, 0.5, 2.0, evil)}, evil, evil),
  ]
  for chart in drawn:
    page = html_page.Page(chart)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {'style', 'script', 'use', 'defs', 'metadata'}
    assert not any('id' in attributes for _, attributes in page.tags)
    assert 'url(' not in chart
    assert 'http' not in chart
    assert '#0101' not in chart
    assert 'var(--' in chart
    assert evil in page.text
