"""One person's geometry against float64 NumPy, closed forms and invariants."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fakes import scored
from references import geometry as reference
from scipy.spatial.transform import Rotation

from wild3d import geometry, skeleton


def _rng(seed=0):
  return np.random.default_rng(seed)


def _f32(array):
  return jnp.asarray(array, jnp.float32)


def _lengths(joints, bones=skeleton.BONES):
  """Independent reference, float64 loops."""
  joints = np.asarray(joints, np.float64)
  return np.array([np.sqrt(sum((joints[a] - joints[b]) ** 2)) for a, b in bones])


def _rotation(rng):
  q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
  return q * np.sign(np.linalg.det(q))


def test_bone_lengths_and_finite_gradient_at_coincident_joints():
  # Catches the NaN gradient of a square root at 0, and a wrong end of a bone.
  joints = _rng().normal(size=(16, 3))
  np.testing.assert_allclose(
    geometry.bone_lengths(_f32(joints)), _lengths(joints), rtol=1e-6
  )
  for value in (0.0, 1e-25):  # the second's square is below float32's range
    joints = jnp.zeros((16, 3)).at[0].set(value)
    gradient = jax.grad(lambda x: geometry.bone_lengths(x).sum())(joints)
    np.testing.assert_array_equal(gradient, 0)


def test_gradient_of_lengths_by_finite_differences():
  joints, step = _rng().normal(size=(16, 3)), 1e-5
  gradient = jax.grad(lambda x: (geometry.bone_lengths(x) ** 3).sum())(_f32(joints))
  for j, d in np.ndindex(16, 3):
    up, down = joints.copy(), joints.copy()
    up[j, d] += step
    down[j, d] -= step
    slope = (np.sum(_lengths(up) ** 3) - np.sum(_lengths(down) ** 3)) / (2 * step)
    np.testing.assert_allclose(gradient[j, d], slope, rtol=1e-4, atol=1e-4)


def test_bones_visible_needs_both_ends():
  # Catches `any` for `all`, which measures bones to unlabelled joints at (0, 0).
  visible = jnp.ones(16, bool).at[6].set(False)
  expected = [6 not in bone for bone in skeleton.BONES]
  np.testing.assert_array_equal(geometry.bones_visible(visible), expected)


@pytest.mark.parametrize('size', [64, 256])
def test_crop_frame_and_pixels(size):
  # Catches a half-pixel shift: the crop's edges are -1 and 1 at every size.
  corners = _f32([[-1, -1], [0, 0], [1, 1], [-1, 1]])
  pixels = np.array([[0, 0], [size / 2] * 2, [size] * 2, [0, size]])
  np.testing.assert_array_equal(geometry.crop_to_pixels(corners, size), pixels)
  np.testing.assert_array_equal(geometry.pixels_to_crop(_f32(pixels), size), corners)
  first_centre = geometry.pixels_to_crop(_f32([0.5, 0.5]), size)
  np.testing.assert_allclose(first_centre, [1 / size - 1] * 2, rtol=1e-6)


def test_depth_target_is_the_closed_form():
  # Catches the scale from 3D lengths in place of x, y ones, or an unmoved root.
  rng = _rng()
  joints2d, joints3d = rng.normal(size=(16, 2)), rng.normal(size=(16, 3)) * 300
  scale = _lengths(joints2d).sum() / _lengths(joints3d[:, :2]).sum()
  arguments = _f32(joints2d), _f32(joints3d)
  np.testing.assert_allclose(
    geometry.weak_perspective_scale(*arguments), scale, rtol=1e-6
  )
  expected = (joints3d[:, 2] - joints3d[6, 2]) * scale
  target = geometry.depth_target(*arguments)
  np.testing.assert_allclose(target, expected, rtol=1e-5, atol=1e-6)
  assert target[6] == 0


def test_a_weak_perspective_camera_is_recovered_exactly():
  # With a true weak perspective camera, target and 2D give the 3D shape back.
  joints3d, root2d, scale = _rng().normal(size=(16, 3)) * 300, [0.1, -0.2], 0.002
  joints2d = (joints3d - joints3d[6])[:, :2] * scale + root2d
  depth = geometry.depth_target(_f32(joints2d), _f32(joints3d))
  lifted = geometry.root_align(geometry.lift(_f32(joints2d), depth))
  np.testing.assert_allclose(lifted, (joints3d - joints3d[6]) * scale, atol=2e-6)


def test_the_authors_root_is_reachable():
  # Human3.6M's spine, between pelvis and neck, at depth 0.
  rng = _rng()
  joints2d, joints3d = rng.normal(size=(16, 2)), rng.normal(size=(16, 3)) * 300
  arguments = _f32(joints2d), _f32(joints3d), (6, 8)
  target = geometry.depth_target(*arguments)
  np.testing.assert_allclose(target[6] + target[8], 0, atol=1e-6)
  np.testing.assert_allclose(geometry.depth_target(*arguments[:2], 8)[8], 0)


def test_depth_target_without_truth_is_zero_with_finite_gradient():
  # A 2D sample carries zeros for 3D: 0/0 would poison the batch through 0 * NaN.
  joints2d, zeros = _f32(_rng().normal(size=(16, 2))), jnp.zeros((16, 3))
  np.testing.assert_array_equal(geometry.depth_target(joints2d, zeros), 0)
  gradients = jax.grad(lambda *a: geometry.depth_target(*a).sum(), (0, 1))(
    joints2d, zeros
  )
  assert all(np.isfinite(g).all() for g in gradients)


def test_size_normalise_reaches_the_size_whatever_the_unit():
  joints = _rng().normal(size=(16, 3))
  first = geometry.size_normalise(_f32(joints), 4000.0)
  np.testing.assert_allclose(_lengths(first).sum(), 4000, rtol=1e-6)
  second = geometry.size_normalise(_f32(joints * 37), 4000.0)
  np.testing.assert_allclose(first, second, rtol=1e-5)
  np.testing.assert_array_equal(geometry.size_normalise(jnp.zeros((16, 3)), 1.0), 0)


def test_reference_bones_are_symmetric_and_in_order():
  # Catches the reference written in another order than skeleton.BONES.
  length = {
    tuple(sorted(bone)): value
    for bone, value in zip(skeleton.BONES, geometry.REFERENCE_BONES_MM, strict=True)
  }
  flip = skeleton.FLIP_INDEX
  for (a, b), value in length.items():
    assert length[tuple(sorted((int(flip[a]), int(flip[b]))))] == value
  for name, bones in skeleton.BONE_GROUPS.items():
    for bone, mean in zip(bones, skeleton.GROUP_MEAN_MM[name], strict=True):
      np.testing.assert_allclose(length[tuple(sorted(bone))], mean, rtol=1e-6)


def _excess(joints):
  """Of each knee and elbow beyond its limits, by the reference's determinant."""
  pose = dict(zip(skeleton.JOINTS, np.asarray(joints, float), strict=True))
  unit = lambda a, b: (pose[b] - pose[a]) / np.linalg.norm(pose[b] - pose[a])  # noqa: E731
  found = {}
  for joint, upper, lower, _, way, most in reference.BENDS:
    for side in ('right', 'left'):
      u = unit(f'{side}_{upper}', f'{side}_{joint}')
      w = unit(f'{side}_{joint}', f'{side}_{lower}')
      turn = way * np.linalg.det([unit(f'right_{upper}', f'left_{upper}'), u, w])
      over = max(0.0, -turn - np.sin(np.radians(20)))
      found[f'{side}_{joint}'] = over + max(0.0, np.cos(np.radians(most)) - u @ w)
  return found


