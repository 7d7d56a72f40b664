"""A photograph of a person, drawn from a key: all but the pose is a Scene."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from wild3d.synthetic import (
  backdrop,
  body,
  camera,
  light,
  limbs,
  pose,
  render,
  sensor,
  texture,
)
from wild3d.synthetic.dice import Dice
from wild3d.synthetic.figure import HEAD_TOP, PELVIS, UPPER_NECK, Figure

OTHERS = 2  # further people of a 'wild' scene
OCCLUDERS = 3
# A joint is hidden where something lies this far in front of it (mm): its own
# flesh is thinner. Order of `skeleton.JOINTS`.
FLESH_MM = (75, 95, 170, 170, 95, 75, 190, 190, 140, 150, 65, 75, 115, 115, 75, 65)
# PCKh unit over head length: 0.6 of the diagonal of a head box about 0.75 as wide
# as it is high, and about as high as the segment from upper neck to head top.
HEAD_UNIT = 0.75


class Others(NamedTuple):
  """N further people: figures round the origin, and where they stand.

  Attributes:
    figure: N figures.
    offset: [N, 2] mm, to the camera's right and away from it.
    present: [N] 0 or 1.
  """

  figure: Figure
  offset: Float[Array, '*K N 2']
  present: Float[Array, '*K N']


class Occluders(NamedTuple):
  """Q things in front of the person, in sides of the stored crop.

  Attributes:
    middle: [Q, 2] centre.
    half: [Q, 2] from the centre to the end.
    radius: [Q] half the width.
    near: [Q] distance from the camera as a share of the person's.
    squeeze: [Q] thickness as a share of the width.
  """

  middle: Float[Array, '*K Q 2']
  half: Float[Array, '*K Q 2']
  radius: Float[Array, '*K Q']
  near: Float[Array, '*K Q']
  squeeze: Float[Array, '*K Q']


class Scene(NamedTuple):
  """Everything about a picture or a clip but the person's poses.

  Attributes:
    view: how the camera looks.
    build, cloth: shapes and wardrobes of 1 + N people, the subject first.
    others: N people (none in the 'lab').
    occluders, stuff: Q things in front (none in the 'lab') and their materials.
    backdrop, light, sensor: what their modules say.
    border: [4] shares of the crop that lie outside the photograph: left, top,
      right, bottom; they are black.
    key: seeds the noise of the sensor.
  """

  view: camera.View
  build: body.Build
  cloth: texture.Cloth
  others: Others
  occluders: Occluders
  stuff: texture.Cloth
  backdrop: backdrop.Backdrop
  light: light.Light
  sensor: sensor.Sensor
  border: Float[Array, '*K 4']
  key: PRNGKeyArray


def sample(key: PRNGKeyArray, domain: str) -> Scene:
  """Draws a scene.

  Args:
    key: random key; the same key gives the same scene.
    domain: 'lab' (one plain room, few garments, one whole person) or 'wild'.
  """
  wild = domain == 'wild'
  keys = jax.random.split(key, 11)
  people = 1 + OTHERS * wild
  return Scene(
    view=camera.sample(keys[0], domain),
    build=_each(lambda k: body.sample(k, domain), keys[1], people),
    cloth=_each(lambda k: texture.wardrobe(k, domain), keys[2], people),
    others=_others(keys[3], people - 1),
    occluders=_occluders(keys[4], OCCLUDERS * wild),
    stuff=_each(texture.cloth, keys[5], OCCLUDERS * wild),
    backdrop=backdrop.sample(keys[6], domain),
    light=light.sample(keys[7], domain),
    sensor=sensor.sample(keys[8], domain),
    border=_border(keys[9]) if wild else jnp.zeros(4),
    key=keys[10],
  )


def frame(scene: Scene, figures: Figure) -> camera.Placement:
  """Places the camera so that one crop serves all frames of a clip.

  Args:
    scene: one.
    figures: T frames of one person (T = 1 for a still): fields [T, ...].
  """
  return camera.place(scene.view, figures.joints)


def draw(
  scene: Scene, placement: camera.Placement, figure: Figure, size: int
) -> dict[str, Array]:
  """Renders one frame with its labels.

  Args:
    scene: one.
    placement: the clip's, from `frame`.
    figure: the person in this frame.
    size: px, side of the square picture.

  Returns:
    Keys of `data.batch.RECORD_KEYS` without bookkeeping: image, joints2d,
    labelled, occluded, joints3d (camera axes), center, side, head_size, camera.
    `camera` is in px of this picture and projects joints3d onto joints2d exactly.
  """
  rotation, eye = placement.rotation, placement.eye
  intrinsics = placement.camera * size
  solids, cloth = _solids(scene, placement, figure)
  seen = render.to_camera(solids, rotation, eye)
  if scene.occluders.near.shape[0]:
    front, cloth_front = _in_front(scene, placement, cloth.warp.shape[0])
    seen, cloth = _join(seen, front), _join(cloth, cloth_front)

  joints3d = (figure.joints - eye[None, :]) @ rotation.T
  joints2d = camera.project(joints3d, intrinsics)
  low, high = scene.border[:2] * size, size - scene.border[2:] * size
  inside = ((joints2d >= low[None, :]) & (joints2d < high[None, :])).all(axis=-1)
  depth = joints3d[[UPPER_NECK, HEAD_TOP], 2].mean()
  head = jnp.linalg.norm(figure.joints[HEAD_TOP] - figure.joints[UPPER_NECK])
  return {
    'image': _picture(scene, placement, figure, solids, seen, cloth, size),
    'joints2d': joints2d,
    'labelled': inside,
    'occluded': hidden(seen, joints3d),
    'joints3d': joints3d,
    'center': placement.center * size,
    'side': placement.side * size,
    'head_size': HEAD_UNIT * head * intrinsics[0] / depth,
    'camera': intrinsics,
  }


def hidden(solids: render.Capsules, joints: Float[Array, '16 3']) -> Bool[Array, '16']:
  """Which joints something lies in front of.

  Args:
    solids: everything in the picture, camera axes.
    joints: mm, camera axes.
  """
  u, v = joints[:, 0] / joints[:, 2], joints[:, 1] / joints[:, 2]
  # A very long lens: outlines are not widened by half a pixel.
  front, _ = render.buffer(solids, u, v, jnp.full((), 1e6))
  return render.unpack(front)[0] < joints[:, 2] - jnp.array(FLESH_MM, jnp.float32)


def _picture(scene, placement, figure, solids, seen, cloth, size):
  intrinsics = placement.camera * size
  place = jnp.arange(size, dtype=jnp.float32) + 0.5
  y, x = jnp.meshgrid(place, place, indexing='ij')
  u = (x - intrinsics[2]) / intrinsics[0]
  v = (y - intrinsics[3]) / intrinsics[1]

  # The backdrop, in world axes round the person.
  turn = placement.rotation
  rays = tuple(turn[0, k] * u + turn[1, k] * v + turn[2, k] for k in range(3))
  eye = placement.eye - placement.origin
  along = backdrop.floor_distance(rays, eye)
  spot = tuple(e + along * r for e, r in zip(eye[:2], rays[:2], strict=True))
  dark = backdrop.shadow(
    spot,
    solids.start - placement.origin[None, :],
    solids.end - placement.origin[None, :],
    solids.radius.mean(axis=1),
    scene.light.toward[0],
  )
  facing = jnp.arctan2(eye[1], eye[0])
  rgb = backdrop.draw(
    scene.backdrop,
    rays,
    (x / size, y / size),
    eye,
    facing,
    1 - scene.backdrop.shadow * dark,
  )

  front, back = render.buffer(seen, u, v, intrinsics[0])

  # The farther layer first. A loop, because XLA compiles its body once and does
  # not merge it with what comes before.
  def layer(below, key):
    rgb, normal, depth, person = below
    surface = _surface(seen, key, u, v, intrinsics[0])
    # Skin and cloth have no creases where one capsule enters another: close to
    # the seam, bend the nearer normal to the other's.
    seam = 0.5 * jnp.clip(1 - (depth - surface.depth) / 25.0, 0.0, 1.0)
    seam = jnp.where(person == surface.person, seam, 0.0)
    bent = [n + seam * (m - n) for n, m in zip(surface.normal, normal, strict=True)]
    scale = jax.lax.rsqrt(sum(n * n for n in bent) + 1e-6)
    lit = light.shine(scene.light, turn, tuple(n * scale for n in bent))
    color = _color(seen, cloth, surface)
    rgb = tuple(
      old + surface.cover * (c * brightness - old)
      for old, c, brightness in zip(rgb, color, lit, strict=True)
    )
    whole = jnp.where(surface.cover > 0.9, surface.person, -1)
    return (rgb, surface.normal, surface.depth, whole), None

  none = jnp.zeros_like(u)
  nothing = ((none, none, none), none, jnp.full(u.shape, -1, jnp.int32))
  (rgb, *_), _ = jax.lax.scan(layer, (rgb, *nothing), jnp.stack([back, front]))
  border = scene.border * size
  inside = (x > border[0]) & (y > border[1])
  inside &= (x < size - border[2]) & (y < size - border[3])
  rgb = tuple(jnp.where(inside, c, 0.0) for c in rgb)
  # Frames of a clip share the scene's key; the pose tells them apart. In whole
  # millimetres, so that another machine's rounding draws the same noise.
  pose_number = jnp.round(figure.joints.sum()).astype(jnp.int32)
  frame_key = jax.random.fold_in(scene.key, pose_number)
  return sensor.expose(scene.sensor, rgb, frame_key)


class _Surface(NamedTuple):
  index: Array
  person: Array
  depth: Array
  cover: Array
  along: Array
  normal: tuple
  local: tuple


def _surface(solids, key, u, v, focal):
  """Looks again at the capsule that each pixel's key names."""
  _, index = render.unpack(key)
  index = jnp.minimum(index, solids.hem.shape[0] - 1)
  hit = render.strike(jax.tree.map(lambda field: field[index], solids), u, v)
  cover = jnp.where(key == render.EMPTY, 0.0, render.coverage(hit, focal))
  person = index // body.PARTS
  return _Surface(index, person, hit.depth, cover, hit.along, hit.normal, hit.local)


