"""Trains and scores the rows of configs/ablation.py, one after the other.

  python experiments/ablation/run.py
  python experiments/ablation/run.py --only=3d_2d,3d_2d_geometric --heads=lift --seeds=0

Each run is `wild3d train`, then `wild3d evaluate` on each test set, in processes of
their own; its folder is runs/ablation/ROW-HEAD-SEED. What is complete is left alone, and
what was interrupted goes on: the same command again. Tables: tables.py.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

from wild3d import files
from wild3d.configs import ablation

CONFIG = ablation.__file__
# Test set -> its dataset, its split, and the protocols of the tables. The first stands
# for people in the wild; motion capture and photographs are scored where they are built.
SETS = {
  'wild': ('synthetic_people/quickstart', 'wild_test', 'pose3d,pck_torso,geometry'),
  'captured': ('mocap_people/wild3d', 'wild_test', 'pose3d,pck_torso,geometry'),
  'clips': ('synthetic_people/clips', 'wild_clips[1920:]', 'pose3d,geometry'),
  'photos': ('mpii/small', 'validation', 'pck_torso,geometry'),
}
OWN = ('synthetic_people/quickstart', 'synthetic_people/clips')


def main():
  """Runs what is asked for and not there."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  add = parser.add_argument
  add('--folder', default='runs/ablation')
  add('--only', default=','.join(ablation.ROWS), help='rows (default: %(default)s)')
  add('--heads', default='', help='depth heads (default: those of each row)')
  add('--seeds', default='0,1,2', help='default: %(default)s')
  add('--data_dir', default=files.DATA_DIR, help='of built datasets; people go there')
  add('--tests_dir', default='', help='of mocap_people and mpii (default: --data_dir)')
  options, fields = parser.parse_known_args()
  rows, heads = options.only.split(','), options.heads.split(',')
  if unknown := sorted(set(rows) - set(ablation.ROWS)):
    parser.error(f'--only={unknown[0]}: choose from {", ".join(ablation.ROWS)}')
  # One device a core is the faster way on CPUs, as in the quickstart.
  os.environ.setdefault('JAX_NUM_CPU_DEVICES', '2')
  runs = [
    (row, head, seed)
    for seed in map(int, options.seeds.split(','))
    for row in rows
    for head in ablation.ROWS[row].heads
    if options.heads == '' or head in heads
  ]
  for number, (row, head, seed) in enumerate(runs, 1):
    folder = pathlib.Path(options.folder, f'{row}-{head}-{seed}')
    print(f'==== {number} of {len(runs)}: {folder}', flush=True)
    arguments = [*ablation.overrides(row, head, seed), *fields]
    train(folder, arguments, options.data_dir)
    for name in SETS:
      score(folder, name, options.data_dir, options.tests_dir or options.data_dir)


def train(folder, arguments, data_dir):
  """Trains, unless the folder says that this is done; cost.json adds up the cost."""
  done = folder / 'cost.json'
  cost = json.loads(done.read_text()) if done.exists() else {}
  if cost.get('complete'):
    return
  for name in OWN:  # before the clock starts
    if _is_built(name, data_dir):
      continue
    _wild3d('data', 'build', name, f'--data_dir={data_dir}')
  began, used = time.monotonic(), _processor()
  try:
    place = (f'--workdir={folder}', f'--config.data_dir={data_dir}')
    _wild3d('train', f'--config={CONFIG}', *place, *arguments)
    cost['complete'] = True
  finally:
    spent = {'minutes': time.monotonic() - began, 'cpu_minutes': _processor() - used}
    cost |= {key: cost.get(key, 0.0) + value / 60 for key, value in spent.items()}
    if folder.is_dir():
      files.write(done, json.dumps(cost))


def score(folder, name, data_dir, tests_dir):
  """Scores a run on a test set, unless that is done or the set is not there."""
  dataset, split, protocols = SETS[name]
  out = folder / f'scores_{name}.json'
  place = data_dir if dataset in OWN else tests_dir
  if out.exists():
    return
  if not _is_built(dataset, place):
    print(f'{name} is left out: {dataset} is not built in {place}')
    return
  _wild3d(
    'evaluate',
    *(
      f'--workdir={folder}',
      '--step=latest',
      f'--protocol={protocols}',
      f'--out={out}',
    ),
    *('--set=wild_test', f'--config.evaluation.sets.wild_test.split={split}'),
    *(f'--config.datasets.people.name={dataset}', f'--config.data_dir={place}'),
  )


def _is_built(name, data_dir):
  return any(files.absolute(data_dir).glob(f'{name}/*/dataset_info.json'))


def _wild3d(*arguments):
  subprocess.run([sys.executable, '-m', 'wild3d', *arguments], check=True)


def _processor():
  used = resource.getrusage(resource.RUSAGE_CHILDREN)
  return used.ru_utime + used.ru_stime


if __name__ == '__main__':
  try:
    main()
  except subprocess.CalledProcessError as failed:  # the command has said why
    sys.exit(failed.returncode)
