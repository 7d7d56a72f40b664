"""Our network beside its PyTorch twin, taking turns: a training step, and forward.

  PYTHONPATH=tests python experiments/benchmarks/torch_speed.py

Needs PyTorch (extra `convert`), and the twin of the tests. Two processes live all the time
that a setting takes and work in turns, so that whatever else the machine does hits both
alike; each is bound to --threads cores, the same ones. Ours on a device a core, as in training;
PyTorch in channels_last, its best form here; compiled where --compile is given and it compiles;
bfloat16 on a GPU. A step is forward, backward and RMSprop on random images. Results: README.md
here.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time

import numpy as np

# name -> (px, batch, sizes of the network).
SMALL = {'stacks': 1, 'residuals': 1, 'features': 64}
SETTINGS = {
  '64 px, stem 16, 64 features, batch 16': (64, 16, {**SMALL, 'stem': 16}),
  '128 px, stem 64, 64 features, batch 16': (128, 16, {**SMALL, 'stem': 64}),
  'published, 256 px, batch 2': (
    256,
    2,
    {'stacks': 2, 'residuals': 2, 'features': 256, 'stem': 64},
  ),
}


def ours(px, batch, sizes, options):
  """(training step, forward): functions that do it once and wait."""
  import jax
  import step_speed

  from wild3d.models.pose3d import Pose3D
  from wild3d.training import mesh

  gpu = jax.default_backend() == 'gpu'
  dtype = jax.numpy.bfloat16 if gpu else jax.numpy.float32
  model = Pose3D(**sizes, depth_residuals=sizes['residuals'], dtype=dtype)
  mesh.split_cores(batch)  # as in training
  devices = mesh.make()
  step, state, data = step_speed.prepare(model, px, batch)
  state = jax.device_put(state, mesh.replicated(devices))
  data = jax.device_put(data, mesh.batched(devices))
  apply = jax.jit(model.apply)

  def train():
    nonlocal state
    state, value = step(state, *data)
    value.block_until_ready()

  return train, lambda: jax.block_until_ready(apply(state[0], data[0]))


def theirs(px, batch, sizes, options):
  """The same of the twin."""
  import torch
  from references import torch_twin

  torch.set_num_threads(options.threads)
  torch.manual_seed(0)
  gpu = torch.cuda.is_available()
  device = 'cuda' if gpu else 'cpu'
  names = {'stacks': 'stacks', 'residuals': 'modules', 'features': 'features'}
  made = {names.get(name, name): value for name, value in sizes.items()}
  twin = torch_twin.Twin(**made, depth_modules=sizes['residuals'], size=px)
  twin = twin.to(device, memory_format=torch.channels_last)
  images = torch.rand(batch, 3, px, px, device=device)
  images = images.contiguous(memory_format=torch.channels_last)
  maps = torch.rand(batch, sizes['stacks'], 16, px // 4, px // 4, device=device)
  depths = torch.rand(batch, 16, device=device)
  rule = torch.optim.RMSprop(twin.parameters(), lr=2.5e-4, alpha=0.99)
  network = torch.compile(twin) if options.compile else twin
  narrow = lambda: (  # noqa: E731
    torch.autocast('cuda', torch.bfloat16) if gpu else contextlib.nullcontext()
  )

  def wait():
    if gpu:
      torch.cuda.synchronize()

  def train():
    twin.train()
    with narrow():
      got_maps, got_depths = network(images)
    error = (got_maps.float() - maps).square().mean((0, 2, 3, 4)).sum()
    loss = error + 0.1 * (got_depths.float() - depths).square().mean()
    rule.zero_grad(set_to_none=True)
    loss.backward()
    rule.step()
    wait()

  def forward():
    twin.eval()
    with torch.inference_mode(), narrow():
      network(images)
    wait()

  return train, forward


def child(options):
  """Answers each line, 'train' or 'forward', with the seconds of one time.

  Those of the wall, and of the processor, which other work on the machine bends less.
  """
  os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
  make = {'ours': ours, 'theirs': theirs}[options.child]
  train, forward = make(*SETTINGS[options.setting], options)
  work = {'train': train, 'forward': forward}
  for line in sys.stdin:
    start, cpu = time.perf_counter(), time.process_time()
    work[line.strip()]()
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f'seconds {wall} {cpu}', flush=True)


class Other:
  """A process that works when it is told to."""

  def __init__(self, who, setting, options):
    """Starts it."""
    command = [sys.executable, __file__, f'--child={who}', f'--setting={setting}']
    command += [f'--threads={options.threads}']
    command += ['--compile'] * (options.compile and who == 'theirs')
    self._process = subprocess.Popen(
      command,
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      text=True,
      env=os.environ | {'OMP_NUM_THREADS': str(options.threads)},
    )

  def time(self, what) -> list[float]:
    """Seconds of one time, of the wall and of the processor."""
    self._process.stdin.write(f'{what}\n')
    self._process.stdin.flush()
    for line in self._process.stdout:
      if line.startswith('seconds '):
        return [float(word) for word in line.split()[1:]]
    raise SystemExit(f'{self._process.args[2:]} ended: see above')

  def end(self):
    """Waits for it."""
    self._process.stdin.close()
    self._process.wait()


def main():
  """Prints a Markdown row for each setting and kind of work."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  add = parser.add_argument
  add('--rounds', type=int, default=7, help='of turns, after two that do not count')
  add('--threads', type=int, default=os.cpu_count())
  add('--compile', action='store_true', help='torch.compile')
  add('--setting', choices=SETTINGS, help='this one alone')
  add('--child', choices=('ours', 'theirs'), help=argparse.SUPPRESS)
  options = parser.parse_args()
  if options.child:
    child(options)
    return
  print('| setting | work | ours, images/s | PyTorch | ratio | of rounds | processor |')
  print('|---|---|---|---|---|---|---|')
  for setting in [options.setting] if options.setting else SETTINGS:
    batch = SETTINGS[setting][1]
    both = [Other(who, setting, options) for who in ('ours', 'theirs')]
    for what in ('train', 'forward'):
      rounds = range(2 + options.rounds)
      taken = np.array([[other.time(what) for other in both] for _ in rounds])[2:]
      here, there = batch / np.median(taken[..., 0], axis=0)
      ratios, cpu = (taken[:, 1] / taken[:, 0]).T  # of neighbours in time
      print(
        f'| {setting} | {what} | {here:.4g} | {there:.4g} | {np.median(ratios):.2f} | '
        f'{ratios.min():.2f} to {ratios.max():.2f} | {np.median(cpu):.2f} |',
        flush=True,
      )
    for other in both:
      other.end()


if __name__ == '__main__':
  main()
