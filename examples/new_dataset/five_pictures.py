"""A dataset of wild3d from a format of one's own: a text file beside each picture.

  python examples/new_dataset/five_pictures.py FOLDER [DATA_DIR]

Line by line, a text file has the name of a joint, x and y in px (the first pixel's
centre is 0, 0), and the word `hidden` where it is not seen:

  left_wrist 120 88 hidden
"""

import dataclasses
import sys
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds
from etils import epath

from wild3d import files, joint_names, skeleton
from wild3d.datasets import crop, make_record
from wild3d.datasets.units import Skipped, Unit, UnitBuilder
from wild3d.errors import UserError
from wild3d.media import image_file


@dataclasses.dataclass
class FivePicturesConfig(tfds.core.BuilderConfig):
  """How pictures are stored; each field can be set with `data build --set`."""

  size: int = 256  # px, longest side of a stored crop
  margin: float = 1.5  # side of the stored crop over the side of the person box


class FivePictures(UnitBuilder):
  """One person a picture, 2D. Every fifth picture is for validation."""

  pkg_dir_path = epath.Path(__file__).parent  # not in a package of wild3d

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES: ClassVar = {'1.0.0': 'First version.'}
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Point manual_dir at a folder of NAME.jpg and NAME.txt.'
  )
  BUILDER_CONFIGS: ClassVar = [
    FivePicturesConfig(name='default', description='Crops of up to 256 px.')
  ]

  def units(self, manual_dir):
    """What is read at one go: here, the pictures of a split. All text is checked."""
    pictures = sorted(manual_dir.glob('*.jpg'))
    people = [(path, _read(path.with_suffix('.txt'))) for path in pictures]
    splits = {
      'train': [one for i, one in enumerate(people) if i % 5 != 4],
      'validation': people[4::5],
    }
    return {
      split: [Unit(f'five_pictures/{split}', len(chosen), chosen)]
      for split, chosen in splits.items()
      if chosen
    }

  def records(self, unit):
    """The records of a unit; what is left out is yielded as Skipped, and counted."""
    for path, (joints2d, labelled, occluded) in unit.payload:
      if labelled.sum() < 4:
        yield Skipped('fewer than four joints')
        continue
      center, side = crop.box_of(joints2d[labelled])
      yield make_record.from_picture(
        image_file.read(path),
        margin=self.builder_config.margin,
        size=self.builder_config.size,
        id=f'{unit.name}#{path.name}',  # begins with the unit's name
        joints2d=joints2d,
        labelled=labelled,
        occluded=occluded,
        center=center,
        side=side,
        # With 3D of all joints, in mm and the camera's axes: joints3d, has3d=True, and
        # camera=[fx, fy, cx, cy]. See wild3d/data/batch.py.
      )


def _read(path):
  """(joints2d [16, 2] px with the first pixel's centre at 0.5, labelled, occluded)."""
  try:
    rows = [line.split() for line in path.read_text().splitlines()]
    names = [name for name, *_ in rows]
    numbers = np.array([row[1:3] for row in rows], float).reshape(-1, 2)
  except (OSError, ValueError) as error:
    raise UserError(f'{path}: lines must be NAME X Y [hidden] ({error})') from None
  joints2d, labelled, occluded = (
    np.zeros((16, 2)),
    np.zeros(16, bool),
    np.zeros(16, bool),
  )
  for joint, (row, *_) in joint_names.match(names).items():  # 'lWrist' will do as well
    i = skeleton.JOINTS.index(joint)
    joints2d[i], labelled[i] = numbers[row] + 0.5, True
    occluded[i] = rows[row][3:] == ['hidden']
  return joints2d, labelled, occluded


def main(manual_dir, data_dir=files.DATA_DIR):
  """Builds the dataset where `wild3d train` and `wild3d data` find it."""
  builder = FivePictures(data_dir=str(files.absolute(data_dir)))
  builder.download_and_prepare(
    download_config=tfds.download.DownloadConfig(manual_dir=manual_dir)
  )
  for split, info in builder.info.splits.items():
    print(f'{split}: {info.num_examples} people')


if __name__ == '__main__':
  main(*sys.argv[1:])
