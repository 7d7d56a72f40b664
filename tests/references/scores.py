"""The protocols once more, as docs/protocols.md defines them: sample by sample, in loops.

Float64, and nothing of wild3d is imported: no mistake is shared. A pose is a dictionary,
name of a joint -> position; joints that are not known are not in it. A row is likewise
what one sample contributes, name of a column -> value; `FIGURES` gives the rows of each
figure of a protocol, and how papers take their mean.
"""

import dataclasses
import math

import numpy as np
from references import geometry as reference_geometry
from references.geometry import BONES, SIDES, SIZE_MM, moved, size

LIMBS = ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
SCORED = ('upper_neck', 'head_top', *(f'{s}_{limb}' for s in SIDES for limb in LIMBS))


@dataclasses.dataclass
class Sample:
  """One sample of a truth and its prediction; `names` are those of the truth's set."""

  pred: dict
  true: dict
  names: tuple
  head: float
  valid: bool
  subject: str
  sequence: str
  frame: int


def samples(truth, predictions, dimensions):
  """All samples; `dimensions` is 2 (px) or 3 (mm)."""
  true, pred = (getattr(x, f'joints{dimensions}d') for x in (truth, predictions))

  def pose(joints):
    named = zip(truth.joints, np.array(joints, float), strict=True)
    return {name: place for name, place in named if not np.isnan(place).any()}

  return [
    Sample(
      pose(pred[i]),
      pose(true[i]),
      truth.joints,
      float(truth.head_size[i]),
      bool(truth.valid[i]),
      str(truth.subject[i]),
      str(truth.sequence[i]),
      int(truth.frame[i]),
    )
    for i in range(len(truth.ids))
  ]


# Means of rows.


def over_samples(rows):
  means = [sum(row.values()) / len(row) for row in rows if row]
  return _average(means), len(means)


def pooled(rows):
  values = [value for row in rows for value in row.values()]
  return _average(values), len(values)


def over_columns(rows):
  by_column = columns(rows)
  means = [_average(values) for values in by_column.values()]
  return _average(means), sum(map(len, by_column.values()))


def columns(rows):
  found = {}
  for row in rows:
    for name, value in row.items():
      found.setdefault(name, []).append(value)
  return found


def _average(values):
  return sum(values) / len(values) if values else math.nan


# Human3.6M: rows of distances in mm.


def h36m_p1(s):
  return _from_root(s.pred, s.true, 'pelvis', s.true)


