import numpy as np
import pytest

from wild3d.errors import UserError
from wild3d.training import guard

IDS = np.array([b'set/1', b'set/2', b'set/3'])


SOUND = {
  'loss': 1.0,
  'gradient_norm': 1e9,
  'largest_parameter': 99.0,
  'largest_statistic': 1e9,
  'largest_moment': 1e12,
}


def _check(each=(1.0, 1.0, 1.0), **changed):
  guard.check(
    SOUND | changed,
    np.array(each),
    IDS,
    ['photos', 'lab', 'lab'],
    limit=100.0,
    largest=100.0,
    step=7,
    stage='depth',
    advise=lambda: 'do this',
  )


def test_sound_step_passes():
  """Catches a guard that stops everything."""
  _check()


def test_one_bad_sample_is_named_alone():
  """Catches a message that does not tell where to look."""
  with pytest.raises(UserError) as error:
    _check([1.0, float('nan'), 1.0], loss=float('nan'))
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
    _check(loss=loss, gradient_norm=norm)


@pytest.mark.parametrize(
  ('name', 'value', 'said'),
  [
    (
      'largest_parameter',
      1.5e9,
      r'up to 1.5e\+09 in parameters .*guard_parameter, is 100',
    ),
    ('largest_parameter', float('nan'), 'up to nan in parameters'),
    ('largest_statistic', float('inf'), 'up to inf in batch statistics'),
    ('largest_moment', 1e19, r'up to 1e\+19 in optimiser state'),
  ],
)
def test_a_state_that_is_not_sound(name, value, said):
  """Catches a sound loss whose update ruins the state that is saved."""
  with pytest.raises(UserError, match=f'step 7, stage depth: .*{said}.*: do this'):
    _check(**{name: value})


def test_advice_names_what_is_there():
  """Catches advice to go on from a checkpoint that there is not."""
  said = guard.advice('runs/a', 'depth', [4, 6])
  assert 'init_from=runs/a/checkpoints/6' in said
  assert '--config.stages.depth.learning_rate' in said
  assert 'init_from' not in guard.advice('runs/a', 'depth', [])
