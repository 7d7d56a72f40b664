"""The page of scores: one file, escaped, with the right samples and curves."""

import dataclasses
import io
import re

import numpy as np
import pytest
from fakes import scores as fake_scores
from PIL import Image
from readers import html_page

from wild3d import protocols
from wild3d.errors import UserError
from wild3d.pages import scores
from wild3d.protocols import result
from wild3d.protocols.samples import Predictions


def _scored(names, truth, predictions):
  return [result.score(protocols.get(n), predictions, truth) for n in names]


def _page(tmp_path, names, truth, predictions, **changes):
  out = tmp_path / 'scores.html'
  scores.write(_scored(names, truth, predictions), predictions, truth, out, **changes)
  return html_page.Page(out.read_text()), out.read_text()


def _jpeg(size=(600, 600)):
  buffer = io.BytesIO()
  Image.new('RGB', size, (90, 120, 60)).save(buffer, 'JPEG')
  return buffer.getvalue()


def test_whole_page(tmp_path):
  """Catches a link to the outside, unbalanced HTML, a protocol or a card left out."""
  truth = fake_scores.truth(60)
  names = ['h36m_p1', 'h36m_p2', 'mpii_pckh', 'geometry']
  found, text = _page(
    tmp_path,
    names,
    truth,
    fake_scores.predictions(truth),
    pictures=lambda i: [_jpeg(), (_jpeg(), np.eye(2, 3)), None][i % 3],
  )
  assert set(names) <= set(found.headings)
  assert [tag for tag, _ in found.tags].count('article') == 3 * scores.SHOWN
  sources = [a['src'] for tag, a in found.tags if tag == 'img']
  assert sources
  assert all(s.startswith('data:image/jpeg;base64,') for s in sources)
  assert not re.search(r'(src|href)="?http|<script|url\(', text)
  assert 'nan' not in re.sub('base64,[^"]*', '', text).lower()
  assert [p.name for p in tmp_path.iterdir()] == ['scores.html']


def test_all_figures_are_drawn(tmp_path):
  """Catches a curve or bars left out, and means hidden at the end of a wide table."""
  actions = np.array(['abcdefghijklmno'[i % 15] for i in range(60)])
  truth = fake_scores.truth(60, action=actions, sequence=['s'] * 60)
  predictions = fake_scores.predictions(truth)
  text = _page(tmp_path, ['geometry', 'h36m_zhou2017'], truth, predictions)[1]
  captions = re.findall('<figcaption>(.*?)</figcaption>', text)
  bars = [said.partition(' by part')[0] for said in captions if ' by part' in said]
  assert bars == [
    'left-right difference (mm)',
    'bone-length spread (mm)',
    'group ratio variance (ratio^2)',
    'illegal angles (%)',
    'jitter (mm/frame^2)',
    'MPJPE (mm)',
  ]
  assert 'PCK curve of MPJPE: strictly below' in captions
  rows = re.findall('<tr>(.*?)</tr>', text, re.DOTALL)
  # As many as a phone shows.
  assert max(row.count('<td') + row.count('<th') for row in rows) <= 5
  assert any('>mean of these<' in row and row.count('<td') == 2 for row in rows)


def test_no_empty_charts(tmp_path):
  """Catches panels of dashes for what stills do not have."""
  truth = fake_scores.truth(4, subject=np.array([''] * 4))
  text = _page(tmp_path, ['geometry'], truth, fake_scores.predictions(truth))[1]
  captions = re.findall('<figcaption>(.*?) \\(', text)
  assert 'illegal angles' in captions
  assert not {'jitter', 'bone-length spread'} & set(captions)


def test_where_the_predictions_come_from(tmp_path):
  """Catches a page that does not say of which run, step and configuration it is."""
  truth = fake_scores.truth(4)
  header = {'workdir': 'runs/<a>', 'step': 700, 'flip_test': True}
  header['config'] = {'seed': 31}
  found = _page(
    tmp_path, ['h36m_p1'], truth, fake_scores.predictions(truth), header=header
  )
  for said in ('<dd>runs/&lt;a&gt;</dd>', '<dd>700</dd>', '<dt>flip test</dt>'):
    assert said in found[1]
  assert '&#34;seed&#34;: 31' in found[1]


