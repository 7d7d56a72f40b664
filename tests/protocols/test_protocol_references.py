"""Every figure of every protocol against reference_scores, on random data.

From the selection of samples to the mean, each column and each group, as a user gets it.
"""

import dataclasses
import math

import numpy as np
import pytest
from fakes import scored as fake
from references import scores as reference

from wild3d import protocols, skeleton
from wild3d.protocols import result

SCENARIOS = {'TS1': 'GS', 'TS2': 'GS', 'TS3': 'noGS', 'TS4': 'noGS', 'TS5': 'outdoor'}
ACTIONS = {'Walking 1': 'Walking', 'Walking': 'Walking', 'Photo 2': 'TakingPhoto'}


def _compare(name, truth, predictions, **labels):
  """Scores both ways; `labels` are the groups of each sample, by grouping."""
  protocol = protocols.get(name)
  scored = result.score(protocol, predictions, truth)
  everyone = reference.samples(truth, predictions, int(protocol.needs[0]))
  chosen = [reference.selects(name, s) for s in everyone]
  assert scored.rows.tolist() == [i for i, yes in enumerate(chosen) if yes]
  assert 0 < sum(chosen) < len(chosen)
  wanted = reference.FIGURES[name.partition('@')[0]](
    [s for s, yes in zip(everyone, chosen, strict=True) if yes]
  )
  assert [m.name for m in scored.measures] == list(wanted)
  for measure in scored.measures:
    mean, rows = wanted[measure.name]
    _same(measure.overall, *mean(rows))
    values = reference.columns(rows)
    assert {n for n, f in measure.columns.items() if f.count} == set(values)
    for column, of in values.items():
      _same(measure.columns[column], sum(of) / len(of), len(of))
    assert set(measure.groups) == set(labels)
    for grouping, label in labels.items():
      _compare_groups(measure, grouping, mean, rows, label[scored.rows])
  return scored


def _compare_groups(measure, grouping, mean, rows, labels):
  means = []
  assert set(measure.groups[grouping]) == set(labels) - {''}
  for one, figure in measure.groups[grouping].items():
    mine = [row for row, label in zip(rows, labels, strict=True) if label == one]
    value, count = mean(mine)
    _same(figure, value, count)
    means += [value] if count else []
  _same(measure.group_means[grouping], sum(means) / len(means), len(means))


def _same(figure, value, count):
  assert figure.count == count
  assert figure.value == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True)


def _human36m(joints):
  """Videos of S9 and S11 whole, one of S1, and some frames that are not valid."""
  lengths = {'a': 260, 'b': 230, 'c': 130, 'd': 40}
  sequence = np.repeat(list(lengths), list(lengths.values()))
  frame = np.concatenate([np.arange(count) for count in lengths.values()])
  of = dict(zip(lengths, ('S9', 'S11', 'S9', 'S1'), strict=True))
  does = dict(zip(lengths, ('Walking 1', 'Walking', 'Photo 2', 'Photo 2'), strict=True))
  truth, predictions = fake.random_pair(
    joints,
    count=len(frame),
    seed=1,
    missing=0.1,
    sequence=sequence,
    frame=frame,
    subject=np.array([of[s] for s in sequence]),
    action=np.array([does[s] for s in sequence]),
    valid=(frame < 203) | (frame > 211),
  )
  truth.joints3d[::9, truth.joints.index('pelvis')] = np.nan
  return truth, predictions


@pytest.mark.parametrize('joints', ['h36m17', 'mpii16'])
@pytest.mark.parametrize('stride', ['', '@1', '@5', '@64', '@200'])
@pytest.mark.parametrize(
  'name', ['h36m_p1', 'h36m_p2', 'h36m_n_mpjpe', 'h36m_zhou2017']
)
def test_human36m(name, stride, joints):
  """Catches another subset, frame, root, scale, rotation, mask, or mean of actions."""
  truth, predictions = _human36m(joints)
  action = np.array([ACTIONS[a] for a in truth.action])
  _compare(f'{name}{stride}', truth, predictions, action=action)


@pytest.mark.parametrize('joints', ['mpii16', 'mpi_inf_3dhp17'])
@pytest.mark.parametrize('name', ['mpi_inf_3dhp', 'mpi_inf_3dhp_zhou2017'])
def test_mpi_inf_3dhp(name, joints):
  """Catches other joints, scenarios, thresholds, alignments, or a mean of means."""
  rng = np.random.default_rng(2)
  subject = rng.choice([*SCENARIOS, 'S1'], 200)
  action = rng.choice(['Sports', 'Sitting', ''], 200)
  truth, _ = fake.random_pair(
    joints,
    count=200,
    seed=2,
    subject=subject,
    action=action,
    valid=rng.random(200) < 0.8,
  )
  shape = truth.joints3d.shape
  near = truth.joints3d + rng.normal(scale=60, size=shape)
  truth.joints3d[rng.random(shape[:2]) < 0.01] = np.nan
  scenario = np.array([SCENARIOS.get(s, '') for s in subject])
  scored = _compare(
    name, truth, fake.predictions(truth, near), scenario=scenario, activity=action
  )
  pck, auc, _ = scored.measures
  assert 10 < auc.overall.value < pck.overall.value < 90


