"""Groups of runs: paired over samples and seeds, with the intervals that theory gives."""

import numpy as np
import pytest
from fakes import scores as fake_scores

from wild3d import __main__
from wild3d.errors import UserError
from wild3d.protocols import compare, paired, result, rows, scores_json


def _run(path, values, config=None, name='fake', measure='error'):
  values = np.asarray(values, np.float64)[:, None]
  truth = fake_scores.truth(len(values))
  protocol = fake_scores.protocol(
    lambda _: [fake_scores.measure(values, name=measure)], name=name
  )
  scored = result.score(protocol, fake_scores.predictions(truth), truth)
  scores_json.write([scored], path, {'config': config or {}})
  return scores_json.read(path)


def _groups(folder, values):
  """values [2, S, N] -> two groups of S runs."""
  return [
    [_run(folder / f'{g}{s}.json', run) for s, run in enumerate(group)]
    for g, group in enumerate(values)
  ]


def _difference(a, b):
  one, other = (paired.mean(runs, 'fake', 'error', like=a[0]) for runs in (a, b))
  return other.minus(one)


def test_what_both_have_does_not_widen(tmp_path):
  """Catches unpaired people, or seeds drawn apart for the two groups: 20 times too wide."""
  rng = np.random.default_rng(0)
  common = 200 + rng.gamma(2, 40, 400) + rng.normal(0, 30, (3, 1))
  change = rng.normal(-2, 6, (3, 400))
  found = _difference(*_groups(tmp_path, [common, common + change]))
  low, high = found.interval
  assert found.value == pytest.approx(change.mean(), abs=1e-3)
  per_person, per_seed = change.mean(0).std() / 20, change.mean(1).std(ddof=1) / 3**0.5
  wanted = 2 * 1.96 * np.hypot(per_person, per_seed)
  assert high - low == pytest.approx(wanted, rel=0.35)
  assert high < 0


def test_seeds_have_the_variance_of_their_mean(tmp_path):
  """Catches seeds that are not resampled, or S draws of S: a third of the variance lost."""
  shift = np.array([0.0, 3.0, 9.0])
  a, b = _groups(
    tmp_path, [np.full((3, 50), 100.0), 100 + shift[:, None] * np.ones(50)]
  )
  found = _difference(a, b)
  assert found.value == pytest.approx(4.0)
  assert found.resampled.std() == pytest.approx(shift.std(ddof=1) / 3**0.5, rel=0.05)


def test_one_run_is_the_bootstrap_of_its_file(tmp_path):
  """Catches another interval for one seed than the file itself has."""
  (run,), _ = _groups(tmp_path, np.random.default_rng(1).gamma(2, 40, (2, 1, 60)))
  measure = run.protocols['fake']['measures'][0]
  found = paired.mean([run], 'fake', 'error', like=run)
  assert found.interval == pytest.approx((measure['low'], measure['high']), rel=1e-4)


def test_groups_are_compared(tmp_path):
  """Catches a group of which one file alone is read; a constant field that is listed."""
  values = np.random.default_rng(2).gamma(2, 40, 80)
  a, b = (
    [
      _run(tmp_path / f'{g}{s}.json', values + 10 * g * s, {'w': {'x': g}, 'seed': s})
      for s in range(3)
    ]
    for g in range(2)
  )
  text = compare.compare(a, b)
  assert '| +10.00 |' in text  # the mean of 0, 10 and 20
  assert '80 samples, and 3 seeds resampled' in text
  line = next(x for x in text.split('\n') if 'config.' in x)
  assert [cell.strip() for cell in line.strip('|').split('|')] == [
    'config.w.x',
    '0',
    '1',
  ]
  assert 'config.seed' not in text
  with pytest.raises(UserError, match='3 files are compared with 2'):
    compare.compare(a, b[:2])


def test_command(tmp_path, capsys):
  """Catches --with that is not read, and a traceback where files lack a partner."""
  paths = [str(tmp_path / f'{name}.json') for name in 'abcd']
  for shift, path in enumerate(paths):
    _run(path, np.arange(30.0) + shift)
  assert __main__.main(['compare', *paths[:2], '--with', *paths[2:]]) == 0
  assert '| +2.00 |' in capsys.readouterr().out
  assert __main__.main(['compare', *paths[:3]]) == 2
  assert '3 files: give two, or the second group' in capsys.readouterr().err
  assert __main__.main(['compare', *paths[:3], '--with', paths[3]]) == 2
  assert '3 files are compared with 1' in capsys.readouterr().err


def test_rows(tmp_path):
  """Catches A minus B, and a sure difference that is not marked."""
  values = 100 + np.random.default_rng(3).gamma(2, 10, 50)
  near, far = (
    [_run(tmp_path / f'{n}.json', values + n, name='pose3d', measure='MPJPE')]
    for n in (0, 30)
  )
  head, lines, _ = rows.means({'near': near, 'far': far})
  assert head == ['', 'seeds', 'MPJPE, mm']
  assert float(lines[1][2]) - float(lines[0][2]) == pytest.approx(30)
  _, ((name, seeds, cell),), _ = rows.differences({'far - near': (near, far)})
  assert (name, seeds, cell) == ('far - near', '1', '**+30.0 (+30.0 to +30.0)**')
  _, ((*_, cell),), _ = rows.differences({'none': (near, near)})
  assert cell == '+0.0 (+0.0 to +0.0)'


def test_a_run_of_other_samples_is_named(tmp_path):
  """Catches a third run of another split in the mean."""
  a, b = _groups(tmp_path, np.ones((2, 2, 20)))
  odd = _run(tmp_path / 'odd.json', np.ones(19))
  with pytest.raises(UserError, match=r'1 only in .*00\.json'):
    compare.compare(a, [b[0], odd])
