"""The stacked hourglass (Newell et al. 2016): the published backbone."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from wild3d.models import layers


class Stem(nn.Module):
  """From the image to a map of a quarter of its size and the full width."""

  width: int
  features: int
  dtype: Any = jnp.float32
  remat: bool = False

  @nn.compact
  def __call__(
    self, images: Float[Array, 'B H W 3'], train: bool
  ) -> Float[Array, 'B H//4 W//4 {self.features}']:
    """Maps [B, H, W, 3] to [B, H/4, W/4, features]."""

    def residual(features: int, name: str) -> nn.Module:
      return layers.residual(features, self.dtype, self.remat, name, train)

    double = 2 * self.width
    x, bias = layers.Convolution(self.width, 7, 2, self.dtype, name='conv')(images)
    x = layers.NormRelu(self.dtype, name='norm')(x, train, bias)
    x = residual(double, 'residual_0')(x, train)
    x = layers.max_pool(x)
    x = residual(double, 'residual_1')(x, train)
    return residual(self.features, 'residual_2')(x, train)


class Hourglass(nn.Module):
  """One hourglass: a branch at full size plus a branch at half size, recursively.

  `order` counts the halvings; each place holds `residuals` blocks.
  """

  order: int
  residuals: int
  features: int
  dtype: Any = jnp.float32
  remat: bool = False

  @nn.compact
  def __call__(
    self, x: Float[Array, 'B H W {self.features}'], train: bool
  ) -> Float[Array, 'B H W {self.features}']:
    """Returns a map of the input's shape; H and W divide by 2**order."""

    def residuals(name: str) -> layers.Residuals:
      return layers.Residuals(
        self.features, self.residuals, self.dtype, self.remat, name=name
      )

    upper = residuals('upper')(x, train)
    lower = residuals('before')(layers.max_pool(x), train)
    if self.order > 1:
      inner = self.clone(order=self.order - 1, name='inner', parent=self)
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
  remat: bool = False

  @nn.compact
  def __call__(
    self, x: Float[Array, 'B H W {self.features}'], train: bool
  ) -> tuple[
    Float[Array, 'B H W {self.features}'], Float[Array, 'B H W {self.joints}']
  ]:
    """Returns the merged features and the raw heatmaps, without activation."""
    F, dtype, remat = self.features, self.dtype, self.remat
    y = Hourglass(4, self.residuals, F, dtype, remat, name='hourglass')(x, train)
    y = layers.Residuals(F, self.residuals, dtype, remat, name='residuals')(y, train)
    y, bias = layers.Convolution(F, dtype=dtype, name='feature')(y)
    y = layers.NormRelu(dtype, name='feature_norm')(y, train, bias)

    def linear(x, features, name):
      return layers.add_bias(*layers.Convolution(features, dtype=dtype, name=name)(x))

    heatmaps = linear(y, self.joints, 'heatmap')
    merged = x + linear(y, F, 'merge_feature') + linear(heatmaps, F, 'merge_heatmap')
    return merged, heatmaps


def stacked(net, images: Float[Array, 'B H W 3'], train: bool):
  """Stem and stacks, one after the other; each stack's maps supervise it.

  Args:
    net: the Pose3D that calls this inside its `__call__`; its fields give the sizes,
      and the parts made here lie at the top of its parameters.
    images: RGB in [0, 1].
    train: see Pose3D.

  Returns:
    (heatmaps: one [B, H/4, W/4, J] a stack, features [B, H/4, W/4, C]).
  """
  x = Stem(net.stem, net.features, net.dtype, net.remat, name='stem')(images, train)
  heatmaps = []
  for i in range(net.stacks):
    stack = Stack(
      net.residuals, net.features, net.joints, net.dtype, net.remat, name=f'stack_{i}'
    )
    x, maps = stack(x, train)
    heatmaps.append(maps)
  return heatmaps, x
