"""Views of 3D poses that teach the lift without pictures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import geometry, skeleton
from wild3d.models import lift
from wild3d.models.pose3d import Pose3D
from wild3d.training import lift_poses


@pytest.fixture(scope='module')
def poses():
  poses = np.random.default_rng(0).normal(0, 300, (64, 16, 3)).astype(np.float32)
  return poses - poses[:, skeleton.ROOT : skeleton.ROOT + 1]


@pytest.fixture(scope='module')
def views(poses):
  return jax.vmap(lift_poses.view)(jax.random.split(jax.random.key(0), 64), poses)


def test_a_view_is_a_rigid_body_seen_in_perspective(poses, views):
  """Catches a turn that stretches, or depths of another turn than the places.

  What is seen and its depths make up a body of the same bones again, up to a scale and
  the perspective: far away, with which the closest and the farthest limbs differ by a
  fifth.
  """
  lengths = jax.vmap(geometry.bone_lengths)
  seen = np.asarray(lengths(jax.vmap(geometry.lift)(*views)))
  true = np.asarray(lengths(jnp.asarray(poses)))
  # Half of the poses are mirrored: then left bones are where right ones were.
  spreads = [np.std(np.log(seen / other), 1) for other in (true, true[:, _swapped()])]
  assert (np.min(spreads, 0) < 0.25).all()
  assert (np.max(spreads, 0) > 0.25).all()


def _swapped():
  bones = [tuple(sorted(bone)) for bone in skeleton.BONES]
  flip = skeleton.FLIP_INDEX
  return [bones.index(tuple(sorted((flip[a], flip[b])))) for a, b in bones]


def test_a_view_fills_the_box_as_a_crop_does(views):
  """Catches places in px or mm: the crop is 1.25 times the joints' extent, +-2^0.5."""
  xy = np.asarray(views[0])
  extent = (xy.max(1) - xy.min(1)).max(1)
  assert (extent < 2 / 1.25 * 2**0.5 + 1e-3).all()
  assert (extent > 2 / 1.25 / 2**0.5 - 1e-3).all()


def test_cameras_stand_on_all_sides(poses):
  """Catches a yaw that is always the same: fronts and backs come equally often."""
  keys = jax.random.split(jax.random.key(1), 2000)
  one = jnp.asarray(poses[0])
  _, depth = jax.vmap(lift_poses.view, in_axes=(0, None))(keys, one)
  nearer = np.asarray(depth[:, 0] > depth[:, 15])
  assert 0.4 < nearer.mean() < 0.6


def test_views_get_the_errors_of_the_batch(poses):
  """Catches a lift trained on true places, or on the errors of a negative."""
  model = Pose3D(stacks=1, residuals=1, features=8, stem=4, depth_head='lift')
  head = lift.Lift(16, skeleton.ROOT)
  maps = jnp.zeros((2, 16, 16, 16)).at[:, 4, 4].set(9.0)
  params = {'lift': head.init(jax.random.key(0), maps)['params']}
  found, _ = lift.places(maps, lift.SHARPNESS)
  batch = {
    'poses': jnp.asarray(poses),
    'visible': jnp.ones((2, 16), bool),
    'present': jnp.array([True, False]),
    # The first example's maps are right, the negative's are not.
    'joints2d': jnp.stack([found[0], found[1] + 0.7]),
  }
  key = jax.random.key(2)
  told, wanted = lift_poses.depths(key, model, params, maps, batch)
  to_view, _ = jax.random.split(key)
  xy, depth = jax.vmap(lift_poses.view)(jax.random.split(to_view, 64), batch['poses'])
  np.testing.assert_allclose(wanted, depth, atol=1e-6)
  spread = jnp.broadcast_to(lift.places(maps, lift.SHARPNESS)[1][:1], (64, 16))
  exact = head.apply({'params': params['lift']}, None, (xy, spread))
  np.testing.assert_allclose(told, exact, atol=1e-5)
  batch['joints2d'] += 0.1 * jnp.arange(16)[None, :, None]
  assert (
    np.abs(lift_poses.depths(key, model, params, maps, batch)[0] - told).max() > 1e-3
  )