@pytest.mark.parametrize('joints', ['mpii16', 'h36m17'])
def test_pose3d(joints):
  """Catches another root, size, threshold or mask than docs/protocols.md says."""
  rng = np.random.default_rng(4)
  truth, _ = fake.random_pair(joints, count=150, seed=4, valid=rng.random(150) < 0.8)
  shape = truth.joints3d.shape
  near = 1.1 * (truth.joints3d + rng.normal(scale=60, size=shape))
  truth.joints3d[rng.random(shape[:2]) < 0.01] = np.nan
  truth.joints3d[::9, truth.joints.index('pelvis')] = np.nan
  _compare('pose3d', truth, fake.predictions(truth, near))


def test_pose3d_leaves_out_what_the_picture_cuts_off():
  """Catches a joint scored that nobody could see: it is as one without 3D truth."""
  rng = np.random.default_rng(5)
  truth, predictions = fake.random_pair('mpii16', count=60, seed=5)
  truth.joints2d[:] = rng.uniform(0, 100, truth.joints2d.shape)
  cut = rng.random(truth.joints2d.shape[:2]) < 0.1
  cut[:5] = True  # no 2D labels at all: then all joints count
  blind = dataclasses.replace(truth, joints3d=truth.joints3d.copy())
  blind.joints3d[5:][cut[5:]] = np.nan
  truth.joints2d[cut] = np.nan
  pose3d = protocols.get('pose3d')
  first, second = (result.score(pose3d, predictions, t) for t in (truth, blind))
  assert first.rows.tolist() == second.rows.tolist()
  for one, other in zip(first.measures, second.measures, strict=True):
    assert one.overall == other.overall


def _people(joints, count=300, noise=12):
  """2D people upright and not, with gaps, of any size: px."""
  rng = np.random.default_rng(3)
  pose, known = skeleton.convert(fake.person()[:, :2], 'mpii16', joints)
  assert known.sum() >= 12
  angle = rng.uniform(-1, 1, count)
  c, s = np.cos(angle), np.sin(angle)
  turn = (
    np.array([[c, -s], [s, c]]).transpose(2, 0, 1)
    * rng.uniform(0.05, 0.5, count)[:, None, None]
  )
  true = pose @ turn + rng.uniform(100, 900, (count, 1, 2))
  true += rng.normal(scale=3, size=true.shape)
  pred = true + rng.normal(scale=noise, size=true.shape)
  true[rng.random(true.shape[:2]) < 0.15] = np.nan
  true[:, ~known] = np.nan
  truth = fake.truth(
    joints2d=true,
    joints=joints,
    head_size=rng.choice([20.0, 33.3, 60.0, np.nan], count),
    valid=rng.random(count) < 0.9,
  )
  return truth, fake.predictions(truth, joints2d=pred)


def test_mpii_pckh():
  """Catches one average for another where joints differ in count, or the unheaded in."""
  truth, predictions = _people('mpii16')
  # The hard joints are the ones that are often not labelled: the averages differ.
  truth.joints2d[::3, [0, 5]] = np.nan
  predictions.joints2d[:, [0, 5]] += 20
  truth.joints2d[7] = np.nan
  scored = {
    m.name: m.overall.value for m in _compare('mpii_pckh', truth, predictions).measures
  }
  official, bearpaw = (
    scored[f'PCKh@0.5 {n}'] for n in ('total (official MATLAB)', 'mean (bearpaw)')
  )
  assert 20 < bearpaw < official - 0.5 < 95


@pytest.mark.parametrize('joints', ['mpii16', 'lsp14', 'coco17'])
def test_pck_torso(joints):
  """Catches another torso, and an upright subset by another angle, or without middles."""
  truth, predictions = _people(joints)
  whole, upright = _compare('pck_torso', truth, predictions).measures
  assert 20 < whole.overall.value < 95
  assert 0.2 < upright.overall.count / whole.overall.count < 0.8


def test_geometry():
  """Catches any of the five that is not the definition's, or mixes people or videos."""
  rng = np.random.default_rng(5)
  pred = fake.person() + rng.normal(scale=90, size=(90, 16, 3))
  frame = np.concatenate([5 * np.arange(30), np.delete(np.arange(33), [4, 9, 10])])
  frame[[40, 44, 48, 54]] = frame[[39, 43, 47, 53]]
  shuffle = rng.permutation(90)
  truth = fake.truth(
    joints3d=np.full(pred.shape, np.nan),
    sequence=np.repeat(['a', 'b', ''], 30)[shuffle],
    subject=np.repeat(['S1', 'S2', '', 'S2', '', 'S3'], [20, 10, 20, 10, 29, 1])[
      shuffle
    ],
    frame=np.concatenate([frame, np.zeros(30, int)])[shuffle],
    valid=rng.random(90) < 0.95,
  )
  scored = _compare('geometry', truth, fake.predictions(truth, pred[shuffle]))
  sides, spread, variance, illegal, jitter = (m.overall for m in scored.measures)
  assert min(sides.value, spread.value, jitter.value) > 1
  assert 5 < illegal.value < 95
  assert not math.isnan(variance.value)
  assert 0 < jitter.count < spread.count
