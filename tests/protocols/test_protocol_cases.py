"""The protocols of Human3.6M and MPI-INF-3DHP on a body scored by hand: see CASES."""

import math

import numpy as np
import pytest
from fakes import scored as fake
from references.protocol_cases import CASES, OFF, SIZE, J, body, scores

from wild3d import skeleton


def _star(off=150.0):
  """3D, mm: all joints on an axis through the pelvis, the hands on the pelvis itself.

  The pelvis is their centre too, so that every alignment has a closed form. The elbows
  are so far that a hand that moves by `off`, as below, stays as far from its elbow.
  """
  return body(
    {
      'pelvis': (0, 0, 0),
      'right_wrist': (0, 0, 0),
      'right_hip': (-100, 0, 0),
      'right_shoulder': (-400, 0, 0),
      'right_knee': (0, 0, -300),
      'right_elbow': (0, 0, -125 * off / 150),
      'thorax': (0, -300, 0),
      'upper_neck': (0, -600, 0),
      'head_top': (0, -700, 0),
      'right_ankle': (0, 800, 0),
    }
  )


def _star_case(case):
  """(truth, prediction), [16, 3] each."""
  if case in OFF:
    true = _star(OFF[case])
    pred = true.copy()
    # 120, 0, -90 from the hand, 120, 0, 35 from the elbow: 150, and 125 as before.
    pred[J('right_wrist')] = np.array([120, 0, -90]) * OFF[case] / 150
    return true, pred
  true = _star()
  changed = {
    'perfect': true,
    'shifted': true + np.array([300, -50, 2000]),
    'scaled': 1.25 * true,
    'rotated': true @ np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]]),  # about the y axis
    'mirrored': true * [-1, 1, 1],
  }
  return true, changed[case].copy()


def _errors(case, factor):
  """Joint -> mm where the prediction is so scaled about the pelvis, by hand."""
  true, _ = _star_case(case)
  errors = {}
  for name, place in zip(skeleton.JOINTS, true, strict=True):
    r, along = np.abs(place).max(), np.argmax(np.abs(place))
    errors[name] = abs(factor - 1) * r
    if case == 'scaled':
      errors[name] = abs(1.25 * factor - 1) * r
    elif case == 'rotated' and along != 1:
      errors[name] = math.hypot(factor, 1) * r  # at right angles to where it should be
    elif case == 'mirrored' and along == 0:
      errors[name] = (factor + 1) * r
    elif case in OFF and name == 'right_wrist':
      errors[name] = factor * OFF[case]
  return errors


def _least_squares(case):
  """sum(p . t) / sum(p . p), from the sums of squares along each axis."""
  true, _ = _star_case(case)
  x, y, z = (true**2).sum(0)
  off = OFF.get(case, 0.0)
  along = {'scaled': 1.25 * (x + y + z), 'rotated': y, 'mirrored': y + z - x}
  square = (x + y + z) * (1.25**2 if case == 'scaled' else 1) + off**2
  return along.get(case, x + y + z) / square


def _zhou_factor(case):
  """To 4296.99 mm, from the 14 bones by hand; `off` changes none of the lengths."""
  arm = 125 * OFF.get(case, 150.0) / 150
  side = math.hypot(800, 300) + math.hypot(300, 100) + 100
  side += arm + math.hypot(arm, 400) + math.hypot(400, 600)
  return SIZE / (2 * side + 600 + 100) / (1.25 if case == 'scaled' else 1)


FACTORS = {
  'h36m_p1': lambda case: 1.0,
  'h36m_n_mpjpe': _least_squares,
  'h36m_zhou2017': _zhou_factor,
  'mpi_inf_3dhp': lambda case: 1.0,
  'mpi_inf_3dhp_zhou2017': lambda case: 0.8 if case == 'scaled' else 1.0,
}


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('name', ['h36m_p1', 'h36m_n_mpjpe', 'h36m_zhou2017'])
def test_human36m(name, case):
  """Catches a root, scale or rotation that is forgiven, or not, and another mean."""
  true, pred = _star_case(case)
  truth = fake.truth(joints3d=true[None], subject=np.array(['S9']))
  (value,) = scores(name, truth, fake.predictions(truth, pred[None])).values()
  errors = _errors(case, FACTORS[name](case))
  assert value == pytest.approx(sum(errors.values()) / 16, abs=1e-9)
  if case == 'perfect' and name != 'h36m_zhou2017':
    assert value < 1e-9


@pytest.mark.parametrize('case', CASES)
def test_human36m_procrustes(case):
  """Catches a rotation transposed, a reflection, and a scale or centre left out."""
  true, pred = _star_case(case)
  truth = fake.truth(joints3d=true[None], subject=np.array(['S9']))
  (value,) = scores('h36m_p2', truth, fake.predictions(truth, pred[None])).values()
  x, y, z = (true**2).sum(0)
  aligned = true  # whatever a similarity can undo
  if case == 'mirrored':
    # The shortest axis, z, is the cheapest to give up; the scale shrinks for it.
    assert z < min(x, y)
    aligned = true * [1, 1, -1] * (x + y - z) / (x + y + z)
  elif case in OFF:
    # The hand lies in the centre: it pulls the centre and the size, and turns nothing.
    share = np.array([120, 0, -90]) * OFF[case] / 150 / 16
    factor = (x + y + z) / (x + y + z + OFF[case] ** 2 * 15 / 16)
    moved = true.copy()
    moved[J('right_wrist')] = 16 * share
    aligned = factor * (moved - share)
  want = [math.dist(a, b) for a, b in zip(aligned, true, strict=True)]
  assert value == pytest.approx(sum(want) / 16, abs=1e-9)


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('name', ['mpi_inf_3dhp', 'mpi_inf_3dhp_zhou2017'])
def test_mpi_inf_3dhp(name, case):
  """Catches <= for <, 30 thresholds, an oracle scale or hips raised in the wrong one."""
  true, pred = _star_case(case)
  if name == 'mpi_inf_3dhp_zhou2017':
    # Lower by a quarter of the trunk: by a fifth of what the trunk is then.
    hips = [J(n) for n in ('pelvis', 'right_hip', 'left_hip')]
    pred[hips] -= 0.25 * (pred[J('upper_neck')] - pred[J('pelvis')])
  truth = fake.truth(joints3d=true[None], subject=np.array(['TS1']))
  errors = _errors(case, FACTORS[name](case))
  errors = [e for n, e in errors.items() if n not in ('pelvis', 'thorax')]
  below = [sum(error < 5 * k for k in range(31)) for error in errors]
  assert scores(name, truth, fake.predictions(truth, pred[None])) == pytest.approx(
    {
      'PCK@150mm': 100 * sum(error < 150 for error in errors) / 14,
      'AUC': 100 * sum(below) / 31 / 14,
      'MPJPE': sum(errors) / 14,
    },
    abs=1e-9,
  )
