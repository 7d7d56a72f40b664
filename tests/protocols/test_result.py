"""Results: means, groups, counts and intervals against what is known of them."""

import dataclasses
import json
import pathlib
import re
import time

import numpy as np
import pytest
from fakes import scores as fake_scores

from wild3d import protocols, skeleton
from wild3d.errors import UserError
from wild3d.protocols import bootstrap, figures, result, score_table, scores_json
from wild3d.protocols.samples import Predictions


def _score(make, truth, **changes):
  protocol = fake_scores.protocol(make, **changes)
  return result.score(protocol, fake_scores.predictions(truth), truth)


def _of(values, counted=None, **changes):
  """A result of these values [N, C], with groups a, b by turns."""
  truth = fake_scores.truth(len(values))
  return _score(
    lambda _: [fake_scores.measure(values, counted, **changes)],
    truth,
    groups={'half': lambda t: np.array(['a', 'b'] * len(t))[: len(t)]},
  )


def _normal_width(values):
  """Of the 95 % interval of a mean of many independent values."""
  return 2 * 1.959964 * np.std(values, ddof=1) / np.sqrt(len(values))


@pytest.mark.parametrize('count', [400, 20_000])
def test_interval_is_that_of_a_normal_mean(count):
  """Catches an interval of the samples instead of the mean, and bags that change it."""
  values = np.random.default_rng(3).normal(70, 12, (count, 1))
  figure = _of(values).main.overall
  assert figure.high - figure.low == pytest.approx(_normal_width(values), rel=0.08)
  assert (figure.low + figure.high) / 2 == pytest.approx(values.mean(), abs=0.1)


def test_interval_holds_the_true_mean_as_often_as_it_says():
  """Catches 90 % or 99 % ends; 400 draws, so 95 +- 3.5 % (three sigma)."""
  random = np.random.default_rng(0)
  held = 0
  for _ in range(400):
    values = random.exponential(1.0, (120, 1))
    plan = bootstrap.Bootstrap.of(np.full(120, ''))
    low, high = bootstrap.interval(plan.means(values, np.ones((120, 1))))[:, 0, 0]
    held += low <= 1.0 <= high
  assert 0.91 <= held / 400 <= 0.985


def test_sequences_are_resampled_whole():
  """Catches frames taken for independent: the interval would be 5 times too narrow."""
  random = np.random.default_rng(1)
  of_sequence = random.normal(60, 10, 50)
  sequence = np.repeat([f's{i}' for i in range(50)], 25)
  values = np.repeat(of_sequence, 25)[:, None]
  truth = fake_scores.truth(1250, sequence=sequence)
  scored = _score(lambda _: [fake_scores.measure(values)], truth)
  figure = scored.main.overall
  assert (scored.resampled, scored.units) == ('sequences', 50)
  width = _normal_width(of_sequence)
  assert figure.high - figure.low == pytest.approx(width, rel=0.1)


def test_samples_without_sequence_are_units_of_their_own():
  """Catches '' taken for one long sequence."""
  plan = bootstrap.Bootstrap.of(np.array(['a', '', 'a', '']))
  assert plan.units == 3
  assert plan.bag[0] == plan.bag[2]
  assert len(set(plan.bag.tolist())) == 3


@pytest.mark.parametrize(
  ('average', 'value'),
  # Worked by hand: rows (10), (20, 40), (60, 0) counted as below.
  [('samples', (10 + 30 + 60) / 3), ('pooled', 130 / 4), ('columns', (30 + 40) / 2)],
)
def test_overall_columns_and_per_sample_values(average, value):
  """Catches one average used for another, and compare's values not meaning the mean."""
  values = np.array([[10.0, np.nan], [20.0, 40.0], [60.0, np.inf]])
  counted = np.array([[True, False], [True, True], [True, False]])
  main = _of(values, counted, average=average).main
  assert main.overall.value == pytest.approx(value)
  assert [f.value for f in main.columns.values()] == pytest.approx([30.0, 40.0])
  assert [f.count for f in main.columns.values()] == [3, 1]
  assert np.average(main.values, weights=main.weights) == pytest.approx(value)


