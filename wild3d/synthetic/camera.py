"""The camera: where it stands, and the square crop it takes of one person."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from wild3d import skeleton
from wild3d.synthetic.dice import Dice
from wild3d.synthetic.person import from_joints

# Side of the person box over that of the tightest square round the joints, and
# side of the stored crop over that of the box.
BOX_MARGIN = 1.25
CROP_MARGIN = 1.2
# Nobody stands nearer to the camera than this.
NEAREST_MM = 1200.0


class View(NamedTuple):
  """How a camera looks at a person."""

  azimuth: Float[Array, '*K']  # radians about the person, 0 in front of the chest
  distance: Float[Array, '*K']  # mm, horizontally from the person
  height: Float[Array, '*K']  # mm above the floor
  roll: Float[Array, '*K']  # radians
  # mm, what is at the picture's centre, right of and above the person.
  aim: Float[Array, '*K 2']
  shift: Float[Array, '*K 2']  # error of the box's centre, in box sides
  scale: Float[Array, '*K']  # error of the box's side, a factor
  within: Bool[Array, '*K 16']  # which joints the box is drawn round


class Placement(NamedTuple):
  """A camera placed in the world, with pixels in sides of the stored crop."""

  rotation: Float[Array, '3 3']  # from world axes to camera axes
  eye: Float[Array, '3']  # mm, world
  camera: Float[Array, '4']  # fx, fy, cx, cy; (0, 0) to (1, 1) is the stored crop
  center: Float[Array, '2']  # the person box's centre
  side: Float[Array, '']  # the person box's side
  origin: Float[Array, '3']  # mm, world: the floor below the person, over all frames
  depth: Float[Array, '']  # mm, the person's mean distance along the camera's axis


def sample(key: PRNGKeyArray, domain: str) -> View:
  """Draws a view: 'lab' is level and whole; 'wild' also high, low and cut off."""
  dice = Dice(key, 25)
  # In the wild most people face the camera (72 % in MPII); in the lab they turn.
  share = 0.72 if domain == 'wild' else 0.5
  front = dice.uniform(-jnp.pi / 2, jnp.pi / 2)
  azimuth = front + jnp.pi * ~dice.chance(share)
  everything = jnp.ones(16, bool)
  if domain == 'lab':
    # A rig of four: knee, waist, eye, and from above, as in MPI-INF-3DHP. How far
    # feet and head lie in depth is mostly how the camera is tilted.
    heights = jnp.array([450.0, 950.0, 1500.0, 2200.0])
    return View(
      azimuth=azimuth,
      distance=dice.uniform(2700.0, 5600.0),
      height=heights[(dice.unit() * len(heights)).astype(jnp.int32)],
      roll=jnp.zeros(()),
      aim=dice.uniform(-400.0, 400.0, 2),
      shift=jnp.zeros(2),
      scale=jnp.ones(()),
      within=everything,
    )
  distance = 2300.0 * (7500.0 / 2300.0) ** dice.unit()
  odd = dice.unit()
  height = dice.uniform(500.0, 2100.0)
  height = jnp.where(odd < 0.08, 2100 + 0.45 * distance, height)
  height = jnp.where(odd > 0.94, 150.0, height)
  # Close-ups: without the ankles, without the legs.
  cut = dice.unit()
  feet = (
    jnp.zeros(16, bool)
    .at[jnp.array([skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE])]
    .set(True)
  )
  legs = feet.at[jnp.array([skeleton.RIGHT_KNEE, skeleton.LEFT_KNEE])].set(True)
  within = jnp.where(cut < 0.14, ~legs, jnp.where(cut < 0.24, ~feet, everything))
  return View(
    azimuth=azimuth,
    distance=distance,
    height=height,
    roll=0.07 * jnp.clip(dice.bell(), -2.5, 2.5),
    aim=dice.uniform(-0.22, 0.22, 2) * distance,
    shift=dice.uniform(-0.04, 0.04, 2),
    scale=dice.uniform(0.95, 1.1),
    within=within,
  )


def place(view: View, joints: Float[Array, 'T 16 3']) -> Placement:
  """Sets up the camera so that one crop holds the person in all T frames.

  The crop is cut out of a larger picture whose centre is `view.aim`, so its
  principal point may lie anywhere. The camera steps back where a long walk would
  come too near.

  Args:
    view: how to look.
    joints: [T, 16, 3] mm, world.
  """
  points = joints.reshape(-1, 3)
  low, high = points.min(axis=0), points.max(axis=0)
  middle = (low + high) / 2
  origin = middle.at[2].set(0.0)
  chest = from_joints(joints[0]).chest
  azimuth = view.azimuth + jnp.arctan2(chest[1], chest[0])
  toward = jnp.stack([jnp.cos(azimuth), jnp.sin(azimuth), 0.0])
  reach = jnp.max((points - middle[None, :]) @ toward)
  distance = jnp.maximum(view.distance, reach + NEAREST_MM)
  eye = origin + distance * toward + jnp.array([0.0, 0.0, 1.0]) * view.height
  beside = jnp.array([-1.0, 1.0, 0.0]) * toward[jnp.array([1, 0, 2])]
  aim = middle + view.aim[0] * beside + view.aim[1] * jnp.array([0.0, 0.0, 1.0])

  ahead = (aim - eye) / jnp.linalg.norm(aim - eye)
  right = jnp.cross(ahead, jnp.array([0.0, 0.0, 1.0]))
  right = right / jnp.maximum(jnp.linalg.norm(right), 1e-6)
  down = jnp.cross(ahead, right)
  cos, sin = jnp.cos(view.roll), jnp.sin(view.roll)
  rotation = jnp.stack([cos * right + sin * down, cos * down - sin * right, ahead])

  local = (joints - eye[None, None, :]) @ rotation.T
  rays = local[..., :2] / jnp.maximum(local[..., 2:], 100.0)
  inside = view.within[None, :, None]
  top_left = jnp.where(inside, rays, jnp.inf).min(axis=(0, 1))
  bottom_right = jnp.where(inside, rays, -jnp.inf).max(axis=(0, 1))
  # A square of zero size has no scale: keep a hand's breadth at least.
  tight = jnp.maximum((bottom_right - top_left).max(), 0.02)
  box = tight * BOX_MARGIN * view.scale
  center = (top_left + bottom_right) / 2 + view.shift * box
  focal = 1 / (box * CROP_MARGIN)
  principal = 0.5 - focal * center
  return Placement(
    rotation=rotation,
    eye=eye,
    camera=jnp.concatenate([jnp.stack([focal, focal]), principal]),
    center=jnp.full((2,), 0.5),
    side=jnp.asarray(1 / CROP_MARGIN, jnp.float32),
    origin=origin,
    depth=local[..., 2].mean(),
  )


def project(
  points: Float[Array, 'N 3'], camera: Float[Array, '4']
) -> Float[Array, 'N 2']:
  """Perspective projection of points in camera axes; fx, fy, cx, cy in px."""
  return points[:, :2] / points[:, 2:] * camera[None, :2] + camera[None, 2:]
