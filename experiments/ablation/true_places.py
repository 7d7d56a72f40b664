"""What the rows are worth where the 2D joints are right: depth alone.

  python experiments/ablation/true_places.py

Of the runs of run.py, on the wild test people: each predicted depth is put on the labelled
2D joint, where there is one, and scored like a prediction. The heads still see what the
network sees.
"""

import argparse
import pathlib

import numpy as np

from wild3d import evaluate, network
from wild3d.configs import ablation
from wild3d.protocols import overview

SET = 'wild_test'
ENTRIES = ('mpjpe', 'pa_mpjpe', 'left_right')


def main():
  """Prints a row of the ablation a line: means over its seeds."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--folder', default='runs/ablation', type=pathlib.Path)
  parser.add_argument('--data_dir', default='', help="(default: the runs')")
  parser.add_argument('--rows', default=','.join([*ablation.CLAIM, 'symmetry']))
  options = parser.parse_args()
  rows = options.rows.split(',')
  if unknown := sorted(set(rows) - set(ablation.ROWS)):
    parser.error(f'--rows={unknown[0]}: choose from {", ".join(ablation.ROWS)}')
  if not any(options.folder.glob('rows/*/scores_wild.json')):
    parser.error(f'--folder={options.folder}: no scored runs there: see run.py')
  place = [f'--config.data_dir={options.data_dir}'] if options.data_dir else []
  titles = ('MPJPE, mm', 'PA-MPJPE, mm', 'left-right, mm')
  print('| row | seeds |', *(f'{title} | on true places |' for title in titles))
  print('|---|---|---|---|---|---|---|---|')
  for row in rows:
    for head in ablation.ROWS[row].heads:
      scored = sorted(options.folder.glob(f'rows/{row}-{head}-*/scores_wild.json'))
      if scored:
        both = np.mean([figures(path.parent, place) for path in scored], axis=0)
        cells = ' | '.join(f'{value:.1f}' for value in both.T.ravel())
        title = f'{head}: {ablation.ROWS[row].title}'
        print(f'| {title} | {len(scored)} | {cells} |', flush=True)


def figures(folder: pathlib.Path, place: list[str]) -> np.ndarray:
  """[2, 3]: ENTRIES of a run as it predicts, and with its depth on the true places."""
  net = network.load(folder, 'latest', place)
  evaluator = evaluate.Evaluator(net.config, net.mesh, SET)
  found = evaluator.predict(net, SET)
  better = evaluator.instead(found, on_true_places(found))
  scores = [overview.figures(p, found.truth) for p in (found.predictions, better)]
  return np.array([[score[entry] for entry in ENTRIES] for score in scores])


def on_true_places(found: evaluate.Predicted) -> np.ndarray:
  """The predicted joints [N, J, 3], crop frame, with x and y of the labels.

  Joints without a 2D label stay as predicted.
  """
  affine = found.to_original
  away = found.truth.joints2d - affine[:, None, :, 2]
  xy = np.einsum('nij,nkj->nki', np.linalg.inv(affine[..., :2]), away)
  xy = np.where(np.isfinite(xy), xy, found.joints_crop[..., :2])
  return np.concatenate([xy, found.joints_crop[..., 2:]], axis=-1)


if __name__ == '__main__':
  main()
