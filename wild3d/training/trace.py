"""Traces of a few steps, for xprof and Perfetto: docs/speed.md."""

import contextlib
from collections.abc import Callable, Iterator

import jax

from wild3d import files

FIRST, LAST = 10, 15  # of this start: compiled, its input at work


def check(folder: str) -> str:
  """The folder, absolute and made; '' stays.

  Raises:
    UserError: it cannot be written.
  """
  if not folder:
    return ''
  path = files.absolute(folder)
  with files.errors_named(f'--profile={folder}:'):
    path.mkdir(parents=True, exist_ok=True)
    (path / '.wild3d').touch()
    (path / '.wild3d').unlink()
  return str(path)


@contextlib.contextmanager
def started(folder: str) -> Iterator[None]:
  """Writes to folder/plugins/profile/ what runs within: operations, not Python."""
  options = jax.profiler.ProfileOptions()
  options.python_tracer_level = 0  # its calls would hide all else, and cost time
  with jax.profiler.trace(folder, profiler_options=options):
    yield


@contextlib.contextmanager
def steps(
  step: Callable, folder: str, say: Callable[[str], None]
) -> Iterator[Callable]:
  """Yields `step`, whose calls FIRST to LAST are traced, in process 0.

  Args:
    step: returns arrays.
    folder: see `check`; '' for no trace.
    say: is told where the trace is, or that the run was too short for one.
  """
  if not folder or jax.process_index():
    yield step
    return
  done, tracing = 0, contextlib.ExitStack()

  def traced(*arguments):
    nonlocal done
    done += 1
    if done == FIRST:
      tracing.enter_context(started(folder))
    with jax.profiler.StepTraceAnnotation('train', step_num=done):
      outputs = step(*arguments)
    if done == LAST:
      jax.block_until_ready(outputs)
      tracing.close()
      say(f'profile: steps {FIRST} to {LAST} of this start: {folder}')
    return outputs

  with tracing:
    yield traced
  if done < LAST:
    short = f'{done} steps of this start' if done >= FIRST else 'nothing'
    say(f'profile: {short} traced: it wants {LAST} steps: {folder}')
