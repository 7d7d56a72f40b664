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
from wild3d.poses import angles, joint_set
from wild3d.poses.pose import Box, Camera, Header, Picture, Pose, PoseFile

VERSION = 1
_J = -1  # as many as the header's set of joints has
# Numbers of a Pose -> (shape, decimals in the file).
_NUMBERS = {
  'joints2d': ((_J, 2), 2),
  'scores': ((_J,), 4),
  'joints_crop': ((_J, 3), 5),
  'joints_mm': ((_J, 3), 1),
  'joints_camera': ((_J, 3), 1),
  'to_original': ((2, 3), 5),
  'angles': ((len(angles.NAMES),), 1),
}
_OPTIONAL_NUMBERS = ('joints_camera', 'angles')
CONVENTIONS = {
  'joints': list(skeleton.JOINTS),
  'bones': [list(bone) for bone in skeleton.BONES],
  'left_right': "the person's own",
  'joints2d': 'px of the upright original; the first pixel has its centre at (0.5, 0.5); '
  'x right, y down',
  'joints_mm': 'mm; camera axes: x right, y down, z away from the camera; minus the '
  'pelvis; a single picture does not tell the size: see scale',
  'joints_camera': "mm; the same axes, from the camera's centre; null without a camera; "
  'of an assumed camera (see camera in the header) the distance is a guess',
  'joints_crop': 'units of half the side of the square crop; origin at its centre; z is '
  '0 at the pelvis',
  'to_original': '2 x 3 affine from the crop frame to px of the original',
  'box': 'left, top, width, height, px of the original',
  'camera': "fx, fy, cx, cy, px of the original; distortion: OpenCV's k1, k2, p1, p2, "
  'k3, or none; joints2d are as the lens shows them',
  'scores': '0 to 1, of the 2D joints',
  'presence': '0 to 1, that a person is centred in the crop; null if the network does not '
  'tell',
  'angles': list(angles.NAMES),
  'angles_mean': angles.MEANING,
}


def conventions(joints: str) -> dict:
  """`CONVENTIONS` of a file in that set of skeleton.JOINT_SETS."""
  if joints == 'mpii16':
    return CONVENTIONS
  names = skeleton.JOINT_SETS[joints]
  bones = [[skeleton.JOINTS[end] for end in bone] for bone in skeleton.BONES]
  return CONVENTIONS | {
    'joints': list(names),
    'bones': [[*map(names.index, bone)] for bone in bones if {*bone} <= {*names}],
    'joints_not_found': list(joint_set.missing(joints)),
    'joints_made': 'spine, where there is one: the middle of pelvis and thorax',
  }


def shapes(joints: str) -> dict[str, tuple[int, ...]]:
  """The numbers of a Pose -> their shape, in that set of skeleton.JOINT_SETS."""
  count = len(skeleton.JOINT_SETS[joints])
  return {
    name: tuple(count if n == _J else n for n in shape)
    for name, (shape, _) in _NUMBERS.items()
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
    'conventions': conventions(poses.header.joints),
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
  for name, (_, decimals) in _NUMBERS.items():
    value = getattr(pose, name)
    numbers[name] = None if value is None else _listed(np.round(value, decimals))
  box = dataclasses.asdict(pose.box)
  box['xywh'] = [round(x, 2) for x in pose.box.xywh]
  presence = None if pose.presence is None else round(pose.presence, 4)
  return {'person': pose.person, 'presence': presence, 'box': box, **numbers}


def _listed(numbers):
  unknown = np.isnan(numbers)
  return (np.where(unknown, None, numbers) if unknown.any() else numbers).tolist()


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
    # Which older files lack.
    header = {'trained_on': '', 'camera': '', 'joints': 'mpii16'} | header
  header = Header(**_fields(path, 'header', Header, header))
  return PoseFile(
    header,
    tuple(
      _read_picture(path, f'pictures[{i}]', item, header.joints)
      for i, item in enumerate(data['pictures'])
    ),
  )


def _is_number(value):
  return type(value) in (int, float) and abs(value) < 1e300  # false for NaN


def _is_box(value):
  return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))


def _is_distortion(value):
  return (
    isinstance(value, list) and len(value) in (0, 4, 5) and all(map(_is_number, value))
  )


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
  'distortion': ('0, 4 or 5 numbers', _is_distortion),
  'joints': ('a set of joints', lambda value: value in [*skeleton.JOINT_SETS]),
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


def _read_picture(path, where, item, joints):
  item = _fields(path, where, Picture, item)
  poses = tuple(
    _read_pose(path, f'{where}.poses[{k}]', pose, joints)
    for k, pose in enumerate(item['poses'])
  )
  camera = item['camera']
  if camera is not None:
    if isinstance(camera, dict):
      camera = {'distortion': []} | camera  # which older files lack
    camera = _fields(path, f'{where}.camera', Camera, camera)
    camera = Camera(**camera | {'distortion': tuple(camera['distortion'])})
  return Picture(**item | {'poses': poses, 'camera': camera})


def _read_pose(path, where, item, joints):
  if isinstance(item, dict):
    item = {'presence': None, 'angles': None} | item  # which older files lack
  item = _fields(path, where, Pose, item)
  arrays = {}
  lacking = np.isin(skeleton.JOINT_SETS[joints], joint_set.missing(joints))
  for name, shape in shapes(joints).items():
    if name in _OPTIONAL_NUMBERS and item[name] is None:
      continue
    try:
      arrays[name] = np.asarray(item[name], np.float64)
    except (OverflowError, TypeError, ValueError):
      arrays[name] = np.empty(0)
    known = arrays[name]
    if name == 'angles':
      known = known[~np.isnan(known)]
    elif len(known) == len(lacking):
      known = known[~lacking]
    if arrays[name].shape != shape or not np.isfinite(known).all():
      raise UserError(f'{path}: {where}.{name}: expected numbers of shape {shape}')
  box = _fields(path, f'{where}.box', Box, item['box'])
  box = Box(**box | {'xywh': tuple(map(float, box['xywh']))})
  return Pose(**item | {'box': box, **arrays})
