"""poses.json: every number with its unit, axes and joint names beside it.

`poses.schema.json` is its JSON Schema. Reading checks names, shapes and numbers.
"""

import dataclasses
import json
import os
from collections.abc import Mapping

import numpy as np

from wild3d import files, skeleton
from wild3d.errors import UserError
from wild3d.poses.pose import Box, Camera, Header, Picture, Pose, PoseFile

VERSION = 1
_JOINTS = len(skeleton.JOINTS)
# Numbers of a Pose -> (shape, decimals in the file).
NUMBERS = {
  'joints2d': ((_JOINTS, 2), 2),
  'scores': ((_JOINTS,), 4),
  'joints_crop': ((_JOINTS, 3), 5),
  'joints_mm': ((_JOINTS, 3), 1),
  'joints_camera': ((_JOINTS, 3), 1),
  'to_original': ((2, 3), 5),
}
CONVENTIONS = {
  'joints': list(skeleton.JOINTS),
  'bones': [list(bone) for bone in skeleton.BONES],
  'left_right': "the person's own",
  'joints2d': 'px of the upright original; the first pixel has its centre at (0.5, 0.5); '
  'x right, y down',
  'joints_mm': 'mm; camera axes: x right, y down, z away from the camera; minus the '
  'pelvis; a single picture does not tell the size: see scale',
  'joints_camera': "mm; the same axes, from the camera's centre; null without a camera",
  'joints_crop': 'units of half the side of the square crop; origin at its centre; z is '
  '0 at the pelvis',
  'to_original': '2 x 3 affine from the crop frame to px of the original',
  'box': 'left, top, width, height, px of the original',
  'camera': 'fx, fy, cx, cy, px of the original; no distortion',
  'scores': '0 to 1, of the 2D joints',
  'presence': '0 to 1, that a person is centred in the crop; null if the network does not '
  'tell',
}


def write(
  poses: PoseFile, path: str | os.PathLike, written: Mapping[str, int] | None = None
) -> None:
  """Writes the file whole or not at all, one picture a line.

  Args:
    poses: what is written.
    path: the file.
    written: the other files of the prediction, in the same folder: path there -> bytes;
      None: they are not listed.

  Raises:
    UserError: it cannot be written.
  """
  head = {
    'schema': 'wild3d.poses',
    'schema_version': VERSION,
    'conventions': CONVENTIONS,
    'header': dataclasses.asdict(poses.header),
  }
  if written is not None:
    head['written'] = dict(written)
  lines = ',\n'.join(
    json.dumps(_picture(p), allow_nan=False, separators=(',', ':'))
    for p in poses.pictures
  )
  text = json.dumps(head, indent=1, allow_nan=False)
  files.write(path, f'{text[:-2]},\n "pictures": [\n{lines}\n]\n}}\n')


def _picture(picture):
  fields = {
    field.name: getattr(picture, field.name) for field in dataclasses.fields(Picture)
  }
  camera = picture.camera and dataclasses.asdict(picture.camera)
  return fields | {'camera': camera, 'poses': [_pose(p) for p in picture.poses]}


def _pose(pose):
  numbers = {}
  for name, (_, decimals) in NUMBERS.items():
    value = getattr(pose, name)
    numbers[name] = None if value is None else np.round(value, decimals).tolist()
  box = dataclasses.asdict(pose.box)
  box['xywh'] = [round(x, 2) for x in pose.box.xywh]
  presence = None if pose.presence is None else round(pose.presence, 4)
  return {'person': pose.person, 'presence': presence, 'box': box, **numbers}


def read(path: str | os.PathLike) -> PoseFile:
  """Reads what `write` wrote.

  Raises:
    UserError: it is missing, no JSON, of another schema or version, or a field is
      missing or of another form: the message names it.
  """
  data = files.read_json(path)
  if not isinstance(data, dict) or data.get('schema') != 'wild3d.poses':
    raise UserError(f'{path}: its "schema" is not "wild3d.poses"')
  if data.get('schema_version') != VERSION:
    raise UserError(
      f'{path}: schema_version {data.get("schema_version")!r:.20}; this wild3d reads '
      f'{VERSION}: use the one that wrote it'
    )
  if not isinstance(data.get('pictures'), list):
    raise UserError(f'{path}: "pictures" is missing, or no list')
  header = data.get('header')
  if isinstance(header, dict):
    header = {'trained_on': ''} | header  # which older files lack
  header = Header(**_fields(path, 'header', Header, header))
  return PoseFile(
    header,
    tuple(
      _read_picture(path, f'pictures[{i}]', item)
      for i, item in enumerate(data['pictures'])
    ),
  )


def _is_number(value):
  return type(value) in (int, float) and abs(value) < 1e300  # false for NaN


def _is_box(value):
  return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))


_OPTIONAL = 'a number or null', lambda value: value is None or _is_number(value)
# Field, of whichever class -> what is expected, and whether a value is that.
_FORMS = {
  'source': ('text', lambda value: isinstance(value, str)),
  'frame': _OPTIONAL,
  'time': _OPTIONAL,
  'score': _OPTIONAL,
  'presence': _OPTIONAL,
  'xywh': ('4 numbers', _is_box),
  'person': ('a whole number', lambda value: type(value) is int),
  'poses': ('a list', lambda value: isinstance(value, list)),
}


def _fields(path, where, kind, found):
  """`found`, which must have the fields of a dataclass and no others."""
  names = {field.name for field in dataclasses.fields(kind)}
  if not isinstance(found, dict) or set(found) != names:
    given = set(found) if isinstance(found, dict) else set()
    wrong = ', '.join(sorted(map(str, names ^ given)))
    raise UserError(f'{path}: {where}: missing or unknown: {wrong}')
  for name, (expected, is_right) in _FORMS.items():
    if name in names and not is_right(found[name]):
      raise UserError(f'{path}: {where}.{name}: expected {expected}')
  return found


def _read_picture(path, where, item):
  item = _fields(path, where, Picture, item)
  poses = tuple(
    _read_pose(path, f'{where}.poses[{k}]', pose)
    for k, pose in enumerate(item['poses'])
  )
  camera = item['camera']
  if camera is not None:
    camera = Camera(**_fields(path, f'{where}.camera', Camera, camera))
  return Picture(**item | {'poses': poses, 'camera': camera})


def _read_pose(path, where, item):
  if isinstance(item, dict):
    item = {'presence': None} | item  # which older files lack
  item = _fields(path, where, Pose, item)
  arrays = {}
  for name, (shape, _) in NUMBERS.items():
    if name == 'joints_camera' and item[name] is None:
      continue
    try:
      arrays[name] = np.asarray(item[name], np.float64)
    except (OverflowError, TypeError, ValueError):
      arrays[name] = np.empty(0)
    if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
      raise UserError(f'{path}: {where}.{name}: expected numbers of shape {shape}')
  box = _fields(path, f'{where}.box', Box, item['box'])
  box = Box(**box | {'xywh': tuple(map(float, box['xywh']))})
  return Pose(**item | {'box': box, **arrays})
