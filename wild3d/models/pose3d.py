"""The whole network: a backbone for heatmaps, a head for depth (Zhou et al. 2017, fig. 2).

To add a backbone or a head: a function in a file of its own, and a line in a dict here.
Configuration, messages and exports take the names from these dicts.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from wild3d.models import bones, depth, hourglass, integral, lift
from wild3d.models.presence import Presence

# name -> function of (net, images, train) that returns (heatmaps of each stack,
# features). `config.model.backbone`.
BACKBONES = {'hourglass': hourglass.stacked}

# name -> function of (net, features, heatmaps, train) that returns depths [B, J] in
# crop units. `config.model.depth_head`.
HEADS = {
  'regression': depth.regression,  # the paper's
  'lift': lift.lift,  # from the 2D pose alone
  'bones': bones.bones,  # the same, as directions of bones
  'integral': integral.integral,  # from the features where the heatmap is high
}

# name -> type of the computation. `config.model.dtype`.
DTYPES = {'float32': jnp.float32, 'bfloat16': jnp.bfloat16}


class Outputs(NamedTuple):
  """What the network says of B crops, float32.

  Attributes:
    heatmaps: of each stack, raw.
    depth: in units of half the crop's side, away from the camera.
    presence: logits of a person being centred; None without that head.
  """

  heatmaps: Float[Array, 'B S h w J']
  depth: Float[Array, 'B J']
  presence: Float[Array, ' B'] | None


class Pose3D(nn.Module):
  """Heatmaps of every stack, a depth for every joint, and whether anybody is there.

  The defaults are the published network: 14,429,104 parameters, 67 residual
  blocks. `dtype` is that of the computation; parameters, batch statistics and
  outputs stay float32. `stem` is the width of the first convolution (two blocks
  of twice that width follow it): where the hourglass is narrow, most of the work.
  `backbone` is one of BACKBONES, `depth_head` one of HEADS, `presence` whether there is
  a head that tells people from anything else. `remat` trains in less memory, see
  layers.RematResidual; nothing else changes.
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
  backbone: str = 'hourglass'
  presence: bool = False
  remat: bool = False

  @nn.compact
  def __call__(self, images: Float[Array, 'B H W 3'], train: bool = False) -> Outputs:
    """Returns `Outputs`; the maps are a quarter of the images' size.

    Args:
      images: RGB in [0, 1], square, a multiple of 64 pixels wide. The depth
        regression's last layer fits one size: parameters serve the size they
        were made for.
      train: Normalise with the batch's statistics and update the running ones
        (then apply with `mutable=['batch_stats']`).

    Raises:
      ValueError: The images are not square, or not a multiple of 64 wide.
      KeyError: `backbone` or `depth_head` is in no dict.
    """
    _, height, width, _ = images.shape
    if height != width or height % 64 or not height:
      raise ValueError(
        f'Pose3D needs square images, a multiple of 64 pixels wide; got {height}x{width}'
      )
    backbone, head = BACKBONES[self.backbone], HEADS[self.depth_head]
    heatmaps, features = backbone(self, images.astype(self.dtype), train)
    heatmaps = [maps.astype(jnp.float32) for maps in heatmaps]
    depths = head(self, features, heatmaps, train)
    present = None
    if self.presence:
      present = Presence(name='presence')(features, heatmaps[-1])
    return Outputs(jnp.stack(heatmaps, axis=1), depths.astype(jnp.float32), present)
