"""Human3.6M's protocols against loops written from the definitions, and by hand."""

import fake_scored as fake
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.spatial.transform

from wild3d import protocols, skeleton
from wild3d.errors import UserError
from wild3d.protocols import alignment, mean

NAMES = ('h36m_p1', 'h36m_p2', 'h36m_zhou2017', 'h36m_n_mpjpe')


def _figure(name, pred, true, joints='mpii16', **fields):
  truth = fake.truth(joints3d=true, joints=joints, **fields)
  (figure,) = protocols.get(name).measure(fake.predictions(truth, pred), truth)
  return figure


def _score(name, pred, true, **more):
  return mean.overall(_figure(name, pred, true, **more))[0]


def _per_joint(pred, true):
  return [
    float(np.sqrt(sum((p - t) ** 2 for p, t in zip(a, b, strict=True))))
    for a, b in zip(pred, true, strict=True)
  ]


def _p1_of_one(pred, true, names):
  root = names.index('pelvis')
  return _per_joint(pred - pred[root], true - true[root])


def _p2_of_one(pred, true, names):
  """Rotation by Wahba's problem in quaternions, not by the SVD that is tested."""
  keep = ~np.isnan(true).any(axis=1)
  a, b = pred[keep] - pred[keep].mean(0), true[keep] - true[keep].mean(0)
  s = a.T @ b
  trace = np.trace(s)
  skew = np.array([s[1, 2] - s[2, 1], s[2, 0] - s[0, 2], s[0, 1] - s[1, 0]])
  matrix = np.empty((4, 4))
  matrix[:3, :3] = s + s.T - trace * np.eye(3)
  matrix[3, :3] = matrix[:3, 3] = skew
  matrix[3, 3] = trace
  _, vectors = scipy.linalg.eigh(matrix)
  turn = scipy.spatial.transform.Rotation.from_quat(vectors[:, -1])
  moved = turn.apply(a)
  scale = (moved * b).sum() / (a * a).sum()
  everything = turn.apply(pred - pred[keep].mean(0)) * scale + true[keep].mean(0)
  return _per_joint(everything, true)


def _n_mpjpe_of_one(pred, true, names):
  root = names.index('pelvis')
  pred, true = pred - pred[root], true - true[root]
  keep = ~np.isnan(true).any(axis=1)

  def cost(scale):
    return ((scale * pred[keep] - true[keep]) ** 2).sum() / 1e6

  best = scipy.optimize.minimize_scalar(cost, (0.5, 2), tol=1e-12)
  return _per_joint(best.x * pred, true)


def _zhou_of_one(pred, true, names):
  where = {name: i for i, name in enumerate(names)}
  total = 0.0
  for a, b in skeleton.BONES:
    ends = [pred[where[skeleton.JOINTS[end]]] for end in (a, b)]
    total += np.linalg.norm(ends[0] - ends[1])
  errors = []
  for name in skeleton.JOINTS:
    sides = []
    for pose, factor in ((pred, 4296.99233013 / total), (true, 1.0)):
      root, neck = pose[where['pelvis']], pose[where['upper_neck']]
      place = pose[where[name]] if name != 'thorax' else (root + neck) / 2
      if name == 'thorax' and pose is true and 'spine' in where:
        place = pose[where['spine']]
      sides.append((place - root) * factor)
    errors += _per_joint([sides[0]], [sides[1]])
  return errors


REFERENCES = (_p1_of_one, _p2_of_one, _zhou_of_one, _n_mpjpe_of_one)


@pytest.mark.parametrize('joints', ['h36m17', 'mpii16'])
@pytest.mark.parametrize(
  ('name', 'reference'), list(zip(NAMES, REFERENCES, strict=True))
)
def test_against_a_loop(name, reference, joints):
  # Catches any batching error: axes, masks, transposed rotations, wrong root, scale.
  truth, pred = fake.random_pair(joints, count=30, seed=1, missing=0.1)
  (figure,) = protocols.get(name).measure(pred, truth)
  want = np.array(
    [
      reference(p, t, truth.joints)
      for p, t in zip(pred.joints3d, truth.joints3d, strict=True)
    ]
  )
  np.testing.assert_array_equal(figure.counted, ~np.isnan(want))
  assert not figure.counted.all()
  tolerance = 2e-3 if name == 'h36m_n_mpjpe' else 1e-8  # of the reference's minimiser
  got = np.where(figure.counted, figure.values, 0)
  np.testing.assert_allclose(got, np.nan_to_num(want), atol=tolerance)
  value, count = mean.overall(figure)
  assert count == 30
  assert value == pytest.approx(np.mean([np.nanmean(w) for w in want]), abs=tolerance)


