"""Motion capture files made up for tests: BVH in any naming and order, npz."""

import math

import numpy as np

# Ours or a helper's name -> (parent, offset in mm with y up, x to the person's left).
SKELETON = {
  'hips': (None, (0, 0, 0)),
  'left_hip': ('hips', (90, -40, 0)),
  'left_knee': ('left_hip', (0, -420, 0)),
  'left_ankle': ('left_knee', (0, -410, 0)),
  'left_toe': ('left_ankle', (0, -60, 140)),
  'right_hip': ('hips', (-90, -40, 0)),
  'right_knee': ('right_hip', (0, -420, 0)),
  'right_ankle': ('right_knee', (0, -410, 0)),
  'right_toe': ('right_ankle', (0, -60, 140)),
  'spine': ('hips', (0, 250, -10)),
  'neck': ('spine', (0, 250, 0)),
  'head': ('neck', (0, 90, 10)),
  'left_collar': ('spine', (30, 180, 0)),
  'left_shoulder': ('left_collar', (150, 20, 0)),
  'left_elbow': ('left_shoulder', (280, 0, 0)),
  'left_wrist': ('left_elbow', (250, 0, 0)),
  'right_collar': ('spine', (-30, 180, 0)),
  'right_shoulder': ('right_collar', (-150, 20, 0)),
  'right_elbow': ('right_shoulder', (-280, 0, 0)),
  'right_wrist': ('right_elbow', (-250, 0, 0)),
}
ENDS = {
  'head': (0, 110, 0),
  'left_toe': (0, 0, 60),
  'right_toe': (0, 0, 60),
  'left_wrist': (170, 0, 0),
  'right_wrist': (-170, 0, 0),
}


def _sided(left, right, **parts):
  return {
    f'{side}_{ours}': theirs.format(s=said)
    for side, said in (('left', left), ('right', right))
    for ours, theirs in parts.items()
  }


def _limbs(left, right, words):
  keys = ['hip', 'knee', 'ankle', 'toe', 'collar', 'shoulder', 'elbow', 'wrist']
  return _sided(left, right, **dict(zip(keys, words.split(','), strict=True)))


# How programs call the joints of SKELETON.
NAMINGS = {
  'cmu': {
    **_limbs(
      'Left',
      'Right',
      '{s}UpLeg,{s}Leg,{s}Foot,{s}ToeBase,{s}Shoulder,{s}Arm,{s}ForeArm,{s}Hand',
    ),
    **{'hips': 'Hips', 'spine': 'Spine', 'neck': 'Neck1', 'head': 'Head'},
  },
  'mixamo': {
    **_limbs(
      'mixamorig:Left',
      'mixamorig:Right',
      '{s}UpLeg,{s}Leg,{s}Foot,{s}ToeBase,{s}Shoulder,{s}Arm,{s}ForeArm,{s}Hand',
    ),
    **{
      'hips': 'mixamorig:Hips',
      'spine': 'mixamorig:Spine',
      'neck': 'mixamorig:Neck',
      'head': 'mixamorig:Head',
    },
  },
  '3ds max': {
    **_limbs(
      'Left',
      'Right',
      '{s}Hip,{s}Knee,{s}Ankle,{s}Toe,{s}Collar,{s}Shoulder,{s}Elbow,{s}Wrist',
    ),
    **{'hips': 'Hips', 'spine': 'Chest', 'neck': 'Neck', 'head': 'Head'},
  },
  'biovision': {
    **_limbs(
      'Left',
      'Right',
      '{s}UpLeg,{s}LowLeg,{s}Foot,{s}Toe,{s}Collar,{s}UpArm,{s}LowArm,{s}Hand',
    ),
    **{'hips': 'Hips', 'spine': 'Chest', 'neck': 'Neck', 'head': 'Head'},
  },
  'biped': {
    **_limbs(
      'Bip01 L',
      'Bip01 R',
      '{s} Thigh,{s} Calf,{s} Foot,{s} Toe0,{s} Clavicle,{s} UpperArm,{s} Forearm,'
      '{s} Hand',
    ),
    **{
      'hips': 'Bip01 Pelvis',
      'spine': 'Bip01 Spine',
      'neck': 'Bip01 Neck',
      'head': 'Bip01 Head',
    },
  },
  'daz': {
    **_limbs('l', 'r', '{s}Thigh,{s}Shin,{s}Foot,{s}Toe,{s}Collar,{s}Shldr,{s}ForeArm,{s}Hand'),
    **{'hips': 'hip', 'spine': 'abdomen', 'neck': 'neck', 'head': 'head'},
  },
  'hdm05': {
    **_limbs('l', 'r', '{s}femur,{s}tibia,{s}foot,{s}toes,{s}clavicle,{s}humerus,{s}radius,{s}wrist'),
    **{'hips': 'root', 'spine': 'upperback', 'neck': 'upperneck', 'head': 'head'},
  },
  'rokoko': {
    **_limbs(
      'Left',
      'Right',
      '{s}Thigh,{s}Shin,{s}Foot,{s}Toe,{s}Shoulder,{s}Arm,{s}ForeArm,{s}Hand',
    ),
    **{'hips': 'Hips', 'spine': 'Spine1', 'neck': 'Neck', 'head': 'Head'},
  },
  'xsens': {
    **_limbs(
      'Left',
      'Right',
      '{s}UpperLeg,{s}LowerLeg,{s}Foot,{s}Toe,{s}Shoulder,{s}UpperArm,{s}ForeArm,'
      '{s}Hand',
    ),
    **{'hips': 'Pelvis', 'spine': 'L5', 'neck': 'Neck', 'head': 'Head'},
  },
  'unreal': {
    **_limbs('l', 'r', 'thigh_{s},calf_{s},foot_{s},ball_{s},clavicle_{s},upperarm_{s},lowerarm_{s},hand_{s}'),
    **{'hips': 'pelvis', 'spine': 'spine_01', 'neck': 'neck_01', 'head': 'head'},
  },
  'blender': {
    **_limbs('L', 'R', 'thigh.{s},shin.{s},foot.{s},toe.{s},shoulder.{s},upper_arm.{s},forearm.{s},hand.{s}'),
    **{'hips': 'hips', 'spine': 'spine', 'neck': 'neck', 'head': 'head'},
  },
}  # fmt: skip


