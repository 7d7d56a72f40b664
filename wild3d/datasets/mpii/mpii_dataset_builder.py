"""MPII Human Pose (Andriluka et al. 2014), or any data in its JSON form."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import ClassVar

import tensorflow_datasets as tfds

from wild3d.datasets import make_record, options
from wild3d.datasets.mpii import (
  hrnet_json,
  leeds_mat,
  newell_h5,
  official_mat,
  person,
  split,
)
from wild3d.datasets.official_counts import Official
from wild3d.datasets.units import Skipped, Unit, UnitBuilder
from wild3d.errors import UserError
from wild3d.media import image_file

_PEOPLE = 256  # of a unit
_MAT = 'mpii_human_pose_v1_u12_1.mat'
_LAYOUT = (
  'a folder with images/ (mpii_human_pose_v1.tar.gz from '
  'http://human-pose.mpi-inf.mpg.de) and one of these: (1) the official '
  f'mpii_human_pose_v1_u12_2/{_MAT} from there and, for the split, one of '
  f'{split.SOURCES}; (2) annot/train.json and annot/valid.json, the same JSON; '
  '(3) annot.h5 with valid.h5, or train.h5, valid.h5 and test.h5, the same h5; '
  '(4) one annotations.json of the form of (2); (5) joints.mat of Leeds Sports Pose or '
  'its extension'
)


@dataclasses.dataclass
class MpiiConfig(tfds.core.BuilderConfig):
  """How pictures are stored."""

  size: int = 384  # px, longest side of a stored crop; smaller ones are not enlarged
  margin: float = 1.5  # side of the stored crop over the side of the person box

  def __post_init__(self):
    limits = {'size': (16, 4096), 'margin': (1.0, 4.0)}
    options.check(self, 'mpii', limits=limits)


class Builder(UnitBuilder):
  """One record per annotated person: 2D joints only.

  The first form that is there is read: the official .mat, annot/train.json and
  valid.json, the h5 files, annotations.json. The .mat and annot.h5 give 'train',
  'validation' (split.py) and 'test', whose people have a box and no joints; the
  others the splits that they have files for (test.json and trainval.json are not
  read). A single annotations.json is split by picture: its picture names in sorted
  order are cut into runs of up to 20, and every tenth run is 'validation', so that
  people of one picture stay together and neighbouring numbers part only at the end
  of a run. Fewer than ten pictures are all 'train'. The joints.mat of LSPET is split
  likewise; that of LSP has a thousand people for 'train', and the others, which are its
  test set, are 'validation'.
  """

  VERSION = tfds.core.Version('1.1.0')
  RELEASE_NOTES: ClassVar = {
    '1.1.0': 'The official .mat and the h5 files; the test set; actions.',
    '1.0.0': 'First version.',
  }
  MANUAL_DOWNLOAD_INSTRUCTIONS = f'Point manual_dir at {_LAYOUT}.'
  BUILDER_CONFIGS: ClassVar = [
    MpiiConfig(name='default', description='Crops of up to 384 px.'),
    MpiiConfig(name='small', description='Crops of up to 192 px.', size=192),
  ]
  # The usual division of the training pictures (Tompson et al. 2014).
  OFFICIAL_COUNTS: ClassVar = {
    ('train', ''): Official(22_246),
    ('validation', ''): Official(2_958),
    ('test', ''): Official(11_731),
  }
  HOMEPAGE = 'http://human-pose.mpi-inf.mpg.de'
  CITATION = (
    '@inproceedings{andriluka2014, author={Andriluka, Mykhaylo and Pishchulin, '
    'Leonid and Gehler, Peter and Schiele, Bernt}, title={2D Human Pose '
    'Estimation: New Benchmark and State of the Art Analysis}, '
    'booktitle={CVPR}, year={2014}}'
  )

  def units(self, manual_dir: pathlib.Path) -> dict[str, list[Unit]]:
    """A few hundred people of a split each; the people of a picture together."""
    result = {}
    for name, entries in read_splits(manual_dir).items():
      result[name] = [
        Unit(f'mpii/{name}/{i:04d}', _count(part), (manual_dir / 'images', part))
        for i, part in enumerate(_cut(entries))
      ]
    return result

  def records(self, unit: Unit) -> Iterator[dict | Skipped]:
    """The people of a unit; each picture is decoded once where they follow in a row."""
    images, entries = unit.payload
    name, picture = None, None
    for one in entries:
      if isinstance(one, str):
        yield Skipped(one)
        continue
      if one.image != name:
        name, picture = one.image, image_file.read_as_stored(images / one.image)
      if person.misfit(one, picture.size):
        yield Skipped('joints or box far outside the picture')
        continue
      yield make_record.from_picture(
        picture,
        margin=self.builder_config.margin,
        size=self.builder_config.size,
        id=f'{unit.name}#{one.image}:{one.row}',
        joints2d=one.joints2d,
        labelled=one.labelled,
        occluded=one.occluded,
        center=one.center,
        side=one.side,
        head_size=one.head_size,
        action=one.action,
      )


def read_splits(folder: pathlib.Path) -> dict[str, list[person.Entry]]:
  """Split name -> its people, all annotations checked; see Builder for the rule.

  Raises:
    UserError: no annotation file in `folder`; see the readers and
      person.with_pictures.
  """
  images, annot = folder / 'images', folder / 'annot'
  for mat in (folder / 'mpii_human_pose_v1_u12_2' / _MAT, folder / _MAT, annot / _MAT):
    if mat.exists():
      people, test = official_mat.read(mat)
      splits = split.divide(people, folder) | {'test': test}
      return _without_empty(person.with_pictures(splits, images, mat))
  files = {'train': annot / 'train.json', 'validation': annot / 'valid.json'}
  if files := {name: path for name, path in files.items() if path.exists()}:
    return {name: hrnet_json.read(path, images) for name, path in files.items()}
  for place in (annot, folder):
    if (place / 'annot.h5').exists():
      people, test = newell_h5.read_all(place / 'annot.h5')
      splits = split.divide(people, folder) | {'test': test}
      return _without_empty(person.with_pictures(splits, images, place / 'annot.h5'))
    files = {'train': 'train.h5', 'validation': 'valid.h5', 'test': 'test.h5'}
    files = {name: place / file for name, file in files.items()}
    if files := {name: path for name, path in files.items() if path.exists()}:
      splits = {n: newell_h5.read(p, test=n == 'test') for n, p in files.items()}
      return _without_empty(person.with_pictures(splits, images, place))
  if (folder / 'annotations.json').exists():
    return _single(hrnet_json.read(folder / 'annotations.json', images))
  if (folder / 'joints.mat').exists():
    people, is_lsp = leeds_mat.read(folder / 'joints.mat', images)
    if not is_lsp:
      return _single(people)
    first = leeds_mat.LSP_TRAIN
    return _without_empty({'train': people[:first], 'validation': people[first:]})
  raise UserError(f'{folder}: no MPII annotations; manual_dir is {_LAYOUT}')


def _single(entries):
  """Splits people of one file by their pictures."""
  people = [one for one in entries if isinstance(one, person.Person)]
  names = sorted({one.image for one in people})
  run = max(1, min(20, len(names) // 10))
  held_out = {name for i, name in enumerate(names) if i // run % 10 == 9}
  return _without_empty(
    {
      'train': [p for p in entries if getattr(p, 'image', None) not in held_out],
      'validation': [p for p in people if p.image in held_out],
    }
  )


def _without_empty(splits):
  """The splits that have people; who is left out of the others is counted with them."""
  kept = {name: list(entries) for name, entries in splits.items() if _count(entries)}
  for name, entries in splits.items():
    if kept and name not in kept:
      next(iter(kept.values())).extend(entries)
  return kept


def _count(entries):
  return sum(isinstance(one, person.Person) for one in entries)


def _cut(entries):
  """Runs of about _PEOPLE people, cut where the picture changes."""
  parts, part, count, image = [], [], 0, None
  for one in entries:
    if isinstance(one, person.Person):
      if count >= _PEOPLE and one.image != image:
        parts.append(part)
        part, count = [], 0
      count, image = count + 1, one.image
    part.append(one)
  return [*parts, part]
