"""What a file of poses holds, in words: counts, units, axes, root and joint names."""

import dataclasses
import json
import pathlib

import numpy as np

from wild3d.errors import UserError
from wild3d.poses import describe_motion, poses_json


def describe(path: str) -> str:
  """Text for a person: of a .json or .npz of `wild3d predict`, of any .bvh or .trc.

  Raises:
    UserError: it is missing, or not such a file.
  """
  file = pathlib.Path(path).expanduser()
  if not file.is_file():
    raise UserError(f'{path}: no such file')
  match file.suffix.lower():
    case '.json':
      return _json(file)
    case '.npz':
      return _npz(file)
    case '.bvh':
      return _table(describe_motion.of_bvh(file))
    case '.trc':
      return _table(describe_motion.of_trc(file))
  raise UserError(f'{path}: describe reads .json, .npz, .bvh and .trc')


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
  conventions = poses_json.conventions(header.get('joints', 'mpii16'))
  made = [(name, '-' if value is None else value) for name, value in header.items()]
  names = conventions['joints']
  bones = ['-'.join(names[end] for end in bone) for bone in conventions['bones']]
  meaning = [
    (name, ', '.join(value) if isinstance(value, list) else value)
    for name, value in (conventions | {'bones': bones}).items()
  ]
  parts = (
    _table(counts),
    'made by\n' + _table(made),
    'means\n' + _table(meaning),
  )
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
