"""Trains and scores the rows of configs/ablation.py, one after the other.

  python experiments/ablation/run.py
  python experiments/ablation/run.py --only=3d_2d,3d_2d_geometric --heads=lift --seeds=0

Each stage is a run of `wild3d train` that begins with the parameters of the stage before,
and a stage that several rows have in common is run once: it is in runs/ablation/STAGE, the
last one of each row in runs/ablation/rows. Then `wild3d evaluate` on each test set. What is
complete is left alone, and what was interrupted goes on: the same command again. Several
of these, with other --seeds, may run side by side. Tables: tables.py.
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
  add('--heatmap', default='', help='a run to take for the first stage of all rows')
  add('--data_dir', default=files.DATA_DIR, help='of built datasets; people go there')
  add('--tests_dir', default='', help='of mocap_people and mpii (default: --data_dir)')
  options, changed = parser.parse_known_args()
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
    print(f'==== {number} of {len(runs)}: {row}, {head}, seed {seed}', flush=True)
    before, places = options.heatmap, list(stages(row, head, seed))
    for place in places[1:] if before else places:
      before = train(pathlib.Path(options.folder), place, before, options, changed)
    for name in SETS:
      score(before, name, options.data_dir, options.tests_dir or options.data_dir)


def stages(row, head, seed):
  """The runs that a row is made of, in order: (their folder, their own arguments)."""
  names = ablation.get_config().schedule
  for index, stage in enumerate(names):
    first = ablation.beginning(row, head, stage)
    kind = 'rows' if stage == names[-1] else stage
    # Another seed a stage: else each would see the same images in the same order.
    own = {'schedule': (stage,), 'seed': seed + 1000 * index}
    yield f'{kind}/{"-".join(first)}-{seed}', ablation.seen(*first, stage) | own


def train(folder, place, before, options, changed):
  """Trains, unless the folder says that this is done; cost.json adds up the cost."""
  name, fields = place
  folder = folder / name
  done = folder / 'cost.json'
  cost = json.loads(done.read_text()) if done.exists() else {}
  if cost.get('complete'):
    return folder
  for data in OWN:  # before the clock starts
    if not _is_built(data, options.data_dir):
      _wild3d('data', 'build', data, f'--data_dir={options.data_dir}')
  began, used = time.monotonic(), _processor()
  try:
    _wild3d(
      'train',
      f'--config={CONFIG}',
      f'--workdir={folder}',
      f'--config.data_dir={options.data_dir}',
      *ablation.arguments(fields | {'init_from': str(before)}),
      *changed,
    )
    cost['complete'] = True
  finally:
    spent = {'minutes': time.monotonic() - began, 'cpu_minutes': _processor() - used}
    cost |= {key: cost.get(key, 0.0) + value / 60 for key, value in spent.items()}
    if folder.is_dir():
      files.write(done, json.dumps(cost))
  return folder


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
