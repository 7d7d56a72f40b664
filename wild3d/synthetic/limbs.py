"""A person as 27 capsules round a person's joints."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from wild3d import skeleton
from wild3d.synthetic.body import (
  ALWAYS,
  BOTTOM,
  CHEST,
  HAIR,
  HAT,
  HEAD,
  NEVER,
  PLAIN,
  SHOES,
  SKIN,
  TOP,
  Build,
)
from wild3d.synthetic.person import Person
from wild3d.synthetic.render import Capsules

# Distances below are in mm of an adult whose torso and legs have these lengths.
TORSO_MM, LEG_MM = 490.0, 870.0
_COLLAR = (0.93, -12)  # see _Frame.at


def capsules(build: Build, person: Person) -> Capsules:
  """The body as capsules in the person's own axes (mm).

  Args:
    build: one person's.
    person: one person's.

  Returns:
    PARTS capsules whose materials count from 0.
  """
  frame = _frame(build, person)
  head = _head_frame(person)
  solids = [*_trunk(build, person, frame), *_head(build, person, head)]
  for side, sign in ((0, -1.0), (1, 1.0)):
    solids.append(_ear(head, sign))
    solids += _arm(build, person, frame, side, sign)
    solids += _leg(build, person, frame, side)
  return jax.tree.map(lambda *fields: jnp.stack(fields), *solids)


class _Frame(NamedTuple):
  """Sizes and directions that all parts share: scales of mm, unit vectors."""

  size: jax.Array
  wide: jax.Array
  limb: jax.Array
  torso: jax.Array
  up: jax.Array
  chest: jax.Array
  left: jax.Array
  hip_front: jax.Array
  loose_top: jax.Array
  loose_bottom: jax.Array

  def at(self, person, height, forward=0.0):
    """A place in the trunk: height in its lengths, forward in mm."""
    middle = person.joints[skeleton.PELVIS] + height * self.torso * self.up
    return middle + forward * self.size * self.chest


def _frame(build, person):
  j = person.joints
  hips = (j[skeleton.RIGHT_HIP], j[skeleton.LEFT_HIP])
  knee, ankle = j[skeleton.LEFT_KNEE], j[skeleton.LEFT_ANKLE]
  trunk = j[skeleton.THORAX] - j[skeleton.PELVIS]
  torso = jnp.linalg.norm(trunk)
  leg = _length(hips[1] - knee) + _length(knee - ankle)
  size = (torso / TORSO_MM + leg / LEG_MM) / 2
  wide = size * build.girth
  up = trunk / jnp.maximum(torso, 1.0)
  chest = _across(person.chest, up)
  hip_left = _unit(hips[1] - hips[0])
  return _Frame(
    size=size,
    wide=wide,
    limb=wide * build.limb,
    torso=torso,
    up=up,
    chest=chest,
    left=jnp.cross(up, chest),
    hip_front=_across(_across(chest, hip_left) + 1e-3 * chest, hip_left),
    loose_top=build.loose[0] - 1,
    loose_bottom=build.loose[1] - 1,
  )


def _mean(a, b, t=0.5):
  return (1 - t) * a + t * b


def _solid(start, end, r0, r1, front, cloth, after=None, role=PLAIN, **extra):
  """One capsule, in `cloth` up to its hem and `after` beyond it."""
  fields = {'bulge': 0.0, 'squeeze': 1.0, 'hem': ALWAYS, 'loose': 0.0} | extra
  after = cloth if after is None else after
  return Capsules(
    start=start,
    end=end,
    radius=jnp.stack([jnp.asarray(r0), jnp.asarray(r1)]),
    front=front,
    cloth=jnp.stack([jnp.asarray(cloth), jnp.asarray(after)]).astype(jnp.int32),
    role=jnp.asarray(role, jnp.int32),
    **{name: jnp.asarray(value, jnp.float32) for name, value in fields.items()},
  )


def _trunk(build, person, f):
  """Chest, belly, hips, bust, skirt, neck. Axes run upwards: (up, front, left)."""
  j = person.joints
  pelvis, neck = j[skeleton.PELVIS], j[skeleton.UPPER_NECK]
  hips = (j[skeleton.RIGHT_HIP], j[skeleton.LEFT_HIP])
  knees = (j[skeleton.RIGHT_KNEE], j[skeleton.LEFT_KNEE])
  at = functools.partial(f.at, person)
  chest = _solid(
    at(0.52), at(0.78, -6), 128 * f.wide, 156 * f.wide, f.chest, TOP, SKIN,
    squeeze=0.65, loose=30 * f.loose_top * f.size, role=CHEST,
    hem=ALWAYS + build.neckline,
  )  # fmt: skip
  belly = _solid(
    at(0.10, 2), at(0.5, 4), 132 * f.wide, 127 * f.wide, f.chest, TOP,
    squeeze=0.74, loose=55 * f.loose_top * f.size,
  )  # fmt: skip
  seat = _solid(
    _mean(hips[0], hips[1], 0.28), _mean(hips[0], hips[1], 0.72),
    112 * f.wide, 112 * f.wide, f.hip_front, BOTTOM, squeeze=0.95,
    loose=25 * f.loose_bottom * f.size,
  )  # fmt: skip
  radius = jnp.where(build.bust > 0, 55 * f.wide + build.bust * 0.5, -1.0)
  bust = _solid(
    at(0.70, 42) - 62 * f.wide * f.left, at(0.70, 42) + 62 * f.wide * f.left,
    radius, radius, f.chest, TOP, squeeze=0.95,
  )  # fmt: skip
  knee_middle = _mean(knees[0], knees[1])
  below = jnp.maximum(build.skirt, 0.0)
  skirt = _solid(
    at(0.12), pelvis + below * (knee_middle - pelvis),
    jnp.where(build.skirt >= 0, 140 * f.wide, -1.0),
    jnp.where(
      build.skirt >= 0,
      (120 + 30 * below) * f.wide + below * _length(knees[1] - knees[0]) / 3,
      -1.0,
    ),
    f.hip_front, jnp.where(build.skirt_is_top > 0.5, TOP, BOTTOM), squeeze=0.8,
  )  # fmt: skip
  collar = at(*_COLLAR)
  throat = _solid(
    collar, _mean(collar, neck, 0.95), 62 * f.wide, 54 * f.wide, f.chest, SKIN
  )
  return [chest, belly, seat, bust, skirt, throat]


class _HeadFrame(NamedTuple):
  """The head: its length is the distance from chin level to the top of the skull."""

  neck: jax.Array
  length: jax.Array
  up: jax.Array
  face: jax.Array
  left: jax.Array

  def at(self, height, forward, side=0.0):
    """A place on the head, in its lengths."""
    return self.neck + self.length * (
      height * self.up + forward * self.face + side * self.left
    )


def _head_frame(person):
  neck, top = person.joints[skeleton.UPPER_NECK], person.joints[skeleton.HEAD_TOP]
  length = _length(top - neck)
  up = (top - neck) / jnp.maximum(length, 1.0)
  face = _across(person.face, up)
  return _HeadFrame(neck, length, up, face, jnp.cross(up, face))


def _head(build, person, h):
  """Skull, nose, hair or hat, tail of hair, brim."""
  thorax = person.joints[skeleton.THORAX]
  skull = _solid(
    h.at(0.16, 0.11), h.at(0.67, 0.03), 0.18 * h.length, 0.325 * h.length,
    h.face, SKIN, HAIR, squeeze=1.2, role=HEAD,
  )  # fmt: skip
  nose = _solid(
    h.at(0.50, 0.37), h.at(0.36, 0.435), 0.03 * h.length, 0.05 * h.length, h.face, SKIN
  )
  cover = jnp.where(build.hat > 0.5, HAT, HAIR)
  volume = jnp.maximum(build.hair, jnp.where(build.hat > 0.5, 1.05, 0.0))
  radius = jnp.where(volume > 0, 0.338 * h.length * volume, -1.0)
  hair = _solid(
    h.at(0.62, -0.08), h.at(0.69, -0.05), radius, radius, h.face, cover, squeeze=1.13
  )
  radius = jnp.where(build.tail > 0, 0.27 * h.length, -1.0)
  fall = _mean(h.neck, thorax, 0.7) - h.face * 0.28 * h.length
  end = h.at(0.5, -0.16) + jnp.minimum(build.tail, 1.6) / 1.6 * (
    fall - h.at(0.5, -0.16)
  )
  tail = _solid(h.at(0.55, -0.14), end, radius, 0.8 * radius, h.face, HAIR, squeeze=0.8)
  radius = jnp.where(build.hat > 0.5, 0.27 * h.length, -1.0)
  brim = _solid(
    h.at(0.77, 0.2), h.at(0.73, 0.48), radius, 0.85 * radius, h.up, HAT, squeeze=0.12
  )
  return [skull, nose, hair, tail, brim]


def _ear(h, sign):
  return _solid(
    h.at(0.44, -0.02, 0.31 * sign), h.at(0.54, -0.04, 0.33 * sign),
    0.05 * h.length, 0.065 * h.length, h.face, SKIN,
  )  # fmt: skip


def _arm(build, person, f, side, sign):
  """Shoulder, upper arm, forearm, hand."""
  j, outward = person.joints, sign * f.left
  thorax, neck, hand = j[skeleton.THORAX], j[skeleton.UPPER_NECK], person.hands[side]
  shoulder, elbow, wrist = (j[i] for i in skeleton.ARMS[side])
  collar = f.at(person, *_COLLAR)
  yoke = _solid(
    _mean(collar, neck, 0.15) + 25 * f.size * outward, _mean(shoulder, thorax, 0.16),
    50 * f.wide, 42 * f.wide, f.chest, TOP, loose=12 * f.loose_top * f.size,
  )  # fmt: skip
  along, lower = elbow - shoulder, wrist - elbow
  top = _mean(_mean(shoulder, thorax, 0.07), elbow, 0.04)
  upper_arm = _solid(
    top, elbow, 45 * f.limb, 38 * f.limb, _across(f.chest, along), TOP, SKIN,
    bulge=5 * f.limb, hem=build.sleeve, loose=6 * f.size + 32 * f.loose_top * f.size,
  )  # fmt: skip
  forearm = _solid(
    elbow, wrist, 39 * f.limb, 27 * f.limb, _across(f.chest, lower), TOP, SKIN,
    bulge=5 * f.limb, hem=jnp.where(build.sleeve > 1, build.sleeve - 1, NEVER),
    loose=7 * f.size + 35 * f.loose_top * f.size,
  )  # fmt: skip
  palm = _across(jnp.cross(along, lower) + 30 * f.size * outward, hand - wrist)
  hand = _solid(
    _mean(wrist, hand, 0.12), _mean(wrist, hand, 0.82), 32 * f.limb, 25 * f.limb, palm,
    SKIN, squeeze=0.55, bulge=8 * f.limb,
  )  # fmt: skip
  return [yoke, upper_arm, forearm, hand]


def _leg(build, person, f, side):
  """Thigh, shin, foot."""
  j, toe = person.joints, person.toes[side]
  hip, knee, ankle = (j[i] for i in skeleton.LEGS[side])
  top = _mean(hip, j[skeleton.PELVIS], 0.10)
  thigh = _solid(
    top, knee, 90 * f.limb, 56 * f.limb, _across(f.hip_front, knee - top), BOTTOM, SKIN,
    bulge=4 * f.limb, hem=build.trouser,
    loose=4 * f.size + 45 * f.loose_bottom * f.size,
  )  # fmt: skip
  shin = _solid(
    knee, ankle + 20 * f.size * _unit(ankle - knee), 54 * f.limb, 36 * f.limb,
    _across(_unit(toe - ankle), ankle - knee), BOTTOM, SKIN, bulge=8 * f.limb,
    hem=jnp.where(build.trouser > 1, build.trouser - 1, NEVER),
    loose=5 * f.size + 45 * f.loose_bottom * f.size,
  )  # fmt: skip
  sole = ankle + 38 * f.size * _unit(ankle - knee)
  along = toe - sole
  foot = _solid(
    sole - 0.22 * along, sole + 0.86 * along, 40 * f.size, 33 * f.size,
    _across(knee - ankle, along), SHOES, squeeze=0.85, bulge=6 * f.size,
  )  # fmt: skip
  return [thigh, shin, foot]


# Not those of person.py: the last bits of the pictures would change.
def _length(vector):
  return jnp.sqrt(jnp.maximum(jnp.sum(vector**2), 1e-6))


def _unit(vector):
  return vector / _length(vector)


def _across(vector, axis):
  """The unit vector at right angles to `axis` that is nearest to `vector`."""
  axis = _unit(axis)
  return _unit(vector - jnp.dot(vector, axis) * axis)
