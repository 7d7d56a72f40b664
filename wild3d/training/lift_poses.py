"""Depth from motion capture without pictures: views of 3D poses for the head 'lift'.

That head sees 2D places alone, so any camera's view of any 3D pose can teach it. What it
will meet are the heatmaps' places, not the true ones: each view gets the errors, and the
spreads, that the heatmaps of one example of the batch make just then.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from wild3d import geometry, skeleton
from wild3d.models import lift

DISTANCE_MM = (2300.0, 7500.0)  # of the camera, as the drawn people's
NEAREST_MM = 600.0  # between the camera and any joint
PITCH = 12.0  # degrees, standard deviation
ROLL, ROLL_LIMIT, ROLL_SHARE = 30.0, 90.0, 0.5  # as config.augment turns pictures
SCALE, SCALE_LIMIT = 0.25, 0.5  # of log2 of the box side, as config.augment
ROOM = 1.25  # side of the box over the joints' extent


def depths(
  key: Key[Array, ''],
  model,
  params: dict,
  heatmaps: Float[Array, 'B H W J'],
  batch: dict,
) -> tuple[Float[Array, 'P J'], Float[Array, 'P J']]:
  """What the lift says of the batch's `poses`, and the truth, in crop units.

  Args:
    key: decides views and errors.
    model: Pose3D with the head 'lift'.
    params: of the whole network.
    heatmaps: raw, of the last stack.
    batch: see data/batch.py.
  """
  poses = batch['poses']
  P, B = len(poses), len(heatmaps)
  sharpness = lift.SHARPNESS * jax.lax.stop_gradient(params['lift']['scale'])
  found, spread = lift.places(heatmaps, sharpness)
  errors = jnp.where(batch['visible'][..., None], found - batch['joints2d'], 0.0)
  to_view, to_choose = jax.random.split(key)
  # Of negatives nobody knows the errors.
  share = batch['present'].astype(jnp.float32) + 1e-9
  of = jax.random.choice(to_choose, B, (P,), p=share / share.sum())
  xy, wanted = jax.vmap(view)(jax.random.split(to_view, P), poses)
  head = lift.Lift(model.joints, model.root)
  told = head.apply({'params': params['lift']}, None, (xy + errors[of], spread[of]))
  return told, wanted


def view(
  key: Key[Array, ''], pose: Float[Array, 'J 3']
) -> tuple[Float[Array, 'J 2'], Float[Array, ' J']]:
  """One camera's view of a pose, mirrored half the time.

  Args:
    key: decides the camera.
    pose: mm, camera axes (y down), minus the root.

  Returns:
    (2D joints in the crop frame, their depths as geometry.depth_target has them).
  """
  keys = jax.random.split(key, 7)
  pose = jnp.where(jax.random.bernoulli(keys[0]), _mirrored(pose), pose)
  yaw = jax.random.uniform(keys[1], (), pose.dtype, 0.0, 2 * jnp.pi)
  pitch = jnp.radians(PITCH * jax.random.normal(keys[2], (), pose.dtype))
  roll = jnp.clip(
    ROLL * jax.random.normal(keys[3], (), pose.dtype), -ROLL_LIMIT, ROLL_LIMIT
  )
  roll = jnp.where(jax.random.bernoulli(keys[6], ROLL_SHARE), jnp.radians(roll), 0.0)
  pose = pose @ (_turn(2, roll) @ _turn(0, pitch) @ _turn(1, yaw)).T
  near, far = DISTANCE_MM
  distance = near * (far / near) ** jax.random.uniform(keys[4], (), pose.dtype)
  distance = jnp.maximum(distance, NEAREST_MM - pose[:, 2].min())
  xy = pose[:, :2] / (pose[:, 2:] + distance)
  low, high = xy.min(0), xy.max(0)
  zoom = SCALE * jax.random.normal(keys[5], (), pose.dtype)
  side = ROOM * (high - low).max() * 2 ** jnp.clip(zoom, -SCALE_LIMIT, SCALE_LIMIT)
  xy = (xy - ((low + high) / 2)[None]) / (side / 2)
  return xy, geometry.depth_target(xy, pose)


def _mirrored(pose):
  return (pose * jnp.array([[-1.0, 1.0, 1.0]], pose.dtype))[
    np.array(skeleton.FLIP_INDEX)
  ]


def _turn(axis, angle):
  """Rotation matrix about x (0), y (1) or z (2)."""
  i, j = [(1, 2), (2, 0), (0, 1)][axis]
  cos, sin = jnp.cos(angle), jnp.sin(angle)
  turn = jnp.eye(3, dtype=angle.dtype).at[i, i].set(cos).at[j, j].set(cos)
  return turn.at[i, j].set(-sin).at[j, i].set(sin)
