"""MPI-INF-3DHP's protocols: thresholds, subset and groups, and which annotation."""

import numpy as np
import pytest
from fakes import scored as fake

from wild3d import protocols
from wild3d.errors import UserError

NAMES = ('mpi_inf_3dhp', 'mpi_inf_3dhp_zhou2017')


def test_errors_on_every_threshold():
  """Catches a threshold hit by its own error, through rounding too."""
  true = np.repeat(fake.person()[None], 31, axis=0)
  pred = true.copy()
  pred[:, 15, 0] += np.arange(0, 151, 5)
  truth = fake.truth(joints3d=true)
  _, auc, _ = protocols.get('mpi_inf_3dhp').measure(
    fake.predictions(truth, pred), truth
  )
  column = auc.columns.index('left_wrist')
  np.testing.assert_allclose(auc.values[:, column] * 31 / 100, np.arange(30, -1, -1))


def test_subset_and_groups():
  """Catches training subjects or invalid frames scored, and a scenario mixed up."""
  subject = np.array(['TS1', 'TS2', 'TS3', 'TS4', 'TS5', 'TS6', 'S1', 'TS1'])
  valid = np.array([True] * 7 + [False])
  action = np.array(['Sitting', 'Sports', '', '', '', '', '', ''])
  truth = fake.truth(
    joints3d=np.zeros((8, 16, 3)), subject=subject, valid=valid, action=action
  )
  for name in NAMES:
    protocol = protocols.get(name)
    np.testing.assert_array_equal(protocol.select(truth), [1] * 6 + [0] * 2)
    want = ['GS', 'GS', 'noGS', 'noGS', 'outdoor', 'outdoor', '', 'GS']
    assert list(protocol.groups['scenario'](truth)) == want
    assert protocol.groups['activity'](truth)[1] == 'Sports'


def test_the_official_score_refuses_the_metric_annotation():
  """Catches people of their own size scored as if they were all of one."""
  pose = np.repeat(fake.person()[None], 3, axis=0)
  truth = fake.truth(joints3d=pose, annotation='metric')
  predictions = fake.predictions(truth, pose)
  with pytest.raises(UserError, match='universal:test'):
    protocols.get('mpi_inf_3dhp').measure(predictions, truth)
  assert protocols.get('mpi_inf_3dhp_zhou2017').measure(predictions, truth)
