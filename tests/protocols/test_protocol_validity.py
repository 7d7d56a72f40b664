"""Geometry without truth: what bends, persons and stills."""

import numpy as np
import pytest
from fakes import scored as fake

from wild3d import protocols, skeleton
from wild3d.protocols import result, validity

SIZE = skeleton.ZHOU2017_SKELETON_MM


def _measures(pred, **fields):
  truth = fake.truth(joints3d=np.full(pred.shape, np.nan), **fields)
  figures = protocols.get('geometry').measure(fake.predictions(truth, pred), truth)
  return {f.name: f for f in figures}


def _normalised(pose):
  total = sum(np.linalg.norm(pose[a] - pose[b]) for a, b in skeleton.BONES)
  return (pose - pose[6]) * SIZE / total


def _random(count=24, seed=0):
  rng = np.random.default_rng(seed)
  return fake.person() + rng.normal(scale=60, size=(count, 16, 3))


def _illegal(pose):
  figure = _measures(pose[None])['illegal angles']
  return {n for n, v in zip(figure.columns, figure.values[0], strict=True) if v}


@pytest.mark.parametrize('seed', range(3))
def test_what_bends_the_wrong_way(seed):
  """Catches a sign that depends on side, view, or joint; limits not applied."""
  turn = fake.rotation(seed).T
  j = skeleton.JOINTS.index
  assert _illegal(fake.person() @ turn) == set()
  for side in ('right', 'left'):
    for joint, lower, wrong in (('knee', 'ankle', -300.0), ('elbow', 'wrist', 300.0)):
      pose = fake.person()
      pose[j(f'{side}_{lower}')][2] = pose[j(f'{side}_{joint}')][2] + wrong
      assert _illegal(pose @ turn) == {f'{side}_{joint}'}
      folded = fake.person()
      upper = {'knee': 'hip', 'elbow': 'shoulder'}[joint]
      a, b = folded[j(f'{side}_{upper}')], folded[j(f'{side}_{joint}')]
      folded[j(f'{side}_{lower}')] = b + 0.9 * (a - b)  # back along itself
      assert _illegal(folded @ turn) == {f'{side}_{joint}'}


@pytest.mark.parametrize(
  ('joint', 'degrees', 'illegal'),
  [
    *(('knee', d, i) for d, i in ((0, 0), (-19, 0), (-21, 1), (164, 0), (166, 1))),
    *(('elbow', d, i) for d, i in ((0, 0), (-19, 0), (-21, 1), (159, 0), (161, 1))),
  ],
)
def test_the_limits_of_a_bend(joint, degrees, illegal):
  """Catches one joint's limit applied to the other, and degrees taken for radians."""
  pose, j = fake.person(), skeleton.JOINTS.index
  upper, lower = {'knee': ('hip', 'ankle'), 'elbow': ('shoulder', 'wrist')}[joint]
  forwards = {'knee': 1, 'elbow': -1}[joint]  # a shin goes backwards, a forearm not
  angle = np.radians(degrees)
  for side in ('right', 'left'):
    middle = pose[j(f'{side}_{upper}')] + np.array([0, 300, 0])
    pose[j(f'{side}_{joint}')] = middle
    bent = np.array([0, np.cos(angle), forwards * np.sin(angle)])
    pose[j(f'{side}_{lower}')] = middle + 280 * bent
  found = {name for name in _illegal(pose) if name.endswith(joint)}
  assert found == ({f'right_{joint}', f'left_{joint}'} if illegal else set())


def test_legal_poses():
  """Catches a rule that knows only standing: sitting, arms overhead, arms sideways."""
  j = skeleton.JOINTS.index
  pose = fake.person()
  for side, x in (('right', -1.0), ('left', 1.0)):
    hip, shoulder = pose[j(f'{side}_hip')], pose[j(f'{side}_shoulder')]
    pose[j(f'{side}_knee')] = hip + np.array([0, 0, -440])
    pose[j(f'{side}_ankle')] = hip + np.array([0, 440, -440])
    pose[j(f'{side}_elbow')] = shoulder + np.array([0, -280, 0])
    pose[j(f'{side}_wrist')] = shoulder + np.array([0, -380, 200])
    assert _illegal(pose) == set()
    pose[j(f'{side}_elbow')] = shoulder + np.array([280 * x, 0, 0])
    pose[j(f'{side}_wrist')] = shoulder + np.array([280 * x, -240, 0])
    assert _illegal(pose) == set()


def test_interval_of_the_spread_is_over_persons():
  """Catches frames of one person taken for independent: ten times too sure."""
  rng = np.random.default_rng(0)
  size = rng.uniform(10, 60, 12)  # mm, how unsteady each person's prediction is
  noise = rng.normal(size=(12, 100, 16, 3)) * size[:, None, None, None]
  pred = (fake.person() + noise).reshape(-1, 16, 3)
  who = np.repeat([f'p{i}' for i in range(12)], 100)
  clips = np.repeat([f'c{i}' for i in range(120)], 10)
  truth = fake.truth(joints3d=np.full(pred.shape, np.nan), subject=who, sequence=clips)
  scored = result.score(protocols.get('geometry'), fake.predictions(truth, pred), truth)
  assert (scored.resampled, scored.units) == ('persons', 12)
  of = next(m for m in scored.measures if m.name == 'bone-length spread')
  persons = of.values.reshape(12, 100)[:, 0]
  normal = 2 * 1.96 * persons.std() / 12**0.5
  assert of.overall.high - of.overall.low == pytest.approx(normal, rel=0.2)


def test_stills_and_unknown_people():
  """Catches a spread of 0 for people seen once, or of strangers taken for one person."""
  pred = _random(6)
  who = np.array(['a', 'a', 'b', '', '', 'c'])
  figures = _measures(pred, subject=who)
  counted = figures['bone-length spread'].counted
  np.testing.assert_array_equal(counted.all(axis=1), [1, 1, 0, 0, 0, 0])
  assert figures['jitter'].mean()[1] == 0
  by_sequence = _measures(pred, sequence=np.array(['x', 'x', 'x', 'y', 'y', 'z']))
  counted = by_sequence['bone-length spread'].counted.any(axis=1)
  np.testing.assert_array_equal(counted, [1, 1, 1, 1, 1, 0])


def test_nobody():
  """Catches a crash on an empty set, or on one and two frames."""
  for count in (0, 1, 2):
    values, counted = validity.jitter(
      np.zeros((count, 15, 3)), np.full(count, 's'), np.arange(count)
    )
    assert values.shape == (count, 15)
    assert not counted.any()
