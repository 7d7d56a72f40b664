"""Files in the form of COCO keypoints: read, checked, joints matched by name."""

import collections
import dataclasses
import pathlib
from collections.abc import Sequence

from wild3d import joint_names
from wild3d.datasets.coco_person import json_stream
from wild3d.datasets.coco_person.person import (
  Person,
  Picture,
  first,
  joints_of,
  person_of,
)
from wild3d.errors import UserError
from wild3d.skeleton import JOINTS


@dataclasses.dataclass(frozen=True)
class File:
  """What an annotation file holds."""

  people: list[Person]  # those to be used, in the order of their pictures
  left_out: dict[str, int]  # reason -> annotations left out
  # The file's name of a keypoint -> our joint, or '' for none.
  keypoints: dict[str, str]


def read(
  path: pathlib.Path,
  roots: list[pathlib.Path],
  *,
  min_joints: int = 1,
  first_pixel: int = 0,
  names: tuple[str, ...] = (),
) -> File:
  """Reads and checks a whole annotation file; of the pictures, that they exist.

  Args:
    path: the JSON file.
    roots: folders under which a file_name may lie; the first that has it.
    min_joints: people with fewer labelled joints of ours are left out.
    first_pixel: 0 or 1, the number of the first pixel in the file.
    names: see `instructions`.

  Raises:
    UserError: naming the file and the annotation.
  """
  data = _load(path)
  matches, keypoints = _matches(data['categories'], names, path)
  pictures = _pictures(data['images'], path)
  people, left_out, seen, found = [], collections.Counter(), set(), {}
  rows = data['annotations']
  for row in range(len(rows)):
    entry, rows[row] = rows[row], None  # frees it: COCO has 262,000
    name = entry.get('id')
    where = f'{path}, annotation {name}'
    if name is None:
      raise UserError(f'{path}, annotation in row {row}: has no id')
    if name in seen:
      raise UserError(f'{where}: two annotations have this id')
    seen.add(name)
    picture = pictures.get(entry.get('image_id'))
    if picture is None:
      raise UserError(f'{where}: image_id {entry.get("image_id")} is not in images')
    reason = _reason(entry, matches)
    if reason:
      left_out[reason] += 1
      continue
    columns, count = matches[entry.get('category_id')]
    joints = joints_of(entry['keypoints'], columns, count, first_pixel, where)
    number = int(joints[1].sum())
    if number < min_joints:
      few = f'fewer than {min_joints} joints of ours are labelled'
      left_out[few if number else 'no joint of ours is labelled'] += 1
      continue
    if picture.index not in found:
      path_of = _locate(picture, roots, where)
      found[picture.index] = dataclasses.replace(picture, path=path_of)
    image, picture = data['images'][picture.index], found[picture.index]
    people.append(
      person_of(entry, image, picture, joints, columns, count, first_pixel, where)
    )
  people.sort(key=lambda person: person.picture.index)
  return File(people, dict(left_out), keypoints)


def _load(path):
  try:
    with open(path, encoding='utf-8') as file:
      data = json_stream.load(file)
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror}') from None
  except ValueError as error:
    raise UserError(f'{path}: damaged or no JSON: {error}') from None
  for key in ('images', 'annotations', 'categories'):
    rows = data.get(key) if isinstance(data, dict) else None
    if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
      raise UserError(
        f'{path}: no file of COCO keypoints: it must be an object with the lists '
        f'images, annotations and categories; {key} is missing or no list of objects'
      )
  return data


