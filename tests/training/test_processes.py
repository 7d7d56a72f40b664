"""Real processes of one job, on this machine's CPU."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import jax
import pytest

from wild3d.errors import UserError
from wild3d.training import metric_writer, processes

COMMAND = pathlib.Path(__file__).parent.parent / 'fakes' / 'small_command.py'
CONFIG = """
from wild3d.configs import base

def get_config():
  c = base.get_config()
  c.model.update({'backbone': 'thin', 'stacks': 1, 'features': 8, 'depth_head': 'lift'})
  c.input_size = 64
  c.batch_size = 4
  c.data_dir = 'DATA_DIR'
  c.datasets.people = base.dataset('synthetic_people/tiny')
  c.sources.lab = base.source('people', 'lab_train', '3d')
  c.sources.wild = base.source('people', 'wild_train', '2d')
  c.stages.a = base.stage(4, 1e-3, ('lab', 'wild'), depth=0.1, geometric=0.01)
  c.schedule = ('a',)
  c.log_every = 1
  c.checkpoint.every = 1
  c.checkpoint.keep = 9
  c.shuffle_buffer = 16
  return c
"""


@pytest.fixture(scope='module')
def start(tmp_path_factory, people_dir):
  """A function that starts so many processes of a run."""
  config = tmp_path_factory.mktemp('config') / 'small.py'
  config.write_text(CONFIG.replace('DATA_DIR', str(people_dir)))

  def started(workdir, count, *overrides):
    with socket.create_server(('localhost', 0)) as server:
      port = server.getsockname()[1]
    command = [sys.executable, COMMAND, 'train', f'--config={config}', *overrides]
    command += [f'--workdir={workdir}', f'--coordinator=localhost:{port}']
    return [
      subprocess.Popen(
        [*command, f'--process_id={index}', f'--processes={count}'],
        env=os.environ | {'JAX_NUM_CPU_DEVICES': '1'},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
      )
      for index in range(count)
    ]

  return started


def end(started):
  """Waits; their errors."""
  said = [process.communicate(timeout=300)[1] for process in started]
  codes = [process.returncode for process in started]
  return codes, said


def losses(workdir):
  lines = metric_writer.read(workdir)
  # Of a step that was run again the last line counts.
  return {line['step']: line['train/loss'] for line in lines}


def cut(workdir, to, step):
  """A copy of a run as if it had been killed after `step`."""
  shutil.copytree(workdir, to)
  for folder in (to / 'checkpoints').iterdir():
    if folder.name.isdigit() and int(folder.name) > step:
      shutil.rmtree(folder)
  return to


def test_two_go_on_as_one_and_as_two_again(start, tmp_path):
  """Catches processes that clash, and data or losses that depend on their number."""
  two, one, again = (tmp_path / name for name in ('two', 'one', 'again'))
  codes, said = end(start(two, 2))
  assert codes == [0, 0], said
  assert sorted(losses(two)) == [1, 2, 3, 4]

  codes, said = end(start(cut(two, one, 2), 1))
  assert codes == [0], said
  assert list((one / 'data_iterator' / '3').glob('0_of_1_*'))

  codes, said = end(start(cut(one, again, 3), 2))
  assert codes == [0, 0], said
  # Float64: what is left is the order in which rows are added up.
  assert losses(one) == pytest.approx(losses(two), rel=1e-12)
  assert losses(again) == pytest.approx(losses(two), rel=1e-12)


def test_four_stop_together_and_any_number_goes_on(start, tmp_path):
  """Catches a signal that only the process that got it obeys, and data lost over it."""
  steps = ('--config.stages.a.steps=60', '--config.checkpoint.every=1_000_000')
  # RMSprop divides gradients that are 0 but for rounding by their own size, or by eps.
  steps += ('--config.optimizer.eps=1e-3',)
  four = start(tmp_path / '4', 4, *steps)
  while not losses(tmp_path / '4'):
    assert four[0].poll() is None, four[0].stderr.read()
    time.sleep(0.1)
  four[2].send_signal(signal.SIGTERM)
  codes, said = end(four)
  assert codes == [143] * 4, said
  (saved,) = (int(p.name) for p in (tmp_path / '4/checkpoints').glob('[0-9]*'))
  assert saved == max(losses(tmp_path / '4')) < 60  # no step is lost

  on = cut(tmp_path / '4', tmp_path / 'on', saved)
  for count, workdir in ((1, on), (4, tmp_path / '4')):
    codes, said = end(start(workdir, count, *steps))
    assert codes == [0] * count, said
  alone = losses(on)
  assert sorted(alone) == list(range(1, 61))
  assert losses(tmp_path / '4') == pytest.approx(alone, rel=1e-9)


def test_one_that_dies_ends_the_other(start, tmp_path):
  """Catches a process that waits for ever for one that is gone."""
  endless = ('--config.stages.a.steps=1_000_000', '--config.checkpoint.every=1_000_000')
  first, second = start(tmp_path / 'w', 2, *endless)
  while not losses(tmp_path / 'w'):
    assert first.poll() is None, first.stderr.read()
    time.sleep(0.1)
  second.send_signal(signal.SIGKILL)
  (code, _), (said, _) = end([first, second])
  assert code not in (0, None)
  assert 'process 0 of 2: error: another process of the job is gone' in said
  assert 'Traceback' not in said


@pytest.mark.parametrize(
  ('given', 'said'),
  [
    ({'coordinator': 'node1'}, '--coordinator=node1: must be HOST:PORT'),
    ({'coordinator': 'node1:99999'}, 'must be HOST:PORT'),
    ({'process_id': -1}, '--process_id=-1: must be a whole number'),
    ({'processes': 0}, '--processes=0: must be a whole number, at least 1'),
    ({'process_id': 2, 'processes': 2}, 'there are --processes=2, from 0 to 1'),
    ({}, 'do not find each other .*defined.*: give each --coordinator'),
  ],
)
def test_mistakes_are_named(monkeypatch, given, said):
  """Catches JAX's traceback, or a wait for processes that cannot come."""

  def initialize(*_, **__):
    raise ValueError('coordinator_address should be defined.')

  monkeypatch.setattr(jax.distributed, 'initialize', initialize)
  with pytest.raises(UserError, match=said):
    processes.join(**given)


