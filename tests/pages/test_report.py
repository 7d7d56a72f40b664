"""The HTML report: self-contained, escaped, honest about what is best."""

import base64
import io
import re

import numpy as np
import pytest
from etils import epath
from PIL import Image
from readers import html_page

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
    'metrics': {
      'mpjpe': ('mm', False, 'distance'),
      'pck3d_150': ('share', True, 'near'),
    },
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
  assert len(images) == 12
  for attributes in images:
    data = attributes['src'].split(',', 1)[1]
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    picture.load()
    assert picture.size == (256, 256)
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


def test_best_of_each_metric_is_emphasised(tmp_path):
  """Catches an error whose largest value wins, and NaN as the winner."""
  text = _write(tmp_path / 'report.html')
  best = re.findall(r'<td class="best">([^<]*)</td>', text)
  assert best == ['80.0', '0.700']
  assert text.count('<th scope="col" class="baseline">') == 2
  assert 'mpjpe <small>↓ mm</small><small class="what">distance</small>' in text
  assert 'pck3d 150 <small>↑ share</small>' in text


@pytest.mark.parametrize(
  ('values', 'best'),
  [([80.0, 80.0, 80.0], 0), ([80.0, 80.04, 90.0], 0), ([80.0, 90.0, 90.0], 1)],
)
def test_ties_have_no_best(values, best, tmp_path):
  """Catches a winner among numbers that are printed alike."""
  rows = {f'row {i}': {'mpjpe': value} for i, value in enumerate(values)}
  stages = [{'name': 's', 'step': 1, 'rows': rows}]
  text = _write(tmp_path / 'report.html', stages=stages)
  assert text.count('class="best"') == best


def test_plain_sentence_tells_the_figures(tmp_path):
  """Catches a sentence of another row, in another unit, or rounded to nothing."""
  rows = {
    'network': {'pck_torso_0.2': 0.954, 'mpjpe': 212.0},
    'mean depth': {'pck_torso_0.2': 0.954, 'mpjpe': 340.0},
  }
  text = _write(
    tmp_path / 'report.html', stages=[{'name': 's', 'step': 1, 'rows': rows}]
  )
  assert '95 of 100 joints' in text
  assert 'In 3D, joints are on average 21 cm off' in text
  assert '34 cm.' in text
  bare = [{'name': 's', 'step': 1, 'rows': {'network': {'novel': 1.0}}}]
  told = _write(tmp_path / 'r.html', stages=bare).split('<body>')[1]
  assert 'joints' not in told.split('Curves')[0]


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


def test_curve_without_a_value_says_so(tmp_path):
  """Catches an empty chart, or a traceback, of a run that diverged at once."""
  text = _write(tmp_path / 'report.html', curves={'loss': [(0, float('nan'))]})
  assert 'loss: no finite value yet' in text


def test_samples_without_truth_are_shown(tmp_path):
  """Catches a report that works for benchmarks and fails for own photographs."""
  sample = _sample(0, true2d=None, true3d=None, visible=None)
  page = html_page.Page(_write(tmp_path / 'report.html', samples=[sample]))
  assert sum(tag == 'img' for tag, _ in page.tags) == 1
  assert not any(a.get('class') == 'true' for tag, a in page.tags if tag != 'i')


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
  with pytest.raises(UserError, match='is a folder'):
    _write(tmp_path)
