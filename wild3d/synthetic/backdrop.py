"""What stands behind people: floor, wall or sky, clutter, and their shadows."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from wild3d.synthetic import texture
from wild3d.synthetic.dice import Dice

SHAPES = 10
GRAINS = (3, 6, 12, 24, 48)
FAR_MM = 60000.0


class Backdrop(NamedTuple):
  """A floor and a wall, shapes on the wall, and blotches over all."""

  cloth: texture.Cloth  # materials of floor and wall (2)
  azimuth: Float[Array, '*K']  # radians: where the wall's normal points
  away: Float[Array, '*K']  # mm from the person to the wall
  fade: Float[Array, '*K 2 3']  # factors on the wall's colour at the foot and 3 m above
  # Rectangles in the crop: centre, half-sizes (crop sides), cosine and sine of the
  # angle, opacity (0 to 1).
  shapes: Float[Array, '*K S 7']
  shape_color: Float[Array, '*K S 3']  # linear light
  grain: Float[Array, '*K G']  # strength of the blotches of each fineness
  shadow: Float[Array, '*K']  # darkness of the shadows, 0 to 1
  key: PRNGKeyArray  # seeds the blotches


def sample(key: PRNGKeyArray, domain: str) -> Backdrop:
  """Draws a backdrop: 'lab' is a plain room, 'wild' anything."""
  wild = domain == 'wild'
  floor_key, wall_key, blotch_key, key = jax.random.split(key, 4)
  dice = Dice(key, 16 * SHAPES)
  draw_cloth = lambda k, p: texture.cloth(k, p, (80.0, 3000.0))  # noqa: E731
  cloth = jax.vmap(draw_cloth)(
    jnp.stack([floor_key, wall_key]), jnp.array([0.25, 0.3]) * wild
  )
  if wild:
    cloth = cloth._replace(crumple=cloth.crumple * 0.5)
  else:
    # One room: grey floor, pale wall.
    room = jnp.array([[0.20, 0.19, 0.18], [0.45, 0.46, 0.46]])
    room = room[:, None, :] * dice.uniform(0.9, 1.1, 2, 1, 3) * jnp.ones((1, 2, 1))
    cloth = cloth._replace(color=room, crumple=jnp.zeros(2))
  turned = dice.chance(0.3, SHAPES, 1) * dice.uniform(-1.6, 1.6, SHAPES, 1)
  turned += dice.chance(0.3, SHAPES, 1) * (jnp.pi / 2)
  busy = 0.7 * dice.unit() * wild
  size = dice.unit(SHAPES, 2) ** jnp.array([[3.0, 1.0]])
  shapes = [
    dice.unit(SHAPES, 2),
    0.008 + jnp.array([[0.25, 0.6]]) * size,
    jnp.cos(turned),
    jnp.sin(turned),
    dice.chance(busy, SHAPES, 1) * dice.uniform(0.4, 1.0, SHAPES, 1),
  ]
  # Brighter or darker with height, by much; of another tint, by little.
  fade = dice.uniform(0.9, 1.1, 2, 3)
  fade *= dice.uniform(0.5, 1.3, 2, 1) if wild else 1.0
  strength = dice.unit() ** 1.5 * (0.22 if wild else 0.03)
  return Backdrop(
    cloth=cloth,
    azimuth=dice.uniform(-0.6, 0.6) if wild else dice.uniform(-0.2, 0.2),
    away=500.0 * 60.0 ** dice.unit() if wild else jnp.float32(2500.0),
    fade=fade,
    shapes=jnp.concatenate(shapes, axis=1),
    shape_color=jnp.stack([texture.color(dice) for _ in range(SHAPES)]),
    grain=strength * dice.uniform(0.5, 1.1) ** jnp.arange(len(GRAINS)),
    shadow=dice.uniform(0.15, 0.75),
    key=blotch_key,
  )


def draw(
  backdrop: Backdrop,
  rays: tuple,
  pixels: tuple,
  eye: Float[Array, '3'],
  toward: Float[Array, ''],
  shade: Float[Array, 'H W'],
) -> tuple:
  """Colour of the backdrop, three arrays [H, W] in linear light.

  Args:
    backdrop: one.
    rays: three arrays [H, W], world directions, any length.
    pixels: x [H, W] and y [H, W], in crop sides.
    eye: mm, relative to the person's place on the floor.
    toward: radians, where the camera stands; the wall is on the other side.
    shade: what the floor keeps of its light at each pixel, 0 to 1.
  """
  normal = toward + backdrop.azimuth
  nx, ny = jnp.cos(normal), jnp.sin(normal)
  slope = nx * rays[0] + ny * rays[1]
  gap = -backdrop.away - (nx * eye[0] + ny * eye[1])
  to_wall = jnp.where(slope < -1e-4, gap / jnp.minimum(slope, -1e-4), FAR_MM)
  to_floor = floor_distance(rays, eye)
  on_floor = to_floor < to_wall
  distance = jnp.minimum(jnp.minimum(to_floor, to_wall), FAR_MM)
  point = tuple(e + distance * r for e, r in zip(eye, rays, strict=True))
  # The pattern's third axis is height for the wall, and unused by the floor.
  across = point[1] * nx - point[0] * ny
  rgb = texture.paint(
    backdrop.cloth,
    jnp.where(on_floor, 0, 1),
    (
      jnp.where(on_floor, point[0], across),
      jnp.where(on_floor, point[1], point[2]),
      jnp.where(on_floor, point[1], point[2]),
    ),
  )
  height = jnp.clip(point[2] / 3000.0, 0.0, 1.5)
  fade = [
    jnp.where(on_floor, shade, (1 - height) * low + height * high)
    for low, high in backdrop.fade.T
  ]
  rgb = tuple(c * f for c, f in zip(rgb, fade, strict=True))
  return _blotches(backdrop, _clutter(backdrop, rgb, pixels))


def floor_distance(rays: tuple, eye: Float[Array, '3']) -> Float[Array, 'H W']:
  """Multiples of the rays at which they meet the floor; FAR_MM if never."""
  down = jnp.maximum(-rays[2], 1e-4)
  return jnp.where(rays[2] < -1e-4, eye[2] / down, FAR_MM)


def _clutter(backdrop, rgb, pixels):
  for shape, tint in zip(backdrop.shapes, backdrop.shape_color, strict=True):
    x, y = pixels[0] - shape[0], pixels[1] - shape[1]
    cos, sin = shape[4], shape[5]
    inside = jnp.minimum(
      shape[2] - jnp.abs(cos * x + sin * y), shape[3] - jnp.abs(cos * y - sin * x)
    )
    share = shape[6] * jnp.clip(inside * 150 + 0.5, 0.0, 1.0)
    rgb = tuple(c + share * (t - c) for c, t in zip(rgb, tint, strict=True))
  return rgb


def _blotches(backdrop, rgb):
  size = rgb[0].shape[0]
  total = jnp.zeros((3, size, size))
  dice = Dice(backdrop.key, 16 * sum(grain**2 for grain in GRAINS))
  for grain, strength in zip(GRAINS, backdrop.grain, strict=True):
    centre = (jnp.arange(size) + 0.5) / size * (grain - 1)
    nearness = jnp.abs(centre[:, None] - jnp.arange(grain)[None, :])
    weights = jnp.maximum(0.0, 1 - nearness)
    # Mostly light and dark, a little colour.
    values = dice.bell(4, grain, grain)
    values = values[:1] * jnp.ones((3, 1, 1)) + 0.15 * values[1:]
    total += strength * jnp.einsum('yi,cij,xj->cyx', weights, values, weights)
  return tuple(c * jnp.exp(t) for c, t in zip(rgb, total, strict=True))


def shadow(
  point: tuple,
  start: Float[Array, 'P 3'],
  end: Float[Array, 'P 3'],
  radius: Float[Array, ' P'],
  light: Float[Array, '3'],
) -> Float[Array, 'H W']:
  """How deep floor points lie in the shadow of capsules, 0 to 1.

  Args:
    point: x [H, W] and y [H, W] of the floor points, mm.
    start: mm, world.
    end: mm, world.
    radius: mm.
    light: unit vector to the light; it must come from above.
  """
  lean = light[:2] / jnp.maximum(light[2], 0.2)
  a = start[:, :2] - start[:, 2:] * lean[None, :]
  b = end[:, :2] - end[:, 2:] * lean[None, :]
  # Shadows blur with the height of what casts them.
  blur = 30.0 + 0.12 * jnp.maximum(start[:, 2] + end[:, 2], 0.0) / 2

  def step(depth, capsule):
    a, b, radius, blur = capsule
    x, y = point[0] - a[0], point[1] - a[1]
    wx, wy = b[0] - a[0], b[1] - a[1]
    t = jnp.clip((x * wx + y * wy) / (wx * wx + wy * wy + 1.0), 0.0, 1.0)
    inside = radius - jnp.sqrt((x - t * wx) ** 2 + (y - t * wy) ** 2 + 1e-6)
    here = jnp.clip(0.5 + inside / (2 * blur), 0.0, 1.0) * (radius > 0)
    return jnp.maximum(depth, here), None

  depth = jnp.zeros_like(point[0])
  return jax.lax.scan(step, depth, (a, b, radius, blur), unroll=4)[0]