@pytest.mark.parametrize('average', ['samples', 'pooled', 'columns'])
def test_per_sample_values_mean_the_figure(average):
  """Catches weights that are right only where everything is counted."""
  random = np.random.default_rng(5)
  values = random.gamma(2, 30, (60, 9))
  main = _of(values, random.random((60, 9)) < 0.6, average=average).main
  mean = np.average(main.values, weights=main.weights)
  assert mean == pytest.approx(main.overall.value, rel=1e-12)


def test_groups_and_their_mean():
  """Catches the mean over groups weighed by their sizes."""
  values = np.array([[1.0], [100.0], [3.0]])  # a, b, a
  main = _of(values).main
  assert {k: f.value for k, f in main.groups['half'].items()} == {'a': 2.0, 'b': 100.0}
  assert main.group_means['half'].value == 51.0
  assert main.group_means['half'].count == 2
  # One sample cannot be resampled: no interval rather than one of width 0.
  assert np.isnan(main.groups['half']['b'].low)


@pytest.mark.parametrize('average', ['samples', 'pooled', 'columns'])
def test_interval_of_group_mean_and_group(average):
  """Catches the resamples of one group given to another."""
  random = np.random.default_rng(2)
  values = random.normal(50, 5, (1000, 1))
  values[1::2] = 200 + 8 * (values[1::2] - 50)
  main = _of(values, average=average).main
  for label, part in (('a', values[::2]), ('b', values[1::2])):
    figure = main.groups['half'][label]
    assert figure.low < part.mean() < figure.high
    assert figure.high - figure.low == pytest.approx(_normal_width(part), rel=0.1)
  both = main.group_means['half']
  width = np.hypot(_normal_width(values[::2]), _normal_width(values[1::2])) / 2
  assert both.high - both.low == pytest.approx(width, rel=0.1)


def test_labels_are_sorted_and_empty_ones_left_out():
  """Catches TS10 before TS2, and '' as a group."""
  truth = fake_scores.truth(4)
  scored = _score(
    lambda _: [fake_scores.measure(np.ones((4, 1)))],
    truth,
    groups={'set': lambda _: np.array(['TS10', '', 'TS2', 'TS2'])},
  )
  assert list(scored.main.groups['set']) == ['TS2', 'TS10']


def test_curve_is_strict():
  """Catches <= for <: an error of exactly 150 mm is no hit at 150."""
  curve = dict(_of(np.array([[149.9], [150.0], [0.0], [400.0]])).main.curve)
  assert curve[150.0] == 50.0
  assert curve[155.0] == 75.0
  assert curve[0.0] == 0.0
  assert _of(np.ones((3, 1)), unit='%').main.curve == ()


def test_selection_and_counts():
  """Catches measures of the unselected, and a denominator that shrinks unseen."""
  valid = np.array([True, False, True, True])
  truth = fake_scores.truth(4, valid=valid)
  counted = np.array([[True], [True], [False]])
  scored = _score(lambda t: [fake_scores.measure(np.ones((len(t), 1)), counted)], truth)
  assert (scored.given, len(scored.rows), scored.scored) == (4, 3, 2)
  assert scored.rows.tolist() == [0, 2, 3]
  assert scored.ids.tolist() == truth.ids[valid].tolist()
  assert '4 samples given, 3 selected, 2 scored (1 have' in result.table([scored])


def test_seed():
  """Catches intervals that change from run to run, or never."""
  truth = fake_scores.truth(50)
  values = np.random.default_rng(0).normal(0, 1, (50, 1))
  protocol = fake_scores.protocol(lambda _: [fake_scores.measure(values)])
  lows = [
    result.score(
      protocol, fake_scores.predictions(truth), truth, seed=s
    ).main.overall.low
    for s in (0, 0, 1)
  ]
  assert lows[0] == lows[1] != lows[2]


