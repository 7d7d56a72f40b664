"""COCO keypoints 2017 (Lin et al. 2014), or your own pictures in the same form."""

import dataclasses
import pathlib
import re
from typing import ClassVar

import tensorflow_datasets as tfds
from PIL import Image, ImageOps

from wild3d.datasets import make_record, options
from wild3d.datasets.coco_person import coco_json, people_to_units
from wild3d.datasets.coco_person.person import Person
from wild3d.datasets.units import Skipped, Unit, UnitBuilder
from wild3d.errors import UserError
from wild3d.media import image_file
from wild3d.skeleton import JOINTS

_LAYOUT = (
  'a folder with annotations/person_keypoints_train2017.json and _val2017.json, '
  'train2017/ and val2017/ (https://cocodataset.org/#download), or with your own '
  'annotations/*.json (or one JSON file) in the form of COCO keypoints and images/: '
  'see docs/your-own-data.md'
)
_SPLITS = {
  'train': ('train', 'training'),
  'validation': ('val', 'valid', 'validation'),
  'test': ('test', 'testing'),
}


@dataclasses.dataclass
class CocoPersonConfig(tfds.core.BuilderConfig):
  """What is read, and how pictures are stored."""

  size: int = 384  # px, longest side of a stored crop; smaller ones are not enlarged
  margin: float = 1.5  # side of the stored crop over the side of the person box
  min_joints: int = 4  # people with fewer labelled joints of ours are left out
  pixels: int = 0  # number of the first pixel in the annotations: 0 as in COCO, or 1
  # What keypoints mean, beyond the synonyms of joint_names.py: 'THEIRS:OURS', or
  # 'THEIRS:' for none of ours.
  names: tuple[str, ...] = ()
  # Consecutive frames of a sequence that share one crop box, for sources of role
  # 'clip' (a multiple of clip_frames); 0: each frame has its own box.
  clip: int = 0

  def __post_init__(self):
    limits = {'size': (16, 10**6), 'margin': (1.0, 100.0), 'min_joints': (1, 16)}
    limits |= {'pixels': (0, 1), 'clip': (0, 10**6)}
    options.check(self, 'coco_person', limits=limits)


class Builder(UnitBuilder):
  """One record per annotated person.

  Keypoints are matched to ours by name; pelvis and thorax, where a file has none, are
  the middles of hips and shoulders and count as labelled, for the losses need the
  root. COCO's own has no upper_neck and no head_top. The person box is a square of
  1.25 times the longer side of bbox. Records have 3D truth where `keypoints_3d` and
  `keypoints` give all of our joints.

  A split is named after its file, or train, validation or test if the file's name
  has that word (or val, valid, ...) in it.
  """

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES: ClassVar = {'1.0.0': 'First version.'}
  MANUAL_DOWNLOAD_INSTRUCTIONS = f'Point manual_dir at {_LAYOUT}.'
  BUILDER_CONFIGS: ClassVar = [
    CocoPersonConfig(name='default', description='Crops of up to 384 px.'),
    CocoPersonConfig(name='small', description='Crops of up to 192 px.', size=192),
  ]
  HOMEPAGE = 'https://cocodataset.org'
  CITATION = (
    '@inproceedings{lin2014, author={Lin, Tsung-Yi and Maire, Michael and Belongie, '
    "Serge and Hays, James and Perona, Pietro and Ramanan, Deva and Doll{\\'a}r, Piotr "
    'and Zitnick, C. Lawrence}, title={Microsoft COCO: Common Objects in Context}, '
    'booktitle={ECCV}, year={2014}}'
  )

  def units(self, manual_dir: pathlib.Path) -> dict[str, list[Unit]]:
    """See UnitBuilder; also notes the joints matched in the metadata."""
    config = self.builder_config
    splits, matched = {}, {}
    for path in annotation_files(manual_dir):
      name = path.stem.removeprefix('person_keypoints_')
      file = coco_json.read(
        path,
        [manual_dir / place for place in ('images', f'images/{name}', name, '')],
        min_joints=config.min_joints,
        first_pixel=config.pixels,
        names=config.names,
      )
      _tell(path, file)
      matched[path.name] = file.keypoints
      chunks = people_to_units.cut(file.people, config.clip, str(path))
      splits.setdefault(split_of(path.stem), []).extend(
        Unit(
          name=f'coco_person/{path.stem}/{i:05d}',
          count=len(chunk),
          payload=(chunk, file.left_out if i == 0 else {}),
        )
        for i, chunk in enumerate(chunks)
      )
    self.info.metadata['keypoints'] = matched
    return splits

  def records(self, unit: Unit):
    """See UnitBuilder."""
    people, left_out = unit.payload
    for reason, count in left_out.items():
      yield from [Skipped(reason)] * count
    last, image = None, None
    for person in people:
      if person.picture != last:
        last, image = person.picture, picture(person)
      yield _record(unit, person, image, self.builder_config)


