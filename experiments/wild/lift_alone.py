"""The depth head alone, on what the heatmaps of a network show: which losses pay?

  python experiments/wild/lift_alone.py PHOTOS_AND_PEOPLE_DIR --checkpoint=SOURCE

Trains the head 'lift' from nothing in seconds, on places and spreads that are computed
once: motion capture seen by any camera with the errors of these heatmaps
(training/lift_poses.py), and beside it photographs with the losses of each row below.
Scores it on drawn people of subjects held back (RMS error of depth, crop units) and on
photographs held back (left-right difference of arms and legs, mm, of a skeleton of
4297 mm). Results: ../README.md.
"""

import argparse
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from wild3d import geometry, losses, network, skeleton
from wild3d.data import pipeline, records
from wild3d.models import lift
from wild3d.models.pixels import to_float
from wild3d.protocols import validity
from wild3d.training import lift_poses

STEPS, BATCH, PHOTOS, RATE = 4000, 512, 128, 2e-3
# (symmetry, geometric, at the labels or at the places that the maps show).
ROWS = (
  *((0.0, 0.0, 'maps'), (0.02, 0.0, 'maps'), (0.1, 0.0, 'maps'), (0.5, 0.0, 'maps')),
  *((0.0, 0.1, 'maps'), (0.0, 0.5, 'maps'), (0.1, 0.1, 'maps')),
  *((0.1, 0.0, 'labels'), (0.5, 0.0, 'labels'), (0.0, 0.1, 'labels')),
)
BONES = np.array(skeleton.BONES)


def seen(net, dataset, split, data_dir, limit=None):
  """Places, spreads, labels and true depths of a split's people."""
  sharpness = lift.SHARPNESS * net.variables['params']['lift']['scale']

  @jax.jit
  def look(images):
    images = to_float(images, net.pixels)
    maps = net.model.apply(net.variables, images, train=False).heatmaps[:, -1]
    return lift.places(maps, sharpness)

  rows = []
  for batch in pipeline.evaluate(
    dataset,
    split=split,
    data_dir=data_dir,
    batch_size=64,
    input_size=net.input_size,
    limit=limit,
  ):
    xy, spread = look(batch['image'])
    labels, real = batch['joints2d'], batch['weight'] > 0
    depth = jax.vmap(geometry.depth_target)(labels, batch['joints3d'])
    inside = batch['visible'] & (np.abs(labels) < 1).all(-1)
    rows.append([np.asarray(x)[real] for x in (xy, spread, labels, inside, depth)])
  return [np.concatenate(x) for x in zip(*rows, strict=True)]


def poses(data_dir):
  """All 3D poses of the training splits, mm, minus the root."""
  builder = records.find('mocap_people/wild3d', data_dir)
  each = [
    pose
    for split in ('wild_train', 'lab_train')
    for pose in records.in_order(builder, split)
    .map(lambda record: record['joints3d'])
    .as_numpy_iterator()
  ]
  found = np.stack(each).astype(np.float32)
  return found - found[:, skeleton.ROOT :][:, :1]


def train(row, motion, errors, photos):
  """The head's parameters after STEPS updates, cosine decay, Adam."""
  symmetry, geometric, where = row
  head = lift.Lift(len(skeleton.JOINTS), skeleton.ROOT)
  apply = lambda params, xy, spread: head.apply({'params': params}, None, (xy, spread))  # noqa: E731
  optimizer = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))
  params = head.init(jax.random.key(0), None, (photos[0][:1], photos[1][:1]))['params']

  def loss(params, key):
    keys = jax.random.split(key, 4)
    chosen = motion[jax.random.randint(keys[0], (BATCH,), 0, len(motion))]
    xy, wanted = jax.vmap(lift_poses.view)(jax.random.split(keys[1], BATCH), chosen)
    of = jax.random.randint(keys[2], (BATCH,), 0, len(errors[0]))
    told = apply(params, xy + errors[0][of], errors[1][of])
    of = jax.random.randint(keys[3], (PHOTOS,), 0, len(photos[0]))
    xy, spread, labels, inside = (x[of] for x in photos)
    depth = apply(params, xy, spread)
    shown = jax.vmap(geometry.lift)(xy if where == 'maps' else labels, depth)
    return (
      losses.depth_loss(told, wanted).mean()
      + symmetry * losses.symmetry_loss(shown, inside).mean()
      + geometric * losses.geometric_loss(shown, inside).mean()
    )

  @jax.jit
  def step(params, state, key):
    updates, state = optimizer.update(jax.grad(loss)(params, key), state)
    return optax.apply_updates(params, updates), state

  state = optimizer.init(params)
  for number in range(STEPS):
    params, state = step(params, state, jax.random.key(number))
  return functools.partial(apply, params)


def left_right(xy, depth):
  """Mean difference in mm, see validity.left_right."""
  joints = np.concatenate([xy, np.asarray(depth)[..., None]], -1)
  lengths = np.linalg.norm(joints[:, BONES[:, 0]] - joints[:, BONES[:, 1]], axis=-1)
  lengths *= validity.SIZE_MM / lengths.sum(1, keepdims=True)
  return validity.left_right(lengths).mean()


def main():
  """See the module's docstring."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('data_dir', help='of mpii/small and mocap_people/wild3d')
  parser.add_argument('--checkpoint', required=True)
  options = parser.parse_args()
  net = network.load(options.checkpoint, 'latest')
  look = functools.partial(seen, net, data_dir=options.data_dir)
  people = look('mocap_people/wild3d', 'wild_train', limit=2500)
  photos = look('mpii/small', 'train', limit=2500)
  held, unseen = (
    look('mpii/small', 'validation'),
    look('mocap_people/wild3d', 'wild_test'),
  )
  both = [np.concatenate(pair) for pair in zip(people, photos, strict=True)]
  xy, spread, labels, inside, _ = both
  errors = [jnp.where(inside[..., None], xy - labels, 0.0), jnp.asarray(spread)]
  motion = jnp.asarray(poses(options.data_dir))
  photos = [jnp.asarray(x) for x in photos[:4]]
  print(
    '| symmetry | geometric | at | depth, RMS | left-right, mm |\n|---|---|---|---|---|'
  )
  flat = np.sqrt(np.mean((unseen[4] - people[4].mean(0)) ** 2))
  print(f'| mean depth | | | {flat:.4f} | {left_right(held[0], 0 * held[1]):.1f} |')
  for row in ROWS:
    told = train(row, motion, errors, photos)
    depth = told(*unseen[:2])
    depth -= depth[:, skeleton.ROOT :][:, :1]
    error = float(np.sqrt(np.mean((depth - unseen[4]) ** 2)))
    apart = left_right(held[0], told(*held[:2]))
    print(f'| {row[0]} | {row[1]} | {row[2]} | {error:.4f} | {apart:.1f} |', flush=True)


if __name__ == '__main__':
  main()