def h36m_p2(s):
  """The rotation is the eigenvector of Horn's matrix of quaternions (Horn 1987)."""
  names = [name for name in s.true if name in s.pred]
  a, b = (np.array([pose[name] for name in names]) for pose in (s.pred, s.true))
  middle_a, middle_b = a.mean(axis=0), b.mean(axis=0)
  m = np.zeros((3, 3))
  for p, t in zip(a - middle_a, b - middle_b, strict=True):
    m += np.outer(p, t)
  (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = m
  horn = [
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ]
  w, x, y, z = np.linalg.eigh(horn)[1][:, -1]
  turn = np.array(
    [
      [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
      [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
      [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
  )
  turned = [turn @ (p - middle_a) for p in a]
  along = sum(float(p @ (t - middle_b)) for p, t in zip(turned, b, strict=True))
  factor = along / sum(float(p @ p) for p in turned)
  placed = zip(names, turned, strict=True)
  return {n: math.dist(factor * p + middle_b, s.true[n]) for n, p in placed}


def h36m_n_mpjpe(s):
  if 'pelvis' not in s.true:
    return {}
  pred, true = moved(s.pred, 'pelvis'), moved(s.true, 'pelvis')
  both = [name for name in true if name in pred]
  flat = [np.concatenate([pose[name] for name in both]) for pose in (pred, true)]
  ((factor,), *_) = np.linalg.lstsq(flat[0][:, None], flat[1], rcond=None)
  return {name: math.dist(factor * pred[name], true[name]) for name in both}


def h36m_zhou2017(s):
  factor = SIZE_MM / size(s.pred)
  pred = {name: factor * place for name, place in s.pred.items()}
  slot = 'spine' if 'spine' in s.names else 'pelvis_neck_middle'
  pred[slot] = (pred['pelvis'] + pred['upper_neck']) / 2
  true = dict(s.true)
  if slot != 'spine' and 'pelvis' in true and 'upper_neck' in true:
    true[slot] = (true['pelvis'] + true['upper_neck']) / 2
  return _from_root(pred, true, 'pelvis', (*SCORED, 'pelvis', slot))


# MPI-INF-3DHP: rows of distances in mm, and what is made of them.


def mpi_inf_3dhp(s):
  return _from_root(s.pred, s.true, 'pelvis', SCORED)


def mpi_inf_3dhp_zhou2017(s):
  if any(end not in s.true for bone in BONES for end in bone):
    return {}
  pred, move = dict(s.pred), 0.2 * (s.pred['upper_neck'] - s.pred['pelvis'])
  for name in ('pelvis', 'right_hip', 'left_hip'):
    pred[name] = pred[name] + move
  factor = size(s.true) / size(pred)
  pred = {name: factor * place for name, place in pred.items()}
  return _from_root(pred, s.true, 'pelvis', SCORED)


def pck_150(row):
  return {name: 100.0 if error < 150.0 else 0.0 for name, error in row.items()}


def auc(row):
  shares = {}
  for name, error in row.items():
    hits = [1 if error < threshold else 0 for threshold in range(0, 151, 5)]
    shares[name] = 100.0 * sum(hits) / len(hits)
  return shares


# MPII and sets like LSP: rows of hits.


def head_hits(s, share, names=SCORED):
  """A head size is the unit, so `head` is 0.6 of the box's diagonal already."""
  hits = {}
  for name in names:
    if name in s.true:
      near = math.dist(s.pred[name], s.true[name]) / s.head <= share
      hits[name] = 100.0 if near else 0.0
  return hits


def torso_hits(s):
  torso = math.dist(s.true['left_shoulder'], s.true['right_hip'])
  hits = {}
  for name, place in s.true.items():
    if name not in ('pelvis', 'thorax'):
      hits[name] = 100.0 if math.dist(s.pred[name], place) <= 0.2 * torso else 0.0
  return hits


def is_upright(true):
  """By the angle of neck minus pelvis with the picture's way up, (0, -1)."""
  ends = []
  for name, half in (('pelvis', 'hip'), ('upper_neck', 'shoulder')):
    halves = [f'{side}_{half}' for side in SIDES]
    if name in true:
      ends.append(true[name])
    elif all(half in true for half in halves):
      ends.append((true[halves[0]] + true[halves[1]]) / 2)
    else:
      return False
  x, y = ends[1] - ends[0]
  return math.degrees(math.acos(-y / math.hypot(x, y))) < 30.0


def geometry(chosen):
  poses = [reference_geometry.normalised(s.pred) for s in chosen]
  lengths = [reference_geometry.bone_lengths(pose) for pose in poses]
  persons = [s.subject or s.sequence for s in chosen]
  order = ([s.sequence for s in chosen], [s.frame for s in chosen])
  rows = {
    'left-right difference': map(reference_geometry.left_right, poses),
    'bone-length spread': reference_geometry.spread(lengths, persons),
    'group ratio variance': map(reference_geometry.ratio_variance, poses),
    'illegal angles': map(reference_geometry.illegal, poses),
    'jitter': reference_geometry.jitter(poses, *order),
  }
  return {name: (pooled, list(of)) for name, of in rows.items()}


def _from_root(pred, true, root, names):
  """Distances of `names` after both roots are moved to the origin."""
  if root not in true:
    return {}
  pred, true = moved(pred, root), moved(true, root)
  return {n: math.dist(pred[n], true[n]) for n in names if n in true and n in pred}


# name of a protocol -> function of its samples -> {figure: (mean, rows)}.


def _h36m(name, error):
  return lambda chosen: {name: (over_samples, [error(s) for s in chosen])}


def _mpi(error):
  def figures(chosen):
    rows = [error(s) for s in chosen]
    return {
      'PCK@150mm': (pooled, [pck_150(row) for row in rows]),
      'AUC': (pooled, [auc(row) for row in rows]),
      'MPJPE': (pooled, rows),
    }

  return figures


def _pckh(chosen):
  def rows(share, names=SCORED):
    return [head_hits(s, share, names) for s in chosen]

  return {
    'PCKh@0.5 total (official MATLAB)': (pooled, rows(0.5)),
    'PCKh@0.5 mean (bearpaw)': (over_columns, rows(0.5)),
    'PCKh@0.5 mean (HRNet)': (pooled, rows(0.5)),
    'PCKh@0.1': (pooled, rows(0.1)),
    'PCKh@0.11 (printed as Mean@0.1 by HRNet)': (pooled, rows(0.11)),
    'head@0.5 (official MATLAB)': (over_columns, rows(0.5, ('upper_neck', 'head_top'))),
    'head@0.5 (bearpaw, HRNet)': (over_columns, rows(0.5, ('head_top',))),
  } | {
    f'{limb}@0.5': (over_columns, rows(0.5, [f'{side}_{limb}' for side in SIDES]))
    for limb in LIMBS
  }


def _torso(chosen):
  rows = [torso_hits(s) for s in chosen]
  both = zip(chosen, rows, strict=True)
  upright = [row if is_upright(s.true) else {} for s, row in both]
  return {'PCK@0.2': (pooled, rows), 'PCK@0.2 upright': (pooled, upright)}


def _pose3d(chosen):
  def scaled(s, factor):
    pred = {name: factor * place for name, place in s.pred.items()}
    return _from_root(pred, s.true, 'pelvis', s.true)

  def factor(s):
    bones = [bone for bone in BONES if all(end in s.true for end in bone)]
    true, pred = (
      sum(math.dist(pose[a], pose[b]) for a, b in bones) for pose in (s.true, s.pred)
    )
    return true / pred

  true_size = [scaled(s, factor(s)) for s in chosen]
  return {
    'MPJPE': (pooled, [h36m_p1(s) for s in chosen]),
    'PA-MPJPE': (pooled, [h36m_p2(s) for s in chosen]),
    'N-MPJPE': (pooled, [h36m_n_mpjpe(s) for s in chosen]),
    'MPJPE at 4297 mm': (pooled, [scaled(s, SIZE_MM / size(s.pred)) for s in chosen]),
    'MPJPE at the true size': (pooled, true_size),
    'PCK@150mm at the true size': (pooled, [pck_150(row) for row in true_size]),
    'AUC at the true size': (pooled, [auc(row) for row in true_size]),
  }


FIGURES = {
  'h36m_p1': _h36m('MPJPE', h36m_p1),
  'h36m_p2': _h36m('PA-MPJPE', h36m_p2),
  'h36m_n_mpjpe': _h36m('N-MPJPE', h36m_n_mpjpe),
  'h36m_zhou2017': _h36m('MPJPE', h36m_zhou2017),
  'mpi_inf_3dhp': _mpi(mpi_inf_3dhp),
  'mpi_inf_3dhp_zhou2017': _mpi(mpi_inf_3dhp_zhou2017),
  'mpii_pckh': _pckh,
  'pck_torso': _torso,
  'pose3d': _pose3d,
  'geometry': geometry,
}


def selects(name, s):
  """Whether the protocol scores the sample: NAME or NAME@STRIDE."""
  name, _, stride = name.partition('@')
  if name == 'mpii_pckh':
    return s.valid and s.head > 0 and any(joint in s.true for joint in SCORED)
  if name == 'pck_torso':
    ends = [s.true.get(joint) for joint in ('left_shoulder', 'right_hip')]
    return s.valid and all(e is not None for e in ends) and math.dist(*ends) > 0
  if name == 'pose3d':
    return s.valid and 'pelvis' in s.true and len(s.true) > 1
  if name.startswith('mpi_inf_3dhp'):
    return s.valid and s.subject in ('TS1', 'TS2', 'TS3', 'TS4', 'TS5', 'TS6')
  if name.startswith('h36m'):
    return s.valid and s.subject in ('S9', 'S11') and s.frame % int(stride or 1) == 0
  return s.valid
