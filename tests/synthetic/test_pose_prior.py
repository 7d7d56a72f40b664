"""The pose prior: anatomy, floor, coverage, continuity, repeatability."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import skeleton
from wild3d.synthetic import kinematics, motion, pose
from wild3d.synthetic import person as person_lib

FRAMES = 12
QUICK = {'xla_backend_optimization_level': 0}  # to compile


@pytest.fixture(scope='module')
def people():
  keys = jax.random.split(jax.random.key(3), 1024)
  return jax.tree.map(
    np.asarray, jax.jit(jax.vmap(pose.sample), compiler_options=QUICK)(keys)
  )


@pytest.fixture(scope='module')
def motions():
  keys = jax.random.split(jax.random.key(4), 128)
  sample = jax.jit(
    jax.vmap(lambda key: motion.sample(key, FRAMES)), compiler_options=QUICK
  )
  return jax.tree.map(np.asarray, sample(keys))


def bone_lengths(joints):
  ends = joints[..., np.array(skeleton.BONES), :].astype(np.float64)
  return np.linalg.norm(ends[..., 0, :] - ends[..., 1, :], axis=-1)


def cosine(a, b):
  return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def test_left_bones_equal_right_bones(people):
  """Would catch proportions drawn separately for the two sides."""
  lengths = dict(zip(skeleton.BONES, bone_lengths(people.joints).T, strict=True))
  for right, left in (
    ((0, 1), (4, 5)),
    ((1, 2), (3, 4)),
    ((2, 6), (6, 3)),
    ((10, 11), (14, 15)),
    ((11, 12), (13, 14)),
    ((12, 8), (8, 13)),
  ):
    np.testing.assert_allclose(lengths[right], lengths[left], rtol=1e-4)


def test_proportions_are_human(people):
  """Would catch lengths in metres, a wrong share, MPII's head taken for mocap's."""
  total = bone_lengths(people.joints).sum(-1)
  assert 3300 < total.min() < 3700
  assert 3950 < total.mean() < 4200
  assert 4400 < total.max() < 5000
  head = np.linalg.norm(people.joints[:, 9] - people.joints[:, 8], axis=-1)
  torso = np.linalg.norm(people.joints[:, 7] - people.joints[:, 6], axis=-1)
  assert 0.5 < (head / torso).mean() < 0.58


def test_middle_joints_lie_in_the_middle(people):
  """Would catch a pelvis or thorax that is not MPII's."""
  joints = people.joints
  np.testing.assert_allclose(joints[:, 6], (joints[:, 2] + joints[:, 3]) / 2, atol=0.5)
  np.testing.assert_allclose(
    joints[:, 7], (joints[:, 12] + joints[:, 13]) / 2, atol=0.5
  )


def test_a_body_keeps_its_bones_while_it_moves(motions):
  """Would catch interpolation between positions instead of angles."""
  lengths = bone_lengths(motions.joints)
  assert np.ptp(lengths, axis=1).max() < 0.05
  hands = np.linalg.norm(motions.hands - motions.joints[:, :, [10, 15]], axis=-1)
  assert np.ptp(hands, axis=1).max() < 0.05


@pytest.mark.parametrize(('hip', 'knee', 'ankle', 'side'), [(2, 1, 0, 0), (3, 4, 5, 1)])
def test_knees_bend_backwards_only(people, hip, knee, ankle, side):
  """Would catch a knee's sign, for one leg (mirroring) or both."""
  joints = people.joints
  shin = joints[:, ankle] - joints[:, knee]
  foot = people.toes[:, side] - joints[:, ankle]
  shin_unit = shin / np.linalg.norm(shin, axis=-1, keepdims=True)
  ahead = foot - (foot * shin_unit).sum(-1, keepdims=True) * shin_unit
  # Seen from a bent knee, the hip lies behind the line of the shin.
  assert cosine(joints[:, hip] - joints[:, knee], ahead).max() < 1e-3
  bend = np.degrees(np.arccos(cosine(joints[:, hip] - joints[:, knee], shin)))
  assert bend.min() > 20
  assert bend.max() < 178.5


@pytest.mark.parametrize(('shoulder', 'elbow', 'wrist'), [(12, 11, 10), (13, 14, 15)])
def test_elbows_bend_forwards_only(people, shoulder, elbow, wrist):
  """Would catch an elbow's sign: below a hanging arm, the hand cannot be behind."""
  joints = people.joints
  upper, fore = (
    joints[:, elbow] - joints[:, shoulder],
    joints[:, wrist] - joints[:, elbow],
  )
  bend = np.degrees(np.arccos(np.clip(cosine(upper, fore), -1, 1)))
  assert bend.min() > 1.5
  assert bend.max() < 149
  trunk = joints[:, 6] - joints[:, 7]
  hanging = (cosine(upper, trunk) > 0.9) & (bend > 20)
  assert hanging.sum() > 100
  unit = upper / np.linalg.norm(upper, axis=-1, keepdims=True)
  across = fore - (fore * unit).sum(-1, keepdims=True) * unit
  # A little backwards remains: the arm turned fully inward or outward.
  assert np.percentile(cosine(across, people.chest)[hanging], 1) > -0.25


