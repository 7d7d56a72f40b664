"""The published network at 256 px: here beside PyTorch, and what is round the network.

  PYTHONPATH=tests python experiments/benchmarks/predict_speed.py [--batches=1,8,32]

Takes turns with the PyTorch twin of the tests (extra `convert`) in one process, with as
many threads for both. Then: decoding of JPEG files, crops, heatmaps and JSON beside the
network, for a batch of the largest size. Last: a folder of such pictures, read ahead and
predicted one by one and together, as the command does. Weights are random: times do not depend on them.
"""

import argparse
import io
import os
import tempfile
import time

import jax
import numpy as np
import torch
from PIL import Image
from references import torch_twin

from wild3d.convert import from_torch
from wild3d.media import image_file
from wild3d.poses import poses_json
from wild3d.poses.pose import Box, Header, Picture, PoseFile
from wild3d.predict import crop, stills
from wild3d.predict.predictor import Predictor

SIZES = {'stacks': 2, 'modules': 2, 'features': 256, 'depth_modules': 2, 'size': 256}
_PICTURE = (640, 480)
_BOX = (200.0, 60.0, 180.0, 360.0)


def main() -> None:
  """Prints the two tables."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--batches', default='1,8,32')
  parser.add_argument('--rounds', type=int, default=3)
  options = parser.parse_args()
  twin = torch_twin.randomised(**SIZES)
  with tempfile.TemporaryDirectory() as folder:
    torch.save(twin.state_dict(), f'{folder}/net.pth')
    from_torch.convert(f'{folder}/net.pth', f'{folder}/run')
    predictor = Predictor.from_checkpoint(f'{folder}/run')
    batches = [int(b) for b in options.batches.split(',')]
    print(f'{os.cpu_count()} cores, {jax.devices()[0].device_kind}')
    print('batch   here images/s   PyTorch images/s   ratio')
    for batch in batches:
      here, there = _beside(predictor, twin, batch, options.rounds)
      print(f'{batch:5} {batch / here:15.2f} {batch / there:18.2f} {there / here:7.2f}')
    _around(predictor, batches[-1], here, folder)


def _beside(predictor, twin, batch, rounds):
  """Median seconds of a batch, (here, PyTorch), in turns."""
  images = np.random.default_rng(0).integers(0, 256, (batch, 256, 256, 3), np.uint8)
  jax.block_until_ready(predictor.network(images))  # compiled
  times = []
  for _ in range(rounds):
    start = time.perf_counter()
    jax.block_until_ready(predictor.network(images))
    here = time.perf_counter() - start
    there = torch_twin.seconds_per_batch(twin, batch, 1, threads=os.cpu_count())
    times.append((here, there))
  return np.median(times, axis=0)


def _around(predictor, batch, network, folder):
  """Prints the seconds of all else for that batch, and their share."""
  rng = np.random.default_rng(0)
  paths = []
  for number in range(batch):
    small = Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8))
    buffer = io.BytesIO()
    small.resize(_PICTURE, Image.Resampling.BICUBIC).save(buffer, 'JPEG', quality=90)
    paths.append(f'{folder}/{number}.jpg')
    with open(paths[-1], 'wb') as file:
      file.write(buffer.getvalue())
  images = [image_file.read(path) for path in paths]
  affine = crop.to_original(_BOX)
  crops = [crop.cut(image, affine, 256) for image in images]
  outputs = predictor.network(np.stack(crops))
  jax.block_until_ready(predictor.decoded(outputs))  # compiled
  poses = predictor.predict(images[0], [Box(_BOX)])
  pictures = tuple(Picture(p, *_PICTURE, tuple(poses)) for p in paths)
  header = Header(
    '', '0' * 12, 'skeleton', 4000.0, None, 'given', 'quarter', False, False, None, ''
  )
  steps = {
    'read JPEG files': lambda: [image_file.read(path) for path in paths],
    'cut crops': lambda: [crop.cut(image, affine, 256) for image in images],
    'decode heatmaps': lambda: jax.block_until_ready(predictor.decoded(outputs)),
    'write JSON': lambda: poses_json.write(
      PoseFile(header, pictures), f'{folder}/p.json'
    ),
  }
  total = 0.0
  for name, work in steps.items():
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    total += seconds
    print(f'{name:16} {1000 * seconds:8.1f} ms')
  share = total / (total + network)
  print(
    f'network          {1000 * network:8.1f} ms; all else is {share:.1%} of the time'
  )
  _folder(predictor, paths)


def _folder(predictor, paths):
  """Prints how many pictures a second come from disk to poses."""
  for together in (1, len(paths)):
    for source in (paths, 3 * paths):  # the first time compiles
      start = time.perf_counter()
      found = list(
        stills.stills(
          source,
          predictor,
          lambda *_: [Box(_BOX)],
          lambda _: None,
          together=together,
        )
      )
      seconds = time.perf_counter() - start
    print(
      f'{len(found)} pictures, {together:2} together: {len(found) / seconds:.2f} /s'
    )


if __name__ == '__main__':
  main()