def _matches(categories, names, path):
  """Category id -> (our joint -> column, how many keypoints); File.keypoints."""
  told = instructions(names)
  matches, keypoints = {}, {}
  for category in categories:
    theirs = category.get('keypoints')
    if not theirs:
      continue
    where = f'{path}, category {category.get("name", category.get("id"))}'
    if not isinstance(theirs, list) or not all(isinstance(n, str) for n in theirs):
      raise UserError(f'{where}: keypoints must be a list of names')
    columns = match(theirs, told, where)
    if columns:
      matches[category.get('id')] = (columns, len(theirs))
    ours = {index: joint for joint, index in columns.items()}
    keypoints.update({name: ours.get(i, '') for i, name in enumerate(theirs)})
  if not keypoints:
    raise UserError(
      f'{path}: no category has keypoints (a list of names): no file of COCO keypoints'
    )
  missing = set(told) - {joint_names.normalised(name) for name in keypoints}
  if missing:
    raise UserError(
      f'{path}: the option names speaks of {", ".join(sorted(missing))}, but the '
      f'keypoints are {", ".join(keypoints)}'
    )
  if not matches:
    raise UserError(
      f'{path}: none of its keypoints ({", ".join(keypoints)}) is one of ours '
      f'({", ".join(JOINTS)}); rename them, or say which is which with the option names'
    )
  return matches, keypoints


def match(
  names: Sequence[str], told: dict[str, str], where: str = ''
) -> dict[str, int]:
  """Our joint -> which of a file's keypoints it is; those that are not found are absent.

  Args:
    names: the file's keypoints, in order.
    told: from `instructions`.
    where: the file, for messages.

  Raises:
    UserError: two names mean the same joint.
  """
  found = joint_names.match(names, told=told)
  for joint, (place, *others) in found.items():
    if others:
      raise UserError(
        f'{where}: keypoints {names[place]!r} and {names[others[0]]!r} both mean our '
        f'{joint}; say which one with the option names, such as {names[place]}:{joint}'
      )
  return {joint: places[0] for joint, places in found.items()}


def instructions(told: Sequence[str]) -> dict[str, str]:
  """Reads the option `names`: normalised name -> our joint, or '' for none.

  Args:
    told: 'neck:thorax' means that the file's neck is our thorax, 'head:' that its
      head is none of ours.

  Raises:
    UserError: an entry has another form.
  """
  given = {}
  for entry in told:
    theirs, _, ours = str(entry).rpartition(':')
    if not joint_names.normalised(theirs) or (ours and ours not in JOINTS):
      raise UserError(
        f'names: {entry!r} must be THEIRS:OURS with one of ours ({", ".join(JOINTS)}), '
        'or THEIRS: for none'
      )
    given[joint_names.normalised(theirs)] = ours
  return given


def _pictures(images, path):
  pictures = {}
  for index, image in enumerate(images):
    name = image.get('file_name')
    where = f'{path}, image {image.get("id")}'
    if not isinstance(name, str) or not name:
      raise UserError(f'{where}: file_name must be the name of a file, not {name!r}')
    name = name.replace('\\', '/')
    if name.startswith('/') or '..' in name.split('/'):
      raise UserError(f'{where}: file_name {name!r} must be relative to images/')
    if image.get('id') is None or image['id'] in pictures:
      raise UserError(f'{where}: two images have this id, or it has none')
    frame = first(image, ('frame_id', 'frame'), 0)
    size = (image.get('width') or 0, image.get('height') or 0)
    if not all(isinstance(number, int) for number in (frame, *size)):
      raise UserError(f'{where}: width, height and frame must be whole numbers')
    sequence = str(first(image, ('sequence',), ''))
    pictures[image['id']] = Picture(index, name, '', size, sequence, frame)
  return pictures


def _locate(picture, roots, where):
  for root in roots:
    if (root / picture.file_name).is_file():
      return str(root / picture.file_name)
  raise UserError(
    f'{where}: its picture {picture.file_name} does not exist in '
    + ', '.join(map(str, roots))
  )


def _reason(entry, matches):
  """Why an annotation is left out before its keypoints are looked at, or ''."""
  if entry.get('iscrowd'):
    return 'a crowd (iscrowd)'
  if entry.get('category_id') not in matches:
    return 'of a category without joints of ours'
  return '' if entry.get('keypoints') else 'an annotation without keypoints'
