"""Which of a file's keypoints is which of our joints: by name, never by place.

A name is compared without its case, spaces, dashes and other signs, so 'Left Knee',
'l_knee', 'knee.L' and 'LKnee' are one. Each joint has an ordered list of synonyms;
the first that a file has is taken, a later one is left unused.
"""

import dataclasses
import re
import types
from collections.abc import Mapping, Sequence

from wild3d.errors import UserError
from wild3d.skeleton import JOINTS

# Before or after the limb's name.
_SIDES = {
  'left': ('left', 'lft', 'lt', 'l'),
  'right': ('right', 'rght', 'rgt', 'rt', 'r'),
}

# 'foot' and 'hand' are ankle and wrist in Human3.6M's names; where a file has an
# ankle as well, its foot is something else, and unused.
_LIMBS = {
  'ankle': ('ankle', 'ank', 'foot'),
  'knee': ('knee', 'kne'),
  'hip': ('hip', 'hipjoint'),
  'wrist': ('wrist', 'wri', 'hand'),
  'elbow': ('elbow', 'elb'),
  'shoulder': ('shoulder', 'shldr', 'shld', 'sho'),
}

# 'neck' is upper_neck and 'head' head_top, as LSP, Human3.6M and AI Challenger are
# usually read. Not so in every file: a neck defined as the middle of the shoulders
# (OpenPose) is our thorax, the 'Head' of a motion capture skeleton is the base of
# the skull. Such files need the option `names`. Chest and spine are below our thorax,
# which is the middle of the shoulders: not matched.
_TRUNK = {
  'pelvis': (
    'pelvis',
    'midhip',
    'midhips',
    'hipmid',
    'hipcenter',
    'hipcentre',
    'hipscenter',
    'centerhip',
    'rootpelvis',
    'pelvisroot',
    'root',
    'hips',
    'hip',
  ),
  'thorax': (
    'thorax',
    'midshoulder',
    'midshoulders',
    'shouldermid',
    'shouldercenter',
    'shouldercentre',
    'centershoulder',
  ),
  'upper_neck': ('upperneck', 'neckupper', 'headbottom', 'neck'),
  'head_top': ('headtop', 'tophead', 'topofhead', 'headend', 'headtopend', 'head'),
}


def _table():
  """Normalised name -> (our joint, place in its list of synonyms)."""
  table = {}
  for joint, synonyms in _TRUNK.items():
    table.update({name: (joint, i) for i, name in enumerate(synonyms)})
  for side, marks in _SIDES.items():
    for limb, synonyms in _LIMBS.items():
      for i, name in enumerate(synonyms):
        for mark in marks:
          table[mark + name] = table[name + mark] = (f'{side}_{limb}', i)
  return table


_TABLE = _table()
_NOTHING = types.MappingProxyType({})


@dataclasses.dataclass(frozen=True)
class Match:
  """How a file's keypoints are read.

  Attributes:
    columns: our joint -> index of the file's keypoint.
    unused: the file's names that mean none of our joints.
  """

  columns: dict[str, int]
  unused: tuple[str, ...]


def normalised(name: str) -> str:
  """'Left-Knee' -> 'leftknee'."""
  return re.sub('[^a-z0-9]', '', name.lower())


def match(
  names: Sequence[str], told: Mapping[str, str] = _NOTHING, where: str = ''
) -> Match:
  """Matches a file's keypoint names to our joints.

  Args:
    names: the file's keypoints, in order.
    told: what the user says, see `instructions`; goes before the table.
    where: the file, for messages.

  Returns:
    A match, with no columns if none of the names is known.

  Raises:
    UserError: two names mean the same joint.
  """
  found = {}  # our joint -> [(rank, index)]
  for i, name in enumerate(names):
    key = normalised(name)
    joint, rank = (told[key], -1) if key in told else _TABLE.get(key, ('', 0))
    if joint:
      found.setdefault(joint, []).append((rank, i))
  columns = {}
  for joint, places in found.items():
    places.sort()
    if len(places) > 1 and places[0][0] == places[1][0]:
      first, second = (names[i] for _, i in places[:2])
      raise UserError(
        f'{where}: keypoints {first!r} and {second!r} both mean our {joint}; say which '
        f'one with the option names, such as {first}:{joint}'
      )
    columns[joint] = places[0][1]
  used = set(columns.values())
  return Match(columns, tuple(n for i, n in enumerate(names) if i not in used))


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
    if not normalised(theirs) or (ours and ours not in JOINTS):
      raise UserError(
        f'names: {entry!r} must be THEIRS:OURS with one of ours ({", ".join(JOINTS)}), '
        'or THEIRS: for none'
      )
    given[normalised(theirs)] = ours
  return given