def test_limits_hold_and_are_reached():
  """Would catch limits that are not applied, or a prior far within them."""
  keys = jax.random.split(jax.random.key(5), 2048)

  def draw(key):
    what, how = jax.random.split(key)
    return pose.sample_angles(pose.sample_recipe(what), how, jnp.float32(0.3))

  angles = jax.jit(jax.vmap(draw), compiler_options=QUICK)(keys)
  for name, (low, high) in kinematics.LIMITS.items():
    drawn = np.degrees(np.asarray(getattr(angles, name)))
    drawn = drawn.reshape(-1, drawn.shape[-1])
    assert (drawn > np.array(low) - 0.01).all(), name
    assert (drawn < np.array(high) + 0.01).all(), name
    spread = np.percentile(drawn, 99.9, axis=0) - np.percentile(drawn, 0.1, axis=0)
    assert (spread > 0.4 * (np.array(high) - np.array(low))).all(), name


def test_nothing_is_below_the_floor_and_something_touches_it(people, motions):
  """Would catch a person who floats or sinks."""
  for who in (people, motions):
    points = np.concatenate([who.joints, who.toes, who.hands], axis=-2)
    soles = (points[..., 2] - kinematics.FLESH_MM).min(axis=-1)
    np.testing.assert_allclose(soles, 0, atol=0.01)
    assert (who.toes[..., 2] > 0).all()


def test_poses_cover_what_people_do(people):
  """Would catch a prior that only stands, or that mostly lies."""
  joints = people.joints
  trunk = joints[:, 7] - joints[:, 6]
  upright = cosine(trunk, np.array([0.0, 0.0, 1.0]))
  assert 0.8 < (upright > np.cos(np.pi / 4)).mean() < 0.94
  assert 0.01 < (np.abs(upright) < 0.3).mean() < 0.12
  knee = cosine(joints[:, 2] - joints[:, 1], joints[:, 0] - joints[:, 1])
  assert 0.15 < (knee > -0.3).mean() < 0.5  # bent by more than 73 degrees
  raised = (joints[:, [10, 15], 2] > joints[:, 9:10, 2]).mean()
  assert 0.05 < raised < 0.3
  facing = np.arctan2(people.chest[:, 1], people.chest[:, 0])
  counts, _ = np.histogram(facing, bins=8, range=(-np.pi, np.pi))
  assert counts.min() > 0.6 * counts.mean()


def test_people_do_not_cut_into_themselves(people):
  """Would catch a choice of the worst candidate, or none at all."""
  cut = np.asarray(jax.jit(jax.vmap(pose.overlap))(jax.tree.map(jnp.asarray, people)))
  assert (cut > 1).mean() < 0.05


def test_overlap_sees_a_hand_in_the_belly(people):
  """Would catch an overlap that is always zero."""
  person = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), people)
  belly = (person.joints[skeleton.PELVIS] + person.joints[skeleton.THORAX]) / 2
  pierced = person._replace(hands=person.hands.at[0].set(belly))
  assert pose.overlap(pierced) > pose.overlap(person) + 100


def test_heads_and_feet_point_forward(people):
  """Would catch a face or a foot drawn on the wrong side."""
  assert (cosine(people.face, people.chest) > 0).mean() > 0.97
  np.testing.assert_allclose(np.linalg.norm(people.face, axis=-1), 1, atol=1e-4)
  np.testing.assert_allclose(np.linalg.norm(people.chest, axis=-1), 1, atol=1e-4)


def test_from_joints_agrees_with_the_kinematics(people):
  """Would catch mirrored cross products: toes, hands, face and chest from joints."""
  guess = jax.jit(jax.vmap(person_lib.from_joints))(jnp.asarray(people.joints))
  assert np.percentile(cosine(np.asarray(guess.chest), people.chest), 2) > 0.93
  assert np.percentile(cosine(np.asarray(guess.face), people.face), 5) > 0.5
  feet = people.joints[:, [0, 5]]
  toes = cosine(np.asarray(guess.toes) - feet, people.toes - feet)
  assert np.percentile(toes, 5) > 0.5
  hands = np.linalg.norm(np.asarray(guess.hands) - people.hands, axis=-1)
  assert np.percentile(hands, 95) < 120


def test_motion_is_smooth_and_does_move(motions):
  """Would catch jumps between poses, frozen clips, and feet that skate."""
  step = np.linalg.norm(np.diff(motions.joints, axis=1), axis=-1)
  assert step.max() < 700  # mm in 1/12 s: a runner's foot swings at 8 m/s
  assert np.percentile(step.max(axis=2), 95) < 400
  assert (step.max(axis=(1, 2)) > 10).mean() > 0.95
  speed = np.diff(motions.joints[:, :, 6], axis=1)[..., :2].mean(axis=1) * 12 / 1000
  ahead = (speed * motions.chest[:, 0, :2]).sum(-1)
  assert ahead.max() > 0.8  # m/s: someone walks, and chest first
  assert ahead.min() > -0.8


def test_walkers_swing_opposite_legs(motions):
  """Would catch two legs in the same phase."""
  travelled = np.linalg.norm(motions.joints[:, -1, 6, :2], axis=-1)
  walkers = motions.joints[travelled > 700]
  ahead = (walkers[:, -1, 6] - walkers[:, 0, 6])[:, None, :2]
  stride = ((walkers[:, :, 0] - walkers[:, :, 5])[..., :2] * ahead).sum(-1)
  assert len(walkers) > 5
  assert ((stride.min(axis=1) < 0) & (stride.max(axis=1) > 0)).mean() > 0.9


def test_one_key_one_person(people):
  """Would catch hidden state, and people that depend on their batch."""
  keys = jax.random.split(jax.random.key(3), 1024)[7:9]
  again = jax.jit(jax.vmap(pose.sample), compiler_options=QUICK)(keys)
  for now, before in zip(again, people, strict=True):
    np.testing.assert_allclose(now, before[7:9], rtol=1e-4, atol=0.05)
  assert np.abs(people.joints[7] - people.joints[8]).max() > 10
