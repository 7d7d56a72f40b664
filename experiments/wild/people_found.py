"""How often `wild3d predict` finds the people of pictures, and whom else; how sure it is.

  python experiments/wild/people_found.py FOLDER [--checkpoint=RUN] [--detector=search]
  python experiments/wild/people_found.py FOLDER --mosaic
  python experiments/wild/people_found.py NOBODY --empty

FOLDER is one that `wild3d data build mpii` reads, with one labelled person in each picture;
of its 'validation' split where it has one. Found: all joints within the square of 1.25
times the labelled person's box, and the size of the pose between half and one and a half of
the box. Everybody else is false (also people whom nobody labelled). With --mosaic a picture is four of them, with
grey between. With --empty everybody is false: the pictures, each tenth of the folder's, show
nobody. The second table says whether a joint's score is its probability of being within 0.2
torso lengths, of the people found.
"""

import argparse
import pathlib
import time

import numpy as np

from wild3d.datasets.mpii import mpii_dataset_builder
from wild3d.media import image_file
from wild3d.predict import detect
from wild3d.predict.predictor import Predictor
from wild3d.protocols import bootstrap

ROOM = 1.25
SIZES = (0.5, 1.5)
BINS = np.linspace(0, 1, 6)
CELL = 320  # px, of a mosaic


def main():
  """Prints both tables."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  add = parser.add_argument
  add('folder', type=pathlib.Path)
  add('--checkpoint', default='')
  add('--detector', default='search', choices=detect.DETECTORS)
  add('--mosaic', action='store_true', help='four of the pictures in one')
  add('--empty', action='store_true', help='the pictures show nobody')
  add('--all', action='store_true', help='not the validation split alone')
  add('--limit', type=int, help='pictures')
  options = parser.parse_args()
  predictor = Predictor.from_checkpoint(options.checkpoint)
  find = detect.make(options.detector, predictor)
  pictures = _empty(options.folder) if options.empty else _labelled(options)
  if options.mosaic:
    pictures = _mosaics(pictures)
  rows, joints, seconds = [], [], []
  for image, people in pictures:
    start = time.monotonic()
    poses = predictor.predict(image, find(image))
    seconds.append(time.monotonic() - start)
    found = 0
    for joints2d, labelled, center, side in people:
      right = [p for p in poses if _is_of(p.joints2d, center, side)]
      if right:
        found += 1
        poses = [p for p in poses if p is not right[0]]
        joints += _scored(right[0], joints2d, labelled)
    rows.append((found / max(len(people), 1), len(poses)))
  _print(options, np.array(rows, float), seconds)
  if joints:
    print(reliability(np.array(joints)))


def _labelled(options):
  """(picture, [(joints [16, 2] px, labelled [16], centre and side of the square)])."""
  splits = mpii_dataset_builder.read_splits(options.folder)
  people = splits.get('validation') or splits['train']
  if options.all:
    people = [one for split in splits.values() for one in split]
  for one in people[: options.limit]:
    image = image_file.read(options.folder / 'images' / one.image)
    yield image, [(one.joints2d, one.labelled, one.center, one.side)]


def _empty(folder):
  """Those pictures that the dataset `nobody` holds back."""
  for path in sorted(folder.rglob('*.jpg'))[9::10]:
    yield image_file.read(path), []


def _mosaics(pictures):
  """Four pictures on grey, each cut to its cell."""
  pictures = [p for p in pictures if max(p[0].shape) <= CELL]
  for k in range(0, len(pictures) - 3, 4):
    canvas, people = np.full((2 * CELL, 2 * CELL, 3), 120, np.uint8), []
    for number, (image, ((joints2d, labelled, center, side),)) in enumerate(
      pictures[k : k + 4]
    ):
      y, x = (
        CELL * np.array(divmod(number, 2)) + (CELL - np.array(image.shape[:2])) // 2
      )
      canvas[y : y + image.shape[0], x : x + image.shape[1]] = image
      moved = np.array([x, y])
      people.append((joints2d + moved, labelled, center + moved, side))
    yield canvas, people


def _is_of(joints2d, center, side) -> bool:
  """Whether a pose [16, 2] px lies in a person's square, and is of their size."""
  size = ROOM * (joints2d.max(0) - joints2d.min(0)).max() / side
  return np.abs(joints2d - center).max() <= side / 2 and SIZES[0] <= size <= SIZES[1]


def _scored(pose, joints2d, labelled):
  """(score, whether it is within 0.2 torso lengths) of each labelled joint."""
  torso = np.linalg.norm(joints2d[12] - joints2d[3])
  if not (labelled[12] and labelled[3] and torso > 0):
    return []
  near = np.linalg.norm(pose.joints2d - joints2d, axis=1) < 0.2 * torso
  return [(pose.scores[j], near[j]) for j in np.flatnonzero(labelled)]


def _print(options, rows, seconds):
  print(
    f'{len(rows)} pictures of {options.folder.name}, detector {options.detector}, '
    f'{np.median(seconds):.2f} s a picture'
  )
  pictures = bootstrap.Bootstrap.of(np.full(len(rows), ''))
  for name, values in zip(('found', 'false people a picture'), rows.T, strict=True):
    if name == 'found' and options.empty:
      continue
    resampled = pictures.means(values[:, None], np.ones((len(values), 1)))
    low, high = bootstrap.interval(resampled[:, 0, 0])
    print(f'| {name} | {values.mean():.2f} ({low:.2f} to {high:.2f}) |')


def reliability(joints) -> str:
  """The table of scores against shares, and their mean difference."""
  score, near = joints.T
  bin_of = np.clip(np.digitize(score, BINS) - 1, 0, len(BINS) - 2)
  lines, gap = (
    ['| score | joints | mean score | share near |', '|---|---|---|---|'],
    0.0,
  )
  for i in range(len(BINS) - 1):
    here = bin_of == i
    if here.any():
      mean, share = score[here].mean(), near[here].mean()
      gap += here.mean() * abs(mean - share)
      lines.append(
        f'| {BINS[i]:.1f} to {BINS[i + 1]:.1f} | {here.sum()} | {mean:.2f} | {share:.2f} |'
      )
  return '\n'.join([*lines, f'expected calibration error {gap:.3f}'])


if __name__ == '__main__':
  main()