def _color(solids, cloth, surface):
  role, size = solids.role[surface.index], solids.radius[surface.index, 1]
  size = jnp.maximum(size, 1.0)
  after = texture.after_hem(
    role, surface.along, solids.hem[surface.index], surface.local, size
  )
  material = jnp.where(
    after, solids.cloth[surface.index, 1], solids.cloth[surface.index, 0]
  )
  rgb = texture.paint(cloth, material, surface.local)
  return texture.features(rgb, role, surface.local, size)


def _solids(scene, placement, figure):
  """All people as capsules in the world, and their wardrobes."""
  people = 1 + scene.others.present.shape[0]
  figures = jax.tree.map(
    lambda one, more: jnp.concatenate([one[None], more]),
    figure,
    _standing(scene.others, placement),
  )
  solids = jax.vmap(limbs.capsules)(scene.build, figures)
  present = jnp.concatenate([jnp.ones(1), scene.others.present])
  first = jnp.arange(people, dtype=jnp.int32) * body.MATERIALS
  solids = solids._replace(
    radius=jnp.where(present[:, None, None] > 0.5, solids.radius, -1.0),
    cloth=solids.cloth + first[:, None, None],
  )
  flat = lambda field: field.reshape(-1, *field.shape[2:])  # noqa: E731
  return jax.tree.map(flat, solids), jax.tree.map(flat, scene.cloth)


