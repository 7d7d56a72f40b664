"""A photograph of a person, drawn from a key: all but the pose is a Scene."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from wild3d import skeleton
from wild3d.synthetic import (
  backdrop,
  body,
  camera,
  company,
  light,
  limbs,
  render,
  sensor,
  texture,
)
from wild3d.synthetic.dice import Dice
from wild3d.synthetic.person import Person

# A joint is hidden where something lies this far in front of it (mm): its own
# flesh is thinner. Order of `skeleton.JOINTS`.
FLESH_MM = (75, 95, 170, 170, 95, 75, 190, 190, 140, 150, 65, 75, 115, 115, 75, 65)
# PCKh unit over head length: 0.6 of the diagonal of a head box about 0.75 as wide
# as it is high, and about as high as the segment from upper neck to head top.
HEAD_UNIT = 0.75


class Scene(NamedTuple):
  """Everything about a picture or a clip but the person's poses."""

  view: camera.View  # how the camera looks
  build: body.Build  # of 1 + N people, the subject first
  cloth: texture.Cloth  # their wardrobes
  others: company.Others  # N people (absent in the 'lab')
  occluders: company.Occluders  # Q things in front (absent in the 'lab')
  stuff: texture.Cloth  # their materials
  backdrop: backdrop.Backdrop
  light: light.Light
  sensor: sensor.Sensor
  # Shares of the crop that lie outside the photograph, which are black: left, top,
  # right, bottom.
  border: Float[Array, '*K 4']
  key: PRNGKeyArray  # seeds the noise of the sensor


def sample(key: PRNGKeyArray, domain: str) -> Scene:
  """Draws a scene.

  Args:
    key: random key; the same key gives the same scene.
    domain: 'lab' (one plain room, few garments, one whole person) or 'wild'.
  """
  wild = domain == 'wild'
  keys = jax.random.split(key, 11)
  people = 1 + company.OTHERS
  return Scene(
    view=camera.sample(keys[0], domain),
    build=_each(lambda k: body.sample(k, domain), keys[1], people),
    cloth=_each(lambda k: texture.wardrobe(k, domain), keys[2], people),
    others=company.sample_others(keys[3], domain),
    occluders=company.sample_occluders(keys[4], domain),
    stuff=_each(texture.cloth, keys[5], company.OCCLUDERS),
    backdrop=backdrop.sample(keys[6], domain),
    light=light.sample(keys[7], domain),
    sensor=sensor.sample(keys[8], domain),
    border=_border(keys[9]) if wild else jnp.zeros(4),
    key=keys[10],
  )


def draw(
  scene: Scene, placement: camera.Placement, person: Person, size: int
) -> dict[str, Array]:
  """Renders one frame with its labels.

  Args:
    scene: one.
    placement: the clip's, from `camera.place`.
    person: the person in this frame.
    size: px, side of the square picture.

  Returns:
    Keys of `data.batch.RECORD_KEYS` without bookkeeping: image, joints2d,
    labelled, occluded, joints3d (camera axes), center, side, head_size, camera.
    `camera` is in px of this picture and projects joints3d onto joints2d exactly.
  """
  rotation, eye = placement.rotation, placement.eye
  intrinsics = placement.camera * size
  solids, cloth = _solids(scene, placement, person)
  seen = render.to_camera(solids, rotation, eye)
  front = company.in_front(scene.occluders, placement, cloth.warp.shape[0])
  seen, cloth = _join(seen, front), _join(cloth, scene.stuff)

  joints3d = (person.joints - eye[None, :]) @ rotation.T
  joints2d = camera.project(joints3d, intrinsics)
  low, high = scene.border[:2] * size, size - scene.border[2:] * size
  inside = ((joints2d >= low[None, :]) & (joints2d < high[None, :])).all(axis=-1)
  depth = joints3d[[skeleton.UPPER_NECK, skeleton.HEAD_TOP], 2].mean()
  head = jnp.linalg.norm(
    person.joints[skeleton.HEAD_TOP] - person.joints[skeleton.UPPER_NECK]
  )
  return {
    'image': _picture(scene, placement, person, solids, seen, cloth, size),
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


def _picture(scene, placement, person, solids, seen, cloth, size):
  intrinsics = placement.camera * size
  centres = jnp.arange(size, dtype=jnp.float32) + 0.5
  y, x = jnp.meshgrid(centres, centres, indexing='ij')
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
    rgb, normal, depth, whose = below
    surface = _surface(seen, key, u, v, intrinsics[0])
    # Skin and cloth have no creases where one capsule enters another: close to
    # the seam, bend the nearer normal to the other's.
    seam = 0.5 * jnp.clip(1 - (depth - surface.depth) / 25.0, 0.0, 1.0)
    seam = jnp.where(whose == surface.whose, seam, 0.0)
    bent = [n + seam * (m - n) for n, m in zip(surface.normal, normal, strict=True)]
    scale = jax.lax.rsqrt(sum(n * n for n in bent) + 1e-6)
    lit = light.shine(scene.light, turn, tuple(n * scale for n in bent))
    color = _color(seen, cloth, surface)
    rgb = tuple(
      old + surface.cover * (c * brightness - old)
      for old, c, brightness in zip(rgb, color, lit, strict=True)
    )
    whole = jnp.where(surface.cover > 0.9, surface.whose, -1)
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
  pose_number = jnp.round(person.joints.sum()).astype(jnp.int32)
  frame_key = jax.random.fold_in(scene.key, pose_number)
  return sensor.expose(scene.sensor, rgb, frame_key)


class _Surface(NamedTuple):
  index: Array
  whose: Array
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
  whose = index // body.PARTS
  return _Surface(index, whose, hit.depth, cover, hit.along, hit.normal, hit.local)


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


def _solids(scene, placement, person):
  """All people as capsules in the world, and their wardrobes."""
  people = 1 + scene.others.present.shape[0]
  persons = jax.tree.map(
    lambda one, more: jnp.concatenate([one[None], more]),
    person,
    company.standing(scene.others, placement),
  )
  solids = jax.vmap(limbs.capsules)(scene.build, persons)
  present = jnp.concatenate([jnp.ones(1), scene.others.present])
  first = jnp.arange(people, dtype=jnp.int32) * body.MATERIALS
  solids = solids._replace(
    radius=jnp.where(present[:, None, None] > 0.5, solids.radius, -1.0),
    cloth=solids.cloth + first[:, None, None],
  )
  flat = lambda field: field.reshape(-1, *field.shape[2:])  # noqa: E731
  return jax.tree.map(flat, solids), jax.tree.map(flat, scene.cloth)


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
