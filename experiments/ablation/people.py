"""Draws the same wild test people under each row of the paper's claim.

  python experiments/ablation/people.py docs/claim.jpg

Reads the runs of run.py. Each line of the picture is a row of the table, each column a
person: predicted 2D, and the predicted pose from the camera and from the side, the true
one in grey.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image, ImageDraw

from wild3d import evaluate, network
from wild3d.configs import ablation
from wild3d.draw import samples as draw

_STRIP = 20  # px, above each line, for its title


def main():
  """Restores the networks of one head and seed, one after the other, and draws."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('out')
  parser.add_argument('--folder', default='runs/ablation', type=pathlib.Path)
  parser.add_argument('--head', default='lift')
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--people', type=int, default=3)
  parser.add_argument('--first', type=int, default=0, help='leave out so many')
  parser.add_argument('--data_dir', default='', help="(default: the runs')")
  options = parser.parse_args()
  place = [f'--config.data_dir={options.data_dir}'] if options.data_dir else []
  lines = []
  for name, row in ablation.CLAIM.items():
    folder = options.folder / 'rows' / f'{name}-{options.head}-{options.seed}'
    net = network.load(folder, 'latest', place)
    evaluator = evaluate.Evaluator(net.config, net.mesh, 'wild_test')
    people = evaluator.samples(net, 'wild_test', options.first + options.people)
    line = draw.sheet(people[options.first :], columns=options.people)
    lines += [_title(row.title, line.shape[1]), line]
  Image.fromarray(np.vstack(lines)).save(options.out, quality=85)


def _title(text, width):
  strip = Image.new('RGB', (width, _STRIP), 'white')
  ImageDraw.Draw(strip).text((6, 4), text, fill='black', font_size=13)
  return np.asarray(strip)


if __name__ == '__main__':
  main()
