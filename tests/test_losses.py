"""Losses against plain float64 loops, finite differences and invariants."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import losses, skeleton

FORMS = ('paper', 'released')
# Average lengths of each group's bones, and what each form multiplies a length by.
MEANS = {
  'arms': (249.772589249, 284.125346475, 284.125346475, 249.772589249),
  'legs': (452.125519758, 456.008604234, 456.008604234, 452.125519758),
  'shoulders': (180.776851782, 180.776851782),
  'hips': (134.201602044, 134.201602044),
}
RELEASED = {
  'arms': (1.1375361376887123, 1, 1, 1.1375361376887123),
  'legs': (1.0085885098415446, 1, 1, 1.0085885098415446),
  'shoulders': (1, 1),
  'hips': (1, 1),
}
GROUPS = {
  'arms': ((10, 11), (11, 12), (13, 14), (14, 15)),
  'legs': ((0, 1), (1, 2), (3, 4), (4, 5)),
  'shoulders': ((12, 8), (13, 8)),
  'hips': ((2, 6), (3, 6)),
}


def _variance(values):
  if len(values) < 2:
    return 0.0
  mean = sum(values) / len(values)
  return sum((v - mean) ** 2 for v in values) / len(values)


def _geometric(joints, visible, form, only=None):
  """Independent reference for one person."""
  total = 0.0
  for name, bones in GROUPS.items():
    if only is not None and name != only:
      continue
    ratios = []
    for i, (a, b) in enumerate(bones):
      if visible[a] and visible[b]:
        length = np.sqrt(np.sum((joints[a] - joints[b]) ** 2))
        if form == 'paper':
          ratios.append(length / (MEANS[name][i] / 456.008604234))
        else:
          ratios.append(length * RELEASED[name][i])
    total += _variance(ratios)
  return total


def _temporal(joints, visible):
  total = 0.0
  for a, b in skeleton.BONES:
    seen = [t for t in range(len(joints)) if visible[t, a] and visible[t, b]]
    total += _variance([np.linalg.norm(joints[t, a] - joints[t, b]) for t in seen])
  return total


def _sample(shape, seed=0):
  rng = np.random.default_rng(seed)
  joints = rng.normal(size=(*shape, 16, 3)) * 0.4
  return joints, rng.uniform(size=(*shape, 16)) < 0.8


def _f32(array):
  return jnp.asarray(array, jnp.float32)


@pytest.mark.parametrize('form', FORMS)
def test_geometric_loss_is_the_plain_loop(form):
  # Catches a wrong reference length, a bone of another group, padding counted
  # in |R_i|, and an unlabelled joint's bone counted.
  joints, visible = _sample((8,))
  visible[0] = True
  loss = losses.geometric_loss(_f32(joints), jnp.asarray(visible), form)
  expected = [_geometric(j, v, form) for j, v in zip(joints, visible, strict=True)]
  np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize('form', FORMS)
def test_geometric_gradient_by_finite_differences(form):
  # Catches a hand-made gradient's wrong direction, and any leak into the labels.
  joints, visible = _sample((3,), seed=1)
  gradient = jax.grad(
    lambda x: losses.geometric_loss(x, jnp.asarray(visible), form).sum()
  )(_f32(joints))
  np.testing.assert_array_equal(gradient[..., :2], 0)
  assert np.abs(gradient[..., 2]).max() > 0.01
  step = 1e-6
  for b, j in np.ndindex(3, 16):
    up, down = joints[b].copy(), joints[b].copy()
    up[j, 2] += step
    down[j, 2] -= step
    slope = _geometric(up, visible[b], form) - _geometric(down, visible[b], form)
    np.testing.assert_allclose(gradient[b, j, 2], slope / (2 * step), atol=1e-5)


def test_temporal_loss_is_the_plain_loop():
  # Catches a mean over people in place of frames, and frames counted unseen.
  joints, visible = _sample((4, 5), seed=2)
  visible[0] = True
  loss = losses.temporal_bone_loss(_f32(joints), jnp.asarray(visible))
  expected = [_temporal(j, v) for j, v in zip(joints, visible, strict=True)]
  np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_temporal_gradient_by_finite_differences():
  joints, visible = _sample((1, 4), seed=3)
  gradient = jax.grad(
    lambda x: losses.temporal_bone_loss(x, jnp.asarray(visible)).sum()
  )(_f32(joints))
  np.testing.assert_array_equal(gradient[..., :2], 0)
  step = 1e-6
  for t, j in np.ndindex(4, 16):
    up, down = joints[0].copy(), joints[0].copy()
    up[t, j, 2] += step
    down[t, j, 2] -= step
    slope = _temporal(up, visible[0]) - _temporal(down, visible[0])
    np.testing.assert_allclose(gradient[0, t, j, 2], slope / (2 * step), atol=1e-5)


def _symmetry(joints, visible):
  """Plain loops, float64."""
  found = []
  for right, left in skeleton.SYMMETRIC_BONES.values():
    if visible[list(right + left)].all():
      a, b = (np.linalg.norm(joints[i] - joints[j]) for i, j in (right, left))
      found.append(((a - b) / ((a + b) / 2 + 0.05)) ** 2)
  return np.mean(found) if found else 0.0


def test_symmetry_loss_and_its_gradient():
  # Catches limbs paired wrongly, unseen ones counted, and 2D joints that are pulled.
  joints, visible = _sample((3,), seed=9)
  visible[0], visible[1] = True, False
  loss, gradient = jax.value_and_grad(
    lambda x: losses.symmetry_loss(x, jnp.asarray(visible)).sum()
  )(_f32(joints))
  wanted = [_symmetry(j, v) for j, v in zip(joints, visible, strict=True)]
  np.testing.assert_allclose(loss, sum(wanted), rtol=1e-5)
  assert wanted[1] == 0 < wanted[0]
  np.testing.assert_array_equal(gradient[..., :2], 0)
  step = 1e-6
  for j in range(16):
    up, down = joints[0].copy(), joints[0].copy()
    up[j, 2] += step
    down[j, 2] -= step
    slope = (_symmetry(up, visible[0]) - _symmetry(down, visible[0])) / (2 * step)
    np.testing.assert_allclose(gradient[0, j, 2], slope, atol=1e-4)


def test_mirrored_limbs_have_no_symmetry_loss():
  joints = np.random.default_rng(1).normal(size=(16, 3))
  joints = joints + (joints * [-1, 1, 1])[skeleton.FLIP_INDEX]
  loss = losses.symmetry_loss(_f32([joints]), jnp.ones((1, 16), bool))
  np.testing.assert_allclose(loss, 0, atol=1e-10)


@pytest.mark.parametrize('form', FORMS)
def test_gradients_are_finite_at_coincident_joints(form):
  # The square root's slope at 0 is infinite: one such person would end training.
  zeros, visible = jnp.zeros((2, 16, 3)), jnp.ones((2, 16), bool)
  loss, gradient = jax.value_and_grad(
    lambda x: losses.geometric_loss(x, visible, form).sum()
  )(zeros)
  assert loss == 0
  np.testing.assert_array_equal(gradient, 0)
  one = zeros.at[0, 2].set(jnp.asarray([0.3, 0.1, 0.2]))
  gradient = jax.grad(lambda x: losses.geometric_loss(x, visible, form).sum())(one)
  assert np.isfinite(gradient).all()
  gradient = jax.grad(
    lambda x: losses.temporal_bone_loss(x[None], visible[None]).sum()
  )(one)
  assert np.isfinite(gradient).all()


def test_wild_values_at_invisible_joints_change_nothing():
  # Unlabelled joints sit at (0, 0) or worse: neither value nor gradient may feel.
  joints, visible = _sample((4,), seed=5)
  visible = jnp.asarray(visible)
  wild = jnp.where(visible[..., None], _f32(joints), 77.0)

  def value_and_slope(x):
    return jax.value_and_grad(lambda x: losses.geometric_loss(x, visible).sum())(x)

  value, slope = value_and_slope(_f32(joints))
  wild_value, wild_slope = value_and_slope(wild)
  np.testing.assert_allclose(value, wild_value, rtol=1e-6)
  np.testing.assert_allclose(slope, wild_slope, rtol=1e-5, atol=1e-6)
  np.testing.assert_array_equal(np.asarray(slope)[~np.asarray(visible)], 0)


@pytest.mark.parametrize('form', FORMS)
def test_groups_with_fewer_than_two_visible_bones_add_nothing(form):
  # A lone bone has no variance: first two bones of an arm and one hip, then one each.
  joints, _ = _sample((1,), seed=6)
  visible = np.zeros((1, 16), bool)
  visible[0, [10, 11, 2, 6, 12]] = True
  loss = losses.geometric_loss(_f32(joints), jnp.asarray(visible), form)
  assert loss[0] > 0  # forearm and upper arm: two bones of the arms
  np.testing.assert_allclose(
    loss[0], _geometric(joints[0], visible[0], form, only='arms'), rtol=1e-5
  )
  visible[0, 12] = False
  loss = losses.geometric_loss(_f32(joints), jnp.asarray(visible), form)
  assert loss[0] == 0


def test_padding_bones_change_nothing(monkeypatch):
  # More padding, of wild bones, must change neither value nor gradient.
  joints, visible = _sample((3,), seed=7)
  joints, visible = _f32(joints), jnp.asarray(visible)

  def value_and_slope():
    return jax.value_and_grad(lambda x: losses.geometric_loss(x, visible).sum())(joints)

  before = value_and_slope()
  pad = ((0, 0), (0, 3))
  bones = np.pad(losses.GROUP_BONES, (*pad, (0, 0)))
  bones[:, -3:] = (0, 9)
  monkeypatch.setattr(losses, 'GROUP_BONES', bones)
  monkeypatch.setattr(losses, 'GROUP_MASK', np.pad(losses.GROUP_MASK, pad))
  mean = np.pad(losses.GROUP_MEAN, pad, constant_values=0.5)
  monkeypatch.setattr(losses, 'GROUP_MEAN', mean)
  after = value_and_slope()
  np.testing.assert_allclose(before[0], after[0], rtol=1e-6)
  np.testing.assert_allclose(before[1], after[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('form', FORMS)
def test_flip_mirror_and_order_of_people(form):
  # Catches a group whose left and right have different reference lengths.
  joints, visible = _sample((4,), seed=8)
  joints, visible = _f32(joints), jnp.asarray(visible)
  loss = losses.geometric_loss(joints, visible, form)
  flip = skeleton.FLIP_INDEX
  mirrored = joints[:, flip] * jnp.asarray([-1.0, 1.0, 1.0])[None, None]
  flipped = losses.geometric_loss(mirrored, visible[:, flip], form)
  np.testing.assert_allclose(flipped, loss, rtol=1e-5)
  order = np.array([2, 0, 3, 1])
  shuffled = losses.geometric_loss(joints[order], visible[order], form)
  np.testing.assert_allclose(shuffled, loss[order], rtol=1e-6)
  bigger = losses.geometric_loss(joints * 2, visible, form)
  np.testing.assert_allclose(bigger, loss * 4, rtol=1e-5)


def test_forms_differ_by_one_factor_per_group():
  # The paper's form counts arms 2.58, shoulders 6.36 and hips 11.5 times more.
  joints, _ = _sample((1,), seed=9)
  factors = {'arms': 2.58, 'legs': 1.0, 'shoulders': 6.36, 'hips': 11.5}
  for name, factor in factors.items():
    visible = np.zeros((1, 16), bool)
    visible[0, np.unique(GROUPS[name])] = True
    if name == 'arms':  # the neck hidden, so that no shoulder bone counts
      visible[0, 8] = False
    paper, released = (
      losses.geometric_loss(_f32(joints), jnp.asarray(visible), form)[0]
      for form in FORMS
    )
    np.testing.assert_allclose(paper / released, factor, rtol=5e-3)


def test_the_average_skeleton_has_no_loss_in_either_form():
  # A straight body with the average lengths: any residual is a wrong constant.
  joints = np.zeros((16, 3))
  side = {'hips': 134.201602044, 'shoulders': 180.776851782}
  joints[2], joints[3] = (side['hips'], 0, 0), (-side['hips'], 0, 0)
  joints[1] = joints[2] + [0, 456.008604234, 0]
  joints[4] = joints[3] + [0, 0, 456.008604234]
  joints[0] = joints[1] + [452.125519758, 0, 0]
  joints[5] = joints[4] + [0, 452.125519758, 0]
  joints[12], joints[13] = (side['shoulders'], 0, 0), (0, 0, side['shoulders'])
  joints[11] = joints[12] + [0, 0, 284.125346475]
  joints[14] = joints[13] + [0, 284.125346475, 0]
  joints[10] = joints[11] + [0, 249.772589249, 0]
  joints[15] = joints[14] + [249.772589249, 0, 0]
  for form in FORMS:
    loss = losses.geometric_loss(
      _f32(joints[None] / 1000), jnp.ones((1, 16), bool), form
    )
    assert 0 <= loss[0] < 1e-12


def test_rigid_motion_has_no_temporal_loss():
  # Catches lengths compared between people or bones instead of frames.
  rng = np.random.default_rng(0)
  pose = rng.normal(size=(16, 3))
  frames = []
  for _ in range(4):
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    frames.append(pose @ q + rng.normal(size=3))
  loss = losses.temporal_bone_loss(_f32([frames]), jnp.ones((1, 4, 16), bool))
  assert loss[0] < 1e-10
  still = losses.temporal_bone_loss(_f32([frames[:1]]), jnp.ones((1, 1, 16), bool))
  assert still[0] == 0


def test_unknown_form_is_refused():
  with pytest.raises(ValueError, match="unknown form 'papre'"):
    losses.geometric_loss(jnp.zeros((1, 16, 3)), jnp.ones((1, 16), bool), 'papre')


def test_heatmap_loss_scale_and_masks():
  # Catches a loss averaged over stacks, and a scale that moves with the mask.
  rng = np.random.default_rng(0)
  maps, targets = rng.normal(size=(3, 2, 8, 8, 16)), rng.normal(size=(3, 8, 8, 16))
  visible = rng.uniform(size=(3, 16)) < 0.6
  visible[0] = True
  released, masked = np.zeros(3), np.zeros(3)
  for b, s, j in np.ndindex(3, 2, 16):
    square = np.sum((maps[b, s, :, :, j] - targets[b, :, :, j]) ** 2)
    released[b] += square / (8 * 8 * 16)
    masked[b] += visible[b, j] * square / (8 * 8 * 16)
  arguments = _f32(maps), _f32(targets), jnp.asarray(visible)
  np.testing.assert_allclose(losses.heatmap_loss(*arguments), masked, rtol=1e-5)
  every = losses.heatmap_loss(*arguments, mask_unlabelled=False)
  np.testing.assert_allclose(every, released, rtol=1e-5)
  np.testing.assert_allclose(masked[0], released[0])  # all labelled: no difference


def test_masked_joints_have_no_gradient():
  # An unlabelled joint, trained towards zero, would unlearn what others teach.
  visible = jnp.ones((1, 16), bool).at[0, 3].set(False)
  targets = jnp.zeros((1, 4, 4, 16))
  gradient = jax.grad(lambda m: losses.heatmap_loss(m, targets, visible).sum())(
    jnp.ones((1, 2, 4, 4, 16))
  )
  np.testing.assert_array_equal(gradient[..., 3], 0)
  others = np.delete(np.asarray(gradient), 3, axis=-1)
  np.testing.assert_allclose(others, 2 / (4 * 4 * 16), rtol=1e-6)


def test_depth_loss_is_the_mean_over_joints():
  depth = jnp.zeros((2, 16)).at[1, 0].set(2.0)
  loss = losses.depth_loss(depth, jnp.zeros((2, 16)))
  np.testing.assert_allclose(loss, [0, 0.25])


def test_cross_entropy_against_float64():
  """Catches a softmax over joints instead of places, or invisible joints that count."""
  rng = np.random.default_rng(3)
  maps, visible = rng.normal(0, 3, (2, 2, 4, 4, 3)), rng.random((2, 3)) < 0.6
  targets = rng.random((2, 4, 4, 3))
  expected = np.zeros(2)
  for b in range(2):
    for s in range(2):
      for j in range(3):
        if visible[b, j]:
          flat, target = maps[b, s, :, :, j].ravel(), targets[b, :, :, j].ravel()
          logs = flat - np.log(np.exp(flat).sum())
          expected[b] -= (target / target.sum() * logs).sum() / 3
  got = losses.heatmap_cross_entropy(
    jnp.asarray(maps, jnp.float32),
    jnp.asarray(targets, jnp.float32),
    jnp.asarray(visible),
  )
  np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_cross_entropy_of_an_empty_target_is_zero():
  """Catches a division by the sum of a map that holds nothing."""
  maps = jnp.ones((1, 1, 4, 4, 2))
  visible = jnp.ones((1, 2), bool)
  empty = jnp.zeros((1, 4, 4, 2))
  value, gradient = jax.value_and_grad(
    lambda m: losses.heatmap_cross_entropy(m, empty, visible).sum()
  )(maps)
  assert float(value) == 0
  assert np.all(np.asarray(gradient) == 0)
