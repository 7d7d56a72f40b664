"""The HTML report: self-contained, escaped, honest about what is best."""

import base64
import io
import re

import numpy as np
import pytest
from etils import epath
from PIL import Image
from readers import html_page

from wild3d.draw import line_chart
from wild3d.errors import UserError
from wild3d.pages import report


def _sample(number, **changes):
  random = np.random.default_rng(number)
  pose = random.normal(0, 300, (16, 3))
  pixels = random.uniform(20, 240, (16, 2))
  return {
    'id': f'people/{number:05d}',
    'image': random.integers(0, 255, (256, 256, 3), dtype=np.uint8),
    'predicted2d': pixels + 3,
    'true2d': pixels,
    'visible': np.ones(16, bool),
    'predicted3d': pose + 40,
    'true3d': pose,
  } | changes


def _write(path, **changes):
  given = {
    'title': 'A run',
    'intro': 'One.\n\nTwo.',
    'stages': [
      {
        'name': 'depth',
        'step': 2000,
        'rows': {
          'network': {'mpjpe': 80.04, 'pck3d_150': 0.61, 'examples': 9.0},
          'mean depth': {'mpjpe': 120.0, 'pck3d_150': 0.4, 'examples': 9.0},
          'zero depth': {'mpjpe': float('nan'), 'pck3d_150': 0.7},
        },
      }
    ],
    'curves': {'train/loss': [(0, 1.0), (1000, 0.1), (2000, 0.01)]},
    'samples': [],
    'settings': {'config': 'lr: 0.001', 'command': 'python -m wild3d train'},
  } | changes
  report.write(path, **given)
  return path.read_text(encoding='utf-8')


@pytest.fixture(scope='module')
def full(tmp_path_factory):
  """A report of 12 samples of noise, which compresses worse than any photograph."""
  return _write(
    tmp_path_factory.mktemp('report') / 'new folder' / 'report.html',
    samples=[_sample(n) for n in range(12)],
  )


def test_parses_and_holds_every_section(full):
  """Catches unclosed tags and a section that was forgotten."""
  text = ' '.join(html_page.Page(full).pieces)
  for wanted in ('Results', 'Curves', 'Samples', 'Conventions', 'Settings'):
    assert wanted in text
  for wanted in ('millimetres', 'z away', 'pelvis', 'lr: 0.001', 'CPU cores'):
    assert wanted in text
  assert 'python -m wild3d train' in text


def test_needs_nothing_from_outside(full):
  """Catches a style sheet, font, script or picture that is fetched."""
  assert 'http://' not in full
  assert 'https://' not in full
  page = html_page.Page(full)
  assert not {tag for tag, _ in page.tags} & {'script', 'link', 'iframe', 'base'}
  for _, attributes in page.tags:
    assert attributes.get('src', 'data:').startswith('data:')
    assert 'href' not in attributes
  assert not re.search(r'url\(|@import', full)


def test_twelve_samples_stay_small_and_all_pictures_open(full):
  """Catches files too large to mail and images that browsers cannot show."""
  assert len(full.encode()) < 6e6
  images = [attributes for tag, attributes in html_page.Page(full).tags if tag == 'img']
  assert len(images) == 12 * 4
  for attributes in images:
    data = attributes['src'].split(',', 1)[1]
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    picture.load()
    stated = (int(attributes['width']), int(attributes['height']))
    assert picture.size == stated
    assert attributes['alt']


def test_all_text_is_escaped(tmp_path):
  """Catches a file name or config that runs as a script or breaks the page."""
  evil = '"><script>alert(1)</script>&'
  row = {evil: 1.0, 'mpjpe': 2.0}
  text = _write(
    tmp_path / 'report.html',
    title=evil,
    intro=evil,
    stages=[{'name': evil, 'step': 1, 'rows': {evil: row, 'b': row}}],
    curves={evil: [(0, 1.0), (1, 2.0)]},
    samples=[_sample(0, id=evil, note=evil)],
    settings={'config': evil, evil: evil},
    metrics={evil: (evil, True, evil)},
  )
  page = html_page.Page(text)
  assert '<script' not in text
  assert 'script' not in {tag for tag, _ in page.tags}
  assert sum(evil in part for part in page.pieces) >= 10


def test_best_of_each_column_is_emphasised(tmp_path):
  """Catches an error whose largest value wins, and NaN as the winner."""
  text = _write(tmp_path / 'report.html')
  best = re.findall(r'<td class="best">([^<]*)</td>', text)
  assert best == ['80.0', '0.700']
  assert text.count('<tr class="baseline">') == 2
  assert re.search(r'mpjpe <small>↓ mm</small>', text)
  assert re.search(r'pck3d 150 <small>↑ share</small>', text)


