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
    [image for images in tiles[i : i + options.columns] for image in images]
    for i in range(0, len(tiles), options.columns)
  ]
  Image.fromarray(pixels.grid(rows)).save(options.out)


def tile(sample, only2d):
  """The pictures of one sample."""
  shown = run_summary.picture(sample)
  overlays = [
    pixels.overlay(shown['image'], np.where(visible[:, None], joints, np.nan))
    for joints, visible in (
      (shown['predicted2d'], np.ones(16, bool)),
      (shown['true2d'], shown['visible']),
    )
  ]
  if only2d:
    return overlays
  return [
    *overlays,
    pixels.views(shown['predicted3d'], shown['true3d'], height=256),
  ]


if __name__ == '__main__':
  main()
