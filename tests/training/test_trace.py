"""Traces of a few steps."""

import jax
import jax.numpy as jnp
import pytest

from wild3d.errors import UserError
from wild3d.training import trace


@jax.jit
def double(x):
  return 2 * x


def test_some_steps_are_traced(tmp_path):
  """Catches a trace that never ends, changes what a step returns, or is not told."""
  said = []
  with trace.steps(double, str(tmp_path), said.append) as step:
    for _ in range(trace.LAST + 2):
      assert float(step(jnp.float32(3))) == 6
  assert len(list(tmp_path.rglob('*.trace.json.gz'))) == 1
  (text,) = said
  assert str(tmp_path) in text
  assert 'steps 10 to 15' in text


@pytest.mark.parametrize(('calls', 'traces'), [(3, 0), (trace.FIRST + 1, 1)])
def test_a_run_that_ends_early(tmp_path, calls, traces):
  """Catches a short run that says nothing, or leaves the profiler on."""
  said = []
  with trace.steps(double, str(tmp_path), said.append) as step:
    for _ in range(calls):
      step(jnp.float32(3))
  assert len(list(tmp_path.rglob('*.trace.json.gz'))) == traces
  assert f'wants {trace.LAST} steps' in said[0]


def test_without_a_folder_the_step_is_itself():
  """Catches a cost for those who want no trace."""
  with trace.steps(double, '', print) as step:
    assert step is double


def test_a_folder_that_cannot_be_written(tmp_path):
  """Catches a run that finds out at its tenth step."""
  (tmp_path / 'file').touch()
  with pytest.raises(UserError, match=r'--profile=.*file/x: cannot be written'):
    trace.check(str(tmp_path / 'file' / 'x'))
  assert trace.check('') == ''
  assert trace.check(str(tmp_path / 'new')) == str(tmp_path / 'new')
  assert not list((tmp_path / 'new').iterdir())
