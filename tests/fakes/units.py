"""A dataset of coloured squares: each unit a colour, each record a shade."""

import dataclasses
import pathlib
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from PIL import Image

from wild3d.datasets import make_record
from wild3d.datasets.units import Skipped, Unit, UnitBuilder
from wild3d.errors import UserError


@dataclasses.dataclass
class ColorsConfig(tfds.core.BuilderConfig):
  """How many shades."""

  shades: int = 3
  title: str = 'colour'
  wide: bool = False
  colors: tuple[str, ...] = ()


class FakeUnits(UnitBuilder):
  """Squares of one colour; a file per colour holds its number, or a fault."""

  pkg_dir_path = epath.Path(__file__).parent  # tfds looks for packages alone

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES: ClassVar = {'1.0.0': 'First version.'}
  MANUAL_DOWNLOAD_INSTRUCTIONS = 'A folder of .txt files.'
  BUILDER_CONFIGS: ClassVar = [ColorsConfig(name='default', description='All.')]

  def units(self, manual_dir):
    names = sorted(path.stem for path in pathlib.Path(manual_dir).glob('*.txt'))
    split = lambda name: 'test' if name.startswith('z') else 'train'  # noqa: E731
    units = [Unit(name, self.builder_config.shades, str(manual_dir)) for name in names]
    return {
      key: [unit for unit in units if split(unit.name) == key]
      for key in ('train', 'test')
    }

  def records(self, unit):
    text = (pathlib.Path(unit.payload) / f'{unit.name}.txt').read_text()
    for shade in range(self.builder_config.shades):
      if text == 'fault' and shade == 1:
        raise UserError(f'{unit.name}.txt: at fault')
      if text == 'dim' and shade == 0:
        yield Skipped('too dim')
        continue
      picture = Image.new('RGB', (20, 16), (40 * shade, 90, len(unit.name)))
      number = 0 if text == 'twice' else shade
      prefix = 'other' if text == 'stranger' else unit.name
      yield make_record.from_picture(
        picture,
        margin=1.5,
        size=64,
        id=f'{prefix}#{number}',
        joints2d=np.full((16, 2), 8.0),
        labelled=np.ones(16, bool),
        center=np.array([8.0, 8.0]),
        side=8.0,
      )
