"""Who and what is in a picture besides the person: people beside, things in front."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from wild3d import skeleton
from wild3d.synthetic import body, camera, pose, render
from wild3d.synthetic.dice import Dice
from wild3d.synthetic.person import Person

# Room for further people and for things in front. The 'lab' leaves it empty, so that
# one program, which takes long to compile, draws both domains.
OTHERS = 2
OCCLUDERS = 3


class Others(NamedTuple):
  """N further people: posed round the origin, and where they stand."""

  person: Person  # N of them
  offset: Float[Array, '*K N 2']  # mm, to the camera's right and away from it
  present: Float[Array, '*K N']  # 0 or 1


class Occluders(NamedTuple):
  """Q things in front of the person, in sides of the stored crop."""

  middle: Float[Array, '*K Q 2']  # centre
  half: Float[Array, '*K Q 2']  # from the centre to the end
  radius: Float[Array, '*K Q']  # half the width
  near: Float[Array, '*K Q']  # distance from the camera as a share of the person's
  squeeze: Float[Array, '*K Q']  # thickness as a share of the width


def sample_others(key: PRNGKeyArray, domain: str) -> Others:
  """Draws further people, some of them absent; all in the 'lab'."""
  wild = domain == 'wild'
  figure_key, key = jax.random.split(key)
  dice = Dice(key, 4 * OTHERS)
  side = dice.uniform(450.0, 1900.0, OTHERS)
  side = jnp.where(dice.chance(0.5, OTHERS), side, -side)
  behind = dice.uniform(-250.0, 3500.0, OTHERS)
  present = dice.chance(jnp.array([0.3, 0.15]) * wild, OTHERS)
  keys = jax.random.split(figure_key, OTHERS)
  persons = functools.partial(jax.vmap(pose.sample), keys)
  return Others(
    person=persons() if wild else _nothing_like(persons),
    offset=jnp.stack([side, behind], axis=1),
    present=present.astype(jnp.float32),
  )


def sample_occluders(key: PRNGKeyArray, domain: str) -> Occluders:
  """Draws things in front, most of them absent; all in the 'lab'."""
  share = 0.13 if domain == 'wild' else 0.0
  dice = Dice(key, 10 * OCCLUDERS)
  # At the picture's edge rather than before the face, and low rather than high.
  middle = [
    dice.uniform(0.1, 0.9, OCCLUDERS),
    jnp.sqrt(dice.uniform(0.1, 1.0, OCCLUDERS)),
  ]
  angle = dice.chance(0.5, OCCLUDERS) * dice.uniform(-1.6, 1.6, OCCLUDERS)
  half = dice.uniform(0.0, 0.5, OCCLUDERS)[:, None] * jnp.stack(
    [jnp.cos(angle), jnp.sin(angle)], axis=1
  )
  radius = 0.012 + 0.08 * dice.unit(OCCLUDERS) ** 2
  return Occluders(
    middle=jnp.stack(middle, axis=1),
    half=half,
    radius=jnp.where(dice.chance(share, OCCLUDERS), radius, -1.0),
    near=dice.uniform(0.6, 1.0, OCCLUDERS),
    squeeze=dice.uniform(0.1, 1.0, OCCLUDERS),
  )


def standing(others: Others, placement: camera.Placement) -> Person:
  """The other people, mm, world, at their places beside the subject."""
  ahead = placement.rotation[2] * jnp.array([1.0, 1.0, 0.0])
  ahead = ahead / jnp.maximum(jnp.linalg.norm(ahead), 1e-3)
  right = jnp.cross(ahead, jnp.array([0.0, 0.0, 1.0]))
  where = others.offset[:, :1] * right[None, :] + others.offset[:, 1:] * ahead[None, :]
  where = where + placement.origin[None, :]
  feet = others.person.joints[:, skeleton.PELVIS] * jnp.array([[1.0, 1.0, 0.0]])
  return others.person.moved((where - feet)[:, None, :])


def in_front(
  things: Occluders, placement: camera.Placement, first: int
) -> render.Capsules:
  """The occluders as capsules, mm, camera axes; materials count from `first`."""
  count = things.near.shape[0]
  depth = things.near * jnp.maximum(placement.depth - 500.0, 700.0)
  focal, principal = placement.camera[:2], placement.camera[2:]

  def lift(point):
    flat = (point - principal[None, :]) / focal[None, :] * depth[:, None]
    return jnp.concatenate([flat, depth[:, None]], axis=1)

  number = first + jnp.arange(count, dtype=jnp.int32)
  ones = jnp.ones(count)
  radius = things.radius * depth / focal[0]
  return render.Capsules(
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


def _nothing_like(draw):
  """Zeros in the shapes of what `draw` returns, which is not run."""
  shapes = jax.eval_shape(draw)
  return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
