"""Ten thousand steps of training: how much memory the process holds, what it compiles.

  python experiments/robustness/memory.py FOLDER --out=memory.svg

Trains a smaller form of tiny.py with all its losses, clips too, in one stage, a checkpoint
every 2,500 steps and no scores on the way, and reads the resident memory of the process
once a second. Prints what it held at each tenth of the way, and how often a step was
compiled (by JAX's own log). Result: ../README.md.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

CONFIG = pathlib.Path(__file__).with_name('tiny.py')


def resident(pid):
  """MB of memory that a process holds; Linux."""
  status = pathlib.Path(f'/proc/{pid}/status').read_text()
  found = re.search(r'VmRSS:\s+(\d+) kB', status)
  return int(found[1]) / 1024 if found else None


def sampled(process, seen, every=1.0):
  """Appends (step, MB) to `seen` until the process ends; steps from its console."""
  while process.poll() is None:
    if seen['step'] and (held := resident(process.pid)):
      seen['samples'].append((seen['step'], held))
    time.sleep(every)


def main():
  """See the module's docstring."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('folder', type=pathlib.Path)
  parser.add_argument('--steps', type=int, default=10_000)
  parser.add_argument('--out', type=pathlib.Path, help='the plot, SVG')
  options = parser.parse_args()
  workdir = options.folder.absolute() / 'memory'
  command = [sys.executable, '-m', 'wild3d', 'train', f'--config={CONFIG}']
  command += [f'--workdir={workdir}', f'--config.data_dir={workdir.parent / "tfds"}']
  command += ["--config.schedule=('geometric',)", '--config.log_every=20']
  command += ['--config.batch_size=8', '--config.model.stem=8']
  command += [f'--config.stages.geometric.steps={options.steps}']
  # An evaluation ends with a checkpoint, also where there is nothing to score.
  command += ['--config.checkpoint.every=2500', '--config.evaluation.every=0']
  command += ['--config.evaluation.sets={}']
  process = subprocess.Popen(
    command,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    env=os.environ | {'JAX_LOG_COMPILES': '1'},
  )
  seen = {'step': 0, 'samples': []}
  reader = threading.Thread(target=sampled, args=(process, seen))
  reader.start()
  compiled, last = [], ''
  for line in process.stdout:
    if found := re.match(r'geometric +(\d+)/\d+ ', line):
      seen['step'] = int(found[1])
    elif 'Finished XLA compilation of' in line:
      compiled.append((seen['step'], re.search(r'of (jit\(\S+\)|\S+)', line)[1]))
    last = line
  reader.join()
  if process.wait():
    sys.exit(last)

  samples = seen['samples']
  print('| step | resident, MB |\n|---|---|')
  for tenth in range(11):
    near = min(samples, key=lambda one: abs(one[0] - tenth * options.steps / 10))
    print(f'| {near[0]} | {near[1]:.1f} |')
  late = [(step, name) for step, name in compiled if step > 100]
  print(f'compiled after step 100: {late or "nothing"}; before: {len(compiled)}')
  if options.out:
    plot(samples, options.out)


def plot(samples, path):
  """Memory over steps, from 0."""
  import matplotlib

  matplotlib.use('svg')
  from matplotlib import pyplot as plt

  plt.figure(figsize=(6, 3), layout='constrained')
  plt.plot(*zip(*samples, strict=True), color='#1f6feb')
  plt.ylim(0, 1.1 * max(held for _, held in samples))
  plt.xlabel('step')
  plt.ylabel('resident memory, MB')
  plt.savefig(path)


if __name__ == '__main__':
  main()
