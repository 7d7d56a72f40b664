"""The depth module (Zhou et al. 2017, section 3.2): a map to one depth per joint."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from wild3d.models import layers

LEVELS = 4


class Depth(nn.Module):
  """Four levels of residual blocks and a halving, then one linear map."""

  residuals: int
  features: int
  joints: int
  dtype: Any = jnp.float32
  remat: bool = False

  @nn.compact
  def __call__(
    self, x: Float[Array, 'B H W {self.features}'], train: bool
  ) -> Float[Array, 'B {self.joints}']:
    """Returns depths in units of half the crop's side; H and W divide by 16."""
    for i in range(LEVELS):
      level = layers.Residuals(
        self.features, self.residuals, self.dtype, self.remat, name=f'level_{i}'
      )
      x = layers.max_pool(level(x, train))
    x = x.reshape(x.shape[0], -1)
    init = layers.fan_in_uniform(x.shape[-1])
    return nn.Dense(
      self.joints, dtype=self.dtype, kernel_init=init, bias_init=init, name='linear'
    )(x)


def regression(net, features, heatmaps, train: bool) -> Float[Array, 'B J']:
  """The head 'regression' of a Pose3D: depth from the last stack's features."""
  del heatmaps
  sizes = net.depth_residuals, net.features, net.joints
  return Depth(*sizes, net.dtype, net.remat, name='depth')(features, train)