def values(joint, time, order):
  """Degrees of one joint about the axes in `order`: a walk of sorts, arms down."""
  swing = math.sin(2 * math.pi * time)
  angles = {'X': 0.0, 'Y': 0.0, 'Z': 0.0}
  side = 1 if 'left' in joint else -1
  if joint.endswith('hip'):
    angles['X'] = -25 * side * swing
  elif joint.endswith('knee'):
    angles['X'] = 20 + 15 * side * swing
  elif joint.endswith('shoulder'):
    angles['Z'] = -75 * side
    angles['Y'] = 10 * swing
  elif joint.endswith('elbow'):
    angles['Y'] = -30 * side
  elif joint in ('spine', 'neck'):
    angles['Y'], angles['X'] = 8 * swing, 4
  return [angles[axis] for axis in order]


def write_bvh(
  path,
  *,
  naming='cmu',
  frames=24,
  fps=24,
  order='ZXY',
  unit_mm=10.0,
  up='y',
  placed=(),
  heading=40.0,
):
  """Writes a person who walks along x.

  Args:
    path: of the file.
    naming: one of NAMINGS, or names for the joints of SKELETON.
    frames, fps: how many, and how many a second.
    order: of the rotation channels.
    unit_mm: millimetres in a unit.
    up: 'y' or 'z'.
    placed: joints with position channels besides the root.
    heading: degrees, of the root about the axis that points up.
  """
  called = NAMINGS[naming] if isinstance(naming, str) else naming
  turned = lambda v: (v[0], -v[2], v[1]) if up == 'z' else v  # noqa: E731
  say = lambda v: ' '.join(f'{x / unit_mm:.6f}' for x in turned(v))  # noqa: E731
  lines, channels = ['HIERARCHY'], []

  def write(joint, depth):
    tab = '\t' * depth
    parent, offset = SKELETON[joint]
    kind = 'ROOT' if parent is None else 'JOINT'
    places = ['Xposition', 'Yposition', 'Zposition']
    own = places if parent is None or joint in placed else []
    own = own + [f'{axis}rotation' for axis in order]
    channels.append((joint, bool(own[3:])))
    lines.extend(
      [
        f'{tab}{kind} {called[joint]}',
        f'{tab}{{',
        f'{tab}\tOFFSET {say(offset)}',
        f'{tab}\tCHANNELS {len(own)} {" ".join(own)}',
      ]
    )
    for child, (above, _) in SKELETON.items():
      if above == joint:
        write(child, depth + 1)
    if joint in ENDS:
      lines.extend(
        [f'{tab}\tEnd Site', f'{tab}\t{{', f'{tab}\t\tOFFSET {say(ENDS[joint])}', f'{tab}\t}}']
      )  # fmt: skip
    lines.append(f'{tab}}}')

  write('hips', 0)
  lines += ['MOTION', f'Frames: {frames}', f'Frame Time: {1 / fps:.8f}']
  for frame in range(frames):
    row, time = [], frame / fps
    for joint, has_place in channels:
      if SKELETON[joint][0] is None:
        row += [x / unit_mm for x in turned((1000 * time, 930, 0))]
        row += [heading * (axis == up.upper()) for axis in order]
        continue
      if has_place:
        row += [x / unit_mm for x in turned(SKELETON[joint][1])]
      # About the same axes in the file's own frame: z up is y up turned about x.
      row += _in_axes(joint, time, order, up)
    lines.append(' '.join(f'{value:.6f}' for value in row))
  path.write_text('\n'.join(lines) + '\n')
  return path


def _in_axes(joint, time, order, up):
  if up == 'y':
    return values(joint, time, order)
  # x stays, y becomes z, z becomes -y: so the same turns have other names.
  same = dict(zip('XYZ', values(joint, time, 'XYZ'), strict=True))
  turned = {'X': same['X'], 'Z': same['Y'], 'Y': -same['Z']}
  return [turned[axis] for axis in order]


def standing(count=1, *, height=1.0):
  """[count, 16, 3] mm, z up, facing -y: a plain standing person who leans a bit."""
  right = {
    'ankle': (-100, 0, 80), 'knee': (-95, -20, 490), 'hip': (-90, 0, 900),
    'wrist': (-260, -120, 880), 'elbow': (-250, 10, 1120), 'shoulder': (-180, 0, 1400),
  }  # fmt: skip
  order = ['ankle', 'knee', 'hip'], ['wrist', 'elbow', 'shoulder']
  left = {part: (-x, y, z) for part, (x, y, z) in right.items()}
  middle = [(0, 0, 900), (0, 0, 1400), (0, 0, 1450), (0, -10, 1650)]
  joints = [
    *[right[p] for p in order[0]],
    *[left[p] for p in order[0][::-1]],
    *middle,
    *[right[p] for p in order[1]],
    *[left[p] for p in order[1][::-1]],
  ]
  lean = np.linspace(0, 0.3, count)
  joints = height * np.array(joints, np.float64)[None].repeat(count, 0)
  joints[..., 1] -= lean[:, None] * joints[..., 2] * (joints[..., 2] > 950)
  return joints.astype(np.float32)
