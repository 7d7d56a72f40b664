"""Which joint of a motion capture file is which of ours: matching by name.

Names differ between programs, and mean different things: `LeftShoulder` is the
collar bone in Mixamo's skeleton and the shoulder in 3ds Max's. So each joint has a
list of names, the first that a file has wins, and the names that are unambiguous
come first. docs/motion-capture.md shows the table.
"""

import json
import pathlib
import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.errors import UserError

JSON_NAME = 'joint_names.json'
# Prefixes that say whose skeleton it is, not which joint.
_PREFIX = re.compile(
  r'^(?:.*:|mixamorig\d*[ _]?|(?:bip|biped)0*\d*[ _]|character\d+[ _]|[mf]_avg[ _])',
  re.IGNORECASE,
)
_SIDES = (
  re.compile(r'^(?P<side>left|right)[ _.-]?(?P<part>.+)$', re.IGNORECASE),
  re.compile(r'^(?P<side>[lr])[ _.-](?P<part>.+)$', re.IGNORECASE),
  re.compile(r'^(?P<part>.+)[ _.-](?P<side>left|right|l|r)$', re.IGNORECASE),
  re.compile(r'^(?P<side>[lrLR])(?P<part>[A-Z].*)$'),
  # Acclaim's, all in lower case: lfemur, rtibia.
  re.compile(
    r'^(?P<side>[lr])(?P<part>femur|tibia|foot|humerus|radius|wrist|hand|thigh|calf|'
    r'shin|hip|knee|ankle|shoulder|elbow)$'
  ),
)
# A part of a limb -> its names (lower case, letters and digits only), the surest
# first. Each name is of the joint at which the bone of that name begins.
LIMBS = {
  'hip': ('upleg', 'upperleg', 'thigh', 'femur', 'hip'),
  'knee': ('lowleg', 'lowerleg', 'shin', 'calf', 'tibia', 'knee', 'leg'),
  'ankle': ('ankle', 'foot'),
  'shoulder': ('uparm', 'upperarm', 'shldr', 'humerus', 'arm', 'shoulder'),
  'elbow': ('forearm', 'lowarm', 'lowerarm', 'radius', 'elbow'),
  'wrist': ('wrist', 'hand'),
}
# The upper neck is where the neck begins to belong to the head; the base of the
# neck in most programs. The head's top is the end of its bone, 'head.End' below.
MIDDLE = {
  'upper_neck': ('upperneck', 'neck1', 'neck01', 'neck', 'lowerneck'),
  'head_top': (
    'headtop',
    'headtopend',
    'headend',
    'headnub',
    'headtip',
    'head.end',
    'head',
  ),
}
MATCHED = tuple(j for j in skeleton.JOINTS if j not in ('pelvis', 'thorax'))


def key(name: str) -> tuple[str, str]:
  """('left', 'right' or '', the part in lower case) of a joint's name.

  The End Site below a joint is called like the joint with '.End' after it.
  """
  bare, end = (name[:-4], '.end') if name.endswith('.End') else (name, '')
  bare = _PREFIX.sub('', bare.strip())
  side = ''
  for pattern in _SIDES:
    if found := pattern.match(bare):
      side = 'left' if found['side'].lower().startswith('l') else 'right'
      bare = found['part']
      break
  return side, re.sub('[^a-z0-9]', '', bare.lower()) + end


def match(names: Sequence[str]) -> dict[str, str]:
  """Our joint -> theirs, for those of MATCHED that are found.

  Args:
    names: of the joints of a file, in its order, parents first.
  """
  theirs = {}
  for name in names:
    theirs.setdefault(key(name), name)
  wanted = {('', part): (part, options) for part, options in MIDDLE.items()}
  for side in ('right', 'left'):
    for part, options in LIMBS.items():
      wanted[side, part] = (f'{side}_{part}', options)
  found = {}
  for (side, _), (ours, options) in wanted.items():
    named = [theirs[side, option] for option in options if (side, option) in theirs]
    if named:
      found[ours] = named[0]
  return found


def explicit(folder: pathlib.Path) -> dict[str, str]:
  """The mapping ours -> theirs of `joint_names.json` in a folder; {} without one.

  Raises:
    UserError: the file is no object of names, or names a joint that is not ours.
  """
  path = folder / JSON_NAME
  if not path.exists():
    return {}
  try:
    mapping = json.loads(path.read_text())
  except (ValueError, OSError) as error:
    raise UserError(f'{path}: damaged or no JSON ({error})') from error
  if not isinstance(mapping, dict) or not all(
    isinstance(theirs, str) for theirs in mapping.values()
  ):
    raise UserError(f"{path}: must hold one object, of our joints' names to theirs")
  for ours in mapping:
    if ours not in MATCHED:
      raise UserError(
        f'{path}: {ours!r} is none of {", ".join(MATCHED)} (pelvis and thorax are '
        'the middles of hips and shoulders)'
      )
  return mapping


def columns(
  names: Sequence[str], mapping: dict[str, str], path: pathlib.Path
) -> tuple[int, ...]:
  """Where each of MATCHED is among a file's joints.

  Args:
    names: of the file's joints.
    mapping: ours -> theirs, where the user says so; the rest is matched by name.
    path: of the file, for messages.

  Raises:
    UserError: a joint has no counterpart, or one joint is two of ours; the message
      lists the file's names.
  """
  found = match(names) | mapping
  said = ', '.join(name for name in names if not name.endswith('.End'))
  missing = [ours for ours in MATCHED if found.get(ours) not in names]
  if missing:
    raise UserError(
      f'{path}: no joint found for {", ".join(missing)}: name them in {JSON_NAME}, '
      f'as {{"{missing[0]}": "THEIRS"}}; this file has {said}'
    )
  chosen = [found[ours] for ours in MATCHED]
  for ours, theirs in zip(MATCHED, chosen, strict=True):
    if chosen.count(theirs) > 1:
      raise UserError(
        f'{path}: {theirs!r} would be {ours} and another joint too: name the right '
        f'ones in {JSON_NAME}; this file has {said}'
      )
  return tuple(list(names).index(theirs) for theirs in chosen)


def complete(
  points: Float[np.ndarray, '*T 14 3'],
) -> Float[np.ndarray, '*T 16 3']:
  """The 16 joints from those of MATCHED: pelvis and thorax are middles."""
  return skeleton.convert(points, MATCHED)[0]
