"""Ray casting of flattened, tapered capsules with a two-layer depth buffer.

Everything here is in camera axes: mm, x right, y down, z away from the camera.
A pixel is its ray (u, v, 1). Vectors per pixel travel as tuples of planes, so that
XLA fuses the whole intersection into one loop over pixels.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

# A depth-buffer key holds the depth in steps of 1/64 mm above 7 bits of index.
INDEX_BITS = 7
DEPTH_STEPS = 64.0
EMPTY = jnp.iinfo(jnp.int32).max
NEAR_MM = 150.0
# Capsules per turn of the loop: more turns cost memory traffic, longer turns
# compile time.
UNROLL = 4


class Capsules(NamedTuple):
  """P solids: spheres swept from start to end, squeezed along one axis."""

  start: Float[Array, '*P 3']  # mm
  end: Float[Array, '*P 3']  # mm
  radius: Float[Array, '*P 2']  # mm, at start and end; negative radii are never hit
  bulge: Float[Array, '*P']  # mm, what the radius gains half-way (calf, thigh)
  front: Float[Array, '*P 3']  # unit vector, the squeezed axis
  squeeze: Float[Array, '*P']  # thickness along `front` as a share of the width
  hem: Float[Array, '*P']  # place on the axis (0 start, 1 end) where the garment ends
  loose: Float[Array, '*P']  # mm, what the garment adds to the radius before the hem
  cloth: Int[Array, '*P 2']  # index of the material before and after the hem
  role: Int[Array, '*P']  # one of the roles in `body`: what is painted on it


class Hit(NamedTuple):
  """Where rays meet one capsule, arrays of the rays' shape."""

  # mm along z of the front surface (of the nearest point for a miss).
  depth: Float[Array, '...']
  # mm by which the ray is inside the outline; negative for a miss.
  gap: Float[Array, '...']
  along: Float[Array, '...']  # place on the axis, 0 at start, 1 at end
  normal: tuple  # three arrays, the unit normal towards the camera
  local: tuple  # three arrays, mm from start along the axis, to the front, to the side


def to_camera(
  capsules: Capsules, rotation: Float[Array, '3 3'], eye: Float[Array, '3']
) -> Capsules:
  """Moves capsules from the world (mm) to the axes of a camera at `eye`."""
  turn = lambda points: points @ rotation.T  # noqa: E731
  return capsules._replace(
    start=turn(capsules.start - eye[None, :]),
    end=turn(capsules.end - eye[None, :]),
    front=turn(capsules.front),
  )


def _dot(a, b):
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _columns(vectors):
  return vectors[..., 0], vectors[..., 1], vectors[..., 2]


def _strike(capsule, u, v):
  """The intersection's numbers: depth, gap, along, and what normals need.

  Distances are taken in the metric x.x + g (front.x)^2, in which the squeezed
  capsule is a round one. The axis point nearest to where the ray meets the
  unbounded cylinder becomes the centre of a sphere, which the ray then meets.
  """
  ax, ay, az = _columns(capsule.start)
  front = _columns(capsule.front)
  axis = tuple(e - s for e, s in zip(_columns(capsule.end), (ax, ay, az), strict=True))
  g = 1.0 / capsule.squeeze**2 - 1.0
  n_axis = _dot(front, axis)
  # The axis with the metric applied, so that <x, axis> is a plain dot product.
  metric_axis = tuple(w + g * n_axis * n for w, n in zip(axis, front, strict=True))
  length2 = jnp.maximum(_dot(axis, metric_axis), 1e-3)
  r0, r1 = capsule.radius[..., 0], capsule.radius[..., 1]

  qx, qy = u * az - ax, v * az - ay  # the ray at the start's depth, from the start
  n_ray = front[0] * u + front[1] * v + front[2]
  n_q = front[0] * qx + front[1] * qy
  ray2 = 1.0 + u * u + v * v + g * n_ray * n_ray
  ray_axis = metric_axis[0] * u + metric_axis[1] * v + metric_axis[2]
  q_axis = metric_axis[0] * qx + metric_axis[1] * qy
  q_ray = u * qx + v * qy + g * n_q * n_ray
  q2 = qx * qx + qy * qy + g * n_q * n_q

  middle = (r0 + r1) / 2 + capsule.bulge / 2
  k2 = jnp.maximum(length2 * ray2 - ray_axis * ray_axis, 1e-6 * length2)
  k1 = length2 * q_ray - q_axis * ray_axis
  k0 = length2 * (q2 - middle * middle) - q_axis * q_axis
  far = (-k1 - jnp.sqrt(jnp.maximum(k1 * k1 - k2 * k0, 0.0))) / k2
  along = jnp.clip((q_axis + far * ray_axis) / length2, 0.0, 1.0)

  radius = r0 + along * (r1 - r0) + 4 * capsule.bulge * along * (1 - along)
  radius = radius + jnp.where(along < capsule.hem, capsule.loose, 0.0)
  b = q_ray - along * ray_axis
  c = q2 - along * (2 * q_axis - along * length2)
  inside = (radius * radius - c) * ray2 + b * b
  step = (-b - jnp.sqrt(jnp.maximum(inside, 0.0))) / ray2
  gap = inside / (ray2 * 2 * jnp.maximum(radius, 1.0))
  gap = jnp.where(jnp.minimum(r0, r1) > 0, gap, -1e6)
  return az + step, gap, along, (qx, qy, step, g, front, axis)


