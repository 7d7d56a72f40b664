"""Comparison of two files of scores: paired, of the same samples, honest."""

import json

import numpy as np
import pytest
from fakes import scores as fake_scores

from wild3d import __main__
from wild3d.errors import UserError
from wild3d.protocols import compare, result, samples, scores_json


def _scored(values, *, sequence=None, order=None, measure=None, **changes):
  values = np.asarray(values, np.float64).reshape(len(values), -1)
  truth = fake_scores.truth(len(values), sequence=sequence)
  if order is not None:
    truth = samples.take(truth, order)
    values = values[order]
  protocol = fake_scores.protocol(
    lambda _: [fake_scores.measure(values, **(measure or {}))], **changes
  )
  return result.score(protocol, fake_scores.predictions(truth), truth)


def _write(path, values, **changes):
  scores_json.write([_scored(values, **changes)], path, {'step': 7})
  return scores_json.read(path)


def _cells(text, start):
  """The cells of the table row that begins with this text."""
  line = next(x for x in text.split('\n') if x.startswith(f'| {start} '))
  return [cell.strip() for cell in line.strip('|').split('|')]


def _ends(text, start='error, mm'):
  return [float(end) for end in _cells(text, start)[4].split(' to ')]


def test_paired_interval(tmp_path):
  """Catches unpaired resamples: hard samples are hard for both, ten times too wide."""
  random = np.random.default_rng(0)
  hard = random.gamma(2, 40, 800)
  change = random.normal(-2, 6, 800)
  a = _write(tmp_path / 'a.json', hard + 100)
  b = _write(tmp_path / 'b.json', hard + 100 + change)
  text = compare.compare([a], [b])
  cells = _cells(text, 'error, mm')
  low, high = _ends(text)
  assert float(cells[3]) == pytest.approx(change.mean(), abs=0.01)
  assert high - low == pytest.approx(2 * 1.96 * change.std() / 800**0.5, rel=0.1)
  assert cells[5] == 'B'
  better = (change < 0).sum()
  assert (
    f'B is better on {better} of 800, worse on {800 - better}, the same on 0' in text
  )


def test_sequences_are_resampled(tmp_path):
  """Catches a comparison that forgets the sequences: far too sure."""
  random = np.random.default_rng(0)
  change = np.repeat(random.normal(0, 5, 40), 20)
  sequence = np.repeat([f's{i}' for i in range(40)], 20)
  a = _write(tmp_path / 'a.json', np.full(800, 50.0), sequence=sequence)
  b = _write(tmp_path / 'b.json', 50 + change, sequence=sequence)
  text = compare.compare([a], [b])
  low, high = _ends(text)
  assert high - low == pytest.approx(2 * 1.96 * change.std() / 40**0.5, rel=0.15)
  assert '40 sequences' in text


def test_order_of_samples_does_not_matter(tmp_path):
  """Catches pairing by place instead of by id."""
  values = np.random.default_rng(0).gamma(2, 40, 300)
  a = _write(tmp_path / 'a.json', values)
  b = _write(tmp_path / 'b.json', values + 3.0, order=np.arange(300)[::-1])
  text = compare.compare([a], [b])
  assert 'B is better on 0 of 300, worse on 300, the same on 0' in text
  assert _ends(text) == [3.0, 3.0]


@pytest.mark.parametrize('average', ['samples', 'pooled', 'columns'])
def test_difference_is_of_the_figures(tmp_path, average):
  """Catches the difference of unweighted per-sample means; a worse B called better."""
  random = np.random.default_rng(4)
  counted = random.random((50, 5)) < 0.5
  measure = {'counted': counted, 'average': average, 'unit': '%'}
  values = random.uniform(0, 80, (50, 5))
  a = _write(tmp_path / 'a.json', values, measure=measure)
  b = _write(tmp_path / 'b.json', values + 10, measure=measure)
  text = compare.compare([a], [b])
  cells = _cells(text, 'error, %')
  assert (cells[3], cells[5]) == ('+10.00', 'B')  # of %, more is better
  assert _ends(text, 'error, %') == pytest.approx([10, 10], abs=0.01)


def test_no_difference(tmp_path):
  """Catches noise called an improvement."""
  random = np.random.default_rng(0)
  a = _write(tmp_path / 'a.json', random.gamma(2, 40, 300))
  b = _write(tmp_path / 'b.json', random.gamma(2, 40, 300))
  assert _cells(compare.compare([a], [b]), 'error, mm')[5] == 'unsure'
  assert 'the same on 300' in compare.compare([a], [a])
  assert _cells(compare.compare([a], [a]), 'error, mm')[5] == 'unsure'


def test_texts(tmp_path):
  """Catches figures of two definitions printed as if they were of one."""
  a = _write(tmp_path / 'a.json', np.arange(9.0))
  b = _write(tmp_path / 'b.json', np.arange(9.0), text='Of something else.')
  assert 'is the same in both' in compare.compare([a], [a])
  text = compare.compare([a], [b])
  assert 'TEXTS OF THE PROTOCOL DIFFER' in text
  assert '- B: Of something else.' in text


def test_other_counts_are_told(tmp_path):
  """Catches a B that counts less and looks better for it, unseen."""
  counted = np.ones((9, 2), bool)
  a = _write(tmp_path / 'a.json', np.ones((9, 2)), measure={'counted': counted})
  counted = counted.copy()
  counted[0] = False
  b = _write(tmp_path / 'b.json', np.ones((9, 2)), measure={'counted': counted})
  text = compare.compare([a], [b])
  assert _cells(text, 'error, mm')[6] == '9 / 8'
  assert _cells(text, 'error, mm')[5] == '–'
  assert 'A and B count DIFFERENT JOINTS' in text
  assert 'some are counted on fewer samples' in text
  assert 'sample by sample' not in text


