"""Biovision Hierarchy files: the skeleton and its motion, and forward kinematics."""

import dataclasses
import pathlib
import re
import warnings

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from wild3d.errors import UserError

_CHANNEL = re.compile(r'^([XYZ])(position|rotation)$', re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Bvh:
  """A file as it is: its own units and axes."""

  # Of J joints, parents first; an End Site is its parent's name and '.End'.
  names: tuple[str, ...]
  parents: Int[np.ndarray, ' J']  # index of each joint's parent; -1 for the root
  offsets: Float[np.ndarray, 'J 3']  # from the parent, where the file gives no position
  # Of each joint, in the file's order: ('X', 'rotation'), ...
  channels: tuple[tuple[tuple[str, str], ...], ...]
  # All joints' channels side by side; degrees and units of length.
  values: Float[np.ndarray, 'T C']
  frame_time: float  # seconds


def read(path: pathlib.Path) -> Bvh:
  """Reads a file.

  Raises:
    UserError: it is not as the format wants; the message names the line or frame.
  """
  try:
    text = path.read_bytes().decode('utf-8', errors='replace')
  except OSError as error:
    raise UserError(f'{path}: cannot be read ({error.strerror})') from error
  head, *tail = re.split(r'(?mi)^[ \t]*MOTION[ \t\r]*$', text, maxsplit=1)
  skeleton = _Hierarchy(path).parse(head)
  if not tail:
    raise UserError(f'{path}: no MOTION section: the file is cut off, or no BVH')
  width = sum(len(own) for own in skeleton.channels)
  frame_time, values = _motion(path, tail[0], width)
  return Bvh(
    names=tuple(skeleton.names),
    parents=np.array(skeleton.parents),
    offsets=np.array(skeleton.offsets),
    channels=tuple(skeleton.channels),
    values=values,
    frame_time=frame_time,
  )


class _Hierarchy:
  """The part of the file before MOTION."""

  def __init__(self, path):
    self._path = path
    self.names, self.parents, self.offsets, self.channels = [], [], [], []

  def parse(self, text):
    open_joints, begun, line = [], None, 0
    for line, content in enumerate(text.splitlines(), 1):
      # Braces may share a line with other words; names may hold blanks.
      for piece in re.findall(r'[{}]|[^{}]+', content):
        words = piece.split()
        if not words or words[0].upper() == 'HIERARCHY':
          continue
        word = words[0].upper()
        if word in ('ROOT', 'JOINT') and len(words) > 1:
          begun = self._begin(line, word, ' '.join(words[1:]), open_joints)
        elif word == 'END':
          if not open_joints:
            self._fail(line, 'an End Site outside of a joint')
          own = self.names[open_joints[-1]] + '.End'
          begun = self._begin(line, word, own, open_joints)
        elif word == '{' and begun is not None:
          open_joints.append(begun)
          begun = None
        elif word == '}' and open_joints:
          open_joints.pop()
        elif word == 'OFFSET' and open_joints:
          self.offsets[open_joints[-1]] = self._offset(line, words[1:])
        elif word == 'CHANNELS' and open_joints:
          self.channels[open_joints[-1]] = self._channels(line, words[1:])
        else:
          self._fail(line, f'{piece.strip()[:40]!r} is not expected here')
    if not self.names:
      raise UserError(f'{self._path}: no ROOT: no BVH file')
    if open_joints or begun is not None:
      self._fail(line, 'the skeleton ends before its last brace')
    for name, offset in zip(self.names, self.offsets, strict=True):
      if offset is None:
        raise UserError(f'{self._path}: {name} has no OFFSET')
    return self

  def _begin(self, line, word, name, open_joints):
    if (word == 'ROOT') != (not open_joints):
      self._fail(line, f'{word} {name} is not expected here')
    if word == 'ROOT' and self.names:
      self._fail(line, 'a second ROOT: one person a file')
    if word == 'END':  # a joint may have several
      count = sum(other.startswith(name) for other in self.names)
      name += f'.{count + 1}' * bool(count)
    if name in self.names:
      self._fail(line, f'a second joint {name!r}')
    self.names.append(name)
    self.parents.append(open_joints[-1] if open_joints else -1)
    self.offsets.append(None)
    self.channels.append(())
    return len(self.names) - 1

  def _offset(self, line, words):
    try:
      offset = [float(word) for word in words]
    except ValueError:
      offset = []
    if len(offset) != 3 or not np.isfinite(offset).all():
      self._fail(line, 'OFFSET wants three numbers')
    return offset

  def _channels(self, line, words):
    found = [_CHANNEL.match(word) for word in words[1:]]
    if not words or not all(found) or words[0] != str(len(found)):
      self._fail(line, 'CHANNELS wants their number and names like Xrotation')
    return tuple((f[1].upper(), f[2].lower()) for f in found)

  def _fail(self, line, what):
    raise UserError(f'{self._path}: line {line}: {what}')


def _motion(path, text, width):
  """Seconds of a frame, and [T, C] values."""
  header = re.match(
    r'\s*Frames\s*:\s*(\d+)\s*Frame\s+Time\s*:\s*(\S+)', text, re.IGNORECASE
  )
  try:
    count, frame_time = int(header[1]), float(header[2])
  except (TypeError, ValueError):
    raise UserError(
      f"{path}: after MOTION must come 'Frames: N' and 'Frame Time: SECONDS'"
    ) from None
  if not 1e-4 < frame_time < 10:
    raise UserError(f'{path}: a Frame Time of {header[2]} seconds cannot be')
  rows = text[header.end() :]
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # of words that are no numbers, found below
    try:
      values = np.fromstring(rows, sep=' ')  # ten times as fast as a loop
    except ValueError:
      values = np.zeros(0)
  if values.size != count * width:
    _explain(path, rows.splitlines(), count, width)
  values = values.reshape(count, width)
  faulty = np.flatnonzero(~np.isfinite(values).all(axis=1))
  if len(faulty):
    raise UserError(f'{path}: frame {faulty[0]}: NaN or infinite')
  if not count:
    raise UserError(f'{path}: holds no frame')
  return frame_time, values


def _explain(path, lines, count, width):
  """Raises for rows that are not `count` times `width` numbers."""
  rows = [line.split() for line in lines if line.strip()]
  for frame, row in enumerate(rows):
    for word in row:
      try:
        float(word)
      except ValueError:
        raise UserError(f'{path}: frame {frame}: {word[:20]!r} is no number') from None
    if len(row) != width and frame < len(rows) - 1:
      raise UserError(
        f'{path}: frame {frame} has {len(row)} numbers, the skeleton {width} channels'
      )
  raise UserError(
    f'{path}: says {count} frames of {width} numbers and holds {len(rows)}, the last '
    f'of {len(rows[-1]) if rows else 0}: the file is cut off or was edited'
  )


def positions(bvh: Bvh) -> Float[np.ndarray, 'T J 3']:
  """Where the joints are: forward kinematics in float64.

  A joint turns by its channels' rotations one after the other as they are listed,
  each about an axis that the ones before have turned: R = R1 R2 R3. Position
  channels replace the OFFSET, as programs that write them do; where they are zero
  throughout, as programs that only list them do, the OFFSET stays.

  Returns:
    The file's own axes and units of length.
  """
  count, first = len(bvh.values), 0
  places, turns = np.zeros((count, len(bvh.names), 3)), []
  for joint, (parent, own) in enumerate(zip(bvh.parents, bvh.channels, strict=True)):
    values = bvh.values[:, first : first + len(own)]
    first += len(own)
    local = np.tile(bvh.offsets[joint], (count, 1))
    turn = Rotation.identity(count)
    placed = [i for i, (_, kind) in enumerate(own) if kind == 'position']
    stays = parent >= 0 and not np.abs(values[:, placed]).max(initial=0) > 1e-6
    for value, (axis, kind) in zip(values.T, own, strict=True):
      if kind == 'rotation':
        turn = turn * Rotation.from_euler(axis, value[:, None], degrees=True)
      elif not stays:
        local[:, 'XYZ'.index(axis)] = value
    if parent < 0:
      places[:, joint] = local
      turns.append(turn)
    else:
      places[:, joint] = places[:, parent] + turns[parent].apply(local)
      turns.append(turns[parent] * turn)
  return places
