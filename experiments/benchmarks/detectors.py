"""How many people the detectors of `wild3d predict` find, and how many that are none.

  WILD3D_SAMPLES=DIR python experiments/benchmarks/detectors.py runs/photos [search,hog]

On pictures of people in DIR (coco_mini, and every 25th upright one of lspet), one person
to a picture; and on mosaics of four of them, with grey between. A box counts that
overlaps the box of the labelled joints by half (intersection over union).
"""

import json
import os
import pathlib
import sys
import time

import numpy as np

from wild3d.media import image_file
from wild3d.poses.pose import Box
from wild3d.predict import boxes, detect
from wild3d.predict.predictor import Predictor


def main() -> None:
  """Prints a row for each detector and kind of picture."""
  run, names = sys.argv[1], (*sys.argv[2:], 'search,hog')[0].split(',')
  predictor = Predictor.from_checkpoint(run)
  single = list(_samples(pathlib.Path(os.environ['WILD3D_SAMPLES'])))
  rng = np.random.default_rng(0)
  order = rng.permutation(len(single))
  fours = [order[k : k + 4] for k in range(0, len(order) - 3, 4)]
  mosaics = [_mosaic([single[i] for i in four], rng) for four in fours]
  print('detector    pictures  people  found  recall  precision  s/picture')
  for name in names:
    find = detect.make(name, predictor)
    for kind, pictures in (('single', single), ('mosaic', mosaics)):
      start = time.monotonic()
      right = wrong = people = 0
      for image, true in pictures:
        found = find(image)
        hits = _hits(found, true)
        right, wrong = right + hits, wrong + len(found) - hits
        people += len(true)
      seconds = (time.monotonic() - start) / len(pictures)
      print(
        f'{name:7} {kind} {len(pictures):5} {people:7} {right:6} {right / people:7.2f} '
        f'{right / max(1, right + wrong):10.2f} {seconds:10.2f}'
      )


def _samples(folder):
  """Yields (image, [box of the labelled joints])."""
  for name in ('coco_mini', 'lspet'):
    items = json.loads((folder / name / 'annotations.json').read_text())
    if name == 'lspet':
      items = [item for item in items if abs(item['torso_angle_deg']) < 30][::25]
    for item in items:
      image = image_file.read(folder / name / 'images' / item['image'])
      joints = np.array(item['joints'])[np.array(item['joints_vis']) > 0]
      low, high = joints.min(0), joints.max(0)
      yield image, [Box((*map(float, low), *map(float, high - low)))]


def _mosaic(samples, rng):
  """Four pictures on grey."""
  canvas, true = np.full((520, 520, 3), 120, np.uint8), []
  for number, (image, (box,)) in enumerate(samples):
    y, x = 30 + 245 * np.array(divmod(number, 2)) + rng.integers(0, 20, 2)
    height, width = image.shape[:2]
    canvas[y : y + height, x : x + width] = image
    left, top, *size = box.xywh
    true.append(Box((left + x, top + y, *size)))
  return canvas, true


def _hits(found, true):
  left, hits = list(true), 0
  for box in found:
    best = max(left, key=lambda t: boxes.overlap(box, t), default=None)
    if best is not None and boxes.overlap(box, best) > 0.5:
      left.remove(best)
      hits += 1
  return hits


if __name__ == '__main__':
  main()
