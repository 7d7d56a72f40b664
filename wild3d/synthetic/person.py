"""The one thing that poses and pictures share: a person's joints and extremities.

World axes: right-handed, millimetres, z up, the floor at z = 0.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from wild3d import skeleton

# Foot and hand as shares of the shin and the forearm (adult averages).
TOE_FORWARD, TOE_DOWN = 0.44, 0.12
HAND_LENGTH = 0.68
TOE_FLESH_MM, HAND_FLESH_MM = 25.0, 12.0  # between the tips and the floor


class Person(NamedTuple):
  """One person in the world: mm, right-handed axes, z up, floor at z = 0."""

  joints: Float[Array, '*T 16 3']  # mm, in the order of `skeleton.JOINTS`
  toes: Float[Array, '*T 2 3']  # mm, right and left toe tips
  hands: Float[Array, '*T 2 3']  # mm, right and left finger tips
  face: Float[Array, '*T 3']  # unit vector, where the face looks
  chest: Float[Array, '*T 3']  # unit vector, where the chest faces

  def moved(self, by: Float[Array, '*T #16 3']) -> 'Person':
    """The person elsewhere; `by` in mm, with an axis for the points."""
    return self._replace(
      joints=self.joints + by, toes=self.toes + by, hands=self.hands + by
    )


def from_joints(joints: Float[Array, '16 3']) -> Person:
  """Guesses what the 16 joints leave open, from the joints alone.

  The chest faces at right angles to spine and shoulders; the face follows the
  chest, turned upright on the head's axis; feet stand forward on the shins, in
  the plane in which the knee bends; hands prolong the forearms.

  Args:
    joints: [16, 3] mm, world axes (z up), in the order of `skeleton.JOINTS`.

  Returns:
    The person, with the joints unchanged.
  """
  chest = _unit(
    jnp.cross(
      joints[skeleton.LEFT_SHOULDER] - joints[skeleton.RIGHT_SHOULDER],
      joints[skeleton.THORAX] - joints[skeleton.PELVIS],
    )
  )
  face = _across(chest, joints[skeleton.HEAD_TOP] - joints[skeleton.UPPER_NECK])
  left = _unit(joints[skeleton.LEFT_HIP] - joints[skeleton.RIGHT_HIP])
  toes = [_toe(*(joints[j] for j in leg), left) for leg in skeleton.LEGS]
  hands = [
    joints[wrist] + HAND_LENGTH * (joints[wrist] - joints[elbow])
    for _, elbow, wrist in skeleton.ARMS
  ]
  return Person(joints, jnp.stack(toes), jnp.stack(hands), face, chest)


def above_floor(person: Person) -> Person:
  """Turns hands and feet that would reach through the floor up onto it.

  Args:
    person: one person whose ankles and wrists are above the floor.

  Returns:
    The same with the tips at least their own flesh above z = 0, and no shorter.
  """
  ankles = person.joints[jnp.array([skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE])]
  wrists = person.joints[jnp.array([skeleton.RIGHT_WRIST, skeleton.LEFT_WRIST])]
  return person._replace(
    toes=_raise(person.toes, ankles, TOE_FLESH_MM),
    hands=_raise(person.hands, wrists, HAND_FLESH_MM),
  )


def _raise(tips, roots, height):
  reach = tips - roots
  up = jnp.maximum(reach[:, 2:], height - roots[:, 2:])
  flat = jnp.linalg.norm(reach[:, :2], axis=1, keepdims=True)
  wanted = jnp.sqrt(jnp.maximum(flat**2 + reach[:, 2:] ** 2 - up**2, 0.0))
  along = reach[:, :2] * wanted / jnp.maximum(flat, 1e-3)
  raised = roots + jnp.concatenate([along, up], axis=1)
  return jnp.where(tips[:, 2:] < height, raised, tips)


def _toe(hip, knee, ankle, left):
  shin = knee - ankle
  length = jnp.linalg.norm(shin)
  # A bent knee tells forward from behind; a straight one leaves it to the hips.
  bend = (knee - (hip + ankle) / 2) / length
  forward = _across(jnp.cross(left, _unit(shin)) + 2 * bend, shin)
  return ankle + length * (TOE_FORWARD * forward - TOE_DOWN * _unit(shin))


def _across(vector, axis):
  """The unit vector at right angles to `axis` that is nearest to `vector`."""
  axis = _unit(axis)
  return _unit(vector - jnp.dot(vector, axis) * axis)


def _unit(vector):
  return vector / jnp.maximum(jnp.linalg.norm(vector), 1e-6)
