"""A run that is killed again and again, compared bit for bit with one that is not.

  python experiments/robustness/kills.py --minutes=10 FOLDER

Each start of `wild3d train` gets SIGKILL, SIGTERM or SIGINT at a random instant: while it
starts, restores, compiles, trains, saves, scores or changes the stage. Whenever the run
has come to its end, its last checkpoint is compared with the undisturbed one's, and
another run begins. Prints the steps that each kind of kill cost. Results: ../README.md.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import jax
import numpy as np
import orbax.checkpoint as ocp

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
CONFIG = pathlib.Path(__file__).with_name('tiny.py')


class Start:
  """One `wild3d train`, its output read as it comes."""

  def __init__(self, folder, name):
    """Starts it."""
    self.workdir = folder / name
    self.process = subprocess.Popen(
      [
        *(sys.executable, '-m', 'wild3d', 'train', f'--config={CONFIG}'),
        *(f'--workdir={self.workdir}', f'--config.data_dir={folder / "tfds"}'),
      ],
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
      text=True,
      env=os.environ
      | {
        'JAX_COMPILATION_CACHE_DIR': str(folder / 'compiled'),
        'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS': '0.2',
      },
    )
    self.begun, self.first, self.step = time.monotonic(), None, 0
    self.phase, self.lines = 'start', []
    self.under_way = threading.Event()  # or at its end
    self._reader = threading.Thread(target=self._read)
    self._reader.start()

  def _read(self):
    for line in self.process.stdout:
      self.lines.append(line.rstrip())
      if line.startswith('resumed'):
        self.phase = 'restored'
      elif line.startswith('stage '):
        self.phase = 'stage'
      elif line.startswith('scores'):
        self.phase = 'scored'
      elif found := re.match(r'\w+ +(\d+)/\d+ ', line):
        self.step, self.phase = int(found[1]), 'steps'
        self.first = self.first or time.monotonic() - self.begun
        self.under_way.set()
    self.under_way.set()

  def end(self):
    """Waits for it; returns its exit status."""
    self.process.wait()
    self._reader.join()
    return self.process.returncode


def saved(workdir):
  """The newest step saved; 0 without."""
  found = [p.name for p in (workdir / 'checkpoints').glob('[0-9]*')]
  return max((int(name) for name in found if name.isdigit()), default=0)


def differing(one, two):
  """(numbers that differ, all numbers) of two runs' last checkpoints."""
  trees = []
  for workdir in (one, two):
    last = workdir / 'checkpoints' / str(saved(workdir))
    items = [_arrays(last / item) for item in ('model', 'optimizer')]
    trees.append(jax.tree.leaves(items))
  assert len(trees[0]) == len(trees[1])
  pairs = list(zip(*trees, strict=True))
  bad = sum(np.count_nonzero(_bits(a) != _bits(b)) for a, b in pairs)
  return bad, sum(a.size for a, _ in pairs)


def _bits(array):
  return array.view(f'u{array.itemsize}')


def _arrays(item):
  """What was saved, as NumPy arrays, on however many devices it was."""
  handler = ocp.StandardCheckpointHandler()
  kept = handler.metadata(item).tree
  like = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), kept)
  with ocp.Checkpointer(handler) as checkpointer:
    return checkpointer.restore(item, args=ocp.args.StandardRestore(like))


def main():
  """See the module's docstring."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('folder', type=pathlib.Path)
  parser.add_argument('--minutes', type=float, default=10.0, help='of killing')
  parser.add_argument('--seed', type=int, default=0)
  options = parser.parse_args()
  folder, draw = options.folder.absolute(), random.Random(options.seed)
  for name in ('whole', 'killed'):
    shutil.rmtree(folder / name, ignore_errors=True)

  whole = Start(folder, 'whole')
  if whole.end():
    sys.exit('\n'.join(whole.lines[-5:]))
  whole = Start(folder, 'killed')  # once more: how long a start takes, all compiled
  if whole.end():
    sys.exit('\n'.join(whole.lines[-5:]))
  bad, numbers = differing(folder / 'whole', folder / 'killed')
  print(f'undisturbed twice: {bad} of {numbers} numbers differ', flush=True)
  start, rest = whole.first, time.monotonic() - whole.begun - whole.first
  shutil.rmtree(folder / 'killed')

  lost = collections.defaultdict(list)
  until, runs = time.monotonic() + 60 * options.minutes, 0
  finishing = False
  while time.monotonic() < until or not finishing:
    finishing = time.monotonic() >= until
    run = Start(folder, 'killed')
    number = draw.choice(SIGNALS)
    if not finishing:
      # A quarter of them before the first step, the others within the next few.
      early, after = draw.random() < 0.25, draw.uniform(0, 1)
      if not early:
        run.under_way.wait()
      try:
        run.process.wait(after * (start if early else rest / 2))
      except subprocess.TimeoutExpired:
        run.process.send_signal(number)
    phase, code = run.phase, run.end()
    if code == 0:
      runs += 1
      bad, numbers = differing(folder / 'whole', folder / 'killed')
      print(f'run {runs} at its end: {bad} of {numbers} numbers differ', flush=True)
      shutil.rmtree(folder / 'killed')
      continue
    cost = max(run.step - saved(run.workdir), 0)
    lost[number.name].append(cost)
    print(
      f'{number.name} in {phase}: step {run.step}, saved {saved(run.workdir)}, exit '
      f'{code}: {cost} lost; {run.lines[-1] if run.lines else ""}',
      flush=True,
    )
    expected = {-9} if number == signal.SIGKILL else {128 + number, -number}
    if code not in expected or 'Traceback' in '\n'.join(run.lines):
      sys.exit('\n'.join(run.lines[-30:]))
  for name, costs in lost.items():
    print(f'{name}: {len(costs)} kills, {sum(costs)} steps lost, at most {max(costs)}')


if __name__ == '__main__':
  main()
