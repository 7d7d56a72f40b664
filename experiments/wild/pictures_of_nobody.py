"""Makes a folder of pictures without people, for the dataset `nobody`.

  python experiments/wild/pictures_of_nobody.py NOBODY

The pictures are free ones of Debian 12's packages, which apt downloads (480 MB): animals,
buildings, landscapes, tools, food. nobody.txt beside this file names those on which nobody
is to be seen, looked through by eye: PACKAGE PATH, and for pictures within a file of Qt
resources where they start in it. Cut-out objects are laid on the photographs.
"""

import io
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

from PIL import Image

LIST = pathlib.Path(__file__).with_name('nobody.txt')
LONGEST = 900  # px
ON_PHOTOGRAPHS = 3  # times each cut-out object is laid on one


def main(out: pathlib.Path) -> None:
  """Downloads, unpacks and writes JPEGs into `out`."""
  wanted = [line.split(maxsplit=1) for line in LIST.read_text().splitlines()]
  out.mkdir(parents=True)
  photographs, objects = [], []
  with tempfile.TemporaryDirectory() as folder:
    unpacked = {name: _unpack(name, folder) for name in {name for name, _ in wanted}}
    for package, place in wanted:
      image = _read(unpacked[package], place)
      image.thumbnail((LONGEST, LONGEST))
      transparent = (
        'A' in image.getbands() and image.getchannel('A').getextrema()[0] < 200
      )
      (objects if transparent else photographs).append(image)
  for i, photograph in enumerate(photographs):
    photograph.convert('RGB').save(out / f'photograph_{i:03d}.jpg', quality=92)
  dice = random.Random(0)
  for i, thing in enumerate(objects):
    for k in range(ON_PHOTOGRAPHS):
      picture = _laid_on(thing.convert('RGBA'), dice.choice(photographs), dice)
      picture.save(out / f'object_{i:03d}_{k}.jpg', quality=92)
  print(f'{out}: {len(photographs)} photographs, {len(objects)} objects on them')


def _unpack(package, folder):
  subprocess.run(['apt-get', 'download', package], cwd=folder, check=True)
  (archive,) = pathlib.Path(folder).glob(f'{package}_*.deb')
  target = pathlib.Path(folder, 'files', package)
  target.mkdir(parents=True)
  subprocess.run(['dpkg', '-x', archive, target], check=True)
  return target


def _read(root, place):
  path, _, start = place.partition('@')
  data = (root / path).read_bytes()[int(start or 0) :]
  image = Image.open(io.BytesIO(data), formats=('JPEG', 'PNG', 'WEBP'))
  image.load()
  return image if 'A' in image.getbands() else image.convert('RGB')


def _laid_on(thing, photograph, dice):
  """The object, from a half to all of the height, anywhere on a photograph."""
  ground = photograph.convert('RGB')
  size = dice.uniform(0.5, 1.0) * min(ground.size) / max(thing.size)
  thing = thing.resize([max(8, round(size * side)) for side in thing.size])
  room = [max(0, g - t) for g, t in zip(ground.size, thing.size, strict=True)]
  ground.paste(thing, tuple(dice.randint(0, r) for r in room), thing)
  return ground


if __name__ == '__main__':
  if len(sys.argv) != 2 or not shutil.which('apt-get'):
    sys.exit(
      'usage, on Debian 12: python experiments/wild/pictures_of_nobody.py NOBODY'
    )
  main(pathlib.Path(sys.argv[1]))
