"""From joint angles to a person: proportions, anatomical limits, forward kinematics.

Frames of the body: x forward, y to the person's left, z up. Angles in radians;
each limb's angles are mirrored, so that equal rows mean a symmetric pose.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from wild3d.synthetic.person import (
  HAND_FLESH_MM,
  TOE_DOWN,
  TOE_FLESH_MM,
  TOE_FORWARD,
  Person,
)

# Lengths as shares of the standing height (Drillis and Contini's averages moved
# from bony landmarks to joint centres; MPII's upper neck and head top), and how
# much each varies between people, independently of the others.
SHARES = {
  'thigh': (0.250, 0.035),
  'shin': (0.246, 0.035),
  'hip': (0.058, 0.12),
  'trunk': (0.318, 0.035),
  'shoulder': (0.107, 0.06),
  'drop': (0.048, 0.12),
  'head': (0.152, 0.05),
  'upper_arm': (0.165, 0.04),
  'forearm': (0.146, 0.045),
  'hand': (0.104, 0.05),
}
SOLE = 0.044  # height of the ankle above the floor, share of the standing height
HEIGHT_MM = (1450.0, 1950.0)

# Flesh between a point and the floor, mm: 16 joints, then toes, then hands.
FLESH_MM = np.array(
  [75, 50, 90, 90, 50, 75, 90, 95, 60, 5, 28, 38, 70, 70, 38, 28]
  + [TOE_FLESH_MM] * 2
  + [HAND_FLESH_MM] * 2,
  np.float32,
)


# Cross product matrices of the axes, and the sides in the order of rows: right, left.
X, Y, Z = np.cross(np.eye(3, dtype=np.float32)[:, None], np.eye(3)[None]).swapaxes(1, 2)
SIDES = np.array([-1.0, 1.0], np.float32)


class Body(NamedTuple):
  """One person's proportions, mm; the left side equals the right."""

  thigh: Float[Array, '']  # hip to knee
  shin: Float[Array, '']  # knee to ankle
  hip: Float[Array, '']  # pelvis to hip
  trunk: Float[Array, '']  # pelvis to upper neck
  shoulder: Float[Array, '']  # half the distance between the shoulders
  drop: Float[Array, '']  # height of the upper neck above the shoulders
  head: Float[Array, '']  # upper neck to head top
  upper_arm: Float[Array, '']  # shoulder to elbow
  forearm: Float[Array, '']  # elbow to wrist
  hand: Float[Array, '']  # wrist to finger tips


class Angles(NamedTuple):
  """A pose, radians; rows of limbs are right, left."""

  heading: Float[Array, '']  # turn to the left about the vertical
  # Pitch forward, roll to the right, turn to the left, in the world.
  pelvis: Float[Array, '3']
  spine: Float[Array, '3']  # the same three, chest relative to pelvis
  head: Float[Array, '3']  # the same three, head relative to chest
  # Raise forward, raise sideways, turn inward, elbow bend, and the wrist's two bends.
  arms: Float[Array, '2 6']
  # Raise forward, raise sideways, turn outward, knee bend, toes up.
  legs: Float[Array, '2 5']


# Lower and upper limits in degrees. Elbows and knees bend one way only.
LIMITS = {
  'spine': ((-25, -30, -40), (55, 30, 40)),
  'head': ((-50, -35, -75), (55, 35, 75)),
  'arms': ((-60, -30, -80, 2, -50, -25), (178, 150, 95, 148, 85, 25)),
  'legs': ((-25, -18, -35, 2, -45), (138, 65, 75, 156, 28)),
}


def sample_body(key: jax.Array) -> Body:
  """Draws proportions: height 1.45 to 1.95 m, each length varying by itself."""
  # One draw for all: XLA spends seconds compiling each call of a random function.
  sex, tall, *varied = normal(key, 2 + len(SHARES))
  male = (sex > 0).astype(jnp.float32)
  height = jnp.clip(1625 + 130 * male + 75 * tall, *HEIGHT_MM)
  share = {
    name: mean * (1 + spread * by)
    for by, (name, (mean, spread)) in zip(varied, SHARES.items(), strict=True)
  }
  share['shoulder'] *= 0.965 + 0.07 * male
  share['hip'] *= 1.04 - 0.08 * male
  standing = sum(share[name] for name in ('thigh', 'shin', 'trunk', 'head')) + SOLE
  return Body(**{name: value * height / standing for name, value in share.items()})


def normal(key: jax.Array, count: int) -> Float[Array, ' N']:
  """Standard normal numbers, cut off at 2.3: people have no outliers."""
  return jnp.clip(jax.random.normal(key, (count,)), -2.3, 2.3)


