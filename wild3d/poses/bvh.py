"""Biovision Hierarchy files of predicted poses, for animation programs."""

import math
import os
import pathlib

import numpy as np
from jaxtyping import Float

from wild3d import files, skeleton
from wild3d.poses import track as track_lib
from wild3d.poses.pose import PoseFile
from wild3d.poses.track import PARENTS, Track

_CHANNELS = 'Xposition Yposition Zposition Zrotation Xrotation Yrotation'
# Where a child lies from its parent in the rest pose: a T, facing +z, y up.
_REST = {
  'thorax': (0, 1, 0),
  'upper_neck': (0, 1, 0),
  'head_top': (0, 1, 0),
  **{
    f'{side}_{joint}': (sign * across, up, 0)
    for side, sign in (('right', -1), ('left', 1))
    for joint, across, up in (
      ('hip', 1, 0),
      ('knee', 0, -1),
      ('ankle', 0, -1),
      ('shoulder', 1, 0),
      ('elbow', 1, 0),
      ('wrist', 1, 0),
    )
  },
}


def write(poses: PoseFile, folder: str | os.PathLike) -> dict[pathlib.Path, int]:
  """Writes one file for each person of each video (or picture).

  Units are mm, axes x right, y up, z towards the camera. The rest pose is a T of the
  person's median bone lengths. Every joint has its position from its parent in each
  frame (position channels replace the OFFSET), as predicted bones change in length;
  programs that take rotations alone get the constant skeleton. Limbs turn the shortest
  way, as a pose of joints does not tell how an arm is twisted.

  Args:
    poses: of videos or pictures.
    folder: to write to.

  Returns:
    path -> frames that were filled in (see `Track.evenly`).

  Raises:
    UserError: a file cannot be written.
  """
  found = track_lib.tracks(poses)
  names = track_lib.file_names(found, '.bvh')
  written = {}
  for track, name in zip(found, names, strict=True):
    joints, filled = track.evenly()
    path = pathlib.Path(folder) / name
    files.write(path, _text(track, joints))
    written[path] = filled
  return written


def _text(track: Track, joints):
  at = {name: joints[:, i] for i, name in enumerate(skeleton.JOINTS)}
  lengths = {
    name: float(np.median(np.linalg.norm(at[name] - at[above], axis=-1)))
    for name, above in PARENTS.items()
    if above
  }
  order = []
  lines = ['HIERARCHY', *_joint('pelvis', lengths, order, 0), 'MOTION']
  values = np.concatenate(_channels(at, order), axis=-1)
  rows = [' '.join(f'{v:.6f}' for v in row) for row in values]
  lines += [f'Frames: {len(rows)}', f'Frame Time: {track.frame_time:.9f}', *rows]
  return '\n'.join(lines) + '\n'


def _joint(name, lengths, order, depth):
  """Lines of a joint and of all below it; appends their names to `order`."""
  order.append(name)
  offset = np.array(_REST.get(name, (0, 0, 0))) * lengths.get(name, 0.0)
  children = [child for child, above in PARENTS.items() if above == name]
  inside = [f'OFFSET {" ".join(f"{x:.4f}" for x in offset)}', f'CHANNELS 6 {_CHANNELS}']
  for child in children:
    inside += _joint(child, lengths, order, depth + 1)
  if not children:
    inside += ['End Site', '{', '\tOFFSET 0.0000 0.0000 0.0000', '}']
  kind = 'JOINT' if depth else 'ROOT'
  return [f'{kind} {name}', '{', *(f'\t{line}' for line in inside), '}']


def _channels(at, order):
  """Of every joint [T, 6]: position from the parent, and angles in degrees."""
  frames = len(at['pelvis'])
  turned, parts = {}, []
  for name in order:
    above = PARENTS[name]
    parent = turned[above] if above else np.tile(np.eye(3), (frames, 1, 1))
    origin = at[above] if above else np.zeros((frames, 3))
    children = [c for c, p in PARENTS.items() if p == name]
    world = _turn(parent, at[name], [(np.array(_REST[c]), at[c]) for c in children])
    angles = np.round(_zxy(np.swapaxes(parent, 1, 2) @ world), 6)
    # From the angles as written: no error gathers on the way to the hands.
    turned[name] = parent @ _from_zxy(angles)
    local = np.einsum('tji,tj->ti', parent, at[name] - origin)
    parts.append(np.concatenate([local, angles], axis=-1))
  return parts


def _turn(parent, origin, children):
  """World rotation [T, 3, 3] that brings the children's rest places to theirs."""
  if not children:
    return parent
  rest = np.stack([r for r, _ in children]).astype(np.float64)
  true = np.stack([p - origin for _, p in children], axis=1)
  length = np.linalg.norm(true, axis=-1, keepdims=True)
  true = true / np.maximum(length, 1e-9)
  if len(children) == 1:
    start = parent @ rest[0]
    return _swing(start, np.where(length[:, 0] > 1e-6, true[:, 0], start)) @ parent
  # Several children: the best rotation for all (Kabsch).
  u, _, vt = np.linalg.svd(np.einsum('tci,cj->tij', true, rest))
  sign = np.sign(np.linalg.det(u @ vt))
  u[:, :, 2] *= np.where(sign == 0, 1.0, sign)[:, None]
  return u @ vt


def _swing(a, b):
  """The smallest rotations [T, 3, 3] from directions a to b [T, 3]."""
  axis, cosine = np.cross(a, b), np.einsum('ti,ti->t', a, b)
  skew = np.zeros((len(a), 3, 3))
  for (row, column), index, sign in (
    ((0, 1), 2, -1), ((0, 2), 1, 1), ((1, 0), 2, 1),
    ((1, 2), 0, -1), ((2, 0), 1, -1), ((2, 1), 0, 1),
  ):  # fmt: skip
    skew[:, row, column] = sign * axis[:, index]
  turn = np.eye(3) + skew + skew @ skew / np.maximum(1 + cosine, 1e-9)[:, None, None]
  # Opposite directions: half a turn about any axis across.
  across = np.cross(a, np.eye(3)[np.abs(a).argmin(-1)])
  across /= np.linalg.norm(across, axis=-1, keepdims=True)
  half = 2 * across[:, :, None] * across[:, None, :] - np.eye(3)
  return np.where((cosine < -1 + 1e-9)[:, None, None], half, turn)


def _zxy(turn: Float[np.ndarray, 'T 3 3']) -> Float[np.ndarray, 'T 3']:
  """Degrees about z, x, y of R = Rz Rx Ry."""
  x = np.arcsin(np.clip(turn[:, 2, 1], -1, 1))
  locked = np.abs(turn[:, 2, 1]) > 1 - 1e-12
  y = np.where(locked, 0.0, np.arctan2(-turn[:, 2, 0], turn[:, 2, 2]))
  z = np.where(
    locked,
    np.arctan2(turn[:, 1, 0], turn[:, 0, 0]),
    np.arctan2(-turn[:, 0, 1], turn[:, 1, 1]),
  )
  return np.stack([z, x, y], axis=-1) * 180 / math.pi


def _from_zxy(degrees):
  (cz, cx, cy), (sz, sx, sy) = (f(np.radians(degrees)).T for f in (np.cos, np.sin))
  one, no = np.ones_like(cz), np.zeros_like(cz)
  about_z = np.array([[cz, -sz, no], [sz, cz, no], [no, no, one]])
  about_x = np.array([[one, no, no], [no, cx, -sx], [no, sx, cx]])
  about_y = np.array([[cy, no, sy], [no, one, no], [-sy, no, cy]])
  return np.einsum('ijt,jkt,klt->til', about_z, about_x, about_y)
