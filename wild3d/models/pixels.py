"""What a network sees of a picture: from bytes to its own order and scale."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8


class Pixels(NamedTuple):
  """How the network wants its input: config.pixels.

  Attributes:
    order: of the channels, 'rgb' or 'bgr'.
    divisor: of the uint8 values: 255 gives [0, 1].
  """

  order: str = 'rgb'
  divisor: float = 255.0


ORDERS = ('rgb', 'bgr')
RGB = Pixels()


def to_float(
  images: UInt8[Array, 'B H W 3'], pixels: Pixels = RGB
) -> Float[Array, 'B H W 3']:
  """RGB bytes to float32, channels in the network's order."""
  if pixels.order == 'bgr':
    images = images[..., ::-1]
  return images.astype(jnp.float32) / pixels.divisor
