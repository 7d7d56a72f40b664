"""From the start of a process to the end of its first training step.

  python experiments/benchmarks/startup.py

The published network, 256 px, batch 2; first with an empty compilation cache, then
with the one that the first run filled. Results: README.md here.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time


def first_step(size: int, batch: int):
  """Runs in the child: one step, with the seconds that each stage took."""
  import step_speed  # the stage 'import' is what this costs

  from wild3d.models.pose3d import Pose3D

  def stage(name):
    nonlocal wall, cpu
    now, now_cpu = time.perf_counter(), step_speed.cpu_seconds()
    print(f'  {name:10s} {now - wall:6.2f} s wall {now_cpu - cpu:6.2f} s CPU')
    wall, cpu = now, now_cpu

  wall, cpu = START, 0.0
  stage('import')
  step, state, data = step_speed.prepare(Pose3D(), size, batch)
  stage('initialise')
  traced = step.trace(state, *data)
  stage('trace')
  lowered = traced.lower()
  stage('lower')
  compiled = lowered.compile()
  stage('compile')
  compiled(state, *data)[1].block_until_ready()
  stage('run')


def main():
  """Starts a child twice and prints what each took in all."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--size', type=int, default=256)
  parser.add_argument('--batch', type=int, default=2)
  parser.add_argument('--child', action='store_true', help=argparse.SUPPRESS)
  args = parser.parse_args()
  if args.child:
    first_step(args.size, args.batch)
    return
  command = [sys.executable, __file__, '--child']
  command += ['--size', str(args.size), '--batch', str(args.batch)]
  with tempfile.TemporaryDirectory() as cache:
    for name in ('cold', 'warm'):
      print(name, flush=True)
      before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
      environment = os.environ | {'JAX_COMPILATION_CACHE_DIR': cache}
      subprocess.run(command, check=True, env=environment)
      wall, after = (
        time.perf_counter() - start,
        resource.getrusage(resource.RUSAGE_CHILDREN),
      )
      cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
      print(f'  {"all":10s} {wall:6.2f} s wall {cpu:6.2f} s CPU', flush=True)


if __name__ == '__main__':
  START = time.perf_counter()
  main()