def test_errors():
  """Catches an empty selection scored as NaN, and NaN scored as a number."""
  none = fake_scores.truth(3, valid=np.zeros(3, bool))
  with pytest.raises(UserError, match=r'none of the 3 samples .*0 are marked valid'):
    _score(lambda t: [fake_scores.measure(np.ones((len(t), 1)))], none)
  with pytest.raises(UserError, match='can count nothing'):
    _of(np.ones((3, 2)), np.zeros((3, 2), bool))
  with pytest.raises(UserError, match='right_knee is not finite in sample fake/00001'):
    _of(np.array([[1.0, 2.0], [1.0, np.nan]]))
  truth = fake_scores.truth(3)
  short = Predictions(truth.joints, None, truth.joints3d[:2])
  with pytest.raises(ValueError, match='3 samples'):
    result.score(fake_scores.protocol(lambda _: []), short, truth)


def test_json(tmp_path):
  """Catches NaN in the JSON, a part left out, or a half-written file."""
  values = np.array([[1.0], [3.0], [np.nan]])
  scored = _of(values, np.isfinite(values))
  path = tmp_path / 'new' / 'scores.json'
  header = {'step': np.int64(7), 'config': None, 'files': [path], 'x': float('nan')}
  scores_json.write([scored], path, header)
  data = json.loads(path.read_text(), parse_constant=pytest.fail)
  assert data['schema'] == 'wild3d.scores/1'
  assert data['header'] | {'date': 0} == {
    'date': 0,
    'step': 7,
    'config': None,
    'files': [str(path)],
    'x': None,
  }
  found = data['protocols']['fake']
  assert (found['text'], found['source']) == ('Of nothing at all.', 'a test')
  assert found['samples'] == {'given': 3, 'selected': 3, 'scored': 2}
  assert found['measures'][0]['value'] == 2.0
  assert found['measures'][0]['groups']['half']['b']['value'] == 3.0
  assert data['samples']['ids'] == ['fake/00000', 'fake/00001', 'fake/00002']
  assert data['samples']['protocols']['fake']['measures']['error'] == {
    'values': [1.0, 3.0, None],
    'weights': [1.0, 1.0, 0.0],
  }
  assert [p.name for p in path.parent.iterdir()] == ['scores.json']
  with pytest.raises(UserError, match='is a folder'):
    scores_json.write([scored], tmp_path, {})
  with pytest.raises(ValueError, match='twice'):
    scores_json.write([scored, scored], path, {})


def _keys(value):
  """Of all dictionaries in it."""
  inner = value.values() if isinstance(value, dict) else value
  found = set(value) if isinstance(value, dict) else set()
  return found.union(*(_keys(v) for v in inner if isinstance(v, dict | list)))


def test_every_key_is_documented(tmp_path):
  """Catches a key of the file that docs/scoring.md does not explain, as once `note`."""
  joints = _of(np.ones((4, 2)))
  pairs = dataclasses.replace(joints.main, columns={'upper_arm': joints.main.overall})
  other = dataclasses.replace(joints.protocol, name='other')
  parts = dataclasses.replace(joints, protocol=other, measures=(pairs,))
  view = {'examples': 4, 'network': {'mpjpe': 1.0}}
  others = {'second': ([joints], view)}
  path = tmp_path / 'scores.json'
  scores_json.write([joints, parts], path, {}, overview=view, others=others)
  names = {
    'second',
    'network',
    'mpjpe',
    'fake',
    'other',
    'error',
    'half',
    'a',
    'b',
    'upper_arm',
    *fake_scores.JOINTS,
  }
  keys = _keys(json.loads((tmp_path / 'scores.json').read_text())) - names
  assert {'overview', 'others', 'examples'} < keys
  assert {'joints', 'parts', 'note', 'level', 'low', 'weights'} < keys
  page = (pathlib.Path(__file__).parents[2] / 'docs' / 'scoring.md').read_text()
  section = page.split('## The result')[1].split('\n## ')[0]
  assert sorted(k for k in keys if not re.search(f'[`"]{k}[`"]', section)) == []


