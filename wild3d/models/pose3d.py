"""The whole network: stem, stacked hourglasses, depth (Zhou et al. 2017, figure 2)."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from wild3d.models import layers
from wild3d.models.depth import Depth
from wild3d.models.hourglass import Stack
from wild3d.models.lift import Lift


class Stem(nn.Module):
  """From the image to a map of a quarter of its size and the full width."""

  width: int
  features: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, images: Float[Array, 'B H W 3'], train: bool
  ) -> Float[Array, 'B H//4 W//4 {self.features}']:
    """Maps [B, H, W, 3] to [B, H/4, W/4, features]."""
    double = 2 * self.width
    x, bias = layers.Convolution(self.width, 7, 2, self.dtype, name='conv')(images)
    x = layers.NormRelu(self.dtype, name='norm')(x, train, bias)
    x = layers.Residual(double, self.dtype, name='residual_0')(x, train)
    x = layers.max_pool(x)
    x = layers.Residual(double, self.dtype, name='residual_1')(x, train)
    return layers.Residual(self.features, self.dtype, name='residual_2')(x, train)


class Pose3D(nn.Module):
  """Heatmaps of every stack, and a depth for every joint.

  The defaults are the published network: 14,429,104 parameters, 67 residual
  blocks. `dtype` is that of the computation; parameters, batch statistics and
  outputs stay float32. `stem` is the width of the first convolution (two blocks
  of twice that width follow it): where the hourglass is narrow, most of the work.
  `depth_head` is 'regression', the paper's module, or 'lift' (`lift.py`).
  """

  stacks: int = 2
  residuals: int = 2
  features: int = 256
  depth_residuals: int = 2
  joints: int = 16
  dtype: Any = jnp.float32
  stem: int = 64
  depth_head: str = 'regression'
  root: int = 6

  @nn.compact
  def __call__(
    self, images: Float[Array, 'B H W 3'], train: bool = False
  ) -> tuple[
    Float[Array, 'B {self.stacks} H//4 W//4 {self.joints}'],
    Float[Array, 'B {self.joints}'],
  ]:
    """Returns raw heatmaps and depths, both float32.

    Args:
      images: RGB in [0, 1], square, a multiple of 64 pixels wide. The depth
        regression's last layer fits one size: parameters serve the size they
        were made for.
      train: Normalise with the batch's statistics and update the running ones
        (then apply with `mutable=['batch_stats']`).

    Returns:
      Heatmaps [B, S, H/4, W/4, J], and depths [B, J] in units of half the
      crop's side, away from the camera.

    Raises:
      ValueError: The images are not square, or not a multiple of 64 wide.
    """
    _, height, width, _ = images.shape
    if height != width or height % 64 or not height:
      raise ValueError(
        f'Pose3D needs square images, a multiple of 64 pixels wide; got {height}x{width}'
      )
    stem = Stem(self.stem, self.features, self.dtype, name='stem')
    x = stem(images.astype(self.dtype), train)
    heatmaps = []
    for i in range(self.stacks):
      stack = Stack(
        self.residuals, self.features, self.joints, self.dtype, name=f'stack_{i}'
      )
      x, maps = stack(x, train)
      heatmaps.append(maps.astype(jnp.float32))
    if self.depth_head == 'lift':
      depth = Lift(self.joints, self.root, name='lift')(heatmaps[-1])
    else:
      regress = Depth(
        self.depth_residuals, self.features, self.joints, self.dtype, name='depth'
      )
      depth = regress(x, train).astype(jnp.float32)
    return jnp.stack(heatmaps, axis=1), depth
