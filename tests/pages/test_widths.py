"""Pages in a real browser, where there is one: nothing is cut off, wide or narrow."""

import numpy as np
import pytest
from fakes import scores as fake_scores
from readers import browser

from wild3d import protocols
from wild3d.draw import svg
from wild3d.pages import cards, page, report, scores
from wild3d.protocols import baselines, result

ACTIONS = [
  'Directions',
  'Discussion',
  'Eating',
  'Greeting',
  'Phoning',
  'Photo',
  'Posing',
  'Purchases',
  'Sitting',
  'SittingDown',
  'Smoking',
  'Waiting',
  'WalkDog',
  'Walking',
  'WalkTogether',
]


def _scores(path):
  count = 60
  truth = fake_scores.truth(
    count,
    action=np.array([ACTIONS[i % 15] for i in range(count)]),
    sequence=[f's{i % 5}' for i in range(count)],
  )
  predictions = fake_scores.predictions(truth)
  names = ('h36m_p1', 'h36m_p2', 'h36m_zhou2017', 'mpii_pckh', 'geometry')
  results = [result.score(protocols.get(n), predictions, truth) for n in names]
  header = {'workdir': f'/a/{"long/" * 40}', 'config': {'key': 'value' * 90}}
  scores.write(results, predictions, truth, path, header=header)


def _report(path):
  what = 'of config.evaluation.skeleton_mm, as config.evaluation.sets.wild_test says'
  metrics = {f'pck_torso_0.{i}_upright': ('share', True, what) for i in range(9)}
  rows = {row: dict.fromkeys(metrics, 0.123) for row in ('network', *baselines.NAMES)}
  report.write(
    path,
    title=f'wild3d: {"name_" * 40}',
    intro='A run.',
    stages=[{'name': 'geometric', 'step': 1_234_567, 'rows': rows}],
    curves={'loss': [(1, 1.0), (1_234_567, 0.1)]},
    samples=[
      {
        'id': f'set/{"name_" * 20}',
        'image': np.full((64, 64, 3), 90, np.uint8),
        'predicted2d': 32 + fake_scores.POSE[:, :2] / 40,
        'predicted3d': fake_scores.POSE,
      }
    ],
    settings={'command': 'wild3d ' + 'x' * 200, 'config': 'y' * 500},
    metrics=metrics,
  )


def _dataset(path):
  card = cards.Card('a' * 90, None, svg.views(fake_scores.POSE), tags=('b' * 20,) * 9)
  page.write(
    path,
    'dataset.html',
    title='n' * 90,
    shown='1',
    total='1,000,000',
    seed=0,
    tables=[('Left out by the builder', [('a reason of several words', '1,234,567')])],
    figure=svg.legend(),
    joints=[f'joint number {i}' for i in range(16)],
    cards=[card],
  )


@pytest.fixture(scope='module')
def chromium():
  """One browser for all tests of this file."""
  with browser.open_browser() as opened:
    yield opened


@pytest.mark.parametrize('width', [390, 1280])
@pytest.mark.parametrize('write', [_scores, _report, _dataset])
def test_nothing_is_cut_off(write, width, chromium, tmp_path):
  """Catches a table that a phone cuts off, and a page that scrolls sideways."""
  write(tmp_path / 'page.html')
  chromium.resize(width, 900)
  chromium.show(tmp_path / 'page.html')
  over = chromium.run(
    'return [...document.querySelectorAll("html, body, main, div, table, dl, pre, p")]'
    '.filter(e => e.scrollWidth > e.clientWidth + 1)'
    '.map(e => e.tagName + " " + e.className + " " + e.textContent.slice(0, 60))'
  )
  assert over == []
  assert not chromium.errors()