def test_values_in_the_file_are_close(tmp_path):
  """Catches digits lost to rounding, for figures small and large, and of either sign."""
  values = np.array([[123.456789], [-1.23456789e-9], [0.0], [7.654321e9]])
  scores_json.write([_of(values)], tmp_path / 'a.json', {})
  data = json.loads((tmp_path / 'a.json').read_text())
  kept = data['samples']['protocols']['fake']['measures']['error']
  assert kept['values'] == pytest.approx(values[:, 0].tolist(), rel=1e-5)
  assert kept['values'][0] == 123.457
  assert kept['weights'] is None


def test_curve_of_distances():
  """Catches a curve of what is no distance, or none for want of a name: slot 7."""
  truth = fake_scores.truth(9)
  predictions = fake_scores.predictions(truth, scale=60.0)
  for name, curves in (('h36m_zhou2017', [1]), ('geometry', [0] * 5)):
    scored = result.score(protocols.get(name), predictions, truth)
    assert [bool(m.curve) for m in scored.measures] == curves
  main = result.score(protocols.get('h36m_zhou2017'), predictions, truth).main
  assert main.overall.count == 9
  assert dict(main.curve)[5.0] >= 100 / 16  # the pelvis
  assert dict(main.curve)[300.0] == 100


def test_table():
  """Catches a row of another length, and a label that ends its cell."""
  truth = fake_scores.truth(6, action=np.array(['a|b', 'c\nd'] * 3))
  values = np.full((6, 2), 12.345)
  three = _score(
    lambda _: [fake_scores.measure(values, name='MPJPE')],
    truth,
    name='p1',
    groups={'action': lambda t: t.action},
    group_mean=True,
  )
  two = _score(
    lambda _: [fake_scores.measure(values, name='PCK', unit='%')], truth, needs='2d'
  )
  blocks = result.table([three, two]).strip().split('\n\n')
  assert '| p1       | MPJPE, mm ↓ | 12.3' in blocks[0]
  assert 'a\\|b' in blocks[2]
  assert 'c d' in blocks[2]
  assert 'mean of these' in blocks[2]
  for block in (blocks[0], *blocks[2:]):
    pipes = {line.replace('\\|', '').count('|') for line in block.split('\n')}
    assert len(pipes) == 1


@pytest.mark.parametrize(
  ('value', 'unit', 'text'),
  [
    (3.0, 'mm', '3.00'),
    (0.03, 'ratio^2', '0.0300'),
    (123.4, 'head sizes', '123'),
    (np.nan, '%', '–'),
  ],
)
def test_digits(value, unit, text):
  """Catches 0.03 beside 0.0787, as if the one were known less well."""
  assert score_table.number(value, unit) == text


def test_right_and_left_together():
  """Catches a pooled part whose sides weigh the same though one is counted thrice."""
  values = np.array([[10.0, 0, 0, 0, 0, 90.0], [30.0, 0, 0, 0, 0, 0]])
  counted = np.zeros((2, 6), bool)
  counted[:, 0], counted[0, 5] = True, True  # right ankle twice, left ankle once
  pooled = _of(values, counted, average='pooled').main
  assert score_table.sides_together(pooled)['ankle'] == pytest.approx(130 / 3)
  columns = _of(values, counted, average='columns').main
  assert score_table.sides_together(columns)['ankle'] == pytest.approx((20 + 90) / 2)


def test_fast_enough_for_human36m():
  """Catches a Python loop over samples or resamples: minutes instead of a second."""
  count = 110_000
  values = np.random.default_rng(0).gamma(2, 30, (count, 17))
  columns = skeleton.JOINT_SETS['h36m17']
  one = fake_scores.measure(values[:, :16])
  one = type(one)('e', 'mm', False, columns, values, values > 1, 'samples')
  start = time.process_time()
  plan = bootstrap.Bootstrap.of(np.full(count, ''))
  labels = {'action': np.array([f'{i % 15}' for i in range(count)])}
  figures.scored(one, labels, plan)
  assert time.process_time() - start < 6  # 1 s alone on the machine
