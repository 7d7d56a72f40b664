"""Seconds and memory that the protocols of 3D take for 110 thousand poses.

  python experiments/benchmarks/score_speed.py --poses 110000

Made-up poses in Human3.6M's 17 joints, labelled as Human3.6M (S9, S11) and again as
MPI-INF-3DHP (TS1-TS6): every protocol of 3D runs on all of them.
"""

import argparse
import dataclasses
import resource
import time

import numpy as np

from wild3d import protocols, skeleton
from wild3d.protocols import mean
from wild3d.protocols.samples import Predictions, Truth


def _truth(poses, rng):
  names = tuple(dict.fromkeys((*skeleton.JOINT_SETS['h36m17'], *skeleton.JOINTS)))
  index = np.arange(poses)
  take = index // 2000
  return Truth(
    joints=names,
    ids=index.astype(str),
    joints2d=np.full((poses, len(names), 2), np.nan, np.float32),
    joints3d=rng.normal(scale=400, size=(poses, len(names), 3)).astype(np.float32),
    occluded=np.zeros((poses, len(names)), bool),
    head_size=np.full(poses, np.nan, np.float32),
    valid=np.ones(poses, bool),
    subject=np.where(take % 2, 'S9', 'S11'),
    action=np.char.add('Action ', (take % 15).astype(str)),
    sequence=take.astype(str),
    frame=index % 2000,
    frames_per_second=50.0,
  )


def main():
  """Runs every protocol of 3D and prints its time, then the most memory used."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--poses', type=int, default=110_000)
  args = parser.parse_args()
  rng = np.random.default_rng(0)
  h36m = _truth(args.poses, rng)
  noise = rng.normal(scale=50, size=h36m.joints3d.shape).astype(np.float32)
  predictions = Predictions(h36m.joints, None, h36m.joints3d + noise)
  del noise
  tests = np.array([f'TS{1 + i % 6}' for i in range(args.poses)])
  mpi = dataclasses.replace(h36m, subject=tests)
  before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  total, processor = 0.0, time.process_time()
  for name, protocol in protocols.ALL.items():
    if protocol.needs != '3d':
      continue
    truth = mpi if name.startswith('mpi') else h36m
    start = time.perf_counter()
    scored = int(protocol.select(truth).sum())
    figures = protocol.measure(predictions, truth)
    text = ', '.join(f'{f.name} {mean.overall(f)[0]:.2f} {f.unit}' for f in figures)
    for labels in (group(truth) for group in protocol.groups.values()):
      for label in np.unique(labels):
        mean.overall(figures[0], labels == label)
    seconds = time.perf_counter() - start
    total += seconds
    print(f'{name:24} {seconds:5.2f} s  {scored} poses: {text}')
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  print(
    f'all: {total:.1f} s ({time.process_time() - processor:.1f} s of processor time), '
    f'at most {peak / 1024:.0f} MB, of which {before / 1024:.0f} MB poses and packages'
  )


if __name__ == '__main__':
  main()
