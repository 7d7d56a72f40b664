"""Materials: two colours mixed by plane waves; and what is painted on bodies."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from wild3d.synthetic.body import ALWAYS, CHEST, HAIR, HEAD, MATERIALS, SHOES, SKIN
from wild3d.synthetic.dice import Dice


class Cloth(NamedTuple):
  """Solid textures for M materials, functions of a point in mm.

  With s1, s2 the sines of two plane waves, the second colour's share is
  weights[0] s1 + weights[1] s2 + weights[2] s1 s2 + weights[3], clipped to [0, 1]:
  stripes, plaid, checks, dots and blotches are all of this form.
  """

  color: Float[Array, '*M 2 3']  # the two colours, linear light, 0 to 1
  wave: Float[Array, '*M 2 3']  # wave vectors, turns / mm
  warp: Float[Array, '*M']  # how much the waves bend each other, turns
  weights: Float[Array, '*M 4']  # of s1, s2, s1 s2 and 1
  crumple: Float[Array, '*M']  # strength of folds, as a share of the brightness


# s1, s2, s1 s2, 1: plain, stripes, plaid, checks, dots, blotches.
_PATTERNS = jnp.array(
  [
    [0.0, 0.0, 0.0, 0.0],
    [4.0, 0.0, 0.0, 0.3],
    [0.5, 0.5, 0.3, 0.4],
    [0.0, 0.0, 4.0, 0.5],
    [0.0, 0.0, 5.0, -2.5],
    [0.8, 0.7, 0.6, 0.3],
  ]
)
_LINEAR_SKIN = jnp.array(
  [[0.80, 0.56, 0.44], [0.68, 0.42, 0.30], [0.42, 0.24, 0.15], [0.16, 0.09, 0.06]]
)
_LINEAR_HAIR = jnp.array(
  [[0.02, 0.015, 0.012], [0.09, 0.05, 0.03], [0.30, 0.19, 0.09], [0.35, 0.33, 0.31]]
)


def color(dice: Dice) -> Float[Array, '3']:
  """A random surface colour in linear light: mostly muted, sometimes vivid."""
  hue = dice.unit() + jnp.array([0.0, 1 / 3, 2 / 3])
  # Cosine hues: smooth, and cheaper than the six cases of HSV.
  vivid = 0.5 + 0.5 * jnp.cos(2 * jnp.pi * hue)
  saturation = 0.85 * dice.unit() ** 2.4
  value = 0.015 + 0.85 * dice.unit() ** 1.6
  return value * (1 - saturation + saturation * vivid)


def cloth(
  key: PRNGKeyArray,
  patterned: float | Float[Array, ''] = 0.5,
  wavelength: tuple = (25.0, 220.0),
) -> Cloth:
  """Draws one material.

  Args:
    key: random key.
    patterned: probability of anything but plain.
    wavelength: range of the waves' lengths in mm.
  """
  dice = Dice(key, 48)
  kinds = len(_PATTERNS)
  kind = jnp.where(dice.chance(patterned), 1 + dice.unit() * (kinds - 1), 0.0)
  kind = kind.astype(jnp.int32)
  blotched = kind == kinds - 1
  low, high = wavelength
  length = low * (high / low) ** dice.unit(2)
  # Weaving has its waves along and across; blotches have them anywhere.
  first = (dice.unit() * 3).astype(jnp.int32)
  second = (first + 1 + dice.chance(0.5)) % 3
  straight = jnp.eye(3)[jnp.stack([first, second])]
  tilt = jnp.where(blotched, 1.0, 0.15 * dice.unit())
  direction = straight + tilt * dice.bell(2, 3)
  direction /= jnp.linalg.norm(direction, axis=-1, keepdims=True)
  colors = jnp.stack([color(dice), color(dice)])
  # Most patterns are shades of one colour.
  colors = colors.at[1].set(
    jnp.where(dice.chance(0.5), colors[0] * dice.uniform(0.4, 2.0), colors[1])
  )
  return Cloth(
    color=jnp.minimum(colors, 0.9),
    wave=direction / length[:, None],
    warp=jnp.where(blotched, 0.32, 0.03),
    weights=_PATTERNS[kind],
    crumple=dice.uniform(0.05, 0.3),
  )


def wardrobe(key: PRNGKeyArray, domain: str) -> Cloth:
  """The materials of one person, in the order of `body.SKIN` and the others."""
  wild = domain == 'wild'
  *keys, key = jax.random.split(key, MATERIALS + 1)
  draw = lambda k: cloth(k, patterned=0.5 if wild else 0.15)  # noqa: E731
  cloths = jax.vmap(draw)(jnp.stack(keys))
  dice = Dice(key, 3)
  skin = _along(_LINEAR_SKIN, dice.unit() ** 1.3)
  hair = _along(_LINEAR_HAIR, dice.unit() ** 1.7)
  barefoot = dice.chance(0.12)
  # Trousers and shoes are darker and plainer than shirts.
  dim = jnp.array([1.0, 1.0, 1.0, 0.6, 0.5, 0.9])
  colors = cloths.color * dim[:, None, None]
  colors = colors.at[SKIN].set(jnp.stack([skin, skin * jnp.array([0.9, 0.7, 0.65])]))
  colors = colors.at[HAIR].set(jnp.stack([hair, 1.6 * hair]))
  colors = colors.at[SHOES].set(jnp.where(barefoot, colors[SKIN], colors[SHOES]))
  weights = cloths.weights * jnp.array([0.0, 0.0, 1.0, 0.6, 0.5, 1.0])[:, None]
  weights = weights.at[HAIR].set(jnp.array([0.3, 0.0, 0.0, 0.3]))
  crumple = cloths.crumple * jnp.array([0.0, 0.4, 1.0, 0.8, 0.3, 0.3])
  return cloths._replace(color=colors, weights=weights, crumple=crumple)


def _along(table, share):
  """The colour at `share` (0 to 1) of the way along a table of colours."""
  x = share * (table.shape[0] - 1)
  shares = jnp.maximum(0.0, 1 - jnp.abs(x - jnp.arange(table.shape[0])))
  return shares @ table


def paint(cloths: Cloth, index: Int[Array, '*pixels'], point: tuple) -> tuple:
  """Colour of materials at points.

  Args:
    cloths: M materials.
    index: material of each pixel.
    point: three arrays [*pixels], mm.

  Returns:
    Three arrays [*pixels], red, green and blue in linear light.
  """
  at = lambda column: column[index]  # noqa: E731
  wave = cloths.wave
  first, second = (
    sum(at(wave[:, i, k]) * point[k] for k in range(3)) for i in range(2)
  )
  warp = at(cloths.warp)
  first, second = first + warp * _wave(second), second + warp * _wave(0.7 * first)
  s1, s2 = _wave(first), _wave(second)
  w = [at(cloths.weights[:, i]) for i in range(4)]
  share = jnp.clip(w[0] * s1 + w[1] * s2 + w[2] * s1 * s2 + w[3], 0.0, 1.0)
  bend = 0.16 * _wave(0.0095 * point[1])
  folds = _wave(0.0072 * point[0] + 0.0048 * point[2] + bend)
  folds = folds * _wave(0.0033 * point[0] - 0.008 * point[2])
  folds = 1 + at(cloths.crumple) * folds
  tables = cloths.color
  return tuple(
    folds * ((1 - share) * at(tables[:, 0, k]) + share * at(tables[:, 1, k]))
    for k in range(3)
  )


def _wave(turns):
  """The sine of an angle in turns, within 0.06: in a picture nobody can tell, and a
  true sine costs ten times as much."""
  turns = turns - jnp.round(turns)
  return 8 * turns * (1 - 2 * jnp.abs(turns))


def after_hem(
  role: Int[Array, '*pixels'],
  along: Float[Array, '*pixels'],
  hem: Float[Array, '*pixels'],
  local: tuple,
  size: Float[Array, '*pixels'],
) -> Bool[Array, '*pixels']:
  """Where a capsule shows its second material.

  Sleeves and trousers end at the hem; the head's skin ends at the hairline; the
  chest's garment ends at the neckline, which is deeper in front.

  Args:
    role: `body.PLAIN`, HEAD or CHEST.
    along: place on the axis.
    hem: the garment's end on the axis; for a chest ALWAYS plus the depth of the
      neckline.
    local: mm along the axis, to the front, to the side, from the start.
    size: mm, radius at the capsule's end.
  """
  height, front, side = (x / size for x in local)
  hairline = (height > 1.05 + 0.6 * jnp.clip(front, -1.0, 1.0)) & (front < 1.15)
  hairline |= height > 2.05
  depth = 1.1 * (hem - ALWAYS) * jnp.clip(4 * front, 0.0, 1.0)
  neckline = height > 1.5 - depth + 0.9 * jnp.abs(side)
  return jnp.where(
    role == HEAD, hairline, jnp.where(role == CHEST, neckline, along >= hem)
  )


def features(
  rgb: tuple, role: Int[Array, '*pixels'], local: tuple, size: Float[Array, '*pixels']
) -> tuple:
  """Paints eyes, brows and mouth on heads, and a row of buttons on chests."""
  height, front, side = (x / size for x in local)
  across = jnp.abs(side)
  facing = (role == HEAD) & (front > 0.2)

  def ellipse(x, y, width, tall):
    return ((across - x) / width) ** 2 + ((height - y) / tall) ** 2 < 1

  # In units of the skull's half-width (0.325 of the head), from the chin's centre.
  white = facing & ellipse(0.43, 1.02, 0.20, 0.11)
  iris = facing & ellipse(0.43, 1.02, 0.105, 0.105)
  brow = facing & ellipse(0.45, 1.27, 0.25, 0.06)
  mouth = facing & ellipse(0.0, 0.10, 0.28, 0.08)
  for mask, tint in (
    (brow, (0.04, 0.03, 0.02)),
    (white, (0.75, 0.75, 0.75)),
    (iris, (0.02, 0.02, 0.03)),
  ):
    rgb = tuple(jnp.where(mask, t, c) for c, t in zip(rgb, tint, strict=True))
  return tuple(
    jnp.where(mouth, c * t, c) for c, t in zip(rgb, (0.75, 0.3, 0.32), strict=True)
  )
