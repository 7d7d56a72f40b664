"""How often `wild3d predict` finds the person of a picture, and whom else; how sure it is.

  python experiments/wild/people_found.py FOLDER [--checkpoint=RUN] [--detector=search]
  python experiments/wild/people_found.py NOBODY --empty

FOLDER is one that `wild3d data build mpii` reads, with one labelled person in each picture;
of its 'validation' split where it has one. Found: all joints within 1.25 times the labelled
person's box, and the size of the pose between half and one and a half of it. Everybody else
is false (also people whom nobody labelled). With --empty every one is: the pictures, each
tenth of the folder's, show nobody. The second table says whether a joint's score is its probability of being within 0.2
torso lengths, of the people found.
"""

import argparse
import pathlib

import numpy as np

from wild3d.datasets.mpii import mpii_dataset_builder
from wild3d.media import image_file
from wild3d.predict import detect
from wild3d.predict.predictor import Predictor
from wild3d.protocols import bootstrap

ROOM = 1.25
SIZES = (0.5, 1.5)
BINS = np.linspace(0, 1, 6)


def main():
  """Prints both tables."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  add = parser.add_argument
  add('folder', type=pathlib.Path)
  add('--checkpoint', default='')
  add('--detector', default='search', choices=detect.DETECTORS)
  add('--empty', action='store_true', help='the pictures show nobody')
  add('--all', action='store_true', help='not the validation split alone')
  add('--limit', type=int, help='pictures')
  options = parser.parse_args()
  predictor = Predictor.from_checkpoint(options.checkpoint)
  find = detect.make(options.detector, predictor)
  if options.empty:
    # Those that the dataset `nobody` holds back.
    pictures = [(path, None) for path in sorted(options.folder.rglob('*.jpg'))[9::10]]
  else:
    splits = mpii_dataset_builder.read_splits(options.folder)
    people = splits.get('validation') or splits['train']
    if options.all:
      people = [one for split in splits.values() for one in split]
    pictures = [(options.folder / 'images' / one.image, one) for one in people]
  rows, joints = [], []
  for path, truth in pictures[: options.limit]:
    image = image_file.read(path)
    poses = predictor.predict(image, find(image))
    right = [
      pose for pose in poses if truth is not None and is_of(pose.joints2d, truth)
    ]
    rows.append((bool(right), len(poses) - bool(right)))
    if right:
      joints += scored(right[0], truth)
  rows = np.array(rows, float)
  by_picture = bootstrap.Bootstrap.of(np.full(len(rows), ''))
  print(f'{len(rows)} pictures of {options.folder.name}, detector {options.detector}')
  for name, values in zip(('found', 'false people a picture'), rows.T, strict=True):
    if name != 'found' or not options.empty:
      resampled = by_picture.means(values[:, None], np.ones((len(values), 1)))
      low, high = bootstrap.interval(resampled[:, 0, 0])
      print(f'| {name} | {values.mean():.2f} ({low:.2f} to {high:.2f}) |')
  if joints:
    print(reliability(np.array(joints)))


def is_of(joints2d, truth) -> bool:
  """Whether a pose [16, 2] px lies about a person, and is of their size."""
  known = truth.joints2d[truth.labelled]
  low, high = known.min(0), known.max(0)
  side = (high - low).max()
  off = np.abs(joints2d - (low + high) / 2).max()
  size = (joints2d.max(0) - joints2d.min(0)).max() / side
  return off <= ROOM * side / 2 and SIZES[0] <= size <= SIZES[1]


def scored(pose, truth):
  """(score, whether it is within 0.2 torso lengths) of each labelled joint."""
  torso = np.linalg.norm(truth.joints2d[12] - truth.joints2d[3])
  if not (truth.labelled[12] and truth.labelled[3] and torso > 0):
    return []
  near = np.linalg.norm(pose.joints2d - truth.joints2d, axis=1) < 0.2 * torso
  return [(pose.scores[j], near[j]) for j in np.flatnonzero(truth.labelled)]


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
