"""Building a dataset from video, beside decoding and JPEG-encoding alone.

  python experiments/benchmarks/dataset_speed.py --frames 300 --stride 5

Makes two videos of 1000 x 1000 px with grain (the size of Human3.6M's; about its bytes
per frame), then reads them three ways, one core each way:

  build         decode, cut out the person, shrink, encode, check, write TFRecord
  plain         decode the same frames, encode each whole with libjpeg at quality 95
  plain, crops  decode, encode a square of the stored size: the least that can be done
"""

import argparse
import concurrent.futures
import io
import multiprocessing
import pathlib
import resource
import tempfile
import time
from typing import ClassVar

import av
import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from wild3d.datasets import build, crop, make_record
from wild3d.datasets.units import Unit, UnitBuilder
from wild3d.media import video_file

SIDE, BOX = 1000, 500  # px, of the picture and of the person's box
SIZE = 384  # px, of the stored crop


class Film(UnitBuilder):
  """A record for each wanted frame, the person always in the middle."""

  VERSION = tfds.core.Version('1.0.0')
  MANUAL_DOWNLOAD_INSTRUCTIONS = 'None.'
  pkg_dir_path: ClassVar = pathlib.Path(__file__).parent

  def units(self, manual_dir):
    """Not used: tasks are made below."""
    raise NotImplementedError

  def records(self, unit):
    """The frames of one video."""
    path, wanted = unit.payload
    center = np.full(2, SIDE / 2)
    square = crop.around(center, BOX, margin=1.5, size=SIZE)
    joints = center + np.linspace(-BOX / 2, BOX / 2, 16)[:, None]
    for index, picture in video_file.chosen(path, wanted):
      yield make_record.from_picture(
        picture,
        square,
        id=f'{unit.name}#{index}',
        joints2d=joints,
        labelled=np.ones(16, bool),
        center=center,
        side=BOX,
      )


def film(path, frames, seed):
  """Writes a video of moving blobs under grain; returns bytes per frame."""
  rng = np.random.default_rng(seed)
  scene = rng.uniform(0, 255, (26, 26, 3)).astype(np.uint8)
  scene = np.asarray(Image.fromarray(scene).resize((1300, 1300), Image.BICUBIC))
  with av.open(str(path), 'w') as container:
    stream = container.add_stream('libx264', rate=50, options={'crf': '20'})
    stream.width = stream.height = SIDE
    stream.pix_fmt = 'yuv420p'
    for i in range(frames):
      shift = i % 300
      grain = rng.normal(0, 4, (SIDE, SIDE, 1))
      picture = scene[shift : shift + SIDE, shift : shift + SIDE] + grain
      picture = np.uint8(np.clip(picture, 0, 255))
      container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format='rgb24')))
    container.mux(stream.encode())
  return path.stat().st_size / frames


def plain(path, wanted, side):
  """Decodes, and encodes the middle square of `side` px."""
  start = (SIDE - side) // 2
  for _, picture in video_file.chosen(path, wanted):
    cut = picture[start : start + side, start : start + side]
    Image.fromarray(cut).save(io.BytesIO(), 'JPEG', quality=95, subsampling=0)


def main():
  """Prints frames a second of processor time, and the ratios."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--frames', type=int, default=300, help='of each video')
  parser.add_argument('--stride', type=int, nargs='+', default=[1, 5])
  args = parser.parse_args()
  with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    paths = [folder / 'a.mp4', folder / 'b.mp4']
    # Apart, so that the memory of encoding does not count.
    with concurrent.futures.ProcessPoolExecutor(
      1, mp_context=multiprocessing.get_context('spawn')
    ) as pool:
      size = np.mean(list(pool.map(film, paths, [args.frames] * 2, [0, 1])))
    print(f'{args.frames} frames of {size / 1e3:.0f} kB each')
    builder = Film(data_dir=folder / 'tfds')
    for stride in args.stride:
      wanted = range(0, args.frames, stride)
      rates = {'build': [], 'plain': [], 'plain, crops': []}
      for i, path in enumerate(paths):
        unit = Unit(path.stem, len(wanted), (path, wanted))
        task = build.Task('train', unit, str(folder / f'{i}-{stride}'))
        for name, run in (
          ('build', lambda: build.write_unit(task, builder)),  # noqa: B023
          ('plain', lambda: plain(path, wanted, SIDE)),  # noqa: B023
          ('plain, crops', lambda: plain(path, wanted, SIZE)),  # noqa: B023
        ):
          start = time.process_time()
          run()
          rates[name].append(len(wanted) / (time.process_time() - start))
      # The first video warms up; the second counts.
      own = rates['build'][-1]
      for name, rate in rates.items():
        ratio = '' if name == 'build' else f', build is {own / rate[-1]:.2f} of it'
        print(f'stride {stride}: {name}: {rate[-1]:.1f} records/s{ratio}')
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
  print(f'peak memory {peak:.0f} MB, TensorFlow included')


if __name__ == '__main__':
  main()
