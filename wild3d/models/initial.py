"""Fresh variables of a network in a second, without compiling it."""

import math
import zlib

import jax
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Key


def shapes(model: nn.Module, image_size: int) -> dict[str, dict]:
  """Shapes and types of a network's variables, nothing computed.

  Returns:
    'params' and 'batch_stats', {} for a network without batch norm.
  """
  images = jax.ShapeDtypeStruct((1, image_size, image_size, 3), np.float32)
  return {'batch_stats': {}} | jax.eval_shape(model.init, jax.random.key(0), images)


def variables(
  model: nn.Module, key: Key[Array, ''], image_size: int
) -> dict[str, dict]:
  """Draws what `model.init` would, leaf by leaf on the host.

  Kernels and biases are uniform on +-1/sqrt(fan_in); batch norm starts at scale 1,
  bias 0, mean 0, variance 1: PyTorch's defaults. Each leaf depends on the key and
  its own path alone, so a part keeps its draw when another part changes.

  Args:
    model: A `Pose3D`.
    key: A `jax.random.key`; the same key gives the same bits on every backend.
    image_size: Side of the input in pixels, which sets the size of the depth
      module's last layer.

  Returns:
    `{'params': ..., 'batch_stats': ...}`, float32, uncommitted on the default
    device.
  """
  tree = shapes(model, image_size)
  seed = [int(word) for word in np.asarray(jax.random.key_data(key)).ravel()]
  flat = {
    tuple(part.key for part in path): leaf.shape
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
  }
  leaves = [_leaf(path, flat, seed) for path in flat]
  return jax.device_put(jax.tree.unflatten(jax.tree.structure(tree), leaves))


def _leaf(path, shapes, seed) -> np.ndarray:
  shape, name = shapes[path], path[-1]
  if name in ('scale', 'var'):
    return np.ones(shape, np.float32)
  kernel = shapes.get((*path[:-1], 'kernel'))
  if kernel is None:  # the mean and the bias of a batch norm
    return np.zeros(shape, np.float32)
  bound = 1 / math.sqrt(math.prod(kernel[:-1]))
  rng = np.random.Generator(
    np.random.Philox([*seed, zlib.crc32('/'.join(path).encode())])
  )
  return (rng.random(shape, np.float32) * 2 - 1) * np.float32(bound)
