"""The size of a body, and the rows of the protocol `geometry`, in loops.

Like reference_scores, which explains poses and rows: nothing of wild3d is imported.
"""

import itertools
import math

import numpy as np

SIDES = ('right', 'left')
CHAINS = (
  'right_ankle right_knee right_hip pelvis left_hip left_knee left_ankle',
  'right_wrist right_elbow right_shoulder upper_neck left_shoulder left_elbow left_wrist',
  'pelvis upper_neck head_top',
)
BONES = [bone for chain in CHAINS for bone in itertools.pairwise(chain.split())]
SIZE_MM = 4296.99233013
# Average lengths of Human3.6M's training skeletons, mm, as the authors released them.
AVERAGE_MM = {
  'arms': {'elbow-wrist': 249.772589249, 'shoulder-elbow': 284.125346475},
  'legs': {'knee-ankle': 452.125519758, 'hip-knee': 456.008604234},
  'shoulders': {'upper_neck-shoulder': 180.776851782},
  'hips': {'pelvis-hip': 134.201602044},
}
PAIRS = {
  'upper_arm': ('shoulder', 'elbow'),
  'lower_arm': ('elbow', 'wrist'),
  'upper_leg': ('hip', 'knee'),
  'lower_leg': ('knee', 'ankle'),
}
# joint, its two ends, the axis, the sign of a bend the right way, the most degrees.
BENDS = (
  ('knee', 'hip', 'ankle', 'hip', 1, 165.0),
  ('elbow', 'shoulder', 'wrist', 'shoulder', -1, 160.0),
)


def moved(pose, root):
  """The pose with the joint `root` in the origin."""
  return {name: place - pose[root] for name, place in pose.items()}


def size(pose):
  """Sum of the lengths of the 14 bones."""
  return sum(math.dist(pose[a], pose[b]) for a, b in BONES)


def normalised(pose):
  """About the pelvis, so that the 14 bones sum to 4296.99 mm; without the thorax."""
  factor = SIZE_MM / size(pose)
  return {n: factor * p for n, p in moved(pose, 'pelvis').items() if n != 'thorax'}


def bone_lengths(pose):
  """Name of a bone, such as 'pelvis-upper_neck' -> mm."""
  return {f'{a}-{b}': math.dist(pose[a], pose[b]) for a, b in BONES}


def left_right(pose):
  """Name of a pair of bones -> how much they differ in length."""
  row = {}
  for name, (upper, lower) in PAIRS.items():
    right, left = (
      math.dist(pose[f'{side}_{upper}'], pose[f'{side}_{lower}']) for side in SIDES
    )
    row[name] = abs(right - left)
  return row


def ratio_variance(pose):
  """Name of a bone group -> variance of length over average length."""
  row = {}
  for group, averages in AVERAGE_MM.items():
    ratios = []
    for side in SIDES:
      for bone, average in averages.items():
        ends = [n if n in pose else f'{side}_{n}' for n in bone.split('-')]
        ratios.append(math.dist(pose[ends[0]], pose[ends[1]]) / average)
    row[group] = _deviation(ratios) ** 2
  return row


def illegal(pose):
  """Knee or elbow -> 100 if no body bends so; its side is a determinant's sign."""
  row = {}
  for joint, upper, lower, axis, way, most in BENDS:
    a = _direction(pose[f'right_{axis}'], pose[f'left_{axis}'])
    for side in SIDES:
      middle = pose[f'{side}_{joint}']
      u = _direction(pose[f'{side}_{upper}'], middle)
      w = _direction(middle, pose[f'{side}_{lower}'])
      bend = math.degrees(math.acos(max(-1.0, min(1.0, float(u @ w)))))
      wrong_way = -way * np.linalg.det([a, u, w]) > math.sin(math.radians(20.0))
      row[f'{side}_{joint}'] = 100.0 if wrong_way or bend > most else 0.0
  return row


def spread(rows, persons):
  """Rows of lengths -> of their deviation over the frames of the row's person."""
  result = []
  for person in persons:
    mine = [row for row, other in zip(rows, persons, strict=True) if other == person]
    known = person and len(mine) > 1
    bones = rows[0] if known else ()
    result.append({bone: _deviation([row[bone] for row in mine]) for bone in bones})
  return result


def jitter(poses, sequences, frames):
  """Rows of |before - 2 now + after|, of frames the least step apart, each there once."""
  result = []
  places = list(zip(sequences, frames, strict=True))
  for pose, (sequence, frame) in zip(poses, places, strict=True):
    held = {f for other, f in places if other == sequence}
    once = {f for f in held if places.count((sequence, f)) == 1}
    at = {f: poses[places.index((sequence, f))] for f in once}
    steps = [later - f for f, later in itertools.pairwise(sorted(held))]
    row = {}
    if sequence and steps and frame in once:
      before, after = (at.get(frame + step) for step in (-min(steps), min(steps)))
      if before and after:
        for name in pose:
          row[name] = math.hypot(*(before[name] - 2 * pose[name] + after[name]))
    result.append(row)
  return result


def _deviation(values):
  middle = sum(values) / len(values)
  return math.sqrt(sum((value - middle) ** 2 for value in values) / len(values))


def _direction(start, end):
  return (end - start) / math.dist(start, end)
