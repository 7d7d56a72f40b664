"""What a file of poses holds, in words: counts, units, axes, root and joint names."""

import dataclasses
import json
import pathlib

import numpy as np

from wild3d.errors import UserError
from wild3d.poses import poses_json
from wild3d.poses.track import AXES

# The formats have no field for it.
_ORIGIN = (
  "the file does not say: wild3d writes from the camera's centre where predict had "
  '--focal or --fov, else minus the pelvis (which is then always at 0)'
)
_SUFFIXES = ('.json', '.npz', '.bvh', '.trc')


def describe(path: str) -> str:
  """Text for a person, of a file that `wild3d predict` wrote.

  Args:
    path: .json, .npz, .bvh or .trc.

  Raises:
    UserError: it is missing, or not such a file.
  """
  file = pathlib.Path(path).expanduser()
  if not file.is_file():
    raise UserError(f'{path}: no such file')
  readers = dict(zip(_SUFFIXES, (_json, _npz, _bvh, _trc), strict=True))
  if file.suffix not in readers:
    raise UserError(f'{path}: describe reads {", ".join(_SUFFIXES)}')
  return readers[file.suffix](file)


def _table(pairs):
  width = max(len(name) for name, _ in pairs)
  return '\n'.join(f'{name:{width}}  {value}' for name, value in pairs)


def _json(file):
  poses = poses_json.read(file)
  videos = {p.source for p in poses.pictures if p.frame is not None}
  images = [p for p in poses.pictures if p.frame is None]
  found = [pose for picture in poses.pictures for pose in picture.poses]
  people = {(p.source, pose.person) for p in poses.pictures for pose in p.poses}
  counts = [
    ('file', f'wild3d.poses, schema version {poses_json.VERSION}'),
    ('images', len(images)),
    ('videos', f'{len(videos)}, {len(poses.pictures) - len(images)} frames'),
    ('poses', f'{len(found)}, of {len(people)} people'),
    ('in camera space', sum(pose.joints_camera is not None for pose in found)),
  ]
  return _with_conventions(counts, dataclasses.asdict(poses.header))


def _with_conventions(counts, header):
  made = [(name, '-' if value is None else value) for name, value in header.items()]
  meaning = [
    (name, ', '.join(map(str, value)) if isinstance(value, list) else value)
    for name, value in poses_json.CONVENTIONS.items()
  ]
  parts = (_table(counts), 'made by\n' + _table(made), 'means\n' + _table(meaning))
  return '\n\n'.join(parts)


def _npz(file):
  try:
    with np.load(file, allow_pickle=False) as data:
      shapes = [(n, f'{data[n].dtype} {list(data[n].shape)}') for n in data.files]
      header = dict(json.loads(str(data['header'])))
      rows, pictures = len(data['person']), len(data['sources'])
  except Exception:  # whatever damaged files make zip, zlib and NumPy do
    raise UserError(
      f'{file}: not an .npz of wild3d predict, or a damaged one'
    ) from None
  counts = [('pictures', pictures), ('poses', rows), *shapes]
  return _with_conventions(counts, header)


def _text(file):
  try:
    return file.read_text('utf-8').splitlines()
  except (OSError, UnicodeDecodeError):
    raise UserError(f'{file}: cannot be read as text') from None


def _bvh(file):
  lines = _text(file)
  words = [line.split() for line in lines if line.strip()]
  joints = [w[1] for w in words if w[0] in ('ROOT', 'JOINT') and len(w) > 1]
  after = {
    ' '.join(w[:-1]): w[-1] for w in words if w[-2:-1] and w[0] in ('Frames:', 'Frame')
  }
  try:
    count, step = int(after['Frames:']), float(after['Frame Time:'])
  except (KeyError, ValueError):
    raise UserError(f'{file}: no BVH, or an incomplete one') from None
  return _table([
    ('file', 'Biovision Hierarchy'),
    ('frames', f'{count}, every {step:g} s ({1 / step if step > 0 else 0:.6g} a second)'),
    ('joints', f'{len(joints)}: {", ".join(joints)}'),
    ('units', 'degrees; lengths as wild3d writes them: mm (the format does not say)'),
    ('axes', f'as wild3d writes them: {AXES}'),
    ('positions', "of every joint from its parent, in the parent's turned axes; they "
     'replace the OFFSET'),
    ('origin', _ORIGIN),
    ('rest pose', 'a T of median bone lengths, facing +z'),
  ])  # fmt: skip


def _trc(file):
  lines = [line.split('\t') for line in _text(file)]
  try:
    fields = dict(zip(lines[1], lines[2], strict=False))
    names = [name for name in lines[3][2:] if name]
    count, rate, units = fields['NumFrames'], fields['DataRate'], fields['Units']
  except (IndexError, KeyError):
    raise UserError(f'{file}: no TRC, or an incomplete one') from None
  rows = [line for line in lines[5:] if len(line) > 2]
  empty = sum(not any(cell.strip() for cell in row[2:]) for row in rows)
  return _table(
    [
      ('file', 'TRC markers'),
      ('frames', f'{count}, {rate} a second; {empty} without the person'),
      ('markers', f'{len(names)}: {", ".join(names)}'),
      ('units', units),
      ('axes', f'as wild3d writes them: {AXES}'),
      ('origin', _ORIGIN),
    ]
  )