def limit(angles: Angles) -> Angles:
  """Clips every joint to its anatomical range."""
  clipped = {
    name: jnp.clip(
      getattr(angles, name),
      jnp.broadcast_to(np.radians(low, dtype=np.float32), getattr(angles, name).shape),
      jnp.broadcast_to(np.radians(high, dtype=np.float32), getattr(angles, name).shape),
    )
    for name, (low, high) in LIMITS.items()
  }
  return angles._replace(**clipped)


def level_feet(angles: Angles) -> Angles:
  """Sets the ankles so that the soles are level, as far as ankles can."""

  def toes_up(leg, side):
    shin = _shin(_pelvis(angles), leg, side)
    return jnp.arctan2(-shin[2, 0], jnp.maximum(shin[2, 2], 1e-3))

  bend = jax.vmap(toes_up)(angles.legs, SIDES)
  return angles._replace(legs=angles.legs.at[:, 4].set(bend))


def forward(body: Body, angles: Angles) -> Person:
  """Poses a body: pelvis above the origin, its lowest flesh on the floor.

  The spine is one rigid rod from pelvis to upper neck, which leans by part of the
  spine's bend, and each shoulder turns about the upper neck as the arm rises:
  all of `skeleton.BONES` keep their lengths exactly.

  Args:
    body: proportions, mm.
    angles: radians, within `LIMITS`.

  Returns:
    The person in the world, mm.
  """
  pelvis = _pelvis(angles)
  chest = pelvis @ _turn(angles.spine)
  head = chest @ _turn(angles.head)
  neck = (pelvis @ _turn(0.6 * angles.spine))[:, 2] * body.trunk
  # The skull's top lies a little before the neck.
  head_top = neck + head @ (body.head * np.array([0.1, 0.0, 0.99**0.5], np.float32))

  def limbs(arm, leg, side):
    hip = pelvis[:, 1] * side * body.hip
    knee = hip - (pelvis @ _ball(leg[0], leg[1], -leg[2], side))[:, 2] * body.thigh
    shin = _shin(pelvis, leg, side)
    ankle = knee - shin[:, 2] * body.shin
    foot = shin @ _rotate(Y, -leg[4])
    toe = ankle + body.shin * (TOE_FORWARD * foot[:, 0] - TOE_DOWN * foot[:, 2])

    upper = _ball(arm[0], arm[1], arm[2], side)
    # Arms raised lift the shoulder; arms stretched forward pull it along.
    lift, pull = 0.2 * side * (1 - upper[2, 2]), 0.2 * side * upper[0, 2]
    socket = jnp.stack([-0.1 * body.drop, side * body.shoulder, -body.drop])
    shoulder = neck + chest @ _rotate(Z, pull) @ _rotate(X, lift) @ socket
    upper = chest @ upper
    fore = upper @ _rotate(Y, -arm[3])
    palm = fore @ _rotate(Y, -arm[4]) @ _rotate(X, side * arm[5])
    elbow = shoulder - upper[:, 2] * body.upper_arm
    wrist = elbow - fore[:, 2] * body.forearm
    hand = wrist - palm[:, 2] * body.hand
    return jnp.stack([ankle, knee, hip, wrist, elbow, shoulder, toe, hand])

  right, left = jax.vmap(limbs)(angles.arms, angles.legs, SIDES)
  thorax = (right[5] + left[5]) / 2
  middle = jnp.stack([jnp.zeros(3), thorax, neck, head_top])
  joints = jnp.concatenate([right[:3], left[2::-1], middle, right[3:6], left[5:2:-1]])
  toes, hands = jnp.stack([right[6], left[6]]), jnp.stack([right[7], left[7]])
  points = jnp.concatenate([joints, toes, hands])
  up = jnp.array([[0.0, 0.0, 1.0]]) * -jnp.min(points[:, 2] - FLESH_MM)
  return Person(joints + up, toes + up, hands + up, head[:, 0], chest[:, 0])


def _pelvis(angles):
  return _rotate(Z, angles.heading) @ _turn(angles.pelvis)


def _shin(pelvis, leg, side):
  return pelvis @ _ball(leg[0], leg[1], -leg[2], side) @ _rotate(Y, leg[3])


def _ball(forward, sideways, inward, side):
  """Rotation of a limb that hangs down (-z) in a ball joint; side +1 is left."""
  return _rotate(Y, -forward) @ _rotate(X, side * sideways) @ _rotate(Z, -side * inward)


def _turn(angles):
  pitch, roll, yaw = angles
  return _rotate(Z, yaw) @ _rotate(Y, pitch) @ _rotate(X, roll)


def _rotate(axis, angle):
  """Rodrigues' formula about an axis given by its cross product matrix."""
  return jnp.eye(3) + jnp.sin(angle) * axis + (1 - jnp.cos(angle)) * (axis @ axis)
