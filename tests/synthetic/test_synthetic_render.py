"""Synthetic pictures: do they show what their labels say?"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d.skeleton import JOINTS
from wild3d.synthetic import camera, render, scene
from wild3d.synthetic import person as person_lib

SIZE = 96
# Tests draw little and compile much.
QUICK = {'xla_backend_optimization_level': 0}


def _standing(turn=0.0, shift=0.0):
  """Upright, arms held out; facing +x, turned by `turn` radians about z."""
  half = {
    'ankle': (0, 100, 90),
    'knee': (10, 100, 500),
    'hip': (0, 100, 930),
    'shoulder': (0, 180, 1430),
    'elbow': (-10, 440, 1400),
    'wrist': (20, 680, 1400),
  }
  middle = {
    'pelvis': (0, 0, 930),
    'thorax': (0, 0, 1430),
    'upper_neck': (15, 0, 1540),
    'head_top': (20, 0, 1770),
  }
  joints = []
  for name in JOINTS:
    side, _, part = name.partition('_')
    x, y, z = middle[name] if name in middle else half[part]
    joints.append((x, -y if side == 'right' else y, z))
  cos, sin = np.cos(turn), np.sin(turn)
  spin = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
  joints = np.array(joints) @ spin.T + [0, shift, 0]
  return person_lib.from_joints(jnp.asarray(joints, jnp.float32))


@functools.lru_cache
def _drawing(domain):
  """Eight pictures of one batch, drawn once for all tests."""

  def one(key, person):
    setting = scene.sample(key, domain)
    placement = camera.place(setting.view, person.joints[None])
    return scene.draw(setting, placement, person, SIZE)

  draw = jax.jit(jax.vmap(one), compiler_options=QUICK)
  turns = np.linspace(0, 2 * np.pi, 8, endpoint=False)
  people = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(_standing, turns))
  arguments = jax.random.split(jax.random.key(7), 8), people
  return jax.device_get(draw(*arguments)), draw, arguments


def test_both_domains_have_one_form():
  """Catches a scene of the lab that needs a program, and a compilation, of its own."""
  lab, wild = (
    jax.eval_shape(lambda key, d=domain: scene.sample(key, d), jax.random.key(0))
    for domain in ('lab', 'wild')
  )
  assert lab == wild
  empty = scene.sample(jax.random.key(0), 'lab')
  assert not empty.others.present.any()
  assert (empty.occluders.radius < 0).all()


@pytest.mark.parametrize('domain', ['lab', 'wild'])
def test_the_camera_projects_joints3d_onto_joints2d(domain):
  # Catches: a camera of the uncropped picture, swapped axes, pixels off by half.
  batch, _, _ = _drawing(domain)
  f, c = batch['camera'][:, None, :2].astype(float), batch['camera'][:, None, 2:]
  points = batch['joints3d'].astype(float)
  assert (points[..., 2] > 500).all()
  np.testing.assert_allclose(
    points[..., :2] / points[..., 2:] * f + c, batch['joints2d'], atol=1e-3
  )


@pytest.mark.parametrize('domain', ['lab', 'wild'])
def test_labels_keep_distances_and_handedness(domain):
  # Catches: a mirrored or scaled world-to-camera rotation.
  batch, _, (_, people) = _drawing(domain)
  world, seen = np.asarray(people.joints, float), batch['joints3d'].astype(float)
  for w, s in zip(world, seen, strict=True):
    w, s = w - w[6], s - s[6]
    rotation, *_ = np.linalg.lstsq(w, s, rcond=None)
    np.testing.assert_allclose(w @ rotation, s, atol=0.05)
    assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-3)
  head, ankle = batch['joints2d'][:, 9], batch['joints2d'][:, 0]
  assert (head[:, 1] < ankle[:, 1]).all()  # y points down


def test_labelled_joints_lie_inside_and_the_lab_shows_all():
  # Catches: labels outside the crop; truncation leaking into the lab.
  for domain in ('lab', 'wild'):
    batch, _, _ = _drawing(domain)
    points = batch['joints2d'][batch['labelled']]
    assert ((points >= 0) & (points < SIZE)).all()
  lab, _, _ = _drawing('lab')
  assert lab['labelled'].all()
  half = lab['side'] / 2
  off = np.abs(lab['joints2d'] - lab['center'][:, None]).max(axis=(1, 2))
  # The box holds all joints with a margin, and the picture holds the box.
  assert (off < 0.9 * half).all()
  assert (half[:, None] * 1.1 < lab['center']).all()


def test_the_same_key_draws_the_same_picture_and_another_does_not():
  # Catches: hidden state, or a key that is used nowhere.
  batch, draw, (keys, people) = _drawing('wild')
  again = draw(keys, people)
  np.testing.assert_array_equal(again['image'], batch['image'])
  other = draw(keys[::-1], people)
  assert np.abs(np.asarray(other['image'], int) - batch['image']).mean() > 5


def test_a_body_stands_out_where_its_joints_are():
  # Catches: labels shifted or flipped against the pixels (x for y, right for left).
  @functools.partial(jax.jit, compiler_options=QUICK)
  def at_joints(person):
    setting = scene.sample(jax.random.key(0), 'lab')
    placement = camera.place(setting.view, person.joints[None])
    solids, _ = scene._solids(setting, placement, person)
    seen = render.to_camera(solids, placement.rotation, placement.eye)
    joints = (person.joints - placement.eye[None, :]) @ placement.rotation.T
    u, v = joints[:, 0] / joints[:, 2], joints[:, 1] / joints[:, 2]
    return render.buffer(seen, u, v, jnp.float32(1e6))[0]

  front = at_joints(_standing(0.3))
  # The head's top is on the outline; all other joints are covered with flesh.
  assert (np.delete(np.asarray(front), 9) != render.EMPTY).all()


def _ball(x, z, radius, cloth=0):
  vector = lambda *v: jnp.array([v], jnp.float32)  # noqa: E731
  return render.Capsules(
    start=vector(x, 0, z),
    end=vector(x, 0, z),
    radius=vector(radius, radius),
    bulge=jnp.zeros(1),
    front=vector(0, 0, 1),
    squeeze=jnp.ones(1),
    hem=jnp.full(1, 2.0),
    loose=jnp.zeros(1),
    cloth=jnp.full((1, 2), cloth),
    role=jnp.zeros(1, int),
  )


def _joined(*solids):
  return jax.tree.map(lambda *fields: jnp.concatenate(fields), *solids)


@pytest.mark.parametrize('swapped', [False, True])
def test_the_nearer_solid_hides_the_farther(swapped):
  # Catches: a depth test the wrong way round, or one that depends on the order.
  near, far = _ball(0.0, 3000.0, 80.0), _ball(40.0, 4000.0, 80.0)
  solids = _joined(far, near) if swapped else _joined(near, far)
  u = jnp.array([0.0, 0.029, 0.2])  # both, the farther alone, none
  front, back = render.buffer(solids, u, jnp.zeros(3), jnp.float32(500))
  depth, index = render.unpack(front)
  assert float(depth[0]) == pytest.approx(2920, abs=0.1)
  assert list(index[:2]) == ([1, 0] if swapped else [0, 1])
  assert float(render.unpack(back)[0][0]) == pytest.approx(3931, abs=1)
  assert int(front[2]) == int(back[2]) == render.EMPTY


def test_a_squeezed_ball_is_an_ellipsoid():
  # Catches: an error in the squeezed metric, against the ellipsoid's closed form.
  solid = jax.tree.map(lambda field: field[0], _ball(0.0, 3000.0, 100.0))
  solid = solid._replace(squeeze=jnp.float32(0.5))
  hit = render.strike(solid, jnp.array([0.0, 0.02]), jnp.zeros(2))
  # Along z it is half as deep; x = 0.02 z meets (x / 100)^2 + (dz / 50)^2 = 1.
  z = hit.depth.astype(float)
  assert float(z[0]) == pytest.approx(2950, abs=0.1)
  inside = (0.02 * z[1] / 100) ** 2 + ((z[1] - 3000) / 50) ** 2
  assert float(inside) == pytest.approx(1, abs=1e-3)


def test_a_ball_before_the_wrist_occludes_the_wrist_alone():
  # Catches: a hidden test on the wrong joint, or on the wrong side of the depth.
  joints = np.asarray(_standing().joints) * [0, 1, 1] - [0, 0, 930]
  joints = np.stack([joints[:, 1], -joints[:, 2], np.full(16, 4000.0)], axis=1)
  joints = jnp.asarray(joints, jnp.float32)
  wrist = JOINTS.index('left_wrist')
  x, y, _ = (float(v) for v in joints[wrist])
  ball = _ball(0.0, 3000.0, 60.0)
  place = jnp.array([[x * 0.75, y * 0.75, 3000.0]])
  ball = ball._replace(start=place, end=place)
  expected = np.zeros(16, bool)
  expected[wrist] = True
  np.testing.assert_array_equal(scene.hidden(ball, joints), expected)
  behind = ball._replace(start=place / 0.75 * 1.2, end=place / 0.75 * 1.2)
  assert not scene.hidden(behind, joints).any()


def test_the_face_shows_from_the_front_only():
  # Catches: a head painted on the wrong side, by which left and right are told.
  sample = jax.jit(lambda key: scene.sample(key, 'lab'), compiler_options=QUICK)
  setting, person = sample(jax.random.key(3)), _standing(turn=1.0)

  def one(azimuth):  # about the person, from the chest
    view = setting.view._replace(azimuth=azimuth)
    placement = camera.place(view, person.joints[None])
    return scene.draw(setting, placement, person, SIZE)

  azimuths = jnp.linspace(0, 2 * jnp.pi, 8, endpoint=False)
  draw = jax.jit(jax.vmap(one), compiler_options=QUICK)
  batch = jax.device_get(draw(azimuths))
  skin = np.asarray(setting.cloth.color[0, 0, 0])
  hair = np.asarray(setting.cloth.color[0, 1, 0])
  assert np.abs(skin - hair).max() > 0.1  # else this key shows nothing

  def likeness(i):
    neck, top = batch['joints2d'][i, 8], batch['joints2d'][i, 9]
    x, y = (0.55 * neck + 0.45 * top).astype(int)
    patch = batch['image'][i, y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0)
    to = lambda c: np.linalg.norm(patch / 255 - c**0.45)  # noqa: E731
    return to(hair) - to(skin)

  assert likeness(0) > 0 > likeness(4)
  # Facing the camera, the person's right is on the picture's left.
  right, left = JOINTS.index('right_wrist'), JOINTS.index('left_wrist')
  x = batch['joints2d'][..., 0]
  assert x[0, right] < x[0, left]
  assert x[4, right] > x[4, left]


def test_one_box_serves_all_frames_of_a_clip():
  # Catches: a camera that follows the person from frame to frame.
  view = camera.sample(jax.random.key(0), 'lab')
  clip = jnp.stack([_standing(shift=s).joints for s in (-600.0, 0.0, 900.0)])
  placement = camera.place(view, clip)
  local = (clip - placement.eye[None, None, :]) @ placement.rotation.T
  for frame in local:
    points = camera.project(frame, placement.camera)
    assert (jnp.abs(points - placement.center[None, :]) < placement.side / 2).all()


def test_most_people_of_the_wild_face_the_camera():
  # Catches: an azimuth that is not counted from the chest, or from its back.
  person = _standing(turn=2.0)

  @functools.partial(jax.jit, static_argnums=1)
  def toward_camera(keys, domain):
    def one(key):
      placement = camera.place(camera.sample(key, domain), person.joints[None])
      return (placement.rotation @ person.chest)[2] < 0

    return jax.vmap(one)(keys).mean()

  keys = jax.random.split(jax.random.key(0), 2000)
  assert abs(toward_camera(keys, 'wild') - 0.72) < 0.04
  assert abs(toward_camera(keys, 'lab') - 0.5) < 0.04
