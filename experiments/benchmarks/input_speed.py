"""What a batch costs the host, beside a plain loop of OpenCV that makes the same crops.

  wild3d data build synthetic_people/px384 --set size=384 --set wild_train=640 \
    --set lab_train=8 --set wild_clips=1 --set lab_test=8 --set wild_test=8
  python experiments/benchmarks/input_speed.py synthetic_people/px384 --split=wild_train

Both take turns in one process: the training pipeline (records read, shuffled, decoded,
cropped, augmented, batched), and OpenCV on records that are in memory. Processor time
counts, which a busy machine bends little. Results: README.md here; what they mean for
many devices: docs/scaling.md.
"""

import argparse
import math
import time

import cv2
import numpy as np
import step_speed

from wild3d import files, skeleton
from wild3d.configs import base
from wild3d.data import augment, pipeline, records


def main():
  """Prints a line for each size."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  add = parser.add_argument
  add('dataset', help='a built one, such as mpii/default')
  add('--split', default='train')
  add('--data_dir', default=files.DATA_DIR)
  add('--sizes', default='256,64', help='px, sides of the crops')
  add('--batch', type=int, default=64)
  add('--batches', type=int, default=10, help='of each turn')
  add('--turns', type=int, default=5)
  args = parser.parse_args()
  folder = files.absolute(args.data_dir)
  builder = records.find(args.dataset, folder)
  split = builder.info.splits[args.split]
  print(f'{split.num_bytes / split.num_examples / 1e3:.0f} kB a stored example')
  config = augment.Augment(**base.get_config().augment)
  stored = records.in_order(builder, args.split).take(8 * args.batch)
  stored = [{k: v.numpy() for k, v in record.items()} for record in stored]
  print(
    'px   ms an image: here, OpenCV   images/s/core: here, OpenCV   ratio   images/s'
  )
  for size in map(int, args.sizes.split(',')):
    here = pipeline.train(
      [pipeline.Source('it', args.dataset, args.split, '2d')],
      data_dir=folder,
      batch_size=args.batch,
      input_size=size,
      shares={'2d': 1.0},
      augment=config,
      shuffle_buffer=1024,
      seed=0,
    )
    there = opencv(stored, config, size, args.batch)
    turns = [
      (*seconds(here, args.batches), *seconds(there, args.batches)[:1])
      for _ in range(args.turns + 1)
    ]
    images = args.batches * args.batch
    cpu, wall, plain = np.median(turns[1:], axis=0) / images  # the first warms up
    print(
      f'{size:3} {cpu * 1e3:13.2f} {plain * 1e3:12.2f} {1 / cpu:17.0f} {1 / plain:12.0f}'
      f' {plain / cpu:12.2f} {1 / wall:9.0f}',
      flush=True,
    )


def seconds(batches, count):
  """(processor, wall clock) of so many batches, what is made ahead in both or neither."""
  _until_idle()
  cpu, wall = step_speed.cpu_seconds(), time.perf_counter()
  for _ in range(count):
    next(batches)
  wall = time.perf_counter() - wall
  _until_idle()
  return step_speed.cpu_seconds() - cpu, wall


def _until_idle():
  """Waits until the threads that read ahead have filled their buffers."""
  used = -1.0
  while step_speed.cpu_seconds() - used > 0.02:
    used = step_speed.cpu_seconds()
    time.sleep(0.3)


def opencv(stored, config, size, batch):
  """The same crops and labels by a plain loop; the numbers drawn are others."""
  cv2.setNumThreads(0)
  rng, at = np.random.default_rng(0), 0
  while True:
    examples = []
    for _ in range(batch):
      examples.append(_example(stored[at], config, size, rng))
      at = (at + 1) % len(stored)
    yield {key: np.stack([one[key] for one in examples]) for key in examples[0]}


def _example(record, config, size, rng):
  scale = 2 ** np.clip(rng.normal(0, config.scale), -1, 1)
  angle = np.radians(np.clip(rng.normal(0, config.rotation), -60, 60))
  angle *= rng.random() < config.rotation_probability
  flip = -1.0 if rng.random() < config.flip_probability else 1.0
  half = record['side'] * scale / 2
  cos, sin = math.cos(angle), math.sin(angle)
  turn = np.array([[cos * flip, -sin], [sin * flip, cos]])
  level = int(np.clip(math.floor(math.log2(2 * half / size)), 0, 3))
  flag = (
    cv2.IMREAD_COLOR,
    cv2.IMREAD_REDUCED_COLOR_2,
    cv2.IMREAD_REDUCED_COLOR_4,
    cv2.IMREAD_REDUCED_COLOR_8,
  )[level]
  image = cv2.imdecode(np.frombuffer(record['image'], np.uint8), flag)
  linear = turn * (2 * half / size)
  first = record['center'] - half * turn.sum(1) + linear.sum(1) / 2
  affine = np.column_stack([linear, first]) / 2**level
  affine[:, 2] -= 0.5
  pixels = cv2.warpAffine(
    image, affine, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
  )
  gain = rng.uniform(1 - config.color, 1 + config.color, 3)
  table = np.clip(np.rint(np.arange(256)[:, None] * gain), 0, 255).astype(np.uint8)
  pixels = cv2.cvtColor(cv2.LUT(pixels, table[None]), cv2.COLOR_BGR2RGB)
  joints = (record['joints2d'] - record['center']) @ turn / half
  joints3d = record['joints3d'] - record['joints3d'][skeleton.ROOT]
  joints3d[:, :2] = joints3d[:, :2] @ turn
  labelled = record['labelled']
  if flip < 0:
    order = skeleton.FLIP_INDEX
    joints, joints3d, labelled = joints[order], joints3d[order], labelled[order]
  return {
    'image': pixels,
    'joints2d': np.where(labelled[:, None], joints, 0).astype(np.float32),
    'visible': labelled & (np.abs(joints) < 1).all(1),
    'joints3d': joints3d.astype(np.float32),
  }


if __name__ == '__main__':
  main()
