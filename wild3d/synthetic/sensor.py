"""From linear light to the 8-bit picture of an imperfect camera."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, UInt8

from wild3d.synthetic.dice import Dice


class Sensor(NamedTuple):
  """What the camera does to the light."""

  gain: Float[Array, '*K 3']  # exposure and colour cast
  gamma: Float[Array, '*K']  # exponent from light to pixel value
  blur: Float[Array, '*K']  # standard deviation in shares of the picture's side
  noise: Float[Array, '*K']  # standard deviation, 1 is full scale
  grey: Float[Array, '*K']  # 1 for a black-and-white picture


def sample(key: PRNGKeyArray, domain: str) -> Sensor:
  """Draws a sensor: a good one in the 'lab', any in the 'wild'."""
  dice = Dice(key, 12)
  if domain == 'lab':
    return Sensor(
      gain=dice.uniform(0.85, 1.1) * jnp.ones(3),
      gamma=jnp.float32(0.45),
      blur=jnp.float32(0.003),
      noise=jnp.float32(0.01),
      grey=jnp.zeros(()),
    )
  # White balance misses towards warm or cool, hardly ever towards pink or green.
  warm, green = dice.uniform(-0.15, 0.15), dice.uniform(-0.04, 0.04)
  cast = jnp.exp(jnp.stack([warm, green, -warm]))
  return Sensor(
    gain=jnp.exp(dice.uniform(-0.4, 0.4)) * cast,
    gamma=dice.uniform(0.38, 0.6),
    blur=0.0025 + 0.006 * dice.unit() ** 3,
    noise=0.005 + 0.025 * dice.unit() ** 3,
    grey=dice.chance(0.05).astype(jnp.float32),
  )


def expose(sensor: Sensor, rgb: tuple, key: PRNGKeyArray) -> UInt8[Array, 'N N 3']:
  """Develops linear light into 8-bit pixels.

  Args:
    sensor: one.
    rgb: three arrays [N, N], linear light. They stay apart until they are bytes: in
      one array, XLA would compute what the channels share once for each.
    key: seeds the noise.
  """
  size = rgb[0].shape[0]
  rgb = [c * gain for c, gain in zip(rgb, sensor.gain, strict=True)]
  grey = 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2]
  pixel = jnp.arange(size, dtype=jnp.float32)
  spread = (pixel[:, None] - pixel[None, :]) / (sensor.blur * size)
  weights = jnp.exp(-0.5 * spread**2)
  weights /= weights.sum(axis=1, keepdims=True)
  channels = []
  for channel, noise in zip(rgb, _noise(key, (3, size, size)), strict=True):
    value = weights @ (channel + sensor.grey * (grey - channel)) @ weights.T
    # Highlights roll off instead of clipping.
    value = jnp.where(value > 0.7, 0.7 + 0.3 * jnp.tanh((value - 0.7) / 0.3), value)
    value = jnp.maximum(value, 1e-5) ** sensor.gamma + sensor.noise * noise
    channels.append(jnp.clip(jnp.round(value * 255), 0, 255).astype(jnp.uint8))
  return jnp.stack(channels, axis=-1)


def _noise(key, shape):
  """Zero mean, unit variance; the sum of four bytes of random bits is bell-shaped
  enough, and far cheaper than the normal distribution's inverse."""
  bits = jax.random.bits(key, shape, jnp.uint32)
  total = sum(((bits >> (8 * i)) & 255).astype(jnp.float32) for i in range(4))
  return (total - 510.0) / 147.8