def _standing(others, placement):
  """The other people's figures, moved to their places beside the subject."""
  joints = others.figure.joints
  ahead = placement.rotation[2] * jnp.array([1.0, 1.0, 0.0])
  ahead = ahead / jnp.maximum(jnp.linalg.norm(ahead), 1e-3)
  right = jnp.cross(ahead, jnp.array([0.0, 0.0, 1.0]))
  where = others.offset[:, :1] * right[None, :] + others.offset[:, 1:] * ahead[None, :]
  where = where + placement.origin[None, :]
  feet = joints[:, PELVIS] * jnp.array([[1.0, 1.0, 0.0]])
  move = (where - feet)[:, None, :]
  return others.figure._replace(
    joints=joints + move,
    toes=others.figure.toes + move,
    hands=others.figure.hands + move,
  )


def _in_front(scene, placement, first):
  """The occluders as capsules in camera axes; materials count from `first`."""
  things = scene.occluders
  count = things.near.shape[0]
  depth = things.near * jnp.maximum(placement.depth - 500.0, 700.0)
  focal, principal = placement.camera[:2], placement.camera[2:]

  def lift(point):
    flat = (point - principal[None, :]) / focal[None, :] * depth[:, None]
    return jnp.concatenate([flat, depth[:, None]], axis=1)

  number = first + jnp.arange(count, dtype=jnp.int32)
  ones = jnp.ones(count)
  radius = things.radius * depth / focal[0]
  capsules = render.Capsules(
    start=lift(things.middle - things.half),
    end=lift(things.middle + things.half),
    radius=jnp.stack([radius, radius], axis=1),
    bulge=0 * ones,
    front=jnp.tile(jnp.array([[0.0, 0.0, 1.0]]), (count, 1)),
    squeeze=things.squeeze,
    hem=body.ALWAYS * ones,
    loose=0 * ones,
    cloth=jnp.stack([number, number], axis=1),
    role=jnp.zeros(count, jnp.int32),
  )
  return capsules, scene.stuff