def _standing(count=1):
  """The person at the size that h36m_zhou2017 scales to, with its slot 7."""
  pose = fake.person()
  pose[7] = (pose[6] + pose[8]) / 2
  bones = np.array(skeleton.BONES)
  size = np.linalg.norm(pose[bones[:, 0]] - pose[bones[:, 1]], axis=-1).sum()
  return np.repeat((pose * 4296.99233013 / size)[None], count, axis=0)


@pytest.mark.parametrize('name', NAMES)
def test_perfect_and_shifted_are_zero(name):
  # Catches a missing or half root alignment.
  true = _standing(3)
  assert _score(name, true, true) < 1e-9
  assert _score(name, true + np.array([100.0, -50.0, 3000.0]), true) < 1e-9


@pytest.mark.parametrize(
  ('name', 'forgiven'), list(zip(NAMES, (False, True, True, True), strict=True))
)
def test_scaled(name, forgiven):
  # Catches a scale that is divided out by p1, or not by the others.
  true = _standing()
  score = _score(name, 1.1 * true, true)
  plain = 0.1 * np.linalg.norm(true[0] - true[0, 6], axis=-1).mean()
  assert score == pytest.approx(0.0 if forgiven else plain, abs=1e-9)


def test_rotated_is_zero_for_procrustes_alone():
  # Catches a rotation transposed (which is right for no rotation but 180 degrees).
  true = _standing()
  for seed in range(5):
    turned = true @ fake.rotation(seed).T
    assert _score('h36m_p2', turned, true) < 1e-9
    assert min(_score(n, turned, true) for n in NAMES if n != 'h36m_p2') > 50


def test_mirrored_is_an_error_for_all():
  # Catches Procrustes with a reflection: a mirror image would score 0.
  true = _standing()
  true[0, 15] += [80.0, -100.0, -120.0]  # not its own mirror image
  mirrored = true * [-1.0, 1.0, 1.0]
  for name in NAMES:
    assert _score(name, mirrored, true) > 5


@pytest.mark.parametrize('off', [149.9, 150.0])
def test_one_joint_off(off):
  # Catches a mean over the wrong number of joints.
  true = np.repeat(fake.person()[None], 2, axis=0)
  pred = true.copy()
  pred[0, 0, 2] += off
  figure = _figure('h36m_p1', pred, true)
  assert mean.overall(figure)[0] == pytest.approx(off / 16 / 2, abs=1e-9)
  assert mean.per_column(figure)[0][0] == pytest.approx(off / 2)


def test_a_root_that_is_off_moves_all_the_others():
  # Catches alignment by the centre instead of the root.
  true = fake.person()[None]
  pred = true.copy()
  pred[0, 6, 0] += 32
  assert _score('h36m_p1', pred, true) == pytest.approx(32 * 15 / 16)


def test_slot_seven():
  # Catches the predicted thorax scored, or the true spine ignored.
  true = _standing()
  pred = true.copy()
  pred[0, 7] += 500
  assert _score('h36m_zhou2017', pred, true) < 1e-9
  names = skeleton.JOINT_SETS['h36m17']
  made, _ = skeleton.convert(true, 'mpii16', 'h36m17')
  made[:, names.index('spine')] = true[:, 7] + np.array([0, 0, 48.0])
  figure = _figure('h36m_zhou2017', made, made, joints='h36m17')
  assert mean.overall(figure)[0] == pytest.approx(48 / 16)
  assert figure.columns[7] == 'spine'


def test_slot_7_is_named_by_what_it_is():
  # Catches a 'spine' that is the middle of pelvis and neck, compared with a true one.
  true = fake.person()[None]
  assert _figure('h36m_zhou2017', true, true).columns[7] == 'pelvis_neck_middle'
  note = protocols.get('h36m_zhou2017@5').note
  assert note(fake.truth(joints3d=true)) == (
    'slot 7 of the truth is (pelvis + upper_neck) / 2'
  )


