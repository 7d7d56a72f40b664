"""What makes the network of configs/wild.py see photographs better, for the same time?

  python experiments/wild/what_pays.py FOLDER --config.data_dir=DATA_DIR ...

Trains each row below from nothing, heatmaps (and presence) alone, the rate going down to
0, for about so many seconds of processor time, at 64 px unless the row says otherwise, and
scores it on the photographs held back. The steps of a row are the time over what a step
of it costs, which its first steps tell; the time that it really took is printed. Goes on
where it was interrupted. Further arguments are those of `wild3d train`. Results: ../README.md.
"""

import argparse
import json
import pathlib
import resource
import shutil
import subprocess
import sys

from wild3d.configs import wild
from wild3d.training import metric_writer

SCORE = 'eval/photos/network/pck_torso_0.2'
TRIAL = 40  # steps, after as many that compile and fill buffers
_NO_NEGATIVES = (
  '--config.model.presence=False',
  '--config.augment.away=0.0',
  '--config.stages.heatmap.weights.presence=0.0',
  "--config.stages.heatmap.sources=('photos','wild','lab')",
)
ROWS = {
  'configs/wild.py at 64 px': (),
  '64 features, stem 16': ('--config.model.features=64', '--config.model.stem=16'),
  '192 features': ('--config.model.features=192',),
  '2 stacks of 96 features': ('--config.model.stacks=2', '--config.model.features=96'),
  '2 residuals': ('--config.model.residuals=2',),
  '128 px': ('--config.input_size=128',),
  'no drawn people': (
    '--config.stages.heatmap.share_3d=0.0',
    "--config.stages.heatmap.sources=('photos','nobody')",
  ),
  'half drawn people': ('--config.stages.heatmap.share_3d=0.5',),
  'no shift, half bodies, cover': (
    '--config.augment.shift=0.0',
    '--config.augment.half_body=0.0',
    '--config.augment.cover=0.0',
  ),
  'no negatives': _NO_NEGATIVES,
  'Gaussians of 1 cell': ('--config.target.sigma=1.0',),
  'Adam, 2e-3': (
    '--config.optimizer.name=adam',
    '--config.optimizer.momentum=0.9',
    '--config.stages.heatmap.learning_rate=2e-3',
  ),
  'squared error, Gaussians of 1 cell': (
    '--config.target.loss=squared',
    '--config.target.sigma=1.0',
    '--config.stages.heatmap.weights.heatmap=100.0',
  ),
}


def main():
  """See the module's docstring."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('folder', type=pathlib.Path)
  parser.add_argument('--seconds', type=float, default=200, help='of processor, a row')
  options, more = parser.parse_known_args()
  print('| row | steps | processor s | PCK@0.2, all | upright |\n|---|---|---|---|---|')
  for number, (name, fields) in enumerate(ROWS.items()):
    out = options.folder / f'{number}.json'
    if not out.exists():
      arguments = ['--config.input_size=64', *fields, *more]
      few, twice = (
        train(options.folder / f'{number}-{steps}', steps, arguments)
        for steps in (TRIAL, 2 * TRIAL)
      )
      steps = round(options.seconds / (twice - few) * TRIAL)
      whole = options.folder / f'{number}-whole'
      took = train(whole, steps, arguments) - few
      scores = metric_writer.read(whole)[-1]
      every, upright = (scores[f'{SCORE}{part}'] for part in ('', '_upright'))
      out.write_text(json.dumps([steps, took, every, upright]))
    steps, took, every, upright = json.loads(out.read_text())
    print(
      f'| {name} | {steps:,} | {took:.0f} | {every:.3f} | {upright:.3f} |', flush=True
    )


def train(workdir, steps, arguments):
  """Trains from nothing and scores; seconds of processor time."""
  shutil.rmtree(workdir, ignore_errors=True)
  command = [sys.executable, '-m', 'wild3d', 'train', f'--config={wild.__file__}']
  command += [f'--workdir={workdir}', "--config.schedule=('heatmap',)"]
  command += [f'--config.stages.heatmap.steps={steps}', '--config.evaluation.every=0']
  command += ['--config.evaluation.baselines=False', *arguments]
  command += ['--config.evaluation.sets.wild_test.limit=32']
  before = _processor()
  subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
  return _processor() - before


def _processor():
  used = resource.getrusage(resource.RUSAGE_CHILDREN)
  return used.ru_utime + used.ru_stime


if __name__ == '__main__':
  main()
