"""What a batch costs the host: records read, decoded, cropped, augmented.

  wild3d data build mpii --manual_dir=DIR
  python experiments/benchmarks/input_speed.py mpii/default

Results, and what they mean for many devices: docs/scaling.md.
"""

import argparse
import time

import step_speed

from wild3d import files
from wild3d.configs import base
from wild3d.data import augment, pipeline, records


def main():
  """Prints the rate, the processor time and the size of a stored example."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  add = parser.add_argument
  add('dataset', help='a built one, such as mpii/default')
  add('--split', default='train')
  add('--data_dir', default=files.DATA_DIR)
  add('--size', type=int, default=256, help='px, side of the crops')
  add('--batch', type=int, default=64)
  add('--batches', type=int, default=20, help='that are timed')
  args = parser.parse_args()
  folder = files.absolute(args.data_dir)
  batches = pipeline.train(
    [pipeline.Source('it', args.dataset, args.split, '2d')],
    data_dir=folder,
    batch_size=args.batch,
    input_size=args.size,
    shares={'2d': 1.0},
    augment=augment.Augment(**base.get_config().augment),
    shuffle_buffer=1024,
    seed=0,
  )
  for _ in range(5):
    next(batches)
  wall, cpu = time.perf_counter(), step_speed.cpu_seconds()
  for _ in range(args.batches):
    next(batches)
  wall, cpu = time.perf_counter() - wall, step_speed.cpu_seconds() - cpu
  images = args.batches * args.batch
  split = records.find(args.dataset, folder).info.splits[args.split]
  print(
    f'{images / wall:.0f} images/s, {cpu / images * 1e3:.1f} ms CPU an image; '
    f'{split.num_bytes / split.num_examples / 1e3:.0f} kB a stored example'
  )


if __name__ == '__main__':
  main()
