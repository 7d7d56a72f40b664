"""The list of protocols, strides, means, and what is refused."""

import dataclasses

import numpy as np
import pytest
from fakes import scored as fake

from wild3d import protocols
from wild3d.errors import UserError
from wild3d.protocols import columns
from wild3d.protocols.protocol import Measure, mean_along

NAN = float('nan')


def _measure(average, values=((1.0, 5.0), (2.0, NAN), (NAN, NAN)), counted=None):
  values = np.array(values)
  counted = np.isfinite(values) if counted is None else np.array(counted)
  return Measure('m', 'mm', False, ('a', 'b'), values, counted, average)


@pytest.mark.parametrize(
  ('average', 'value', 'count'),
  [
    ('samples', (3.0 + 2.0) / 2, 2),
    ('pooled', 8.0 / 3, 3),
    ('columns', (1.5 + 5.0) / 2, 3),
  ],
)
def test_each_average_by_hand(average, value, count):
  """Catches averages taken for one another, and NaN of what is not counted leaking in."""
  assert _measure(average).mean() == (pytest.approx(value, abs=1e-12), count)


def test_a_mean_of_rows():
  """Catches a bootstrap whose repeated rows count once, or a mask read as indices."""
  measure = _measure('pooled')
  assert measure.mean(np.array([1, 1, 0])) == (pytest.approx(10 / 4), 4)
  assert measure.mean(np.array([False, True, False])) == (2.0, 1)
  rows = [1, 1, 0]
  values, counts = mean_along(measure.values[rows], measure.counted[rows], 0)
  np.testing.assert_allclose(values, [5 / 3, 5])
  np.testing.assert_array_equal(counts, [3, 1])


def test_a_mean_of_nothing_is_nan():
  """Catches a score of 0 (a perfect MPJPE!) where nothing was counted."""
  for average in ('samples', 'pooled', 'columns'):
    value, count = _measure(average).mean(np.array([2]))
    assert np.isnan(value)
    assert count == 0
  measure = _measure('pooled')
  assert np.isnan(mean_along(measure.values[1:3], measure.counted[1:3], 0)[0][1])
  with pytest.raises(ValueError, match='average'):
    _measure('sample').mean()


def test_every_protocol_states_itself():
  """Catches a protocol listed under another name, or without its definition."""
  for name, protocol in protocols.ALL.items():
    assert protocol.name == name
    assert protocols.get(name) is protocol
    assert len(protocol.text) > 100
    assert protocol.source
    assert protocol.needs in ('2d', '3d')


@pytest.mark.parametrize(
  'name', ['h36m_p3', 'mpii_pckh@5', 'h36m_p1@', 'h36m_p1@0', 'h36m_p1@-5', '', '@5']
)
def test_an_unknown_name_lists_all(name):
  """Catches a KeyError, and a stride of a set whose frames are not counted so."""
  with pytest.raises(UserError, match='h36m_p1') as error:
    protocols.get(name)
  assert '\n' not in str(error.value)


def test_strides_count_original_frames():
  """Catches a stride over rows, and one over frames of a converted rate."""
  frames = np.array([0, 1, 63, 64, 128, 5, 64])
  subject = np.array(['S9', 'S9', 'S9', 'S9', 'S11', 'S11', 'S1'])
  truth, _ = fake.random_pair(count=7, subject=subject, frame=frames)
  strided = protocols.get('h36m_p1@64')
  assert strided.name == 'h36m_p1@64'
  assert '64th' in strided.text
  np.testing.assert_array_equal(np.nonzero(strided.select(truth))[0], [0, 3, 4])
  np.testing.assert_array_equal(protocols.get('h36m_p1').select(truth), subject != 'S1')
  ten = dataclasses.replace(truth, frames_per_second=10.0)
  chosen = protocols.get('h36m_p2@25').select(ten)
  np.testing.assert_array_equal(frames[chosen] * 5 % 25, 0)
  assert chosen.sum() == 2


def test_a_stride_that_the_truth_does_not_hold():
  """Catches every 320th frame scored under the name of every 64th."""
  frame = np.arange(0, 400, 5)
  truth, _ = fake.random_pair(count=80, subject=np.full(80, 'S9'), frame=frame)
  with pytest.raises(UserError, match='every 5th'):
    protocols.get('h36m_p1@64').select(truth)
  assert protocols.get('h36m_p1@200').select(truth).sum() == 2


def test_joints_are_found_by_name():
  """Catches columns taken by position."""
  truth, pred = fake.random_pair('h36m17', count=3)
  found = columns.matched('p', pred, truth, 3, ('left_knee', 'pelvis'))
  np.testing.assert_array_equal(found.pred, pred.joints3d[:, [5, 0]])
  np.testing.assert_array_equal(found.true, truth.joints3d[:, [5, 0]])
  assert found.at('pelvis') == [1]


def test_a_joint_never_predicted_is_left_out_or_refused():
  """Catches a joint list that silently differs from the protocol's."""
  truth, pred = fake.random_pair('h36m17', count=3)
  pred.joints3d[:, truth.joints.index('nose')] = np.nan
  (figure,) = protocols.get('h36m_p1').measure(pred, truth)
  assert figure.columns == tuple(n for n in truth.joints if n != 'nose')
  assert figure.counted.all()
  pred.joints3d[:, truth.joints.index('head_top')] = np.nan
  with pytest.raises(UserError, match='lack head_top'):
    protocols.get('h36m_zhou2017').measure(pred, truth)


@pytest.mark.parametrize('bad', [np.nan, np.inf])
@pytest.mark.parametrize('name', ['h36m_p1', 'h36m_p2', 'mpi_inf_3dhp', 'geometry'])
def test_a_missing_prediction_is_refused(name, bad):
  """Catches a denominator that shrinks where the network failed."""
  truth, pred = fake.random_pair('mpii16', count=4)
  pred.joints3d[2, 1, 0] = bad
  with pytest.raises(UserError, match='right_knee of sample sample 2'):
    protocols.get(name).measure(pred, truth)


def test_predictions_of_the_wrong_dimensions():
  """Catches an AttributeError where the user lacks the 3D (or 2D) joints."""
  truth, pred = fake.random_pair(count=2)
  flat = dataclasses.replace(pred, joints3d=None, joints2d=pred.joints3d[..., :2])
  with pytest.raises(UserError, match='compares 3D'):
    protocols.get('h36m_p1').measure(flat, truth)
  with pytest.raises(UserError, match='compares 2D'):
    protocols.get('mpii_pckh').measure(pred, truth)
