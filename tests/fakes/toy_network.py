"""A network that compiles in a second, where any will do."""

import jax.numpy as jnp
from flax import linen as nn

from wild3d.models import layers
from wild3d.models.pose3d import Outputs


class Toy(nn.Module):
  """A convolution, batch norm, and one linear map for heatmaps and depth each."""

  joints: int = 16

  @nn.compact
  def __call__(self, images, train=False):
    x, bias = layers.Convolution(8, 3, 2, name='conv')(images)
    x = layers.max_pool(layers.NormRelu(name='norm')(x, train, bias))
    maps = layers.add_bias(*layers.Convolution(self.joints, name='maps')(x))
    depth = nn.Dense(self.joints, name='linear')(x.mean((1, 2)))
    return Outputs(maps[:, None].astype(jnp.float32), depth, None)