def annotation_files(folder: pathlib.Path) -> list[pathlib.Path]:
  """The annotation files of a manual_dir, sorted.

  COCO's own archive holds captions and other objects beside person_keypoints_*.json;
  where there are files of this name, the others are not read.

  Raises:
    UserError: there are none.
  """
  for pattern in (
    'annotations/person_keypoints_*.json',
    'annotations/*.json',
    'person_keypoints_*.json',
    '*.json',
  ):
    files = sorted(folder.glob(pattern))
    if files:
      return files
  raise UserError(f'{folder}: no annotations (*.json); manual_dir is {_LAYOUT}')


def split_of(stem: str) -> str:
  """'person_keypoints_val2017' -> 'validation'; 'my-photos' -> 'my_photos'."""
  words = re.findall('[a-z]+', stem.lower())
  for split, synonyms in _SPLITS.items():
    if any(word in synonyms for word in words):
      return split
  return re.sub(r'\W', '_', stem.removeprefix('person_keypoints_'), flags=re.ASCII)


def picture(person: Person) -> Image.Image:
  """The whole picture as RGB, turned as its annotator saw it.

  Cameras store upright photographs as turned ones with a note (EXIF). Which of both
  was annotated shows in the width and height of the annotation file.

  Raises:
    UserError: it cannot be decoded, has another size than the file says, or the
      person is not in it.
  """
  path, size = person.picture.path, person.picture.size
  with image_file.opened(path) as image:
    if image.size != size and image.size == size[::-1]:
      image = ImageOps.exif_transpose(image)
    image = image.convert('RGB')
  where = f'{path}, annotation {person.annotation}'
  if all(size) and image.size != size:
    raise UserError(
      f'{where}: the picture is {image.width} x {image.height} px, the annotation file '
      f'says {size[0]} x {size[1]}'
    )
  return image


def _record(unit, person, image, config):
  joints = person.joints2d[person.labelled]
  inside = ((joints >= 0) & (joints <= image.size)).all(axis=1)
  where = f'{person.picture.path}, annotation {person.annotation}'
  if not inside.any():
    raise UserError(f'{where}: no joint lies inside the picture')
  if (abs(joints - person.center) > person.side).any(axis=1).mean() > 0.5:
    raise UserError(
      f'{where}: most joints are far from bbox (which must be x, y, width, height)'
    )
  if person.side > 20 * max(image.size):
    raise UserError(f'{where}: bbox is many times larger than the picture')
  known = {}
  if person.joints3d is not None:
    known.update(joints3d=person.joints3d, has3d=True)
  if person.camera is not None:
    known.update(camera=person.camera)
  sequence = person.picture.sequence
  if sequence and person.track:
    sequence = f'{sequence}/{person.track}'
  return make_record.from_picture(
    image,
    margin=config.margin,
    size=config.size,
    id=f'{unit.name}#{person.picture.file_name}:{person.annotation}',
    joints2d=person.joints2d,
    labelled=person.labelled,
    occluded=person.occluded,
    center=person.center,
    side=person.side,
    sequence=sequence,
    frame=person.picture.frame if sequence else 0,
    subject=person.subject,
    action=person.action,
    **known,
  )


def _tell(path, file):
  """Says once what became of the keypoints and annotations of a file."""
  matched = {ours: theirs for theirs, ours in file.keypoints.items() if ours}
  lacking = [j for j in JOINTS if j not in matched]
  unused = [theirs for theirs, ours in file.keypoints.items() if not ours]
  print(f'{path}: {len(file.people)} people')
  print(f'  joints: {", ".join(f"{o} = {t}" for o, t in matched.items())}')
  print(f'  joints not in it: {", ".join(lacking) or "none"}')
  print(f'  keypoints not used: {", ".join(unused) or "none"}')
  with_3d = sum(person.joints3d is not None for person in file.people)
  print(f'  3D of all joints: {with_3d} people')
  if without := [person for person in file.people if person.lacking3d]:
    lacked = dict.fromkeys(joint for person in without for joint in person.lacking3d)
    print(
      f'  keypoints_3d not used: {len(without)} of the people, first annotation '
      f'{without[0].annotation}; not all joints have both 3D and 2D, these lack it: '
      f'{", ".join(joint for joint in JOINTS if joint in lacked)}'
    )
