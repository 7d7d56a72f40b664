"""Draws a run's predictions on one of its evaluation sets as one picture.

  python experiments/prediction_sheet.py runs/quickstart wild_test docs/quickstart.png
  python experiments/prediction_sheet.py runs/photos photos sheet.png --count=12 --only2d

Each sample: the prediction over the image, the labels over the image, and, unless
--only2d, the predicted pose from the camera and from the side (true pose in grey).
"""

import argparse

import numpy as np
from PIL import Image

from wild3d import evaluate, network
from wild3d.draw import pixels
from wild3d.pages import run_summary


def main():
  """Restores the best checkpoint and draws."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('workdir')
  parser.add_argument('set')
  parser.add_argument('out')
  parser.add_argument('--count', type=int, default=6)
  parser.add_argument('--first', type=int, default=0, help='leave out so many')
  parser.add_argument('--columns', type=int, default=2)
  parser.add_argument('--only2d', action='store_true')
  options = parser.parse_args()
  net = network.load(
    options.workdir, 'best', [f'--config.evaluation.main={options.set}']
  )
  evaluator = evaluate.Evaluator(net.config, net.mesh, options.set)
  samples = evaluator.samples(net, options.set, options.first + options.count)
  tiles = [tile(s, options.only2d) for s in samples[options.first :]]
  rows = [
    np.hstack([image for images in tiles[i : i + options.columns] for image in images])
    for i in range(0, len(tiles), options.columns)
  ]
  widest = max(row.shape[1] for row in rows)
  rows = [_paper(row, right=widest - row.shape[1]) for row in rows]
  Image.fromarray(np.vstack(rows)).save(options.out)


def _paper(image, edge=0, right=0):
  sides = ((edge, edge), (edge, edge + right), (0, 0))
  return np.pad(image, sides, constant_values=255)


def tile(sample, only2d):
  """The pictures of one sample, equally high, with paper around them."""
  shown = run_summary.picture(sample)
  overlays = [
    pixels.overlay(shown['image'], np.where(visible[:, None], joints, np.nan))
    for joints, visible in (
      (shown['predicted2d'], np.ones(16, bool)),
      (shown['true2d'], shown['visible']),
    )
  ]
  views = []
  if not only2d:
    height = overlays[0].shape[0]
    views = [pixels.views(shown['predicted3d'], shown['true3d'], height=height)]
  return [_paper(image, edge=4) for image in (*overlays, *views)]


if __name__ == '__main__':
  main()
