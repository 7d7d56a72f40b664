"""What a BVH or TRC file holds, in words: of ours what is meant, of others what is said.

Neither format has a field for axes or origin, and BVH none for units. A file with the
joints that `wild3d predict` writes has its conventions; of any other it is said that they
are not known, with the numbers by which a person can tell.
"""

import pathlib

import numpy as np

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.media import bvh
from wild3d.poses import joint_set
from wild3d.poses.bvh import CHANNELS
from wild3d.poses.track import AXES, PARENTS

_OURS = 'wild3d predict, by its joints'
_OTHERS = 'another program: these are not the joints of wild3d predict'
_MARKERS = [
  tuple(name for name in names if name not in joint_set.missing(joints))
  for joints, names in skeleton.JOINT_SETS.items()
]
_SILENT = 'the format does not say'
_AT_ZERO = 0.01  # mm: a pelvis that stays so near to 0 was written minus itself


def of_bvh(file: pathlib.Path) -> list[tuple[str, object]]:
  """Names and values to print.

  Raises:
    UserError: it is no BVH, or an incomplete one: see bvh.read.
  """
  motion = bvh.read(file)
  joints = [n for n, own in zip(motion.names, motion.channels, strict=True) if own]
  count, frames = len(motion.values), '1'
  if count > 1:
    rate = f'{1 / motion.frame_time:.6g} a second'
    frames = f'{count}, every {motion.frame_time:g} s ({rate})'
  facts = [
    ('file', 'Biovision Hierarchy'),
    ('frames', frames),
    ('joints', f'{len(joints)}: {", ".join(joints)}'),
  ]
  if _is_ours(motion):
    return [
      *facts,
      ('written by', _OURS),
      ('units', 'mm, degrees'),
      ('axes', AXES),
      ('positions', "of every joint from its parent, in the parent's turned axes; they "
       'replace the OFFSET'),
      ('origin', _origin(motion.values[:, :3])),
      ('rest pose', 'a T of median bone lengths, facing +z'),
    ]  # fmt: skip
  places = bvh.positions(motion)
  return [
    *facts,
    ('written by', _OTHERS),
    ('channels', '; '.join(_channels(motion))),
    ('units', f'degrees; of lengths {_SILENT}'),
    ('axes', _SILENT),
    ('origin', _SILENT),
    ('reach', _reach(places[0])),
    ('root', f'within {_within(places[:, 0])}'),
  ]


def _is_ours(motion):
  names = (*motion.names, None)  # the root's parent is -1
  above = {
    name: names[parent]
    for name, parent in zip(motion.names, motion.parents, strict=True)
    if not name.endswith('.End')
  }
  own = ' '.join(axis + kind for axis, kind in motion.channels[0])
  return (
    above == PARENTS
    and own == CHANNELS
    and set(motion.channels) <= {(), motion.channels[0]}
  )


def _channels(motion):
  """Yields which joints have which channels."""
  names = {}
  for name, own in zip(motion.names, motion.channels, strict=True):
    if own:
      names.setdefault(' '.join(axis + kind for axis, kind in own), []).append(name)
  for channels, of in names.items():
    yield f'{of[0] if len(of) == 1 else f"{len(of)} joints"}: {channels}'


def of_trc(file: pathlib.Path) -> list[tuple[str, object]]:
  """Names and values to print.

  Raises:
    UserError: it is no TRC, or an incomplete one; the message names the line.
  """
  fields, names, rows = _read_trc(file)
  places = rows[:, 2:].reshape(len(rows), -1, 3)
  seen = np.isfinite(places).all(axis=-1)
  empty = int((~seen.any(axis=1)).sum())
  rate = f', {fields.get("DataRate", "?")} a second' if len(rows) > 1 else ''
  facts = [
    ('file', 'TRC markers'),
    ('frames', f'{len(rows)}{rate}; {empty} without any marker'),
    ('seconds', f'{rows[0, 1]:g} to {rows[-1, 1]:g}'),
    ('markers', f'{len(names)}: {", ".join(names)}'),
  ]
  units = fields.get('Units') or 'the header does not say'
  if names in _MARKERS and units == 'mm':
    origin = "the pelvis or the camera's centre: joints_camera in poses.json"
    if 'pelvis' in names:
      origin = _origin(places[:, names.index('pelvis')])
    return [
      *facts,
      ('written by', _OURS),
      ('units', units),
      ('axes', AXES),
      ('origin', origin),
    ]
  return [
    *facts,
    ('written by', _OTHERS),
    ('units', units),
    ('axes', _SILENT),
    ('origin', _SILENT),
    ('reach', _reach(places[seen.any(axis=1)][0])),
    ('places', f'{int((~seen).sum())} of {seen.size} empty; within {_within(places)}'),
  ]


def _read_trc(file):
  """(fields of the header, names of M markers, rows [T, 2 + 3 M], NaN where empty)."""
  try:
    lines = file.read_text('utf-8', errors='replace').splitlines()
  except OSError as error:
    raise UserError(f'{file}: cannot be read ({error.strerror})') from None
  if len(lines) < 5 or not lines[0].startswith('PathFileType'):
    raise UserError(f'{file}: no TRC, or one cut off: PathFileType must come first')
  keys, values = (map(str.strip, line.split('\t')) for line in lines[1:3])
  fields = dict(zip(keys, values, strict=False))
  names = tuple(name.strip() for name in lines[3].split('\t')[2:] if name.strip())
  rows = [
    _row(file, number, line, len(names))
    for number, line in enumerate(lines[5:], 6)
    if line.strip()
  ]
  said = fields.get('NumFrames')
  if said is not None and said != str(len(rows)):
    raise UserError(
      f'{file}: says {said:.20} frames and holds {len(rows)}: cut off, or edited'
    )
  rows = np.array(rows).reshape(len(rows), 2 + 3 * len(names))
  if not np.isfinite(rows[:, 2:]).reshape(-1, 3).all(axis=1).any():
    raise UserError(f'{file}: no frame with a marker')
  return fields, names, rows


def _row(file, number, line, markers):
  width = 2 + 3 * markers
  cells = [cell.strip() for cell in line.split('\t')]
  cells += [''] * (width - len(cells))
  try:
    row = [float(cell) if cell else np.nan for cell in cells]
  except ValueError:
    raise UserError(f'{file}: line {number} holds what is no number') from None
  if np.isnan(row[:2]).any() or np.isinf(row).any() or not np.isnan(row[width:]).all():
    raise UserError(
      f'{file}: line {number}: expected its number, its time, and {markers} places'
    )
  return row[:width]


def _origin(pelvis):
  """Of a file of ours, by the pelvis [T, 3] in mm."""
  if np.abs(pelvis[np.isfinite(pelvis)]).max(initial=0) < _AT_ZERO:
    return 'the pelvis, which is at 0 in every frame'
  return "the camera's centre"


def _reach(points):
  """Of one person's points [N, 3]: tells what is up, and what a unit is."""
  extent = np.nanmax(points, axis=0) - np.nanmin(points, axis=0)
  x, y, z = (f'{length:.4g}' for length in extent)
  return f'{x} along x, {y} along y, {z} along z, in the first frame'


def _within(points):
  """The limits of points [..., 3]."""
  flat = points.reshape(-1, 3)
  limits = zip('xyz', np.nanmin(flat, axis=0), np.nanmax(flat, axis=0), strict=True)
  return ', '.join(f'{axis} {low:.4g} to {high:.4g}' for axis, low, high in limits)
