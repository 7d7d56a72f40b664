"""Biovision Hierarchy files of predicted poses, for animation programs."""

import os
import pathlib
import warnings

import numpy as np
from scipy.spatial.transform import Rotation

from wild3d import files, skeleton
from wild3d.poses import track as track_lib
from wild3d.poses.pose import PoseFile
from wild3d.poses.track import PARENTS, Track

CHANNELS = 'Xposition Yposition Zposition Zrotation Xrotation Yrotation'
# mm beyond wrists, ankles and head: programs want a bone that is longer than nothing.
_TIP = 50.0
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


def write(poses: PoseFile, place: str | os.PathLike) -> dict[pathlib.Path, int]:
  """Writes one file for each person of each video (or picture), see track.with_paths.

  Units are mm, axes x right, y up, z towards the camera. The rest pose is a T of the
  person's median bone lengths. Every joint has its position from its parent in each
  frame (position channels replace the OFFSET), as predicted bones change in length;
  programs that take rotations alone get the constant skeleton. Limbs turn the shortest
  way, as a pose of joints does not tell how an arm is twisted.

  Returns:
    path -> frames that were filled in (see `Track.evenly`).

  Raises:
    UserError: a file cannot be written.
  """
  written = {}
  for track, path in track_lib.with_paths(poses, place, '.bvh'):
    joints, filled = track.evenly()
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
  inside = [f'OFFSET {_numbers(offset)}', f'CHANNELS 6 {CHANNELS}']
  for child in children:
    inside += _joint(child, lengths, order, depth + 1)
  if not children:
    tip = _TIP * np.array(_REST[name])
    inside += ['End Site', '{', f'\tOFFSET {_numbers(tip)}', '}']
  kind = 'JOINT' if depth else 'ROOT'
  return [f'{kind} {name}', '{', *(f'\t{line}' for line in inside), '}']


def _numbers(offset):
  return ' '.join(f'{x:.4f}' for x in offset)


def _channels(at, order):
  """Of every joint [T, 6]: position from the parent, and angles in degrees."""
  frames = len(at['pelvis'])
  turned, parts = {}, []
  for name in order:
    above = PARENTS[name]
    parent = turned[above] if above else Rotation.identity(frames)
    origin = at[above] if above else np.zeros((frames, 3))
    children = [c for c, p in PARENTS.items() if p == name]
    world = _turn(parent, at[name], [(np.array(_REST[c]), at[c]) for c in children])
    angles = np.round(_zxy(parent.inv() * world), 6)
    # From the angles as written: no error gathers on the way to the hands.
    turned[name] = parent * Rotation.from_euler('ZXY', angles, degrees=True)
    local = parent.apply(at[name] - origin, inverse=True)
    parts.append(np.concatenate([local, angles], axis=-1))
  return parts


def _turn(parent, origin, children):
  """World rotations [T] that bring the children's rest places to theirs."""
  if not children:
    return parent
  rest = np.stack([r for r, _ in children]).astype(np.float64)
  true = np.stack([p - origin for _, p in children], axis=1)
  length = np.linalg.norm(true, axis=-1, keepdims=True)
  true = true / np.maximum(length, 1e-9)
  if len(children) == 1:
    start = parent.apply(rest[0])
    return _swing(start, np.where(length[:, 0] > 1e-6, true[:, 0], start)) * parent
  # Several children: the best rotation for all (Kabsch).
  u, _, vt = np.linalg.svd(np.einsum('tci,cj->tij', true, rest))
  sign = np.sign(np.linalg.det(u @ vt))
  u[:, :, 2] *= np.where(sign == 0, 1.0, sign)[:, None]
  return Rotation.from_matrix(u @ vt)


def _swing(a, b):
  """The smallest rotations [T] from directions a to b [T, 3], of length 1."""
  axis, cosine = np.cross(a, b), np.einsum('ti,ti->t', a, b)
  # Opposite directions: half a turn about any axis across.
  across = np.cross(a, np.eye(3)[np.abs(a).argmin(-1)])
  opposite = cosine < -1 + 1e-9
  # A quaternion is the axis times the sine of half the angle, and its cosine.
  turn = np.concatenate([axis, (1 + cosine)[:, None]], axis=-1)
  half = np.concatenate([across, np.zeros((len(a), 1))], axis=-1)
  return Rotation.from_quat(np.where(opposite[:, None], half, turn))


def _zxy(turn):
  """Degrees [T, 3] about z, x, y of rotations [T]; of an arm straight up, y is 0."""
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # of angles that are not unique
    return turn.as_euler('ZXY', degrees=True)
