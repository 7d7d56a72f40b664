"""Depth as the expectation over a volume of places and depths (Sun et al. 2018).

Where the heatmap says that the joint is, the features say how deep. The mean over the whole
volume is smooth, so the loss on it teaches every place that has a share in it.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from wild3d.models import layers, lift

BINS = 32
REACH = 2.0  # crop units from the root to the last bin's far side


class Integral(nn.Module):
  """A volume for each joint, and the mean depth in it.

  The logits of the volume are a 1x1 convolution of the features, and, the same at all
  depths, the joint's heatmap. No gradient reaches the heatmaps: see `lift.Lift`.
  """

  joints: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self,
    features: Float[Array, 'B H W _'],
    heatmaps: Float[Array, 'B H W {self.joints}'],
  ) -> Float[Array, 'B {self.joints}']:
    """Returns depths in units of half the crop's side.

    Args:
      features: of the last stack.
      heatmaps: raw, of either loss: they are standardised first.
    """
    B, H, W, J = heatmaps.shape
    conv = layers.Convolution(J * BINS, dtype=self.dtype, name='volume')
    volume = layers.add_bias(*conv(features)).reshape(B, H * W, J, BINS)
    maps = jax.lax.stop_gradient(heatmaps.astype(jnp.float32)).reshape(B, H * W, J)
    maps -= maps.mean(1, keepdims=True)
    maps /= jnp.sqrt(jnp.square(maps).mean(1, keepdims=True)) + lift.EPSILON
    scale = self.param('scale', nn.initializers.ones, ())
    logits = volume.astype(jnp.float32) + lift.SHARPNESS * scale * maps[..., None]
    # Over one axis: exporters know no softmax over two.
    logits = logits.transpose(0, 2, 1, 3).reshape(B, J, H * W * BINS)
    share = jax.nn.softmax(logits, axis=-1).reshape(B, J, H * W, BINS).sum(2)
    line = REACH * ((np.arange(BINS, dtype=np.float32) + 0.5) * (2 / BINS) - 1)
    return share @ line


def integral(net, features, heatmaps, train: bool) -> Float[Array, 'B J']:
  """The head 'integral' of a Pose3D: depth from features where the heatmap is high."""
  del train
  return Integral(net.joints, net.dtype, name='integral')(features, heatmaps[-1])
