"""Which tensor of the authors' network is which leaf of ours.

Their names are those of the released checkpoints. Two orders are not written down
anywhere and taken to be the natural ones: `Residual.N` counts stack by stack, `reg_.N`
level by level.
"""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from wild3d.models.depth import LEVELS

ORDER = 4  # of the hourglass

# Part of a residual block: theirs, ours, kind.
_BLOCK = (
  ('bn', 'norm_0', 'norm'),
  ('conv1', 'conv_0', 'conv'),
  ('bn1', 'norm_1', 'norm'),
  ('conv2', 'conv_1', 'conv'),
  ('bn2', 'norm_2', 'norm'),
  ('conv3', 'conv_2', 'conv'),
)
# Tensor of a part: theirs, our collection, ours.
_LEAVES = {
  'conv': (('weight', 'params', 'kernel'), ('bias', 'params', 'bias')),
  'linear': (('weight', 'params', 'kernel'), ('bias', 'params', 'bias')),
  'norm': (
    ('weight', 'params', 'scale'),
    ('bias', 'params', 'bias'),
    ('running_mean', 'batch_stats', 'mean'),
    ('running_var', 'batch_stats', 'var'),
  ),
}


@dataclasses.dataclass(frozen=True)
class Entry:
  """One tensor.

  Attributes:
    theirs: its name in the state dict.
    ours: path of its leaf, from 'params' or 'batch_stats' on.
    kind: 'conv', 'linear' or 'norm'.
    of_depth: whether the 2D-only network lacks it.
    channels: of the map that a linear layer flattens.
  """

  theirs: str
  ours: tuple[str, ...]
  kind: str
  of_depth: bool
  channels: int = 0

  def to_ours(self, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Their array, of `their_shape(shape)`, as our leaf of this shape."""
    if self.ours[-1] != 'kernel':
      return array
    rows, columns, inputs, outputs = self._window(shape)
    theirs = array.reshape(outputs, inputs, rows, columns)
    return theirs.transpose(2, 3, 1, 0).reshape(shape)

  def to_theirs(self, leaf: np.ndarray) -> np.ndarray:
    """Our leaf as their array."""
    if self.ours[-1] != 'kernel':
      return leaf
    ours = leaf.reshape(self._window(leaf.shape))
    return ours.transpose(3, 2, 0, 1).reshape(self.their_shape(leaf.shape))

  def their_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of their array for our leaf's."""
    if self.ours[-1] != 'kernel':
      return shape
    if self.kind == 'linear':
      return shape[::-1]
    rows, columns, inputs, outputs = self._window(shape)
    return outputs, inputs, rows, columns

  def _window(self, shape):
    """Rows, columns, inputs and outputs of our kernel.

    A linear layer looks at a whole map: they flatten channel, row, column; we row,
    column, channel.
    """
    if self.kind == 'linear':
      side = math.isqrt(shape[0] // self.channels)
      return side, side, self.channels, shape[1]
    return (*[1] * (4 - len(shape)), *shape)


def table(
  stacks: int, residuals: int, depth_residuals: int, features: int, stem: int
) -> list[Entry]:
  """Every tensor of a network of this size, in the order of the forward pass."""
  found = [
    *_tensors('conv1_', 'stem/conv', 'conv'),
    *_tensors('bn1', 'stem/norm', 'norm'),
    *_block('r1', 'stem/residual_0', skip=True),
    *_block('r4', 'stem/residual_1', skip=False),
    *_block('r5', 'stem/residual_2', skip=2 * stem != features),
  ]
  for s in range(stacks):
    stack = f'stack_{s}'
    found += _hourglass(f'hourglass.{s}.', f'{stack}/hourglass', ORDER, residuals)
    for i in range(residuals):
      found += _block(
        f'Residual.{s * residuals + i}', f'{stack}/residuals/residual_{i}'
      )
    found += _tensors(f'lin_.{s}.0', f'{stack}/feature', 'conv')
    found += _tensors(f'lin_.{s}.1', f'{stack}/feature_norm', 'norm')
    found += _tensors(f'tmpOut.{s}', f'{stack}/heatmap', 'conv')
    last = s == stacks - 1
    found += _tensors(f'll_.{s}', f'{stack}/merge_feature', 'conv', of_depth=last)
    found += _tensors(f'tmpOut_.{s}', f'{stack}/merge_heatmap', 'conv', of_depth=last)
  for i in range(LEVELS * depth_residuals):
    level, place = divmod(i, depth_residuals)
    ours = f'depth/level_{level}/residual_{place}'
    found += _block(f'reg_.{i}', ours, of_depth=True)
  linear = _tensors('reg', 'depth/linear', 'linear', of_depth=True)
  return found + [dataclasses.replace(entry, channels=features) for entry in linear]


def _hourglass(theirs, ours, order, residuals) -> Iterator[Entry]:
  for i in range(residuals):
    yield from _block(f'{theirs}up1_.{i}', f'{ours}/upper/residual_{i}')
    yield from _block(f'{theirs}low1_.{i}', f'{ours}/before/residual_{i}')
    yield from _block(f'{theirs}low3_.{i}', f'{ours}/after/residual_{i}')
  if order > 1:
    yield from _hourglass(f'{theirs}low2.', f'{ours}/inner', order - 1, residuals)
    return
  for i in range(residuals):
    yield from _block(f'{theirs}low2_.{i}', f'{ours}/inner/residual_{i}')


def _block(theirs, ours, skip=False, of_depth=False) -> Iterator[Entry]:
  for name, other, kind in (*_BLOCK, *((('conv4', 'skip', 'conv'),) if skip else ())):
    yield from _tensors(f'{theirs}.{name}', f'{ours}/{other}', kind, of_depth)


def _tensors(theirs, ours, kind, of_depth=False) -> Iterator[Entry]:
  for name, collection, leaf in _LEAVES[kind]:
    path = (collection, *ours.split('/'), leaf)
    yield Entry(f'{theirs}.{name}', path, kind, of_depth)
