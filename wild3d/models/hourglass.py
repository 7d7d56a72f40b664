"""The stacked hourglass (Newell et al. 2016): features and heatmaps of each stack."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from wild3d.models import layers


class Hourglass(nn.Module):
  """One hourglass: a branch at full size plus a branch at half size, recursively.

  `order` counts the halvings; each place holds `residuals` blocks.
  """

  order: int
  residuals: int
  features: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, x: Float[Array, 'B H W {self.features}'], train: bool
  ) -> Float[Array, 'B H W {self.features}']:
    """Returns a map of the input's shape; H and W divide by 2**order."""

    def residuals(name: str) -> layers.Residuals:
      return layers.Residuals(self.features, self.residuals, self.dtype, name=name)

    upper = residuals('upper')(x, train)
    lower = residuals('before')(layers.max_pool(x), train)
    if self.order > 1:
      inner = Hourglass(
        self.order - 1, self.residuals, self.features, self.dtype, name='inner'
      )
    else:
      inner = residuals('inner')
    lower = residuals('after')(inner(lower, train), train)
    return upper + layers.upsample(lower)


class Stack(nn.Module):
  """An hourglass, its heatmaps, and both of them merged back into the features."""

  residuals: int
  features: int
  joints: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, x: Float[Array, 'B H W {self.features}'], train: bool
  ) -> tuple[
    Float[Array, 'B H W {self.features}'], Float[Array, 'B H W {self.joints}']
  ]:
    """Returns the merged features and the raw heatmaps, without activation."""
    F, dtype = self.features, self.dtype
    y = Hourglass(4, self.residuals, F, dtype, name='hourglass')(x, train)
    y = layers.Residuals(F, self.residuals, dtype, name='residuals')(y, train)
    y, bias = layers.Convolution(F, dtype=dtype, name='feature')(y)
    y = layers.NormRelu(dtype, name='feature_norm')(y, train, bias)

    def linear(x, features, name):
      return layers.add_bias(*layers.Convolution(features, dtype=dtype, name=name)(x))

    heatmaps = linear(y, self.joints, 'heatmap')
    merged = x + linear(y, F, 'merge_feature') + linear(heatmaps, F, 'merge_heatmap')
    return merged, heatmaps