def _strided(frame, stride, sequence=None, **fields):
  count = len(frame)
  sequence = np.full(count, 'S9/a') if sequence is None else sequence
  truth = fake.truth(
    joints3d=np.zeros((count, 16, 3)),
    subject=np.full(count, 'S9'),
    frame=np.asarray(frame),
    sequence=sequence,
    **fields,
  )
  return protocols.get(f'h36m_p1@{stride}').select(truth).sum()


def test_strides_of_frames_that_count_from_1():
  # Catches the divisor of absolute numbers: 10 of the 50 frames due, without a word.
  with pytest.raises(UserError, match='holds every 5th frame') as caught:
    _strided(np.arange(640) * 5 + 1, 64)
  assert '\n' not in str(caught.value)
  # Catches a spacing that divides the stride and yet never meets its frames.
  with pytest.raises(UserError, match='lacks many of the frames 0, 64, 128'):
    _strided(np.arange(640) * 2 + 1, 64)
  # 30 frames a second do not meet those of 50.
  with pytest.raises(UserError, match='lacks many'):
    _strided(np.arange(2000), 64, frames_per_second=30.0)
  assert _strided(np.arange(640) * 4, 64) == 40
  # Catches differences across sequences: one is of an odd frame alone.
  frame, sequence = [0, 64, 128, 7], np.array(['a', 'a', 'a', 'b'])
  assert _strided(frame, 64, sequence) == 3


def test_a_prediction_without_extent():
  # Catches NaN (which would be counted as nothing) for a collapsed prediction.
  true = _standing()
  extent = np.linalg.norm(true[0] - true[0, 6], axis=-1).mean()
  for name in ('h36m_zhou2017', 'h36m_n_mpjpe'):
    assert _score(name, np.zeros_like(true), true) == pytest.approx(extent)
  centre = np.linalg.norm(true[0] - true[0].mean(0), axis=-1).mean()
  assert _score('h36m_p2', np.zeros_like(true), true) == pytest.approx(centre)


def test_a_frame_without_a_true_root_counts_nothing():
  # Catches NaN differences counted as hits or as numbers.
  true = np.repeat(fake.person()[None], 2, axis=0)
  true[0, 6] = np.nan
  figure = _figure('h36m_p1', np.repeat(fake.person()[None], 2, axis=0), true)
  np.testing.assert_array_equal(figure.counted.any(axis=1), [False, True])
  assert mean.overall(figure) == (0.0, 1)


def test_subjects_and_actions():
  # Catches training subjects scored, and 'Photo 1' apart from 'TakingPhoto'.
  subject = np.array(['S9', 's_11', '11', 'S1', '', 'S9', 'S19'])
  action = np.array(['Photo 1', 'TakingPhoto', 'Directions', '', '', 'WalkDog 2', ''])
  valid = np.array([True] * 5 + [False, True])
  true = np.zeros((7, 16, 3))
  truth = fake.truth(joints3d=true, subject=subject, action=action, valid=valid)
  protocol = protocols.get('h36m_p1')
  np.testing.assert_array_equal(protocol.select(truth), [1, 1, 1, 0, 0, 0, 0])
  groups = protocol.groups['action'](truth)
  want = ['TakingPhoto', 'TakingPhoto', 'Directions', '', '', 'WalkingDog', '']
  assert list(groups) == want
  assert protocol.group_mean


def test_alignment_of_what_is_not_counted():
  # Catches NaN in an uncounted joint spoiling the alignment of the others.
  rng = np.random.default_rng(3)
  pred, true = rng.normal(size=(2, 5, 16, 3))
  counted = np.ones((5, 16), bool)
  counted[:, 4] = False
  spoilt = np.where(counted[..., None], true, np.nan)
  for part in (slice(0, 4), slice(5, 16)):
    aligned = alignment.procrustes(pred, spoilt, counted)[:, part]
    kept = [np.delete(x, 4, axis=1) for x in (pred, true)]
    want = alignment.procrustes(*kept, np.ones((5, 15), bool))
    want = np.insert(want, 4, 0, axis=1)[:, part]
    np.testing.assert_allclose(aligned, want, atol=1e-12)