def _others(key, count):
  figure_key, key = jax.random.split(key)
  dice = Dice(key, 4 * OTHERS)
  side = dice.uniform(450.0, 1900.0, count)
  side = jnp.where(dice.chance(0.5, count), side, -side)
  behind = dice.uniform(-250.0, 3500.0, count)
  present = dice.chance(jnp.array([0.3, 0.15])[:count], count)
  return Others(
    figure=_each(pose.sample, figure_key, count),
    offset=jnp.stack([side, behind], axis=1),
    present=present.astype(jnp.float32),
  )


def _occluders(key, count):
  dice = Dice(key, 10 * OCCLUDERS)
  # At the picture's edge rather than before the face, and low rather than high.
  middle = [dice.uniform(0.1, 0.9, count), jnp.sqrt(dice.uniform(0.1, 1.0, count))]
  angle = dice.chance(0.5, count) * dice.uniform(-1.6, 1.6, count)
  half = dice.uniform(0.0, 0.5, count)[:, None] * jnp.stack(
    [jnp.cos(angle), jnp.sin(angle)], axis=1
  )
  radius = 0.012 + 0.08 * dice.unit(count) ** 2
  return Occluders(
    middle=jnp.stack(middle, axis=1),
    half=half,
    radius=jnp.where(dice.chance(0.13, count), radius, -1.0),
    near=dice.uniform(0.6, 1.0, count),
    squeeze=dice.uniform(0.1, 1.0, count),
  )


def _border(key):
  dice = Dice(key, 3)
  # Left, top, right, bottom.
  side = jnp.searchsorted(jnp.array([0.2, 0.3, 0.5]), dice.unit())
  cut = dice.uniform(0.05, 0.3)
  return jnp.where(dice.chance(0.15), cut, 0.0) * jnp.eye(4)[side]


def _each(draw_one, key, count):
  return jax.vmap(draw_one)(jax.random.split(key, count))


def _join(first, second):
  return jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, second)
