"""From the start of a process to the end of its first training step, cold and warm."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time

from wild3d import settings
from wild3d.errors import UserError

STAGES = ('import', 'initialise', 'trace', 'compile', 'run')


def measure(config) -> dict[str, dict[str, float]]:
  """Seconds of each of STAGES, of 'all', and of the processor: cache empty, then filled.

  Two processes start one after the other, with a compilation cache of their own that
  only the second finds filled.

  Returns:
    'cold' and 'warm'.

  Raises:
    UserError: a process failed.
  """
  found = {}
  with tempfile.TemporaryDirectory() as cache:
    for name in ('cold', 'warm'):
      told = {'config': settings.as_json(config), 'since': time.time()}
      done = subprocess.run(
        [sys.executable, '-m', 'wild3d.benchmark.start'],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        env=os.environ | {'JAX_COMPILATION_CACHE_DIR': cache},
      )
      if done.returncode:
        why = (done.stderr.strip() or f'status {done.returncode}').splitlines()[-1]
        raise UserError(f'--what=start: its process failed: {why}')
      found[name] = json.loads(done.stdout.splitlines()[-1])
  return found


def main() -> None:
  """Runs in the process that is measured: reads what `measure` writes, prints JSON."""
  told = json.load(sys.stdin)
  marks = [told['since']]

  import jax

  from wild3d.benchmark import programs, timing
  from wild3d.training import mesh

  config = settings.complete(told['config'])
  mesh.split_cores(config.batch_size, config.evaluation.batch_size)  # as in training
  marks.append(time.time())
  step, arguments = programs.training_step(config, mesh.make())
  marks.append(time.time())
  lowered = step.lower(*arguments)
  marks.append(time.time())
  compiled = lowered.compile()
  marks.append(time.time())
  jax.block_until_ready(compiled(*arguments))
  marks.append(time.time())
  took = [after - before for before, after in itertools.pairwise(marks)]
  stages = dict(zip(STAGES, took, strict=True))
  total = {'all': marks[-1] - marks[0], 'processor': timing.processor_seconds()}
  print(json.dumps(stages | total))


if __name__ == '__main__':
  main()
