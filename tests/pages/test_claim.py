"""The four rows at the top of the quickstart's report."""

import numpy as np
import pytest
from fakes import scores as fake_scores
from readers import html_page

from wild3d.configs import ablation
from wild3d.pages import claim, report
from wild3d.protocols import result, scores_json

MEASURES = {'pose3d': ('MPJPE', 'mm'), 'geometry': ('left-right difference', 'mm')}
OFF = {'3d': 470.0, '3d_geometric': 460.0, '3d_2d': 240.0, '3d_2d_geometric': 228.0}


@pytest.fixture
def shown(tmp_path):
  truth = fake_scores.truth(20)
  scores, samples = {}, {}
  for name, off in OFF.items():
    results = []
    for protocol, (measure, unit) in MEASURES.items():
      value = off if protocol == 'pose3d' else off / 10
      made = fake_scores.measure(np.full((20, 1), value), name=measure, unit=unit)
      made = fake_scores.protocol(lambda _, made=made: [made], name=protocol)
      results.append(result.score(made, fake_scores.predictions(truth), truth))
    scores_json.write(results, tmp_path / f'{name}.json', {})
    scores[name] = scores_json.read(tmp_path / f'{name}.json')
    pose = np.random.default_rng(0).normal(0, 300, (16, 3))
    samples[name] = [
      {
        'id': 'people/1',
        'image': np.zeros((64, 64, 3), np.uint8),
        'predicted2d': np.full((16, 2), 30.0),
        'true2d': np.full((16, 2), 32.0),
        'visible': np.ones(16, bool),
        'predicted3d': pose + off,
        'true3d': pose,
      }
    ] * 2
  return claim.of(scores, samples)


def test_rows_sentences_and_people(shown, tmp_path):
  """Catches a figure in the wrong sentence, a row against another, people mixed up."""
  first, second = shown.sentences
  assert first.index('47.0 cm') < first.index('24.0 cm') < first.index('22.8 cm')
  assert 'differ by 24 mm without that loss and by 23 mm with it' in second
  (_, means, _), (_, differences, _) = shown.tables
  assert [row[0] for row in means] == [row.title for row in ablation.CLAIM.values()]
  changes = {row[0]: row[2] for row in differences}
  assert changes['3D + 2D − 3D only'] == '-230.0 (-230.0 to -230.0)'
  assert changes['3D + 2D + geometric − 3D + 2D'] == '-12.0 (-12.0 to -12.0)'
  assert [len(person) for person in shown.people] == [4, 4]
  path = tmp_path / 'report.html'
  report.write(
    path, title='', intro='', stages=[], curves={}, samples=[], settings={}, claim=shown
  )
  page = html_page.Page(path.read_text())
  assert page.headings[0] == 'What each part gives'
  titles = [row.title for row in ablation.CLAIM.values()]
  assert [h for h in page.headings if h in titles] == titles * 2
