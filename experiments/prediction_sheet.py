"""Draws a run's predictions on one of its evaluation sets as one picture.

  python experiments/prediction_sheet.py runs/quickstart wild_test docs/quickstart.png
  python experiments/prediction_sheet.py runs/photos photos sheet.png --count=12 --only2d

Each sample: the prediction over the image, the labels over the image, and, unless
--only2d, the predicted pose from the camera and from the side (true pose in grey).
"""

import argparse

from PIL import Image

from wild3d import evaluate, network
from wild3d.draw import samples as draw


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
  drawn = draw.sheet(
    samples[options.first :],
    columns=options.columns,
    labels=True,
    in_3d=not options.only2d,
  )
  Image.fromarray(drawn).save(options.out)


if __name__ == '__main__':
  main()
