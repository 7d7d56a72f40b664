"""What `data verify` measures, on poses and numbers written by hand."""

import os
import pathlib

import numpy as np
import pytest
from fakes.standing import standing

from wild3d.datasets.verify import measures, tally
from wild3d.datasets.verify.neighbours import Neighbours
from wild3d.skeleton import FLIP_INDEX

SAMPLES = os.environ.get('WILD3D_SAMPLES')


def test_hinges_of_a_pose_written_by_hand():
  """Catches the wrong sign, which all data derived from our own renderer would hide."""
  pose = standing()
  straight = pose.copy()
  straight[1] = (straight[0] + straight[2]) / 2
  backwards = pose * (1, 1, -1)
  poses = np.stack([pose, straight, backwards, pose[FLIP_INDEX]])
  expected = [[1, 1], [np.nan, 1], [0, 0], [0, 0]]
  np.testing.assert_array_equal(measures.knees_forwards(poses), expected)
  expected[1] = [1, 1]
  np.testing.assert_array_equal(measures.elbows_forwards(poses), expected)
  # Whichever way the person is turned.
  turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
  turn *= np.linalg.det(turn)
  np.testing.assert_array_equal(measures.knees_forwards(poses[:1] @ turn.T), [[1, 1]])


def _frames(poses, sequence):
  number = len(poses)
  return {
    'id': np.array([f'{sequence}#{i}'.encode() for i in range(number)], object),
    'sequence': np.array([sequence.encode()] * number, object),
    'frame': np.arange(number),
    'has3d': np.ones(number, bool),
    'joints3d': np.asarray(poses, np.float32),
  }


def _read(batches):
  found = Neighbours()
  for batch in batches:
    found.add(batch)
  found.end()
  return found


def test_swaps_inside_a_sequence():
  """Catches a swap missed, also between two batches, and a turn taken for one."""
  pose = standing()
  turned = pose * (-1, 1, -1)
  first = _frames([pose, pose[FLIP_INDEX], pose], 'a')
  second = _frames([pose[FLIP_INDEX]], 'a') | {'frame': np.array([3])}
  second['id'] = np.array([b'a#3'], object)
  found = _read([first, second, _frames([pose, turned, pose], 'b')])
  assert (found.swaps, found.first_swap) == (3, 'a#1')
  gap = _frames([pose, pose[FLIP_INDEX]], 'c') | {'frame': np.array([0, 2])}
  assert _read([gap]).swaps == 0


def test_sequences_with_swapped_sides():
  """Catches one sequence the wrong way round among good ones, across batches."""
  right, wrong = [standing()] * 12, [standing()[FLIP_INDEX]] * 6
  found = _read(
    [_frames(right, 'a'), _frames(wrong, 'b'), _frames(wrong, 'b'), _frames(right, 'c')]
  )
  assert (found.mirrored, found.first_mirrored) == (1, 'b')
  short = _read([_frames(wrong, 'd')])
  assert short.mirrored == 0  # too few bent joints to tell


def test_sums_equal_those_of_numpy():
  """Catches a merge that forgets the distance of the means, or a shifted bin."""
  rng = np.random.default_rng(0)
  values = rng.lognormal(1, 2, (1000, 3)) + np.array([[0, 50, 3000]])
  parts = np.split(values, [1, 400])
  moments, histogram, share = tally.Moments(3), tally.Histogram(), tally.Share((3,))
  for part in parts:
    one, two = tally.Moments(3), tally.Histogram()
    one.add(part)
    two.add(part)
    moments += one
    histogram += two
    share.add(np.where(part > 60, part > 600, np.nan))
  np.testing.assert_allclose(moments.mean, values.mean(axis=0))
  np.testing.assert_allclose(moments.spread, values.std(axis=0))
  for quantile in (0.1, 0.5, 0.99):
    expected = np.quantile(values, quantile)
    np.testing.assert_allclose(histogram.quantile(quantile), expected, rtol=0.02)
  assert histogram.maximum == values.max()
  expected = (values > 600).sum(axis=0) / (values > 60).sum(axis=0)
  np.testing.assert_allclose(share.value, expected)


def test_crossed_limbs_of_a_pose_written_by_hand():
  """Catches a swapped joint laid at another's door, or guessed where it is unclear."""
  poses = np.tile(standing(), (5, 1, 1))
  poses[1, [1, 4]] = poses[1, [4, 1]]  # knees: the ankles are not on their limbs either
  poses[2, [10, 15]] = poses[2, [15, 10]]
  poses[3, [0, 1, 4, 5]] = poses[3, [5, 4, 1, 0]]
  poses[4, :, 0] = 0  # from the side
  known = np.ones((5, 16), bool)
  expected = [[1, 1, 1, 1], [0, 0, 1, 1], [1, 1, 1, 0], [0, 1, 1, 1], [np.nan] * 4]
  np.testing.assert_array_equal(measures.uncrossed(poses, known), expected)
  known[0, 11] = False
  expected[0] = [1, 1, np.nan, np.nan]
  np.testing.assert_array_equal(measures.uncrossed(poses, known), expected)


@pytest.mark.skipif(not SAMPLES, reason='WILD3D_SAMPLES is not set')
def test_hinges_of_real_people():
  """Catches a statistic that only synthetic people obey."""
  poses = np.load(pathlib.Path(SAMPLES) / 'mocap/poses.npz')
  subjects = poses['subject']
  for subject in np.unique(subjects):
    joints = poses['joints3d'][subjects == subject]
    assert np.nanmean(measures.knees_forwards(joints)) > 0.9
    assert np.nanmean(measures.elbows_forwards(joints)) > 0.8
    assert np.nanmean(measures.knees_forwards(joints[:, FLIP_INDEX])) < 0.1
    assert np.nanmean(measures.elbows_forwards(joints[:, FLIP_INDEX])) < 0.2
  known = np.ones(poses['joints3d'].shape[:2], bool)
  assert np.nanmean(measures.uncrossed(poses['joints3d'], known)) > 0.99
