"""MPII Human Pose (Andriluka et al. 2014), or any data in its JSON form."""

import dataclasses
import io
import math
import pathlib
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from wild3d.datasets import record
from wild3d.datasets.mpii import hrnet_json
from wild3d.errors import UserError

_LAYOUT = (
  'a folder with images/ (mpii_human_pose_v1.tar.gz from '
  'http://human-pose.mpi-inf.mpg.de) and either annot/train.json and '
  'annot/valid.json (the MPII annotations published with HRNet and "simple '
  'baselines") or one annotations.json of the same form'
)


@dataclasses.dataclass
class MpiiConfig(tfds.core.BuilderConfig):
  """How pictures are stored.

  Attributes:
    size: px, longest side of a stored crop; smaller ones are not enlarged.
    margin: side of the stored crop over the side of the person box.
  """

  size: int = 384
  margin: float = 1.5


class Builder(tfds.core.GeneratorBasedBuilder):
  """One record per annotated person: 2D joints only.

  Splits: annot/train.json is 'train', annot/valid.json 'validation'; test.json
  (no labels) and trainval.json (the two together) are not read. A single
  annotations.json is split by picture: its picture names in sorted order are cut
  into runs of up to 20, and every tenth run is 'validation', so that people of
  one picture stay together and neighbouring numbers part only at the end of a
  run. Fewer than ten pictures are all 'train'.
  """

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES: ClassVar = {'1.0.0': 'First version.'}
  MANUAL_DOWNLOAD_INSTRUCTIONS = f'Point manual_dir at {_LAYOUT}.'
  BUILDER_CONFIGS: ClassVar = [
    MpiiConfig(name='default', description='Crops of up to 384 px.'),
    MpiiConfig(name='small', description='Crops of up to 192 px.', size=192),
  ]

  def _info(self):
    return self.dataset_info_from_configs(
      features=record.features(),
      homepage='http://human-pose.mpi-inf.mpg.de',
      citation=(
        '@inproceedings{andriluka2014, author={Andriluka, Mykhaylo and Pishchulin, '
        'Leonid and Gehler, Peter and Schiele, Bernt}, title={2D Human Pose '
        'Estimation: New Benchmark and State of the Art Analysis}, '
        'booktitle={CVPR}, year={2014}}'
      ),
    )

  def _split_generators(self, dl_manager):
    try:
      folder = pathlib.Path(dl_manager.manual_dir)
    except AssertionError:
      raise UserError(
        'mpii: manual_dir (--manual_dir, or config.datasets.NAME.manual_dir) is '
        f'missing or empty; it is {_LAYOUT}'
      ) from None
    return {
      split: self._generate_examples(folder / 'images', people)
      for split, people in read_splits(folder).items()
    }

  def _generate_examples(self, images, people):
    for person in people:
      key = f'mpii/{person.image}#{person.row}'
      jpeg, corner, pitch, original_size = _crop(
        images / person.image, person, self.builder_config
      )
      corner = np.asarray(corner, np.float64)
      stored = (person.joints2d - corner) / pitch
      yield (
        key,
        record.still(
          id=key,
          image=jpeg,
          joints2d=np.where(person.labelled[:, None], stored, 0.0),
          labelled=person.labelled,
          occluded=person.occluded,
          center=(person.center - corner) / pitch,
          side=person.side / pitch,
          head_size=person.head_size / pitch,
          to_original=[[pitch, 0.0, corner[0]], [0.0, pitch, corner[1]]],
          original_size=original_size,
        ),
      )


def read_splits(folder: pathlib.Path) -> dict[str, list[hrnet_json.Person]]:
  """Split name -> its people, all annotations checked; see Builder for the rule.

  Raises:
    UserError: no annotation file in `folder`, or see hrnet_json.read.
  """
  images, single = folder / 'images', folder / 'annotations.json'
  files = {
    'train': folder / 'annot' / 'train.json',
    'validation': folder / 'annot' / 'valid.json',
  }
  files = {split: path for split, path in files.items() if path.exists()}
  if files:
    return {split: hrnet_json.read(path, images) for split, path in files.items()}
  if not single.exists():
    raise UserError(f'{folder}: no MPII annotations; manual_dir is {_LAYOUT}')
  people = hrnet_json.read(single, images)
  names = sorted({person.image for person in people})
  run = max(1, min(20, len(names) // 10))
  held_out = {name for i, name in enumerate(names) if i // run % 10 == 9}
  splits = {
    'train': [p for p in people if p.image not in held_out],
    'validation': [p for p in people if p.image in held_out],
  }
  return {split: members for split, members in splits.items() if members}


def _crop(path, person, config):
  """(JPEG bytes, corner px, original px per stored px, (width, height))."""
  try:
    with Image.open(path) as opened:
      image = opened.convert('RGB')
  except (OSError, SyntaxError, Image.DecompressionBombError) as error:
    raise UserError(f'{path}: the picture cannot be decoded: {error}') from None
  # Whole pixels, so that a crop that is not shrunk is not resampled either.
  side = math.ceil(config.margin * person.side)
  left, top = (math.floor(c - side / 2) for c in person.center)
  crop = image.crop((left, top, left + side, top + side))  # black outside
  stored = min(side, config.size)
  if stored < side:
    crop = crop.resize((stored, stored), Image.Resampling.LANCZOS)
  buffer = io.BytesIO()
  crop.save(buffer, 'JPEG', quality=95, subsampling=0)
  return buffer.getvalue(), (left, top), side / stored, image.size