def strike(
  capsule: Capsules, u: Float[Array, '*pixels'], v: Float[Array, '*pixels']
) -> Hit:
  """Where rays meet capsules: one capsule for all rays, or one for each.

  Args:
    capsule: fields without the axis P, or with the rays' axes in its place.
    u: x / z of the rays.
    v: y / z of the rays.
  """
  depth, gap, along, (qx, qy, step, g, front, axis) = _strike(capsule, u, v)
  p = (qx + step * u, qy + step * v, step)  # from the start to the surface
  q = tuple(pi - along * w for pi, w in zip(p, axis, strict=True))
  lean = g * _dot(front, q)
  normal = tuple(qi + lean * n for qi, n in zip(q, front, strict=True))
  scale = jax.lax.rsqrt(jnp.maximum(_dot(normal, normal), 1e-6))
  length = jnp.sqrt(jnp.maximum(_dot(axis, axis), 1e-3))
  unit = tuple(w / length for w in axis)
  side = (
    unit[1] * front[2] - unit[2] * front[1],
    unit[2] * front[0] - unit[0] * front[2],
    unit[0] * front[1] - unit[1] * front[0],
  )
  local = (_dot(p, unit), _dot(p, front), _dot(p, side))
  return Hit(depth, gap, along, tuple(n * scale for n in normal), local)


def buffer(
  capsules: Capsules,
  u: Float[Array, '*pixels'],
  v: Float[Array, '*pixels'],
  pixels_per_unit: Float[Array, ''],
) -> tuple[Int[Array, '*pixels'], Int[Array, '*pixels']]:
  """The nearest and the second nearest capsule of every ray, as packed keys.

  Args:
    capsules: P of them, P <= 128.
    u: x / z of the rays.
    v: y / z of the rays.
    pixels_per_unit: focal length in px; outlines reach half a pixel outwards.

  Returns:
    Two arrays of keys, front and back: `unpack` reads them.
  """
  count = capsules.hem.shape[0]
  turns = -(-count // UNROLL)
  spare = turns * UNROLL - count

  def pad(field):
    padded = jnp.concatenate([field, jnp.repeat(field[-1:], spare, axis=0)])
    return padded.reshape(turns, UNROLL, *field.shape[1:])

  index = jnp.arange(count, dtype=jnp.int32)

  def turn(layers, chunk):
    front, back = layers
    for i in range(UNROLL):
      capsule, number = jax.tree.map(lambda field, i=i: field[i], chunk)
      depth, gap, _, _ = _strike(capsule, u, v)
      steps = jnp.minimum(depth, 2.0**17) * DEPTH_STEPS
      key = (steps.astype(jnp.int32) << INDEX_BITS) | number
      seen = (gap * pixels_per_unit > -0.5 * depth) & (depth > NEAR_MM)
      key = jnp.where(seen, key, EMPTY)
      # Equal keys come only from the padding, which repeats the last capsule.
      back = jnp.minimum(back, jnp.where(key == front, EMPTY, jnp.maximum(front, key)))
      front = jnp.minimum(front, key)
    return (front, back), None

  start = (jnp.full(u.shape, EMPTY, jnp.int32),) * 2
  layers, _ = jax.lax.scan(turn, start, jax.tree.map(pad, (capsules, index)))
  return layers


def unpack(
  key: Int[Array, '*pixels'],
) -> tuple[Float[Array, '*pixels'], Int[Array, '*pixels']]:
  """A key's depth in mm (very large where nothing was hit) and capsule index."""
  depth = (key >> INDEX_BITS).astype(jnp.float32) / DEPTH_STEPS
  return depth, key & (2**INDEX_BITS - 1)


def coverage(hit: Hit, pixels_per_unit: Float[Array, '']) -> Float[Array, '...']:
  """The share of the pixel that the capsule fills, from its outline's distance."""
  return jnp.clip(hit.gap * pixels_per_unit / hit.depth + 0.5, 0.0, 1.0)
