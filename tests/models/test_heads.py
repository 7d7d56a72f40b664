"""Depth heads beside the paper's and the lift, against NumPy and by what they promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import skeleton
from wild3d.models import bones, initial, integral
from wild3d.models.pose3d import Pose3D

SIZE = 8


def test_integral_against_numpy():
  """Catches a softmax over depths alone, bins in another order, joints exchanged."""
  rng = np.random.default_rng(0)
  features, maps = (
    jnp.asarray(rng.normal(size=(2, SIZE, SIZE, c)), jnp.float32) for c in (6, 3)
  )
  model = integral.Integral(3)
  variables = model.init(jax.random.key(0), features, maps)
  kernel, bias = (
    np.float64(variables['params']['volume'][n]) for n in ('kernel', 'bias')
  )
  kernel = kernel * 20  # so that depths differ
  variables['params']['volume']['kernel'] = jnp.asarray(kernel, jnp.float32)
  got = model.apply(variables, features, maps)
  for b, j in np.ndindex(2, 3):
    m = np.float64(maps[b, ..., j])
    m = 2.0 * (m - m.mean()) / (m.std() + 1e-6)
    weights, depths = [], []
    for y, x, d in np.ndindex(SIZE, SIZE, integral.BINS):
      column = j * integral.BINS + d
      logit = np.float64(features[b, y, x]) @ kernel[:, column] + bias[column]
      weights.append(np.exp(logit + m[y, x]))
      depths.append(-2.0 + 4.0 * (d + 0.5) / integral.BINS)
    want = np.dot(weights, depths) / np.sum(weights)
    assert got[b, j] == pytest.approx(want, abs=1e-4)
    assert abs(want) > 1e-3


def test_bones_stay_within_the_reach_of_a_body():
  """Catches a joint hung on the wrong neighbour, or a pelvis that moves."""
  ways = bones.paths()
  mm = skeleton.MEAN_BONE_MM
  leg = mm['pelvis-hip'] + mm['hip-knee'] + mm['knee-ankle']
  arm = sum(
    mm[name]
    for name in ('pelvis-torso', 'torso-neck', 'torso-shoulder', 'shoulder-elbow')
  )
  reach = ways.sum(1) * bones.UNIT_MM / bones.LONGER
  assert reach[skeleton.PELVIS] == 0
  assert reach[[skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE]] == pytest.approx([leg] * 2)
  assert reach[skeleton.LEFT_WRIST] == pytest.approx(arm + mm['elbow-wrist'])
  # Left and right are each other's mirror image.
  np.testing.assert_array_equal(ways[skeleton.FLIP_INDEX][:, skeleton.FLIP_INDEX], ways)
  # Each joint's way is its neighbour's and its own bone.
  near = {frozenset(bone) for bone in skeleton.BONES} | {
    frozenset((6, 7)),
    frozenset((7, 8)),
  }
  for joint in range(16):
    way = np.flatnonzero(ways[joint])
    rest = set(way.tolist()) - {joint}
    if len(way) > 1:
      before = max(rest, key=lambda k: np.count_nonzero(ways[k]))
      assert frozenset((joint, before)) in near
      assert set(np.flatnonzero(ways[before]).tolist()) == rest


@pytest.mark.parametrize('head', ['integral', 'bones'])
def test_no_depth_gradient_in_the_heatmaps(head):
  """Catches depth of the lab that bends the 2D of the wild; a head that learns nothing."""
  model = Pose3D(
    stacks=1, residuals=1, features=8, stem=4, depth_residuals=1, depth_head=head
  )
  variables = initial.variables(model, jax.random.key(0), 64)
  images = jnp.asarray(np.random.default_rng(0).random((2, 64, 64, 3), np.float32))

  @jax.jit
  def gradient(params):
    def loss(params):
      seen = model.apply({**variables, 'params': params}, images)
      return jnp.sum(seen.depth**2)

    return jax.grad(loss)(params)

  found = gradient(variables['params'])
  moved = lambda tree: any(np.any(x) for x in jax.tree.leaves(tree))  # noqa: E731
  assert moved(found[head])
  assert moved(found['stem']) == (head == 'integral')  # its features, not its maps
  depth = model.apply(variables, images).depth
  assert depth.shape == (2, 16)
  if head == 'bones':
    assert not np.any(depth[:, skeleton.ROOT])
