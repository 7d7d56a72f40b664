"""Curves of several runs of which each goes on where the one before it ended.

  python experiments/wild/curves.py RUN [RUN ...] --out=curves.svg

The heatmaps' loss as it was logged, and PCK@0.2 of the photographs held back wherever a run
was scored, over the steps of all runs together; a line marks where a run begins. Result:
docs/model-card.md.
"""

import argparse

import matplotlib as mpl

mpl.use('svg')
from matplotlib import pyplot as plt

from wild3d.training import metric_writer

LOSS = 'train/heatmap'
SCORES = {
  'all': 'eval/photos/network/pck_torso_0.2',
  'upright': 'eval/photos/network/pck_torso_0.2_upright',
}


def main():
  """See the module's docstring."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('runs', nargs='+', metavar='RUN')
  parser.add_argument('--out', required=True)
  options = parser.parse_args()
  figure, (losses, scores) = plt.subplots(
    2, figsize=(8, 5), layout='constrained', sharex=True
  )
  found, start = {name: [] for name in SCORES}, 0
  for number, run in enumerate(options.runs, 1):
    lines = metric_writer.read(run)
    if not any(LOSS in line for line in lines):
      parser.error(f'{run}: no metrics.jsonl of a training: name folders of runs')
    logged = [(start + line['step'], line[LOSS]) for line in lines if LOSS in line]
    losses.plot(*zip(*logged, strict=True), color='#1f6feb', lw=1)
    for name, key in SCORES.items():
      found[name] += [
        (start + line['step'], line[key]) for line in lines if key in line
      ]
    for axes in (losses, scores):
      axes.axvline(start, color='0.6', lw=0.8, ls='--')
    place = {'xycoords': ('data', 'axes fraction'), 'ha': 'left', 'size': 9}
    losses.annotate(f' {number}', (start, 0.92), **place)
    start += max(line['step'] for line in lines)
  for name, points in found.items():
    scores.plot(*zip(*points, strict=True), marker='o', ms=4, lw=1, label=name)
  losses.set_ylabel('cross-entropy of the heatmaps')
  scores.set(ylabel='PCK@0.2, photographs held back', xlabel='step, all runs')
  scores.legend(loc='lower right', frameon=False)
  figure.savefig(options.out, metadata={'Date': None})
  print(f'{len(options.runs)} runs, {start:,} steps: {options.out}')


if __name__ == '__main__':
  main()
