"""One run by 1, 2 and 4 processes: by how much do the losses of its steps differ?

  python experiments/processes.py FOLDER
  python experiments/processes.py FOLDER --race=20

Trains the quickstart's three losses on its smallest set, a network of 8 features, 20
steps of 8 images, on the CPUs of this machine: in float64, where what is left is the
order in which numbers are added up, and in float32, as networks are trained. The results
are in docs/several-machines.md.

With --race: so many times two processes start one run at once in a new folder, in which
they must not clash.
"""

import argparse
import os
import pathlib
import socket
import subprocess
import sys

STEPS, BATCH = 20, 8
OVERRIDES = (
  '--config.datasets.people.name=synthetic_people/tiny',
  '--config.model.features=8',
  f'--config.batch_size={BATCH}',
  "--config.schedule=('geometric',)",
  f'--config.stages.geometric.steps={STEPS}',
  '--config.stages.geometric.share_3d=0.5',
  '--config.log_every=1',
  '--config.evaluation.sets={}',
)
DOUBLE = """
import sys
import jax, jax.numpy as jnp
jax.config.update('jax_enable_x64', True)
jnp.float32 = jnp.float64  # before Flax and wild3d take it for their parameters
from wild3d.models import initial
drawn = initial.variables
initial.variables = lambda *of: jax.tree.map(lambda x: x.astype('float64'), drawn(*of))
from wild3d.__main__ import main
sys.exit(main())
"""


def finish(folder: pathlib.Path, workdir: pathlib.Path, kind: str, count: int, *more):
  """Runs so many processes of one run to their end; ends where one fails."""
  with socket.create_server(('localhost', 0)) as server:
    port = server.getsockname()[1]
  config = pathlib.Path(__file__).parent.parent / 'configs' / 'quickstart.py'
  start = ['-c', DOUBLE] if kind == 'float64' else ['-m', 'wild3d']
  command = [sys.executable, *start, 'train', f'--config={config}']
  command += [
    f'--workdir={workdir}',
    *OVERRIDES,
    *more,
    f'--config.data_dir={folder}/tfds',
  ]
  command += [f'--coordinator=localhost:{port}', f'--processes={count}']
  environment = os.environ | {'JAX_PLATFORMS': 'cpu', 'JAX_NUM_CPU_DEVICES': '1'}
  started = [
    subprocess.Popen([*command, f'--process_id={index}'], env=environment)
    for index in range(count)
  ]
  if any([process.wait() for process in started]):
    sys.exit(f'{workdir}: failed')


def losses(folder: pathlib.Path, kind: str, count: int) -> list[float]:
  """The loss of every step of a run by so many processes."""
  from wild3d.training import metric_writer

  workdir = folder / f'{kind}-{count}'
  finish(folder, workdir, kind, count)
  return [line['train/loss'] for line in metric_writer.read(workdir)]


def main() -> None:
  """Runs and compares."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('folder', type=pathlib.Path)
  parser.add_argument('--race', type=int, default=0)
  options = parser.parse_args()
  folder = options.folder.absolute()
  for race in range(options.race):
    few = '--config.stages.geometric.steps=1'
    finish(folder, folder / f'race-{race}', 'float32', 2, few)
  if options.race:
    print(f'{options.race} starts of two processes at once, all at their end')
    return
  for kind in ('float64', 'float32'):
    alone = losses(folder, kind, 1)
    for count in (2, 4):
      both = zip(losses(folder, kind, count), alone, strict=True)
      apart = [abs(one - other) / other for one, other in both]
      print(
        f'{kind}, {count} processes: the losses of {len(alone)} steps differ from those '
        f'of 1 by {apart[0]:.1e} at the first and {max(apart):.1e} at most',
        flush=True,
      )


if __name__ == '__main__':
  main()
