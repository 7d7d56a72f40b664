"""Makes the tables and figures of README.md from the runs of run.py.

  python experiments/ablation/tables.py

Reads runs/ablation/rows/*/scores_*.json; what is not there is left out.
"""

import argparse
import json
import pathlib

import matplotlib as mpl
from matplotlib import pyplot as plt

from wild3d import files
from wild3d.configs import ablation
from wild3d.protocols import paired, rows, score_table, scores_json
from wild3d.training import metric_writer

HERE = pathlib.Path(__file__).parent
BEGIN, END = '<!-- tables.py: begin -->', '<!-- tables.py: end -->'
TITLES = {
  'wild': 'Wild test people',
  'captured': 'Motion capture of unseen people, drawn in the wild',
  'clips': 'Clips of wild people',
  'photos': 'Real photographs',
}
INK = {'regression': '#0072b2', 'lift': '#d55e00'}


def main():
  """Writes the figures, and the tables between the markers."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--folder', default='runs/ablation')
  parser.add_argument('--readme', default=str(HERE / 'README.md'))
  options = parser.parse_args()
  folder, page = pathlib.Path(options.folder), pathlib.Path(options.readme)
  text = []
  for name, title in TITLES.items():
    found = groups(folder, name)
    if not found:
      continue
    text += [f'### {title}', score_table.markdown(*table(folder, name, found))]
    if pairs := differences(found):
      text.append(score_table.markdown(*rows.differences(pairs)))
    if name in ('wild', 'captured'):
      figure(found, page.with_name(f'{name}.svg'), title)
      text.append(f'![MPJPE of the rows: {title.lower()}]({name}.svg)')
  text.append(cost(folder))
  before, _, rest = page.read_text().partition(BEGIN)
  after = rest.partition(END)[2]
  files.write(page, before + '\n\n'.join([BEGIN, *text, END]) + after)


def groups(folder, name):
  """(row, head) -> {seed: scores on the test set}, in the order of the table."""
  found = {}
  for row, fields in ablation.ROWS.items():
    for head in fields.heads:
      paths = folder.glob(f'rows/{row}-{head}-*/scores_{name}.json')
      by_seed = {int(p.parent.name.rpartition('-')[2]): p for p in paths}
      if by_seed:
        found[row, head] = {s: scores_json.read(by_seed[s]) for s in sorted(by_seed)}
  return dict(sorted(found.items(), key=lambda item: item[0][1] != 'regression'))


def called(row, head):
  """What the tables call a row."""
  return f'{head}: {ablation.ROWS[row].title}'


def table(folder, name, found):
  """The means; below them those of the depth that does not look, as training had them."""
  heads, lines, left = rows.means(
    {called(*key): list(runs.values()) for key, runs in found.items()}
  )
  for head in INK if name == 'wild' else ():
    runs = sorted(folder.glob(f'rows/{ablation.FULL}-{head}-*'))
    last = [_last(metric_writer.read(files.absolute(run))) for run in runs]
    last = [line for line in last if line]
    if last:
      entries = {'MPJPE, mm': 'mpjpe', 'PA-MPJPE, mm': 'pa_mpjpe'}
      cells = [
        f'{sum(line[entries[h]] for line in last) / len(last):.1f}'
        if h in entries
        else ''
        for h in heads[2:]
      ]
      lines.append([f'{head}: its 2D, mean depth', str(len(last)), *cells])
  return heads, lines, left


def _last(lines):
  prefix = 'eval/wild_test/mean depth/'
  scored = [line for line in lines if f'{prefix}mpjpe' in line][-1:]
  return {k.removeprefix(prefix): v for line in scored for k, v in line.items()}


def differences(found):
  """Name -> (A, B), of each row and the one it is against, over the seeds of both."""
  pairs = {}
  for (row, head), b in found.items():
    a = found.get((ablation.ROWS[row].against, head), {})
    both = [seed for seed in a if seed in b]
    if both:
      name = f'{called(row, head)} − {ablation.ROWS[ablation.ROWS[row].against].title}'
      pairs[name] = [a[seed] for seed in both], [b[seed] for seed in both]
  return pairs


def figure(found, path, title):
  """MPJPE of every row: the mean with its interval, and each seed as a ring."""
  with mpl.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': 'wild3d'}):
    drawn, axes = plt.subplots(
      figsize=(7, 0.5 + 0.32 * len(found)), layout='constrained'
    )
    key = 'pose3d', 'MPJPE'
    for place, ((_, head), by_seed) in enumerate(found.items()):
      runs = list(by_seed.values())
      mean = paired.mean(runs, *key, like=runs[0])
      low, high = mean.interval
      values = [paired.value_of(run, *key) for run in runs]
      colour = INK[head]
      axes.plot([low, high], [place, place], color=colour, lw=2)
      axes.plot(values, [place] * len(values), 'o', mfc='none', color=colour, ms=5)
      axes.plot(mean.value, place, 'D', color=colour, ms=6)
    axes.set_yticks(range(len(found)), [called(*key) for key in found])
    axes.invert_yaxis()
    axes.set_xlabel('MPJPE, mm (smaller is better)')
    axes.set_title(title, fontsize=11)
    axes.grid(axis='x', alpha=0.4)
    axes.spines[['top', 'right']].set_visible(False)
    drawn.savefig(path, metadata={'Date': None})
    plt.close(drawn)


def cost(folder):
  """What the runs took together."""
  costs = [json.loads(p.read_text()) for p in sorted(folder.glob('*/*/cost.json'))]
  hours = sum(c['cpu_minutes'] for c in costs) / 60
  rows_done = len(list(folder.glob('rows/*/scores_wild.json')))
  return (
    f'{rows_done} rows and seeds, of {len(costs)} stages of training, which took '
    f'{hours:.1f} CPU hours together.'
  )


if __name__ == '__main__':
  main()
