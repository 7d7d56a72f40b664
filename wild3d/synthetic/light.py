"""One to three lamps and the light of the sky and the ground."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from wild3d.synthetic.dice import Dice

LAMPS = 3


class Light(NamedTuple):
  """Distant lamps and ambient light; linear light."""

  # Unit vectors to the lamps, world axes; the first is the brightest and casts the
  # shadows.
  toward: Float[Array, '*K L 3']
  color: Float[Array, '*K L 3']  # zero for a lamp that is off
  ambient: Float[Array, '*K 2 3']  # from below and from above


def sample(key: PRNGKeyArray, domain: str) -> Light:
  """Draws the lighting: even and white in the 'lab', anything in the 'wild'."""
  wild = domain == 'wild'
  dice = Dice(key, 48)
  azimuth = dice.uniform(0.0, 2 * jnp.pi, LAMPS)
  low = jnp.array([0.45, 0.0, -0.2]) if wild else jnp.full(LAMPS, 0.9)
  height = dice.uniform(low, 1.4, LAMPS)
  level = jnp.cos(height)
  toward = [level * jnp.cos(azimuth), level * jnp.sin(azimuth), jnp.sin(height)]
  tint = 0.1 if wild else 0.03
  power = dice.uniform(0.3, 1.0, LAMPS) * jnp.array([1.0, 0.5, 0.4])
  power *= dice.chance(jnp.array([1.0, 0.6, 0.35]), LAMPS)
  strength = dice.uniform(0.15, 0.6, 2) * jnp.array([0.6, 1.0])
  return Light(
    toward=jnp.stack(toward, axis=-1),
    color=dice.uniform(1 - tint, 1 + tint, LAMPS, 3) * power[:, None],
    ambient=dice.uniform(1 - tint, 1 + tint, 2, 3) * strength[:, None],
  )


def shine(light: Light, rotation: Float[Array, '3 3'], normal: tuple) -> tuple:
  """Light received by surfaces: three arrays like those of `normal`.

  Args:
    light: one.
    rotation: [3, 3] from world axes to those of `normal`.
    normal: three arrays, unit vectors.
  """
  up = rotation[:, 2]
  height = 0.5 + 0.5 * sum(n * a for n, a in zip(normal, up, strict=True))
  total = [(1 - height) * below + height * above for below, above in light.ambient.T]
  for toward, color in zip(light.toward @ rotation.T, light.color, strict=True):
    cosine = sum(n * t for n, t in zip(normal, toward, strict=True))
    # Half of wrapped light: skin and cloth have soft terminators.
    diffuse = jnp.maximum((cosine + 0.15) / 1.15, 0.0)
    total = [t + c * diffuse for t, c in zip(total, color, strict=True)]
  return tuple(total)