def test_other_joints_are_told(tmp_path):
  """Catches 16 joints against 14 with a winner: each sample's mean weighs 1 in both."""
  random = np.random.default_rng(0)
  values = random.gamma(2, 40, (60, 16))
  a = _write(tmp_path / 'a.json', values)
  b = _write(tmp_path / 'b.json', values[:, :14] - 20)
  text = compare.compare([a], [b])
  assert _cells(text, 'error, mm')[5] == '–'
  assert '16 in A, 14 in B (only in A left_elbow, left_wrist)' in text
  assert 'is better on' not in text
  assert a.protocols['fake']['joints'] == 16
  assert b.protocols['fake']['joints'] == 14


def test_other_notes_are_told(tmp_path):
  """Catches two sources of slot 7 compared as one."""
  a = _write(tmp_path / 'a.json', np.ones(9), note=lambda _: 'spine')
  b = _write(tmp_path / 'b.json', np.ones(9), note=lambda _: 'middle')
  assert 'THE NOTES DIFFER. A: spine. B: middle.' in compare.compare([a], [b])
  assert 'NOTES' not in compare.compare([a], [a])


def test_other_samples(tmp_path):
  """Catches two subsets compared; and a message that lists 100,000 ids."""
  a = _write(tmp_path / 'a.json', np.ones(300))
  b = _write(tmp_path / 'b.json', np.ones(301))
  with pytest.raises(UserError, match=r'1 only in .*b.json \(.fake/00300.\)'):
    compare.compare([a], [b])
  c = _write(tmp_path / 'c.json', np.ones(20))
  with pytest.raises(UserError, match=r'280 only in .*a.json \(.*, \.\.\.\)') as caught:
    compare.compare([a], [c])
  assert len(str(caught.value)) < 600
  assert '\n' not in str(caught.value)


def test_no_common_protocol(tmp_path):
  """Catches an empty comparison printed as a success."""
  a = _write(tmp_path / 'a.json', np.ones(3), name='one')
  b = _write(tmp_path / 'b.json', np.ones(3), name='two')
  with pytest.raises(UserError, match=r'no protocol is in both: .*one, .*two'):
    compare.compare([a], [b])


def _cut(data):
  del data['samples']['protocols']['fake']['measures']['error']['values'][0]


def _no_counts(data):
  del data['protocols']['fake']['measures'][0]['count']


def _far_row(data):
  data['samples']['protocols']['fake']['rows'] = [0, 1, 99]


def _text_for_number(data):
  data['protocols']['fake']['measures'][0]['value'] = 'high'


def _no(*keys):
  def spoil(data):
    at = data['protocols']['fake']
    for key in keys[:-1]:
      at = at[key]
    del at[keys[-1]]

  return spoil


_LACKS = (('interval',), ('text',), ('measures', 0, 'unit'))
_LACKS += (('measures', 0, 'higher_is_better'), ('measures', 0, 'groups'))


@pytest.mark.parametrize(
  'spoil',
  [_cut, _no_counts, _far_row, _text_for_number, *(_no(*keys) for keys in _LACKS)],
)
def test_edited_files(tmp_path, spoil):
  """Catches a traceback, or a comparison, of a file that lost a part."""
  path = tmp_path / 'a.json'
  _write(path, np.ones(3))
  data = json.loads(path.read_text())
  spoil(data)
  path.write_text(json.dumps(data))
  with pytest.raises(UserError, match=r'a\.json: .*incomplete or was edited'):
    scores_json.read(path)


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('{"schema": "wild3d', 'no JSON'),
    ('[' * 100_000, 'no JSON'),
    ('[1, 2]', 'no file of scores'),
    ('{"schema": "wild3d.scores/9"}', r'wild3d\.scores/9'),
  ],
)
def test_other_files(tmp_path, text, message):
  """Catches a traceback on a file that is something else."""
  path = tmp_path / 'x.json'
  path.write_text(text)
  with pytest.raises(UserError, match=message):
    scores_json.read(path)
  with pytest.raises(UserError, match='cannot be read'):
    scores_json.read(tmp_path / 'none.json')


def test_command(tmp_path, capsys):
  """Catches a command that is not registered, or that prints another text."""
  paths = [tmp_path / 'a.json', tmp_path / 'b.json']
  for path, shift in zip(paths, (0, 5), strict=True):
    _write(path, np.arange(50.0) + shift)
  out = tmp_path / 'out.md'
  assert __main__.main(['compare', *map(str, paths), f'--out={out}']) == 0
  printed = capsys.readouterr().out
  assert printed == out.read_text()
  assert '| +5.00 |' in printed
  assert __main__.main(['compare', str(paths[0]), str(tmp_path / 'none.json')]) == 2
  assert 'none.json: cannot be read' in capsys.readouterr().err


def test_further_sets_are_compared_too(tmp_path):
  """Catches sets of one file mixed up, or left out of the comparison."""
  paths = [tmp_path / 'a.json', tmp_path / 'b.json']
  for path, shift in zip(paths, (0.0, 4.0), strict=True):
    values = np.arange(20.0)
    main, second = _scored(values), _scored(values + shift)
    scores_json.write([main], path, {}, others={'second': ([second], {})})
  text = compare.compare(*([scores_json.read(path)] for path in paths))
  head, tail = text.split('# second')
  assert _cells(head, 'error, mm')[3] == '+0.00'
  assert _cells(tail, 'error, mm')[3] == '+4.00'
