import numpy as np
import pytest

from wild3d.errors import UserError
from wild3d.training import guard

IDS = np.array([b'set/1', b'set/2', b'set/3'])


def _check(loss, norm, each):
  guard.check(
    {'loss': loss, 'gradient_norm': norm},
    np.array(each),
    IDS,
    ['photos', 'lab', 'lab'],
    limit=100.0,
    step=7,
    stage='depth',
  )


def test_sound_step_passes():
  """Catches a guard that stops everything."""
  _check(1.0, 1e9, [1.0, 1.0, 1.0])


def test_one_bad_sample_is_named_alone():
  """Catches a message that does not tell where to look."""
  with pytest.raises(UserError) as error:
    _check(float('nan'), 1.0, [1.0, float('nan'), 1.0])
  said = str(error.value)
  assert 'step 7, stage depth' in said
  assert 'set/2 (lab)' in said
  assert 'set/1' not in said
  assert '\n' not in said


@pytest.mark.parametrize(
  ('loss', 'norm'), [(101.0, 1.0), (1.0, float('inf')), (float('inf'), 1.0)]
)
def test_explosion_names_all(loss, norm):
  """Catches an exploding loss or gradient that is let through."""
  with pytest.raises(UserError, match=r'set/1 \(photos\).*set/3 \(lab\)'):
    _check(loss, norm, [1.0, 1.0, 1.0])
