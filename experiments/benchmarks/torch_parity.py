"""The same weights in PyTorch and here: how far apart the outputs are.

  PYTHONPATH=tests:experiments python experiments/benchmarks/torch_parity.py

Needs PyTorch (extra `convert`), and the twin of the tests.
"""

import tempfile
import time

import jax
import numpy as np
import synthetic_sheet
import torch
from references import torch_twin

from wild3d import network
from wild3d.convert import from_torch

SIZES = (
  (1, 1, 32, 128),
  (2, 2, 32, 256),
  (3, 1, 32, 128),
  (1, 2, 256, 128),
  (2, 1, 256, 128),
  (3, 2, 256, 128),
  (2, 2, 256, 256),
)


def main() -> None:
  """Prints a row for each size."""
  print('stacks modules features  px   heatmaps     depth   convert s')
  for stacks, modules, features, size in SIZES:
    twin = torch_twin.randomised(
      stacks=stacks,
      modules=modules,
      features=features,
      depth_modules=modules,
      size=size,
    )
    with tempfile.TemporaryDirectory() as folder:
      source, run = f'{folder}/net.pth', f'{folder}/run'
      torch.save(twin.state_dict(), source)
      start = time.monotonic()
      from_torch.convert(source, run)
      seconds = time.monotonic() - start
      net = network.load(run)
    keys = jax.random.split(jax.random.key(0), 2)
    drawn = synthetic_sheet.samples(keys, 'wild', size)['image']
    images = np.asarray(drawn, np.float32) / 255
    with torch.no_grad():
      maps, depth = twin(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    wanted = maps.permute(0, 1, 3, 4, 2).numpy(), depth.numpy()
    got = jax.jit(net.model.apply)(net.variables, images)[:2]
    apart = [
      np.abs(g - w).max() / np.abs(w).max() for g, w in zip(got, wanted, strict=True)
    ]
    print(
      f'{stacks:6} {modules:7} {features:8} {size:3}   {apart[0]:.1e}   {apart[1]:.1e}'
      f'   {seconds:9.1f}'
    )


if __name__ == '__main__':
  main()
