"""The processes of a job: they start together, wait for each other, and end together."""

import contextlib
import itertools
import os
import re
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator

import jax
from jax._src import distributed

from wild3d.errors import UserError

_PATIENCE = 300  # seconds in which all processes of a job must have started
_HEARTBEAT = 30  # seconds without a sign of life after which a process is gone
_FOR_EVER = 2**31 - 1  # milliseconds; a process that is gone ends the wait

# What is raised where another process is gone: by the collectives of CPUs and GPUs, by the
# service through which processes know of each other, and by Orbax, which waits for all.
_OTHERS_GONE = re.compile(
  'gloo|nccl|coordination ?service|heartbeat|peer|waiting for .* barrier', re.IGNORECASE
)

_barriers = itertools.count()


def join(
  coordinator: str = '', process_id: int | None = None, processes: int | None = None
) -> None:
  """Joins the other processes of the job; call it before anything else of JAX.

  What is not given is taken from JAX_COORDINATOR_ADDRESS, JAX_PROCESS_ID and
  JAX_NUM_PROCESSES; what is not there either, JAX finds on a TPU slice, and where Slurm,
  Open MPI or Kubernetes started the processes.

  Args:
    coordinator: HOST:PORT of process 0, the same for all.
    process_id: of this process, from 0.
    processes: how many there are.

  Raises:
    UserError: something is missing or cannot be, the port is taken, or no process 0 is
      there within five minutes.
  """
  coordinator = coordinator or os.environ.get('JAX_COORDINATOR_ADDRESS', '')
  process_id = _whole('--process_id', process_id, 'JAX_PROCESS_ID', 0)
  processes = _whole('--processes', processes, 'JAX_NUM_PROCESSES', 1)
  if None not in (process_id, processes) and process_id >= processes:
    raise UserError(
      f'--process_id={process_id}: there are --processes={processes}, from 0 to '
      f'{processes - 1}'
    )
  if coordinator:
    _check_address(coordinator, process_id)
  try:
    jax.distributed.initialize(
      coordinator or None,
      processes,
      process_id,
      initialization_timeout=_PATIENCE,
      heartbeat_timeout_seconds=_HEARTBEAT,
    )
  except (ValueError, RuntimeError) as error:
    why = ' '.join(str(error).split())
    raise UserError(
      f'the processes of the job do not find each other ({why:.200}): give each '
      '--coordinator=HOST:PORT --process_id=K --processes=N, or start them with Slurm, '
      'Open MPI, or on all hosts of a TPU slice'
    ) from None


def _whole(flag, given, variable, low):
  said, text = f'{flag}={given}', given
  if given is None:
    if (text := os.environ.get(variable)) is None:
      return None
    said = f'{variable}={text}'
  if not re.fullmatch('[0-9]{1,6}', str(text)) or int(text) < low:
    raise UserError(f'{said}: must be a whole number, at least {low}')
  return int(text)


def _check_address(coordinator, process_id):
  """Says in a line what JAX ends the process for, after minutes and without an error."""
  host, _, port = coordinator.rpartition(':')
  if not host or not re.fullmatch('[0-9]{1,5}', port) or not 0 < int(port) < 2**16:
    raise UserError(
      f'--coordinator={coordinator}: must be HOST:PORT of process 0, such as node1:1234'
    )
  if process_id == 0:
    try:
      socket.create_server(('', int(port))).close()
    except OSError as error:
      raise UserError(
        f'--coordinator={coordinator}: port {port} cannot be had here: {error.strerror}; '
        'give another to all processes'
      ) from None
  elif process_id is not None:
    end = time.monotonic() + _PATIENCE
    while why := _unreachable(host, int(port)):
      if time.monotonic() > end:
        raise UserError(
          f'--coordinator={coordinator}: no process 0 there in {_PATIENCE} seconds: {why}'
        )
      time.sleep(0.5)


def _unreachable(host, port):
  try:
    socket.create_connection((host.strip('[]'), port), timeout=5).close()
  except OSError as error:
    return error.strerror or str(error)
  return ''


@contextlib.contextmanager
def together() -> Iterator[None]:
  """Within, an error ends this process at once, and thereby the others of the job.

  To leave in the ordinary way is to wait for processes that wait for this one.
  """
  try:
    yield
  except UserError as error:
    _leave(f'error: {error}', 2)
  except KeyboardInterrupt:
    _leave('interrupted', 130)
  except Exception as error:
    why = ' '.join(str(error).split())
    if not others_gone(error):
      traceback.print_exc()
      _leave(f'{type(error).__name__}', 1)
    _leave(
      'error: another process of the job is gone, see what it said; the same command '
      f'for all of them goes on from the last checkpoint ({why:.120})',
      1,
    )


def others_gone(error: Exception) -> bool:
  """Whether it is what JAX raises where another process of the job is gone."""
  return bool(_OTHERS_GONE.search(str(error)))


def _leave(said, status):
  place = f'process {jax.process_index()} of {jax.process_count()}'
  print(f'wild3d: {place}: {said}', file=sys.stderr)
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(status)


def barrier() -> None:
  """Waits until all processes of the job are there, for as long as it takes."""
  if jax.process_count() > 1:
    # That of multihost_utils computes, and gives up before a dataset is built.
    name = f'wild3d {next(_barriers)}'
    distributed.global_state.client.wait_at_barrier(name, timeout_in_ms=_FOR_EVER)


def in_turn(work: Callable[[], None]) -> None:
  """Does `work` in one process after the other: what the first makes, the rest finds."""
  for process in range(jax.process_count()):
    if process == jax.process_index():
      work()
    barrier()
