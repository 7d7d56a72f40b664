"""Short motions of one person, in joint angles, so that no bone changes length."""

import jax
import jax.numpy as jnp
import numpy as np

from wild3d.synthetic import kinematics, pose
from wild3d.synthetic.person import Person

FRAMES_PER_SECOND = 12.0


def sample(key: jax.Array, frames: int) -> Person:
  """Draws a short continuous motion of one person, at 12 frames a second.

  The person keeps to one activity and moves from one of its poses towards
  another; those who walk step on. The lowest point of the body does not slide on
  the floor.

  Args:
    key: a JAX random key.
    frames: length T of the motion.

  Returns:
    The person, each field with a leading axis T; mm, with the pelvis of the
    first frame above the origin and the lowest flesh of each frame on the floor.
  """
  body_key, *keys = jax.random.split(key, 1 + pose.CANDIDATES)
  body = kinematics.sample_body(body_key)
  motions = jax.vmap(lambda k: _candidate(k, body, frames))(jnp.stack(keys))
  cuts = jax.vmap(jax.vmap(pose.overlap))(motions).sum(1)
  best = jnp.argmin(cuts)
  return _plant(jax.tree.map(lambda leaf: leaf[best], motions))


def _candidate(key, body, frames):
  what, how, vary = jax.random.split(key, 3)
  recipe = pose.sample_recipe(what)
  ends = jax.random.split(how)
  vary = jax.random.uniform(vary, (5,))
  seconds = jnp.arange(frames) / FRAMES_PER_SECOND
  strides = 0.75 + 0.3 * vary[0]  # a second
  phase = 2 * np.pi * (vary[1] + strides * seconds)
  turning = vary[2] - 0.5  # radians a second
  # A whole change of pose takes 0.8 to 2.5 s, whatever the length of the motion.
  progress = 0.6 * vary[3] + seconds / (0.8 + 1.7 * vary[4])
  share = (1 - jnp.cos(np.pi * progress)) / 2

  def frame(phase, share, second):
    start, end = (pose.sample_angles(recipe, end, phase) for end in ends)
    angles = jax.tree.map(lambda a, b: (1 - share) * a + share * b, start, end)
    angles = angles._replace(heading=angles.heading + turning * second)
    return kinematics.forward(body, angles)

  return jax.vmap(frame)(phase, share, seconds)


def _plant(motion):
  """Moves the person over the floor so that the lowest point stays where it is."""
  points = jnp.concatenate([motion.joints, motion.toes, motion.hands], axis=1)
  lowest = jnp.argmin(points[..., 2] - kinematics.FLESH_MM[None], axis=1)
  steps = (points[1:] - points[:-1])[jnp.arange(len(points) - 1), lowest[:-1]]
  moved = -jnp.cumsum(steps * jnp.array([[1.0, 1.0, 0.0]]), axis=0)
  moved = jnp.concatenate([jnp.zeros((1, 3)), moved])[:, None]
  return motion.moved(moved)