def test_the_worst_are_the_worst(tmp_path):
  """Catches the best shown as the worst, and places of the selection not the truth."""
  valid = np.arange(100) >= 40
  truth = fake_scores.truth(100, valid=valid)
  predictions = fake_scores.predictions(truth, scale=1.0)
  for i, shift in ((70, 500.0), (55, 900.0), (3, 2000.0)):  # 3 is not selected
    predictions.joints3d[i, 0] += shift
    predictions.joints2d[i, 0] += shift
  for names, title in ((['h36m_p1'], 'h36m_p1'), (['mpii_pckh'], 'mpii_pckh')):
    found, text = _page(tmp_path, names, truth, predictions)
    at = found.headings.index(f'The worst 24 of {title}')
    assert found.headings[at + 1 : at + 3] == ['fake/00055', 'fake/00070']
    assert 'fake/00003' not in text


def test_ids_are_escaped(tmp_path):
  """Catches markup in an id, a label or a text that becomes part of the scores."""
  evil = '<img src=x onerror=alert(1)>&"'
  ids = np.array([f'{evil}{i}' for i in range(5)])
  truth = fake_scores.truth(5, ids=ids, action=np.array([evil] * 5))
  predictions = fake_scores.predictions(truth)
  protocol = dataclasses.replace(protocols.get('h36m_p1'), text=evil, source=evil)
  scored = [result.score(protocol, predictions, truth)]
  scores.write(scored, predictions, truth, tmp_path / 'scores.html')
  text = (tmp_path / 'scores.html').read_text()
  assert f'{evil}0' in html_page.Page(text).headings
  assert '<img' not in text


def test_2d_alone_and_3d_alone(tmp_path):
  """Catches a page that needs what a dataset or a source lacks."""
  truth = fake_scores.truth(30)
  both = fake_scores.predictions(truth)
  nothing2d = np.full((30, 16, 2), np.nan)
  nothing3d = np.full((30, 16, 3), np.nan)
  only2d = Predictions(truth.joints, both.joints2d, None)
  found, text = _page(tmp_path, ['mpii_pckh', 'pck_torso'], truth, only2d)
  assert 'class="crop"' in text
  assert 'class="views"' not in text
  assert [t for t, _ in found.tags].count('article') == 2 * scores.SHOWN
  solid = dataclasses.replace(truth, joints2d=nothing2d)
  only3d = Predictions(truth.joints, None, both.joints3d)
  _, text = _page(tmp_path, ['h36m_p1'], solid, only3d)
  assert 'class="crop"' not in text
  assert 'class="views"' in text
  bare = dataclasses.replace(solid, joints3d=nothing3d)
  _, text = _page(tmp_path, ['geometry'], bare, only3d)  # no truth at all
  assert 'class="views"' in text


def test_curve_agrees_with_the_score():
  """Catches a curve of other joints or another unit than the protocol's figure."""
  truth = fake_scores.truth(80)
  predictions = fake_scores.predictions(truth, scale=60.0)
  truth.joints2d[::3, 4] = np.nan
  for name, threshold in (('mpii_pckh', 0.5), ('pck_torso', 0.2)):
    (scored,) = _scored([name], truth, predictions)
    points, _, _ = scores._curve(scored, predictions, truth)
    assert 5 < scored.main.overall.value < 95
    share = next(y for x, y in points if x == pytest.approx(threshold))
    assert share == pytest.approx(scored.main.overall.value)


def test_hostile_numbers_and_pictures(tmp_path):
  """Catches one bad picture, or a prediction at 1e12, that breaks or hides a scores."""
  truth = fake_scores.truth(4)
  predictions = fake_scores.predictions(truth)
  predictions.joints3d[1, 5] = 1e12
  predictions.joints2d[1, 5] = -1e12
  _, text = _page(
    tmp_path,
    ['h36m_p1'],
    truth,
    predictions,
    pictures=lambda i: [b'no picture', b'', (_jpeg(), np.zeros((2, 3))), _jpeg()][i],
  )
  assert text.count('cannot be decoded') == 6
  places = [float(x) for x in re.findall(' [xy][12]="([-0-9.e+]+)"', text)]
  assert max(map(abs, places)) < 5000
  with pytest.raises(UserError, match='is a folder'):
    scores.write(_scored(['h36m_p1'], truth, predictions), predictions, truth, tmp_path)
