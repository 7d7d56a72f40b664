"""Small truths, predictions and protocols with known answers."""

import numpy as np

from wild3d import skeleton
from wild3d.protocols.protocol import Measure, Protocol
from wild3d.protocols.samples import Predictions, Truth

JOINTS = skeleton.JOINTS
# A standing person, mm, camera axes, pelvis at the origin.
POSE = np.array(
  [
    *[(-130, 900, 40), (-130, 450, 20), (-130, 0, 0)],
    *[(130, 0, 0), (130, 450, 20), (130, 900, 40)],
    *[(0, 0, 0), (0, -450, 0), (0, -520, 0), (0, -720, 0)],
    *[(-300, 60, -40), (-280, -200, 0), (-180, -450, 0)],
    *[(180, -450, 0), (280, -200, 0), (300, 60, -40)],
  ],
  dtype=np.float64,
)


def truth(count, *, sequence=None, seed=0, **changes):
  random = np.random.default_rng(seed)
  joints3d = POSE + random.normal(0, 30, (count, 16, 3))
  joints3d -= joints3d[:, skeleton.ROOT, None]
  fields = {
    'joints': JOINTS,
    'ids': np.array([f'fake/{i:05d}' for i in range(count)]),
    'joints2d': 300 + joints3d[..., :2] / 5,
    'joints3d': joints3d,
    'occluded': np.zeros((count, 16), bool),
    'head_size': np.full(count, 40.0),
    'valid': np.ones(count, bool),
    'subject': np.array(['S9'] * count),
    'action': np.array([f'action {i % 3}' for i in range(count)]),
    'sequence': np.array(sequence if sequence is not None else [''] * count),
    'frame': np.arange(count),
  }
  return Truth(**(fields | changes))


def predictions(truth, scale=20.0, seed=1):
  random = np.random.default_rng(seed)
  return Predictions(
    truth.joints,
    truth.joints2d + random.normal(0, scale / 5, truth.joints2d.shape),
    truth.joints3d + random.normal(0, scale, truth.joints3d.shape),
  )


def measure(values, counted=None, *, name='error', unit='mm', average='samples'):
  values = np.asarray(values, np.float64)
  counted = np.ones(values.shape, bool) if counted is None else counted
  columns = tuple(JOINTS[: values.shape[1]])
  return Measure(name, unit, unit == '%', columns, values, counted, average)


def protocol(make, **changes):
  """A protocol whose measures are `make(truth)`: they need no predictions."""
  fields = {
    'name': 'fake',
    'text': 'Of nothing at all.',
    'source': 'a test',
    'needs': '3d',
    'select': lambda truth: np.asarray(truth.valid, bool),
    'measure': lambda _, truth: make(truth),
  }
  return Protocol(**(fields | changes))
