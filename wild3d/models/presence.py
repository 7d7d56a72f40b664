"""Whether a person is centred in the crop: what a search for people needs to know."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from wild3d.models import layers, lift

WIDTH = 64


class Presence(nn.Module):
  """A perceptron on the features' mean and maximum, and on where the joints are.

  Nobody's heatmaps are as sure of themselves as a person's: which places they show says
  as much as the features do. No gradient reaches the heatmaps.
  """

  @nn.compact
  def __call__(
    self, features: Float[Array, 'B H W C'], heatmaps: Float[Array, 'B H W J']
  ) -> Float[Array, ' B']:
    """Returns logits: their sigmoid is the probability that somebody is centred."""
    features = features.astype(jnp.float32)
    xy, spread = lift.places(heatmaps, lift.SHARPNESS)
    pooled = jnp.concatenate([features.mean((1, 2)), features.max((1, 2))], axis=-1)
    # As they come they are of any size: large steps then leave a ReLU dead for good.
    pooled = nn.LayerNorm(use_bias=False, use_scale=False)(pooled)
    x = jnp.concatenate([pooled, xy.reshape(xy.shape[0], -1), spread], axis=-1)
    x = nn.silu(layers.dense(WIDTH, x, 'enter'))
    return layers.dense(1, x, 'leave')[:, 0]


def probability(
  logits: Float[Array, ' B'] | None, mirrored: Float[Array, ' B'] | None = None
) -> Float[Array, ' B'] | None:
  """Of a network's logits, and those of the mirror images; None where it gives none."""
  if logits is None:
    return None
  if mirrored is not None:
    logits = (logits + mirrored) / 2
  return jax.nn.sigmoid(logits)