def test_caller_tells_what_metrics_are(tmp_path):
  """Catches a table of metrics that is passed and then ignored."""
  rows = {'a': {'novel': 1.0}, 'b': {'novel': 2.0}}
  text = _write(
    tmp_path / 'report.html',
    stages=[{'name': 's', 'step': 1, 'rows': rows}],
    metrics={'novel': ('px', True, 'a new one'), 'unused': ('mm', False, 'absent')},
  )
  assert 'novel <small>↑ px</small>' in text
  assert re.findall(r'class="best">([^<]*)<', text) == ['2']
  assert 'a new one' in text
  assert 'absent' not in text


def test_samples_without_truth_are_shown(tmp_path):
  """Catches a report that works for benchmarks and fails for own photographs."""
  sample = _sample(0, true2d=None, true3d=None, visible=None)
  page = html_page.Page(_write(tmp_path / 'report.html', samples=[sample]))
  assert sum(tag == 'img' for tag, _ in page.tags) == 2


def test_failed_write_leaves_the_old_report(tmp_path, monkeypatch):
  """Catches a report cut short, and temporary files left behind."""
  path = tmp_path / 'report.html'
  old = _write(path, title='old')

  def fail(self, *args, **kwargs):
    raise OSError('disk full')

  monkeypatch.setattr(type(epath.Path(path)), 'replace', fail)
  with pytest.raises(UserError, match='disk full'):
    _write(path, title='new')
  assert path.read_text(encoding='utf-8') == old
  assert [p.name for p in tmp_path.iterdir()] == ['report.html']


def test_folder_as_path_is_a_user_error(tmp_path):
  """Catches a traceback where one line tells what to do."""
  with pytest.raises(UserError, match='HTML file'):
    _write(tmp_path)


def _curve(chart):
  runs = re.findall(r'<polyline class="curve" points="([^"]*)"', chart)
  return [np.array([p.split(',') for p in r.split()], float) for r in runs]


def test_logarithmic_axis_makes_decades_equal():
  """Catches a log label on a linear axis."""
  points = [(0, 1.0), (1, 0.1), (2, 0.01)]
  (line,) = _curve(line_chart.svg(points, label='loss', log=True))
  first, second = np.diff(line[:, 1])
  assert first > 10
  assert first == pytest.approx(second, abs=0.2)
  (line,) = _curve(line_chart.svg(points, label='loss'))
  first, second = np.diff(line[:, 1])
  assert first == pytest.approx(10 * second, rel=0.05)


def test_values_that_are_not_finite_interrupt_the_curve():
  """Catches 'nan' in the path, which hides the whole curve."""
  points = [(i, float('nan') if i == 3 else 1.0 + i) for i in range(7)]
  chart = line_chart.svg(points, label='loss')
  assert [len(line) for line in _curve(chart)] == [3, 3]
  assert 'nan' not in chart
  assert 'no finite value' in line_chart.svg([(0, float('nan'))], label='loss')
  assert 'no finite value' in line_chart.svg([], label='loss')


def test_stage_boundaries_stand_at_their_steps():
  """Catches dashed lines in px of another axis."""
  points = [(0, 1.0), (500, 2.0), (1000, 3.0)]
  chart = line_chart.svg(points, label='y', boundaries=[(500, 'one'), (1000, 'two')])
  (line,) = _curve(chart)
  stages = re.findall(r'class="stage" x1="([\d.]+)"', chart)
  np.testing.assert_allclose([float(x) for x in stages], line[1:, 0], atol=0.1)
  assert '>one<' in chart
  assert '>two<' in chart


def test_names_of_short_stages_do_not_overlap():
  """Catches 'depth' and 'geometric' printed over each other."""
  ends = [(1800, 'heatmap'), (6000, 'depth'), (7000, 'geometric'), (7100, 'last')]
  chart = line_chart.svg([(0, 1.0), (7100, 2.0)], label='y', boundaries=ends)
  heights = [
    float(re.search(rf'y="([\d.]+)"[^>]*>{name}<', chart)[1]) for _, name in ends
  ]
  assert heights[0] == heights[1] == heights[3] < heights[2]


def test_long_curves_are_thinned_without_a_shift():
  """Catches megabytes of path, and a last part that is left out."""
  points = [(i, float(i)) for i in range(10_001)]
  (line,) = _curve(line_chart.svg(points, label='y'))
  assert len(line) <= 400
  (whole,) = _curve(line_chart.svg(points[::1000], label='y'))
  np.testing.assert_allclose(line[-1], whole[-1], atol=2)
  np.testing.assert_allclose(line[0], whole[0], atol=2)


@pytest.mark.parametrize('value', [0.0, 5.0, -3.0, 1e-12, 1e30])
def test_constant_curves_are_drawn(value):
  """Catches division by a range of zero."""
  assert _curve(line_chart.svg([(1, value), (2, value)], label='y'))
  assert line_chart.svg([(1, value)], label='y', log=True).startswith('<svg')