def test_a_taken_port_is_named(monkeypatch):
  """Catches the crash, without a word, of a process 0 that cannot listen."""
  monkeypatch.setattr(jax.distributed, 'initialize', None)
  with socket.create_server(('', 0)) as server:
    address = f'localhost:{server.getsockname()[1]}'
    with pytest.raises(UserError, match='cannot be had here: Address already in use'):
      processes.join(address, 0, 2)


def test_nobody_there_is_named(monkeypatch):
  """Catches a process that waits without a word, or aborts with a stack of C++."""
  monkeypatch.setattr(jax.distributed, 'initialize', None)
  monkeypatch.setattr(processes, '_PATIENCE', 0)
  with socket.create_server(('localhost', 0)) as server:
    address = f'localhost:{server.getsockname()[1]}'
  with pytest.raises(UserError, match=r'no process 0 there .*refused'):
    processes.join(address, 1, 2)


def test_the_environment_tells(monkeypatch):
  """Catches variables that are not read, or read where flags say otherwise."""
  told = []
  monkeypatch.setattr(jax.distributed, 'initialize', lambda *of, **_: told.append(of))
  monkeypatch.setattr(processes, '_check_address', lambda *_: None)
  monkeypatch.setenv('JAX_COORDINATOR_ADDRESS', 'node1:1234')
  monkeypatch.setenv('JAX_PROCESS_ID', '1')
  monkeypatch.setenv('JAX_NUM_PROCESSES', '4')
  processes.join()
  processes.join('node2:99', 0, 2)
  assert told == [('node1:1234', 4, 1), ('node2:99', 2, 0)]
  monkeypatch.setenv('JAX_PROCESS_ID', 'first')
  with pytest.raises(UserError, match='JAX_PROCESS_ID=first: must be a whole number'):
    processes.join()
