"""Which of a file's joints is which of ours: by name, never by place.

A name is compared without its case, spaces, dashes and other signs, and without what
says whose skeleton it is ('mixamorig:', 'Bip01 '), so 'Left Knee', 'l_knee', 'knee.L'
and 'LKnee' are one. Names differ between programs, and mean different things:
'LeftShoulder' is the collar bone in Mixamo's skeleton and the shoulder in 3ds Max's. So
each joint has a list of synonyms, the surest first, and the first that a file has wins.
"""

import re
import types
from collections.abc import Mapping, Sequence

# What says whose skeleton it is, not which joint.
_PREFIX = re.compile(
  r'^(?:.*:|mixamorig\d*[ _]?|(?:bip|biped)0*\d*[ _]|character\d+[ _]|[mf]_avg[ _])',
  re.IGNORECASE,
)
# Before or after the limb's name.
_SIDES = {
  'left': ('left', 'lft', 'lt', 'l'),
  'right': ('right', 'rght', 'rgt', 'rt', 'r'),
}
# With a star: names of bones, which mean the joint at which the bone begins. They are
# read in motion capture alone: a 'left_leg' in a picture may be anything. 'foot' and
# 'hand' are ankle and wrist in Human3.6M's names; where a file has an ankle as well, its
# foot is something else, and unused.
_LIMBS = {
  'hip': 'upleg* upperleg* thigh* femur* hip hipjoint',
  'knee': 'lowleg* lowerleg* shin* calf* tibia* knee kne leg*',
  'ankle': 'ankle ank foot',
  'shoulder': 'uparm* upperarm* shldr humerus* arm* shoulder shld sho',
  'elbow': 'forearm* lowarm* lowerarm* radius* elbow elb',
  'wrist': 'wrist wri hand',
}
# 'neck' is upper_neck and 'head' head_top, as LSP, Human3.6M and AI Challenger are
# usually read. Not so in every file: a neck defined as the middle of the shoulders
# (OpenPose) is our thorax. In motion capture the head's top is the end of its bone: the
# End Site below Head is called Head.End. Chest and spine are below our thorax, which is
# the middle of the shoulders: not matched.
_TRUNK = {
  'pelvis': 'pelvis midhip midhips hipmid hipcenter hipcentre hipscenter centerhip '
  'rootpelvis pelvisroot root hips hip',
  'thorax': 'thorax midshoulder midshoulders shouldermid shouldercenter shouldercentre '
  'centershoulder',
  'upper_neck': 'upperneck neckupper headbottom neck1* neck01* neck lowerneck*',
  'head_top': 'headtop tophead topofhead headtopend headend headnub* headtip* head',
}
_NOTHING: Mapping[str, str] = types.MappingProxyType({})


def _table():
  """Normalised name -> (our joint, rank among its synonyms, whether of a bone)."""
  table = {}
  for joint, synonyms in _TRUNK.items():
    for rank, name in enumerate(synonyms.split()):
      table[name.rstrip('*')] = (joint, rank, name.endswith('*'))
  for side, marks in _SIDES.items():
    for limb, synonyms in _LIMBS.items():
      for rank, name in enumerate(synonyms.split()):
        entry, name = (f'{side}_{limb}', rank, name.endswith('*')), name.rstrip('*')
        for mark in marks:
          table[mark + name] = table[name + mark] = entry
  return table


_TABLE = _table()
_UNKNOWN = ('', 0, False)


def normalised(name: str) -> str:
  """'mixamorig:Left-Knee' -> 'leftknee'."""
  return re.sub('[^a-z0-9]', '', _PREFIX.sub('', name.strip()).lower())


def ours(name: str) -> str:
  """The joint of skeleton.JOINTS that a name means, or ''."""
  return _TABLE.get(normalised(name), _UNKNOWN)[0]


def match(
  names: Sequence[str], *, bones: bool = False, told: Mapping[str, str] = _NOTHING
) -> dict[str, list[int]]:
  """Our joint -> where it is among a file's names; joints that are not found are absent.

  Args:
    names: of the file's joints, in order.
    bones: of motion capture, where joints are called like the bones that begin there.
    told: normalised name -> our joint or '' for none; goes before the synonyms.

  Returns:
    The places of the surest synonym: more than one where the file has it twice.
  """
  found: dict[str, dict[int, list[int]]] = {}
  for place, name in enumerate(names):
    key = normalised(name)
    joint, rank, of_bone = _TABLE.get(key, _UNKNOWN)
    if key in told:
      joint, rank, of_bone = told[key], -1, False
    if joint and (bones or not of_bone):
      found.setdefault(joint, {}).setdefault(rank, []).append(place)
  return {joint: by_rank[min(by_rank)] for joint, by_rank in found.items()}
