"""A person's shape and clothes; `limbs.py` makes capsules of them."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from wild3d.synthetic.dice import Dice

# Materials of one person, in the order of `texture.wardrobe`.
SKIN, HAIR, TOP, BOTTOM, SHOES, HAT = range(6)
MATERIALS = 6
PARTS = 27  # capsules of one person
# What is painted on a capsule besides its material.
PLAIN, HEAD, CHEST = range(3)

NEVER, ALWAYS = -1.0, 2.0  # places for hems: nothing covered, all covered


class Build(NamedTuple):
  """One person's shape and the cut of the clothes; constant within a clip."""

  girth: Float[Array, '*K']  # width of trunk and limbs, 1 for the average adult
  limb: Float[Array, '*K']  # further width of the limbs
  bust: Float[Array, '*K']  # mm, 0 for none
  sleeve: Float[Array, '*K']  # where sleeves end: 0 shoulder, 1 elbow, 2 wrist
  trouser: Float[Array, '*K']  # where trousers end: 0 hip, 1 knee, 2 ankle
  # Width of top and bottom garments over the body, 1 to 1.6.
  loose: Float[Array, '*K 2']
  # Where skirt, dress or coat ends: 0 hip, 1 knee; negative: none.
  skirt: Float[Array, '*K']
  skirt_is_top: Float[Array, '*K']  # 1 where that garment continues the top
  hair: Float[Array, '*K']  # volume of the hair, 1 close-cropped, 0 bald
  tail: Float[Array, '*K']  # length of hair below the head, in head lengths; 0 none
  hat: Float[Array, '*K']  # 1 with a brimmed cap
  neckline: Float[Array, '*K']  # depth of the open collar, in head lengths


def sample(key: PRNGKeyArray, domain: str) -> Build:
  """Draws a build; `domain` 'lab' has few garments, 'wild' all of them."""
  wild = domain == 'wild'
  dice = Dice(key, 32)
  female = dice.chance(0.45)
  bare_arms = dice.chance(0.12 if wild else 0.0)
  long_sleeve, long_legs = dice.chance(0.45), dice.chance(0.62 if wild else 0.8)
  bare = jnp.where(bare_arms, 0.0, dice.uniform(0.35, 1.0))
  skirt = jnp.where(
    dice.chance(jnp.where(female, 0.3, 0.06)), dice.uniform(0.25, 1.3), -1.0
  )
  long_hair = dice.chance(jnp.where(female, 0.7, 0.08))
  bald = dice.chance(0.07) & ~female
  return Build(
    girth=1.0 + 0.14 * jnp.clip(dice.bell(), -1.2, 2.2),
    limb=dice.uniform(0.88, 1.15),
    bust=jnp.where(female, dice.uniform(12.0, 40.0), 0.0),
    sleeve=jnp.where(long_sleeve, dice.uniform(1.5, 1.97), bare),
    trouser=jnp.where(long_legs, dice.uniform(1.75, 1.98), dice.uniform(0.3, 1.3)),
    loose=1 + (0.6 if wild else 0.15) * dice.unit(2) ** jnp.array([1.7, 1.5]),
    skirt=skirt if wild else jnp.float32(-1.0),
    skirt_is_top=dice.chance(0.55).astype(jnp.float32),
    hair=jnp.where(bald, 0.0, dice.uniform(1.0, 1.18)),
    tail=jnp.where(long_hair, dice.uniform(0.5, 1.6), 0.0),
    hat=dice.chance(0.18 if wild else 0.0).astype(jnp.float32),
    neckline=jnp.where(dice.chance(0.5), dice.uniform(0.1, 0.55), 0.05),
  )
