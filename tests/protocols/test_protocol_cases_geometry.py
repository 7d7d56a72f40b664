"""The protocol `geometry` on three frames of a body scored by hand: see CASES."""

import math

import numpy as np
import pytest
from fakes import scored as fake
from references import geometry as reference_geometry
from references.protocol_cases import CASES, OFF, SIZE, J, body, scores

from wild3d import skeleton

# Sitting, forearms forward: knees and elbows bent by 90 degrees.
SITTING = body(
  {
    'pelvis': (0, 0, 0),
    'right_hip': (-100, 0, 0),
    'left_hip': (100, 0, 0),
    'right_knee': (-100, 0, -400),
    'left_knee': (100, 0, -400),
    'right_ankle': (-100, 400, -400),
    'left_ankle': (100, 400, -400),
    'thorax': (0, -400, 0),
    'upper_neck': (0, -500, 0),
    'head_top': (0, -700, 0),
    'right_shoulder': (-200, -500, 0),
    'left_shoulder': (200, -500, 0),
    'right_elbow': (-200, -200, 0),
    'left_elbow': (200, -200, 0),
    'right_wrist': (-200, -200, -250),
    'left_wrist': (200, -200, -250),
  }
)
# mm: forearms, upper arms, legs, hips, shoulders, trunk, head; together 4000.
LENGTHS = np.array([250, 250, 300, 300, *[400] * 4, 100, 100, 200, 200, 500, 200])
ARMS, LEGS = (
  np.repeat(list(reference_geometry.AVERAGE_MM[group].values()), 2)
  for group in ('arms', 'legs')
)


def _variance(lengths):
  """Mean over the four groups, of which shoulders and hips have pairs of one length."""
  return (np.var(lengths[:4] / ARMS) + np.var(lengths[4:8] / LEGS)) / 4


@pytest.mark.parametrize('case', CASES)
def test_geometry(case):
  """Catches a view, size or place that matters, and any of the five defined otherwise."""
  pred = np.stack([SITTING] * 3)
  off = OFF.get(case, 0.0)
  pred[1, J('right_wrist'), 2] -= off  # the middle frame's forearm is too long
  steps = np.array([0.0, 1.0, 5.0])[:, None, None]
  pred = {
    'shifted': pred + steps * [100, -50, 300],
    'scaled': pred * (1 + steps),
    'rotated': pred @ [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
    'mirrored': pred * [-1, 1, 1],
  }.get(case, pred)
  truth = fake.truth(
    joints3d=np.full(pred.shape, np.nan),
    subject=np.full(3, 'a'),
    sequence=np.full(3, 's'),
  )
  longer = LENGTHS + np.eye(14)[0] * off
  one, other = SIZE / LENGTHS.sum(), SIZE / longer.sum()
  # Of a, b, a the deviation is sqrt(2) / 3 of their difference.
  deviation = np.abs(other * longer - one * LENGTHS) * math.sqrt(2) / 3
  variance = (2 * _variance(one * LENGTHS) + _variance(other * longer)) / 3
  still = np.delete(SITTING, J('thorax'), axis=0)
  bend = 2 * np.linalg.norm((other - one) * still, axis=1)
  wrist = [n for n in skeleton.JOINTS if n != 'thorax'].index('right_wrist')
  bend[wrist] = 2 * np.linalg.norm(
    other * (still[wrist] - [0, 0, off]) - one * still[wrist]
  )
  assert scores('geometry', truth, fake.predictions(truth, pred)) == pytest.approx(
    {
      'left-right difference': other * off / 4 / 3,
      'bone-length spread': deviation.mean(),
      'group ratio variance': variance,
      'illegal angles': 100.0 if case == 'mirrored' else 0.0,
      'jitter': bend.mean(),
    },
    abs=1e-9,
  )
