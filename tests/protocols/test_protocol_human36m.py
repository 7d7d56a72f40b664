"""Human3.6M's protocols: subsets, strides, slot 7, and what is missing or collapsed."""

import numpy as np
import pytest
from fakes import scored as fake

from wild3d import protocols, skeleton
from wild3d.errors import UserError
from wild3d.protocols import alignment


def _figure(name, pred, true, joints='mpii16', **fields):
  truth = fake.truth(joints3d=true, joints=joints, **fields)
  (figure,) = protocols.get(name).measure(fake.predictions(truth, pred), truth)
  return figure


def _score(name, pred, true, **more):
  return _figure(name, pred, true, **more).mean()[0]


def _standing(count=1):
  """The person at the size that h36m_zhou2017 scales to, with its slot 7."""
  pose = fake.person()
  pose[7] = (pose[6] + pose[8]) / 2
  bones = np.array(skeleton.BONES)
  size = np.linalg.norm(pose[bones[:, 0]] - pose[bones[:, 1]], axis=-1).sum()
  return np.repeat((pose * 4296.99233013 / size)[None], count, axis=0)


def test_a_root_that_is_off_moves_all_the_others():
  """Catches alignment by the centre instead of the root."""
  true = fake.person()[None]
  pred = true.copy()
  pred[0, 6, 0] += 32
  assert _score('h36m_p1', pred, true) == pytest.approx(32 * 15 / 16)


def test_slot_seven():
  """Catches the predicted thorax scored, or the true spine ignored."""
  true = _standing()
  pred = true.copy()
  pred[0, 7] += 500
  assert _score('h36m_zhou2017', pred, true) < 1e-9
  names = skeleton.JOINT_SETS['h36m17']
  made, _ = skeleton.convert(true, 'mpii16', 'h36m17')
  made[:, names.index('spine')] = true[:, 7] + np.array([0, 0, 48.0])
  figure = _figure('h36m_zhou2017', made, made, joints='h36m17')
  assert figure.mean()[0] == pytest.approx(48 / 16)
  assert figure.columns[7] == 'spine'


def test_slot_7_is_named_by_what_it_is():
  """Catches a 'spine' that is the middle of pelvis and neck, compared with a true one."""
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
  """Catches the divisor of absolute numbers: 10 of the 50 frames due, without a word."""
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
  """Catches NaN (which would be counted as nothing) for a collapsed prediction."""
  true = _standing()
  extent = np.linalg.norm(true[0] - true[0, 6], axis=-1).mean()
  for name in ('h36m_zhou2017', 'h36m_n_mpjpe'):
    assert _score(name, np.zeros_like(true), true) == pytest.approx(extent)
  centre = np.linalg.norm(true[0] - true[0].mean(0), axis=-1).mean()
  assert _score('h36m_p2', np.zeros_like(true), true) == pytest.approx(centre)


def test_a_frame_without_a_true_root_counts_nothing():
  """Catches NaN differences counted as hits or as numbers."""
  true = np.repeat(fake.person()[None], 2, axis=0)
  true[0, 6] = np.nan
  figure = _figure('h36m_p1', np.repeat(fake.person()[None], 2, axis=0), true)
  np.testing.assert_array_equal(figure.counted.any(axis=1), [False, True])
  assert figure.mean() == (0.0, 1)


def test_subjects_and_actions():
  """Catches training subjects scored, and 'Photo 1' apart from 'TakingPhoto'."""
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
  """Catches NaN in an uncounted joint spoiling the alignment of the others."""
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
