"""Writes a contact sheet of synthetic people, to be looked at.

python experiments/synthetic_sheet.py --domain wild --joints --out sheet.png
"""

import argparse
import functools
import pathlib

import jax
import numpy as np
from PIL import Image, ImageDraw

from wild3d import skeleton
from wild3d.synthetic import camera, pose, scene


@functools.partial(jax.jit, static_argnames=('domain', 'size'))
def samples(keys, domain, size):
  """Draws one picture and its labels for each key."""

  def one(key):
    scene_key, pose_key = jax.random.split(key)
    setting, person = scene.sample(scene_key, domain), pose.sample(pose_key)
    placement = camera.place(setting.view, person.joints[None])
    return scene.draw(setting, placement, person, size)

  return jax.vmap(one)(keys)


def overlay(picture, sample):
  """Draws bones (red: right, blue: left) and joints (hollow: occluded)."""
  pen = ImageDraw.Draw(picture)
  points = [tuple(map(float, p)) for p in sample['joints2d']]
  for a, b in skeleton.BONES:
    names = skeleton.JOINTS[a] + skeleton.JOINTS[b]
    tint = 'red' if 'right' in names else 'blue' if 'left' in names else 'lime'
    pen.line([points[a], points[b]], fill=tint)
  for (x, y), hidden in zip(points, sample['occluded'], strict=True):
    pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=None if hidden else 'yellow')


def main():
  """Parses the command line and writes the sheet."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--domain', choices=('lab', 'wild'), default='wild')
  parser.add_argument('--size', type=int, default=128, help='px of one picture')
  parser.add_argument('--count', type=int, default=64)
  parser.add_argument('--columns', type=int, default=8)
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--joints', action='store_true', help='draw the skeleton')
  parser.add_argument('--out', type=pathlib.Path, default=pathlib.Path('sheet.png'))
  args = parser.parse_args()

  keys = jax.random.split(jax.random.key(args.seed), args.count)
  batch = jax.device_get(samples(keys, args.domain, args.size))
  rows = -(-args.count // args.columns)
  sheet = Image.new('RGB', (args.columns * args.size, rows * args.size))
  for i in range(args.count):
    picture = Image.fromarray(np.asarray(batch['image'][i]))
    if args.joints:
      overlay(picture, {name: value[i] for name, value in batch.items()})
    row, column = divmod(i, args.columns)
    sheet.paste(picture, (column * args.size, row * args.size))
  sheet.save(args.out)
  seen = batch['labelled']
  print(
    f'labelled {seen.mean():.3f}, ankles {seen[:, [0, 5]].mean():.3f}, '
    f'occluded of labelled {batch["occluded"][seen].mean():.3f}'
  )


if __name__ == '__main__':
  main()
