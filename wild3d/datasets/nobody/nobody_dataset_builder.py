"""Pictures without people, as negatives of the presence head."""

import dataclasses
import pathlib
import zlib
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from wild3d.datasets import make_record, options
from wild3d.datasets.units import Skipped, Unit, UnitBuilder
from wild3d.errors import UserError
from wild3d.media import image_file

_PICTURES = 64  # of a unit
_SMALLEST = 48.0  # px, side of a window
_SIZES = 2.5  # windows are up to 2^2.5 times smaller than the picture's longer side
_LAYOUT = (
  'a folder of pictures, sub-folders too, on which nobody is to be seen: landscapes, '
  'buildings, animals, objects'
)


@dataclasses.dataclass
class NobodyConfig(tfds.core.BuilderConfig):
  """How many windows, and how they are stored."""

  size: int = 192  # px, longest side of a stored window
  margin: float = 1.5  # side of what is stored over the side of the window
  windows: int = 12  # of each picture

  def __post_init__(self):
    limits = {'size': (16, 4096), 'margin': (1.0, 4.0), 'windows': (1, 1000)}
    options.check(self, 'nobody', limits=limits)


class Builder(UnitBuilder):
  """One record for each window: no joint is labelled, and batches say `present` False.

  Windows are squares of many sizes at random places, as a search for people looks
  through. They depend on the picture's path in the folder alone. Every tenth picture,
  in the order of the paths, is 'validation'.
  """

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES: ClassVar = {'1.0.0': 'First version.'}
  MANUAL_DOWNLOAD_INSTRUCTIONS = f'Point manual_dir at {_LAYOUT}.'
  BUILDER_CONFIGS: ClassVar = [
    NobodyConfig(name='default', description='12 windows of up to 192 px a picture.')
  ]

  @property
  def projects(self) -> bool:
    """There is nothing to project."""
    return False

  def units(self, manual_dir: pathlib.Path) -> dict[str, list[Unit]]:
    """A few dozen pictures each."""
    found = sorted(
      path
      for path in manual_dir.rglob('*')
      if path.suffix.lower() in image_file.SUFFIXES
    )
    if not found:
      raise UserError(f'{manual_dir}: no pictures; manual_dir is {_LAYOUT}')
    splits = {
      'train': [path for i, path in enumerate(found) if i % 10 != 9],
      'validation': found[9::10],
    }
    return {
      name: [
        Unit(
          f'nobody/{name}/{i // _PICTURES:04d}',
          len(paths[i : i + _PICTURES]) * self.builder_config.windows,
          (manual_dir, paths[i : i + _PICTURES]),
        )
        for i in range(0, len(paths), _PICTURES)
      ]
      for name, paths in splits.items()
      if paths
    }

  def records(self, unit: Unit) -> Iterator[dict | Skipped]:
    """The windows of a unit's pictures; each picture is decoded once."""
    manual_dir, paths = unit.payload
    for path in paths:
      name = path.relative_to(manual_dir).as_posix()
      picture = image_file.read(path)
      height, width = picture.shape[:2]
      if max(width, height) < _SMALLEST:
        yield Skipped(f'smaller than {_SMALLEST:g} px')
        continue
      dice = np.random.default_rng(zlib.crc32(name.encode()))
      for number in range(self.builder_config.windows):
        center, side = window(dice, width, height)
        yield make_record.from_picture(
          picture,
          margin=self.builder_config.margin,
          size=self.builder_config.size,
          id=f'{unit.name}#{name}:{number}',
          joints2d=np.zeros((16, 2)),
          labelled=np.zeros(16, bool),
          center=center,
          side=side,
        )


def window(
  dice: np.random.Generator, width: int, height: int
) -> tuple[np.ndarray, float]:
  """Centre and side, px, of a square within the picture, or centred across it."""
  side = max(max(width, height) * 2 ** -dice.uniform(0, _SIZES), _SMALLEST)
  size = np.array([width, height], float)
  room = np.maximum(size - side, 0.0)
  return size / 2 + room * (dice.random(2) - 0.5), side
