"""Depth from the 2D pose that the heatmaps show, without looking at the image.

A network that sees the image learns depth from what the lab looks like, and little of
that holds elsewhere. Where the joints are means the same in both.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from wild3d.models import layers

# Of a map's standard deviations: how sharply its highest places are preferred.
SHARPNESS = 2.0
EPSILON = 1e-6


class Lift(nn.Module):
  """A perceptron on each joint's place and its spread (after Martinez et al. 2017).

  No gradient reaches the heatmaps: depth, known in the lab alone, would bend them.
  It computes in float32, being small.
  """

  joints: int
  root: int
  width: int = 128
  blocks: int = 2

  @nn.compact
  def __call__(
    self,
    heatmaps: Float[Array, 'B H W {self.joints}'] | None,
    seen: tuple[Float[Array, 'B J 2'], Float[Array, 'B J']] | None = None,
  ) -> Float[Array, 'B {self.joints}']:
    """Returns depths in units of half the crop's side.

    Args:
      heatmaps: raw, of either loss: they are standardised first.
      seen: what `places` gives, instead of heatmaps.
    """
    scale = self.param('scale', nn.initializers.ones, ())
    xy, spread = seen or places(heatmaps, SHARPNESS * scale)
    xy -= xy[:, self.root : self.root + 1]
    x = jnp.concatenate([xy.reshape(xy.shape[0], -1), spread], axis=-1)
    x = nn.relu(layers.dense(self.width, x, 'enter'))
    for i in range(self.blocks):
      x += nn.relu(layers.dense(self.width, x, f'block_{i}'))
    return layers.dense(self.joints, x, 'leave')


def places(
  heatmaps: Float[Array, 'B H W J'], sharpness: float | Float[Array, '']
) -> tuple[Float[Array, 'B J 2'], Float[Array, 'B J']]:
  """Where the joints are, crop frame, and how far the maps spread about it.

  No gradient reaches the maps. `sharpness` is in standard deviations of a map.
  """
  locate = jax.vmap(jax.vmap(_locate, in_axes=(-1, None)), in_axes=(0, None))
  return locate(jax.lax.stop_gradient(heatmaps), sharpness)


def lift(net, features, heatmaps, train: bool) -> Float[Array, 'B J']:
  """The head 'lift' of a Pose3D: depth from the last stack's heatmaps."""
  del features, train
  return Lift(net.joints, net.root, name='lift')(heatmaps[-1])


def _locate(heatmap, sharpness):
  """Expected place [2] of a joint in a map [H, W], crop frame, and its spread []."""
  heatmap = (heatmap - heatmap.mean()) / (heatmap.std() + EPSILON)
  share = jax.nn.softmax(sharpness * heatmap.ravel()).reshape(heatmap.shape)
  size = heatmap.shape[0]
  line = (jnp.arange(size) + 0.5) * (2 / size) - 1
  along = jnp.stack([share.sum(0), share.sum(1)])  # of x and of y
  mean = along @ line
  variance = jnp.maximum(along @ line**2 - mean**2, EPSILON)
  return mean, jnp.sqrt(variance.sum())
