"""A person as 27 capsules round a figure's joints."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from wild3d.synthetic import figure as fig
from wild3d.synthetic.dice import Dice
from wild3d.synthetic.render import Capsules

# Materials of one person, in the order of `texture.wardrobe`.
SKIN, HAIR, TOP, BOTTOM, SHOES, HAT = range(6)
MATERIALS = 6
PARTS = 27  # capsules of one person
# What is painted on a capsule besides its material.
PLAIN, HEAD, CHEST = range(3)

# Distances below are in mm of an adult whose torso and legs have these lengths.
TORSO_MM, LEG_MM = 490.0, 870.0
NEVER, ALWAYS = -1.0, 2.0  # places for hems: nothing covered, all covered


class Build(NamedTuple):
  """One person's shape and the cut of the clothes; constant within a clip.

  Attributes:
    girth: [] width of trunk and limbs, 1 for the average adult.
    limb: [] further width of the limbs.
    bust: [] mm, 0 for none.
    sleeve: [] where sleeves end: 0 shoulder, 1 elbow, 2 wrist.
    trouser: [] where trousers end: 0 hip, 1 knee, 2 ankle.
    loose: [2] width of top and bottom garments over the body, 1 to 1.6.
    skirt: [] where skirt, dress or coat ends: 0 hip, 1 knee; negative: none.
    skirt_is_top: [] 1 where that garment continues the top.
    hair: [] volume of the hair, 1 close-cropped, 0 bald.
    tail: [] length of hair below the head, in head lengths; 0 none.
    hat: [] 1 with a brimmed cap.
    neckline: [] depth of the open collar, in head lengths.
  """

  girth: Float[Array, '*K']
  limb: Float[Array, '*K']
  bust: Float[Array, '*K']
  sleeve: Float[Array, '*K']
  trouser: Float[Array, '*K']
  loose: Float[Array, '*K 2']
  skirt: Float[Array, '*K']
  skirt_is_top: Float[Array, '*K']
  hair: Float[Array, '*K']
  tail: Float[Array, '*K']
  hat: Float[Array, '*K']
  neckline: Float[Array, '*K']


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
    skirt=skirt if wild else jnp.full((), -1.0),
    skirt_is_top=dice.chance(0.55).astype(jnp.float32),
    hair=jnp.where(bald, 0.0, dice.uniform(1.0, 1.18)),
    tail=jnp.where(long_hair, dice.uniform(0.5, 1.6), 0.0),
    hat=dice.chance(0.18 if wild else 0.0).astype(jnp.float32),
    neckline=jnp.where(dice.chance(0.5), dice.uniform(0.1, 0.55), 0.05),
  )


def capsules(build: Build, figure: fig.Figure) -> Capsules:
  """The body as capsules in the figure's own axes (mm).

  Args:
    build: one person's.
    figure: one person's.

  Returns:
    PARTS capsules whose materials count from 0.
  """
  j = figure.joints
  mean = lambda a, b, t=0.5: (1 - t) * a + t * b  # noqa: E731
  pelvis, thorax, neck = j[fig.PELVIS], j[fig.THORAX], j[fig.UPPER_NECK]
  hips = (j[fig.RIGHT_HIP], j[fig.LEFT_HIP])
  knees = (j[fig.RIGHT_KNEE], j[fig.LEFT_KNEE])
  ankles = (j[fig.RIGHT_ANKLE], j[fig.LEFT_ANKLE])
  shoulders = (j[fig.RIGHT_SHOULDER], j[fig.LEFT_SHOULDER])
  elbows = (j[fig.RIGHT_ELBOW], j[fig.LEFT_ELBOW])
  wrists = (j[fig.RIGHT_WRIST], j[fig.LEFT_WRIST])

  torso = jnp.linalg.norm(thorax - pelvis)
  leg = _length(hips[1] - knees[1]) + _length(knees[1] - ankles[1])
  size = (torso / TORSO_MM + leg / LEG_MM) / 2
  wide = size * build.girth
  limb = wide * build.limb
  up = (thorax - pelvis) / jnp.maximum(torso, 1.0)
  chest = _across(figure.chest, up)
  left = jnp.cross(up, chest)
  hip_left = _unit(hips[1] - hips[0])
  hip_front = _across(_across(chest, hip_left) + 1e-3 * chest, hip_left)
  loose_top, loose_bottom = build.loose[0] - 1, build.loose[1] - 1

  solids = []

  def add(start, end, r0, r1, front, cloth, after=None, **extra):
    fields = {
      'bulge': 0.0,
      'squeeze': 1.0,
      'hem': ALWAYS,
      'loose': 0.0,
      'role': PLAIN,
    } | extra
    role = fields.pop('role')
    after = cloth if after is None else after
    solids.append(
      Capsules(
        start=start,
        end=end,
        radius=jnp.stack([jnp.asarray(r0), jnp.asarray(r1)]),
        front=front,
        cloth=jnp.stack([jnp.asarray(cloth), jnp.asarray(after)]).astype(jnp.int32),
        role=jnp.asarray(role, jnp.int32),
        **{name: jnp.asarray(value, jnp.float32) for name, value in fields.items()},
      )
    )

  # Trunk. Axes run upwards, so that local axes are (up, front, left).
  at = lambda height, forward=0.0: (  # noqa: E731
    pelvis + height * torso * up + forward * size * chest
  )
  add(
    at(0.52), at(0.78, -6), 128 * wide, 156 * wide, chest, TOP, SKIN,
    squeeze=0.65, loose=30 * loose_top * size, role=CHEST,
    hem=ALWAYS + build.neckline,
  )  # fmt: skip
  add(
    at(0.10, 2), at(0.5, 4), 132 * wide, 127 * wide, chest, TOP,
    squeeze=0.74, loose=55 * loose_top * size,
  )  # fmt: skip
  add(
    mean(hips[0], hips[1], 0.28), mean(hips[0], hips[1], 0.72),
    112 * wide, 112 * wide, hip_front, BOTTOM, squeeze=0.95,
    loose=25 * loose_bottom * size,
  )  # fmt: skip
  bust = jnp.where(build.bust > 0, 55 * wide + build.bust * 0.5, -1.0)
  add(
    at(0.70, 42) - 62 * wide * left, at(0.70, 42) + 62 * wide * left,
    bust, bust, chest, TOP, squeeze=0.95,
  )  # fmt: skip
  knee_middle = mean(knees[0], knees[1])
  below = jnp.maximum(build.skirt, 0.0)
  add(
    at(0.12), pelvis + below * (knee_middle - pelvis),
    jnp.where(build.skirt >= 0, 140 * wide, -1.0),
    jnp.where(
      build.skirt >= 0,
      (120 + 30 * below) * wide + below * _length(knees[1] - knees[0]) / 3,
      -1.0,
    ),
    hip_front, jnp.where(build.skirt_is_top > 0.5, TOP, BOTTOM), squeeze=0.8,
  )  # fmt: skip
  collar = at(0.93, -12)
  add(collar, mean(collar, neck, 0.95), 62 * wide, 54 * wide, chest, SKIN)

  # Head: unit L is the distance from chin level to the top of the skull.
  length = _length(j[fig.HEAD_TOP] - neck)
  head_up = (j[fig.HEAD_TOP] - neck) / jnp.maximum(length, 1.0)
  face = _across(figure.face, head_up)
  head_left = jnp.cross(head_up, face)
  on_head = lambda height, forward, side=0.0: (  # noqa: E731
    neck + length * (height * head_up + forward * face + side * head_left)
  )
  cover = jnp.where(build.hat > 0.5, HAT, HAIR)
  add(
    on_head(0.16, 0.11), on_head(0.67, 0.03), 0.18 * length, 0.325 * length,
    face, SKIN, HAIR, squeeze=1.2, role=HEAD,
  )  # fmt: skip
  add(
    on_head(0.50, 0.37), on_head(0.36, 0.435), 0.03 * length, 0.05 * length, face, SKIN
  )
  volume = jnp.maximum(build.hair, jnp.where(build.hat > 0.5, 1.05, 0.0))
  hair = jnp.where(volume > 0, 0.338 * length * volume, -1.0)
  add(on_head(0.62, -0.08), on_head(0.69, -0.05), hair, hair, face, cover, squeeze=1.13)
  tail = jnp.where(build.tail > 0, 0.27 * length, -1.0)
  fall = mean(neck, thorax, 0.7) - face * 0.28 * length
  end = on_head(0.5, -0.16) + jnp.minimum(build.tail, 1.6) / 1.6 * (
    fall - on_head(0.5, -0.16)
  )
  add(on_head(0.55, -0.14), end, tail, 0.8 * tail, face, HAIR, squeeze=0.8)
  brim = jnp.where(build.hat > 0.5, 0.27 * length, -1.0)
  add(
    on_head(0.77, 0.2), on_head(0.73, 0.48), brim, 0.85 * brim, head_up, HAT,
    squeeze=0.12,
  )  # fmt: skip

  for side, sign in ((0, -1.0), (1, 1.0)):
    outward = sign * left
    shoulder, elbow, wrist = shoulders[side], elbows[side], wrists[side]
    hip, knee, ankle = hips[side], knees[side], ankles[side]
    hand, toe = figure.hands[side], figure.toes[side]
    add(on_head(0.44, -0.02, 0.31 * sign), on_head(0.54, -0.04, 0.33 * sign),
        0.05 * length, 0.065 * length, face, SKIN)  # fmt: skip
    add(mean(collar, neck, 0.15) + 25 * size * outward, mean(shoulder, thorax, 0.16),
        50 * wide, 42 * wide, chest, TOP, loose=12 * loose_top * size)  # fmt: skip
    # Arms.
    upper, lower = elbow - shoulder, wrist - elbow
    arm_front = _across(chest, upper)
    top = mean(mean(shoulder, thorax, 0.07), elbow, 0.04)
    add(top, elbow, 45 * limb, 38 * limb, arm_front, TOP, SKIN, bulge=5 * limb,
        hem=build.sleeve, loose=6 * size + 32 * loose_top * size)  # fmt: skip
    add(elbow, wrist, 39 * limb, 27 * limb, _across(chest, lower), TOP, SKIN,
        bulge=5 * limb, hem=jnp.where(build.sleeve > 1, build.sleeve - 1, NEVER),
        loose=7 * size + 35 * loose_top * size)  # fmt: skip
    palm = _across(jnp.cross(upper, lower) + 30 * size * outward, hand - wrist)
    add(mean(wrist, hand, 0.12), mean(wrist, hand, 0.82), 32 * limb, 25 * limb, palm,
        SKIN, squeeze=0.55, bulge=8 * limb)  # fmt: skip
    # Legs.
    top = mean(hip, pelvis, 0.10)
    add(top, knee, 90 * limb, 56 * limb, _across(hip_front, knee - top), BOTTOM, SKIN,
        bulge=4 * limb, hem=build.trouser,
        loose=4 * size + 45 * loose_bottom * size)  # fmt: skip
    shin_front = _across(_unit(toe - ankle), ankle - knee)
    add(knee, ankle + 20 * size * _unit(ankle - knee), 54 * limb, 36 * limb,
        shin_front, BOTTOM, SKIN, bulge=8 * limb,
        hem=jnp.where(build.trouser > 1, build.trouser - 1, NEVER),
        loose=5 * size + 45 * loose_bottom * size)  # fmt: skip
    sole = ankle + 38 * size * _unit(ankle - knee)
    foot = toe - sole
    add(sole - 0.22 * foot, sole + 0.86 * foot, 40 * size, 33 * size,
        _across(knee - ankle, foot), SHOES, squeeze=0.85, bulge=6 * size)  # fmt: skip
  return jax.tree.map(lambda *fields: jnp.stack(fields), *solids)


def _length(vector):
  return jnp.sqrt(jnp.maximum(jnp.sum(vector**2), 1e-6))


def _unit(vector):
  return vector / _length(vector)


def _across(vector, axis):
  """The unit vector at right angles to `axis` that is nearest to `vector`."""
  axis = _unit(axis)
  return _unit(vector - jnp.dot(vector, axis) * axis)
