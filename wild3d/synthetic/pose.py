"""The pose prior: what people do with their legs, trunk and arms.

A pose is an activity of legs and trunk, a gesture for each arm, and noise, all in
joint angles and within anatomical limits. The tables below are distilled
statistics (typical angles, spreads and shares, tuned so that recorded poses are
well covered) of the CMU and HDM05 motion capture databases; no pose is copied.
Part of the data came from mocap.cs.cmu.edu, created with funding from
NSF EIA-0196217.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from wild3d import skeleton
from wild3d.synthetic import kinematics
from wild3d.synthetic.person import Person

# Degrees. share | trunk: pitch and its spread, roll and its spread | first leg:
# forward (from the vertical, not from the trunk), sideways, outward, knee | second
# leg: the same | spreads of the four | arms' own raise forward (0: free).
_ACTIVITIES = {
  'stand': (30, 3, 6, 0, 3, 6, 4, 8, 14, 8, 4, 8, 14, 7, 4, 10, 10, 0),
  'stand at ease': (17, 4, 8, 0, 6, 4, 8, 10, 10, 14, 13, 15, 24, 10, 8, 14, 14, 0),
  'stand wide': (5, 8, 12, 0, 9, 10, 26, 15, 20, 12, 24, 15, 22, 14, 10, 14, 18, 0),
  'walk': (20, 4, 5, 0, 3, 0, 2, 6, 0, 0, 2, 6, 0, 3, 3, 6, 4, 0),
  'run': (5, 12, 7, 0, 4, 0, 2, 4, 0, 0, 2, 4, 0, 5, 3, 6, 6, 0),
  'sit on a chair': (12, 2, 14, 0, 6, 84, 8, 4, 84, 84, 8, 4, 84, 10, 9, 14, 22, 0),
  'sit cross-legged': (0.8, 5, 14, 0, 6, 72, 38, 55, 128, 72, 38, 55, 128, 9, 8, 9, 10, 0),
  'sit, legs out': (0.5, -8, 16, 0, 6, 84, 10, 8, 16, 86, 10, 8, 26, 8, 9, 12, 20, 0),
  'sit, knees up': (0.7, 0, 18, 0, 8, 128, 10, 6, 110, 120, 14, 10, 105, 14, 12, 14, 20, 0),
  'squat': (2.5, 30, 18, 0, 7, 105, 16, 10, 125, 98, 16, 10, 122, 15, 12, 14, 16, 0),
  'crouch': (2.5, 30, 18, 0, 8, 52, 12, 8, 72, 46, 12, 8, 72, 16, 10, 12, 22, 0),
  'kneel on one knee': (1.5, 12, 14, 0, 7, 84, 8, 4, 88, -4, 6, 2, 98, 12, 8, 10, 14, 0),
  'kneel': (1.2, 6, 16, 0, 6, 6, 8, 4, 95, 6, 8, 4, 95, 14, 8, 8, 12, 0),
  'sit on heels': (0.5, 10, 16, 0, 6, 72, 10, 6, 150, 72, 10, 6, 150, 9, 8, 8, 6, 0),
  'lunge': (2, 14, 16, 0, 9, 62, 8, 5, 68, -22, 8, 10, 28, 16, 9, 12, 20, 0),
  'bend': (3, 72, 24, 0, 9, 2, 6, 6, 20, 4, 8, 6, 26, 12, 8, 12, 18, 0),
  'step up': (3, 8, 14, 0, 8, 72, 8, 4, 84, 4, 4, 4, 14, 22, 10, 12, 22, 0),
  'kick': (1.5, -6, 18, 0, 12, 72, 18, 6, 28, 2, 6, 8, 16, 28, 18, 14, 22, 0),
  'all fours': (0.8, 76, 5, 0, 3, 4, 6, 4, 90, 6, 6, 4, 88, 7, 6, 8, 6, 80),
  'sports': (2, 24, 36, 0, 20, 36, 20, 8, 66, 14, 16, 8, 52, 44, 18, 20, 42, 0),
  'lie on the back': (0.6, -86, 6, 0, 5, 96, 8, 8, 24, 100, 8, 8, 34, 14, 9, 12, 26, 0),
  'lie on the front': (0.3, 87, 6, 0, 5, -84, 10, 8, 18, -84, 10, 8, 22, 7, 8, 12, 20, 0),
  'lie on the side': (0.3, 0, 10, 86, 7, 30, 4, 4, 40, 22, 6, 4, 40, 24, 8, 10, 26, 0),
  'stand on the hands': (0.3, 176, 14, 0, 8, -172, 12, 6, 22, -168, 12, 6, 30, 18, 14, 12, 26, 168),
}  # fmt: skip

# Degrees. share | raise forward, raise sideways, turn inward, elbow | their spreads
# | how much the arm keeps hanging down when the trunk pitches.
_GESTURES = {
  'hang': (32, -9, 8, 8, 25, 11, 5, 18, 12, 0.9),
  'hang, bent': (19, -10, 13, 14, 52, 20, 12, 24, 24, 0.7),
  'before the body': (13, 28, 8, 24, 80, 20, 12, 26, 26, 0.3),
  'reach forward': (6, 82, 6, 6, 22, 22, 18, 30, 20, 0.1),
  'reach up': (4, 152, 8, 0, 24, 20, 16, 30, 22, 0.0),
  'overhead, bent': (2.5, 122, 22, 0, 80, 26, 24, 34, 34, 0.0),
  'reach sideways': (4.5, 8, 82, 4, 26, 26, 22, 45, 24, 0.0),
  'ready to throw': (2.5, 15, 78, -55, 92, 34, 20, 26, 30, 0.0),
  'on the hip': (4, -25, 42, 62, 98, 10, 7, 12, 14, 0.0),
  'crossed': (4, 32, 0, 62, 104, 8, 7, 10, 12, 0.0),
  'at the face': (5, 45, 16, 26, 130, 16, 13, 18, 12, 0.0),
  'behind': (3, -34, 16, 34, 36, 14, 12, 26, 28, 0.2),
  'down': (3, 22, 6, 10, 24, 24, 14, 24, 22, 1.0),
  'free': (5, 50, 38, 8, 62, 55, 34, 42, 42, 0.1),
}
_WALK, _RUN = (list(_ACTIVITIES).index(name) for name in ('walk', 'run'))

# Degrees, walking and running: thigh's middle and swing, knee's least bend, bend
# in the swing phase, arms' middle and swing, elbow.
_GAIT = np.array([(9, 21, 7, 52, 0, 20, 24), (20, 38, 18, 85, -8, 34, 88)], np.float32)

_ACTIVITY_TABLE = np.array(list(_ACTIVITIES.values()), np.float32)
_GESTURE_TABLE = np.array(list(_GESTURES.values()), np.float32)

CANDIDATES = 4  # drawn for each person; the one that cuts least into itself is kept


def _room():
  """Bones [M, 2], and the room in mm [M, 22] that points must leave round them.

  Points: 16 joints, 2 hands, 2 forearms, 2 palms; 0 where nothing is asked.
  """
  arms = {'right': (10, 16, 18, 20), 'left': (15, 17, 19, 21)}
  both = arms['right'] + arms['left']
  room = {
    (skeleton.PELVIS, skeleton.UPPER_NECK): (
      (both, 135),
      ((skeleton.RIGHT_ELBOW, skeleton.LEFT_ELBOW), 120),
      ((skeleton.RIGHT_KNEE, skeleton.LEFT_KNEE), 150),
    ),
    (skeleton.UPPER_NECK, skeleton.HEAD_TOP): ((both, 120),),
    (skeleton.RIGHT_HIP, skeleton.RIGHT_KNEE): (
      ((*both, skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE), 95),
    ),
    (skeleton.LEFT_HIP, skeleton.LEFT_KNEE): (
      ((*both, skeleton.RIGHT_KNEE, skeleton.RIGHT_ANKLE), 95),
    ),
    (skeleton.RIGHT_KNEE, skeleton.RIGHT_ANKLE): (((*both, skeleton.LEFT_ANKLE), 80),),
    (skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE): (((*both, skeleton.RIGHT_ANKLE), 80),),
    (skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST): ((arms['left'], 60),),
  }
  table = np.zeros((len(room), 22), np.float32)
  for row, entries in enumerate(room.values()):
    for points, distance in entries:
      table[row, list(points)] = distance
  return np.array(list(room)), table


_BONES_CUT, _ROOM_MM = _room()


class Recipe(NamedTuple):
  """What stays the same while one person moves: what they do, and which way."""

  activity: Float[Array, '18']
  gait: Float[Array, '7']
  walks: Float[Array, '']
  mirrored: Float[Array, '']
  heading: Float[Array, '']


def sample(key: jax.Array) -> Person:
  """Draws one person in one pose: random proportions, activity and heading.

  Args:
    key: a JAX random key.

  Returns:
    The person, mm, pelvis above the origin, the lowest flesh on the floor.
  """
  body_key, *keys = jax.random.split(key, 1 + CANDIDATES)
  body = kinematics.sample_body(body_key)

  def candidate(key):
    what, how, when = jax.random.split(key, 3)
    phase = 2 * np.pi * jax.random.uniform(when)
    return kinematics.forward(body, sample_angles(sample_recipe(what), how, phase))

  people = jax.vmap(candidate)(jnp.stack(keys))
  best = jnp.argmin(jax.vmap(overlap)(people))
  return jax.tree.map(lambda leaf: leaf[best], people)


def sample_recipe(key: jax.Array) -> Recipe:
  """Draws an activity of legs and trunk, a heading, and which leg is the first."""
  which, mirror, heading = jax.random.uniform(key, (3,))
  row = _choose(_ACTIVITY_TABLE, which)
  return Recipe(
    activity=jnp.asarray(_ACTIVITY_TABLE)[row],
    gait=jnp.asarray(_GAIT)[(row == _RUN).astype(int)],
    walks=((row == _WALK) | (row == _RUN)).astype(jnp.float32),
    mirrored=(mirror < 0.5).astype(jnp.float32),
    heading=2 * np.pi * (heading - 0.5),
  )


def sample_angles(
  recipe: Recipe, key: jax.Array, phase: Float[Array, '']
) -> kinematics.Angles:
  """Draws joint angles for an activity.

  Args:
    recipe: the activity.
    key: a JAX random key: the variation within the activity, and the gestures.
    phase: of the step, radians; 0 as the first leg's heel touches the floor. The
      result is continuous in it, and does not depend on it unless one walks.

  Returns:
    Joint angles within their limits.
  """
  keys = jax.random.split(key)
  noise = kinematics.normal(keys[0], 37)
  tilt, spine, gaze = noise[:9].reshape(3, 3)
  vary_legs, vary_arms, vary_steps = noise[9:33].reshape(3, 2, 4)
  bends = noise[33:].reshape(2, 2)
  choices = jax.random.uniform(keys[1], (4,))

  row = jnp.radians(recipe.activity)
  pitch, roll = row[1] + row[2] * tilt[0], row[3] + row[4] * tilt[1]
  turn = jnp.radians(6.0) * tilt[2]

  legs = row[5:13].reshape(2, 4) + row[None, 13:17] * vary_legs
  steps = phase + jnp.array([0.0, np.pi])
  legs = legs + recipe.walks * _leg_steps(recipe.gait, steps)
  # The table's thighs are measured from the vertical, the joint from the trunk.
  legs = legs.at[:, 0].add(pitch)

  arms = _gestures(choices[:3], vary_arms, pitch, row[17])
  swings = recipe.walks * (choices[3] < 0.75)
  own = _arm_steps(recipe.gait, steps) + jnp.radians(8.0) * vary_steps
  arms = swings * own + (1 - swings) * arms
  bends = jnp.radians(jnp.array([[18.0, 10.0]])) * bends
  bends = bends.at[:, 0].add(jnp.where(row[17] > 0, 1.4, 0.0))  # palms on the floor

  spine = jnp.radians(jnp.array([4.0, 0.0, 0.0]) + jnp.array([11.0, 6.0, 9.0]) * spine)
  # Heads stay upright for a while when the trunk leans.
  gaze = jnp.radians(jnp.array([6.0, 0.0, 0.0]) + jnp.array([15.0, 8.0, 26.0]) * gaze)
  head = gaze.at[0].add(-0.35 * jnp.clip(pitch, -1.0, 1.4))
  angles = kinematics.Angles(
    heading=recipe.heading,
    pelvis=jnp.stack([pitch, roll, turn]),
    spine=spine,
    head=head,
    arms=jnp.concatenate([arms, bends], axis=1),
    legs=jnp.pad(legs, ((0, 0), (0, 1))),
  )
  angles = kinematics.limit(_mirror(angles, recipe.mirrored))
  return kinematics.limit(kinematics.level_feet(angles))


def overlap(person: Person) -> Float[Array, '']:
  """How far limbs cut into trunk, head and each other: mm, summed; 0 is clean."""
  joints = person.joints
  wrists = joints[jnp.array([skeleton.RIGHT_WRIST, skeleton.LEFT_WRIST])]
  elbows = joints[jnp.array([skeleton.RIGHT_ELBOW, skeleton.LEFT_ELBOW])]
  points = jnp.concatenate(
    [joints, person.hands, (wrists + elbows) / 2, (wrists + person.hands) / 2]
  )
  start, end = joints[_BONES_CUT[:, 0]], joints[_BONES_CUT[:, 1]]
  bone, apart = end - start, points[None] - start[:, None]
  along = (apart * bone[:, None]).sum(-1) / (bone * bone).sum(-1)[:, None]
  apart = apart - jnp.clip(along, 0, 1)[..., None] * bone[:, None]
  return jnp.maximum(_ROOM_MM - jnp.linalg.norm(apart, axis=-1), 0).sum()


def _gestures(choices, noise, pitch, own_raise):
  """Gestures [2, 4] of two arms, of one kind in six of ten people."""
  right = _choose(_GESTURE_TABLE, choices[0])
  left = jnp.where(choices[1] < 0.6, right, _choose(_GESTURE_TABLE, choices[2]))
  rows = jnp.asarray(_GESTURE_TABLE)[jnp.stack([right, left])]
  arms = jnp.radians(rows[:, 1:5] + rows[:, 5:9] * noise)
  arms = arms.at[:, 0].add(rows[:, 9] * jnp.clip(pitch, 0.0, 1.9))
  # Arms that carry the body have no choice.
  carry = jnp.stack([own_raise, jnp.float32(0.12), jnp.float32(0.1), jnp.float32(0.2)])
  return jnp.where(own_raise > 0, carry[None] + 0.12 * noise, arms)


def _leg_steps(gait, phase):
  """Forward, sideways, outward and knee angles [2, 4] of two legs that walk."""
  gait = jnp.radians(gait)
  thigh = gait[0] + gait[1] * jnp.cos(phase)
  # The knee gives a little under load, and bends much as the leg swings forward.
  knee = gait[2] + gait[3] * _bump(phase, 1.45 * np.pi, 1.9)
  knee = knee + 0.17 * _bump(phase, 0.3 * np.pi, 4.0)
  return jnp.stack([thigh, 0 * thigh, 0 * thigh, knee], axis=1)


def _arm_steps(gait, phase):
  """Forward, sideways, inward and elbow angles [2, 4]: each arm against its leg."""
  gait = jnp.radians(gait)
  swing = -jnp.cos(phase)
  elbow = gait[6] + 0.5 * gait[5] * swing
  return jnp.stack(
    [gait[4] + gait[5] * swing, 0 * swing + 0.16, 0.25 * swing + 0.2, elbow], axis=1
  )


def _bump(phase, centre, sharpness):
  return jnp.exp(sharpness * (jnp.cos(phase - centre) - 1))


def _mirror(angles, mirrored):
  """Swaps left and right where `mirrored` is 1."""
  sign = 1 - 2 * mirrored

  def swap(limb):
    return mirrored * limb[::-1] + (1 - mirrored) * limb

  lateral = jnp.stack([jnp.ones_like(sign), sign, sign])
  return angles._replace(
    pelvis=angles.pelvis * lateral, arms=swap(angles.arms), legs=swap(angles.legs)
  )


def _choose(table, uniform):
  """The row that a number in [0, 1) falls on, by the shares in the first column."""
  bounds = np.cumsum(table[:, 0] / table[:, 0].sum())[:-1]
  return (uniform >= bounds.astype(np.float32)).sum()