def test_bend_excess_is_what_the_score_counts():
  """Catches a knee that may bend forwards, an elbow as a knee, one end exchanged."""
  rng, all_seen = _rng(5), jnp.ones(16, bool)
  assert float(geometry.bend_excess(_f32(scored.person()), all_seen)) == 0.0
  some = 0
  for _ in range(40):
    pose = scored.person() + rng.normal(0, 150, (16, 3))
    wanted = _excess(pose)
    got = float(geometry.bend_excess(_f32(pose), all_seen))
    assert got == pytest.approx(sum(wanted.values()) / 4, abs=1e-5)
    named = dict(zip(skeleton.JOINTS, pose, strict=True))
    assert (got > 1e-6) == any(reference.illegal(named).values())
    some += got > 1e-6
  assert 5 < some < 40


def test_bend_excess_of_what_is_not_seen():
  """Catches an unlabelled hip at (0, 0) that bends a knee, and NaN where joints meet."""
  pose = scored.person()
  pose[skeleton.RIGHT_ANKLE] = pose[skeleton.RIGHT_KNEE] + (0, 100, -400)  # forwards
  seen = np.ones(16, bool)
  assert float(geometry.bend_excess(_f32(pose), jnp.asarray(seen))) > 0.05
  for joint in (skeleton.RIGHT_ANKLE, skeleton.RIGHT_KNEE, skeleton.LEFT_HIP):
    seen = np.ones(16, bool)
    seen[joint] = False
    assert float(geometry.bend_excess(_f32(pose), jnp.asarray(seen))) == 0.0
  gradient = jax.grad(geometry.bend_excess)(jnp.zeros((16, 3)), jnp.ones(16, bool))
  np.testing.assert_array_equal(gradient, 0)


def test_bend_excess_falls_along_its_gradient_in_depth():
  """Catches a penalty whose gradient bends the knee further."""
  pose = _f32(scored.person() / 900)
  pose = pose.at[skeleton.RIGHT_ANKLE, 2].set(-0.5)
  seen = jnp.ones(16, bool)
  before, gradient = jax.value_and_grad(geometry.bend_excess)(pose, seen)
  after = geometry.bend_excess(pose.at[:, 2].add(-0.01 * gradient[:, 2]), seen)
  assert 0 < float(after) < float(before)


def test_sight_axes_are_the_shortest_turn_and_back():
  """Catches a turn the other way, or with a roll, and a way back that is another."""
  rng = _rng()
  for _ in range(5):
    sight = rng.normal(size=3) * [1, 1, 0.3] + [0, 0, 1.5]
    sight /= np.linalg.norm(sight)
    axis = np.cross(sight, [0, 0, 1])
    axis *= np.arccos(sight[2]) / np.linalg.norm(axis)
    joints = rng.normal(0, 400, (16, 3))
    turned = geometry.to_sight_axes(_f32(joints), _f32(sight))
    wanted = Rotation.from_rotvec(axis).apply(joints)
    np.testing.assert_allclose(turned, wanted, atol=1e-2)
    back = geometry.to_camera_axes(turned, _f32(sight))
    np.testing.assert_allclose(back, joints, atol=1e-2)
