"""A checkpoint of ours becomes a PyTorch state dict with the authors' names."""

import io
import os
import pathlib

import numpy as np
from flax import traverse_util

from wild3d import files, network
from wild3d.convert import names
from wild3d.errors import UserError, missing


def state_dict(variables: dict, config) -> dict[str, np.ndarray]:
  """Our variables under their names, float32.

  Raises:
    UserError: their network has no such part.
  """
  m = config.model
  if m.depth_head != 'regression':
    raise UserError(
      f'config.model.depth_head is {m.depth_head!r}, which their network does not have'
    )
  leaves = traverse_util.flatten_dict(variables)
  entries = names.table(m.stacks, m.residuals, m.depth_residuals, m.features, m.stem)
  return {
    e.theirs: np.ascontiguousarray(e.to_theirs(np.asarray(leaves[e.ours])))
    for e in entries
  }


def convert(workdir: str, out: str | os.PathLike, step: str = 'best') -> str:
  """Writes a file that `torch.load` reads; returns what to tell the user.

  `step` of the run (or converted checkpoint) is 'best', 'latest' or a number.

  Raises:
    UserError: no such run, PyTorch is not installed, `out` exists or cannot be
      written, or see `state_dict`.
  """
  path = pathlib.Path(out)
  if path.exists():
    raise UserError(f'{out} exists: name a new file')
  try:
    import torch
  except ImportError:
    raise missing('--to=torch', 'torch') from None
  net = network.load(workdir, step)
  tensors = state_dict(net.variables, net.config)
  buffer = io.BytesIO()
  torch.save({name: torch.from_numpy(a.copy()) for name, a in tensors.items()}, buffer)
  files.write(path, buffer.getvalue())
  return (
    f'{workdir}, step {net.step}: {len(tensors)} tensors; its input is '
    f'{net.pixels.order.upper()} / {net.pixels.divisor:g}\nwritten: {out}'
  )
