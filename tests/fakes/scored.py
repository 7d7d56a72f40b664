"""Made-up truths, predictions, and people standing, for the tests of protocols."""

import numpy as np

from wild3d import skeleton
from wild3d.protocols.samples import Predictions, Truth


def truth(joints3d=None, joints2d=None, joints='mpii16', **fields) -> Truth:
  """A truth of N samples; what is not given is unknown, and all are valid."""
  names = skeleton.JOINT_SETS[joints] if isinstance(joints, str) else joints
  given = joints3d if joints3d is not None else joints2d
  count = len(given)
  values = {
    'joints': names,
    'ids': np.array([f'sample {i}' for i in range(count)]),
    'joints2d': np.full((count, len(names), 2), np.nan),
    'joints3d': np.full((count, len(names), 3), np.nan),
    'occluded': np.zeros((count, len(names)), bool),
    'head_size': np.full(count, np.nan),
    'valid': np.ones(count, bool),
    'subject': np.full(count, ''),
    'action': np.full(count, ''),
    'sequence': np.full(count, ''),
    'frame': np.arange(count),
  }
  if joints3d is not None:
    values['joints3d'] = np.asarray(joints3d, float)
  if joints2d is not None:
    values['joints2d'] = np.asarray(joints2d, float)
  return Truth(**(values | fields))


def predictions(of: Truth, joints3d=None, joints2d=None) -> Predictions:
  """Predictions of the samples of a truth."""
  return Predictions(of.joints, joints2d, joints3d)


def random_pair(joints='mpii16', count=40, seed=0, noise=120.0, missing=0.0, **fields):
  """(truth, predictions) of random poses in mm, far from the origin and apart."""
  rng = np.random.default_rng(seed)
  shape = (count, len(skeleton.JOINT_SETS[joints]), 3)
  true = rng.normal(scale=350, size=shape)
  pred = (
    0.7 * true + rng.normal(scale=noise, size=shape) + rng.normal(size=(count, 1, 3))
  )
  true = true + rng.normal(scale=3000, size=(count, 1, 3))
  gaps = rng.random(shape[:2]) < missing
  gaps[:, skeleton.JOINT_SETS[joints].index('pelvis')] = False
  true[gaps] = np.nan
  made = truth(joints3d=true, joints=joints, **fields)
  return made, predictions(made, pred)


def rotation(seed) -> np.ndarray:
  """A random proper rotation."""
  q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
  q = q * np.sign(np.diag(r))
  return q * np.sign(np.linalg.det(q))


def person() -> np.ndarray:
  """[16, 3] mm, whole numbers: upright, facing the camera, pelvis at the origin.

  So the person's right is at negative x, forwards is negative z. Knees and elbows are
  bent a little, the way they bend.
  """
  place = {
    'pelvis': (0, 0, 0),
    'right_hip': (-130, 0, 0),
    'right_knee': (-130, 440, -60),
    'right_ankle': (-130, 880, 40),
    'thorax': (0, -450, 0),
    'upper_neck': (0, -500, 0),
    'head_top': (0, -700, 0),
    'right_shoulder': (-180, -460, 0),
    'right_elbow': (-200, -180, 20),
    'right_wrist': (-200, 60, -80),
  }
  for name, (x, y, z) in list(place.items()):
    if name.startswith('right'):
      place[name.replace('right', 'left')] = (-x, y, z)
  return np.array([place[name] for name in skeleton.JOINTS], float)
