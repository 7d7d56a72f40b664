"""The label files of MPI-INF-3DHP: annot.mat (training), annot_data.mat (test).

Positions are kept as they are. Both kinds of file project through cameras whose
centre is half the picture's size plus an offset, so (0, 0) is the corner of the
picture, as in data/batch.py. That no half pixel hides in the labels themselves is
not documented anywhere.
"""

import dataclasses
import pathlib
import zlib

import numpy as np
from jaxtyping import Bool, Float

from wild3d import skeleton
from wild3d.datasets import array_files
from wild3d.errors import UserError

SITE = 'https://vcai.mpi-inf.mpg.de/3dhp-dataset'
CAMERAS = 14
_ADVICE = f'download it again: {SITE}'

# annot.mat's order; the names that we share are ours (`neck` is our upper_neck).
JOINTS = (
  *('spine3', 'spine4', 'spine2', 'spine', 'pelvis', 'upper_neck', 'head', 'head_top'),
  *('left_clavicle', 'left_shoulder', 'left_elbow', 'left_wrist', 'left_hand'),
  *('right_clavicle', 'right_shoulder', 'right_elbow', 'right_wrist', 'right_hand'),
  *('left_hip', 'left_knee', 'left_ankle', 'left_foot', 'left_toe'),
  *('right_hip', 'right_knee', 'right_ankle', 'right_foot', 'right_toe'),
)

# activity_annotation of the test set, from 1.
ACTIVITIES = (
  'Standing/Walking',
  'Exercising',
  'Sitting',
  'Reaching/Crouching',
  'On The Floor',
  'Sports',
  'Miscellaneous',
)

# Which 3D labels: 'metric' projects onto the 2D ones; 'universal' is scaled to one
# skeleton size, is what the official score compares with, and does not project.
VARIABLES = {'metric': 'annot3', 'universal': 'univ_annot3'}

# The rows of S4/Seq2 whose left and right are swapped: 0-based, the end excluded,
# in every camera. (Known from a public reader of the dataset.)
SWAPPED = ('S4', 'Seq2', slice(3759, 5853))


@dataclasses.dataclass(frozen=True)
class Labels:
  """What one camera saw: a row per frame, joints in `skeleton.JOINTS`' order.

  The thorax is the middle of the shoulders, as everywhere in wild3d; the dataset's
  own spine joint is dropped. The pelvis is the dataset's.
  """

  joints2d: Float[np.ndarray, 'N 16 2']  # px of the original
  joints3d: Float[np.ndarray, 'N 16 3']  # mm, camera axes
  valid: Bool[np.ndarray, ' N']  # rows that hold labels
  actions: tuple[str, ...]  # per row; empty where the dataset names none

  @property
  def digest(self) -> str:
    """Differs where the labels differ."""
    arrays = (self.joints2d, self.joints3d, self.valid)
    return ' '.join(f'{zlib.crc32(np.ascontiguousarray(a)):08x}' for a in arrays)


def training(
  path: pathlib.Path, cameras: tuple[int, ...], annotation: str
) -> dict[int, Labels]:
  """Reads annot.mat of one sequence, one variable in memory at a time.

  A sequence of the longest's size costs 0.2 GB and 2 s, for one camera as for eight:
  a compressed variable is read as a whole.

  Args:
    path: .../S1/Seq1/annot.mat.
    cameras: which, of 0..13.
    annotation: 'metric' or 'universal'.

  Raises:
    UserError: naming the file: missing, damaged, not MATLAB v5, a variable is
      missing or of the wrong shape, its cameras disagree, or a label is NaN.
  """
  found = {}
  for key, dims in (('annot2', 2), (VARIABLES[annotation], 3)):
    cells = _cells(path, key)
    for camera in cameras:
      joints = _joints(path, cells, key, camera, dims)
      _check(path, key, joints, f'camera {camera}, ')
      found[camera, dims] = skeleton.convert(joints, JOINTS)[0]
    del cells
  subject, sequence, rows = SWAPPED
  if path.parts[-3:-1] == (subject, sequence):
    for joints in found.values():
      joints[rows] = joints[rows][:, skeleton.FLIP_INDEX]
  counts = {key: len(joints) for key, joints in found.items()}
  if len(set(counts.values())) > 1:
    said = ', '.join(f'camera {c} {d}D {n}' for (c, d), n in counts.items())
    raise UserError(f'{path}: the numbers of rows disagree: {said}')
  return {
    camera: Labels(
      joints2d=found[camera, 2],
      joints3d=found[camera, 3],
      valid=np.ones(len(found[camera, 2]), bool),
      actions=('',) * len(found[camera, 2]),
    )
    for camera in cameras
  }


def test(path: pathlib.Path, annotation: str) -> Labels:
  """Reads annot_data.mat of one test sequence; row i is img_{i + 1:06d}.jpg.

  Raises:
    UserError: naming the file: missing, damaged, not MATLAB v7.3, a variable is
      missing or of the wrong shape, an unknown activity, or a label is NaN.
  """
  third = VARIABLES[annotation]
  shapes = {
    'annot2': (1, 17, 2),
    third: (1, 17, 3),
    'valid_frame': (1,),
    'activity_annotation': (1,),
  }
  data = array_files.hdf5(path, list(shapes), advice=_ADVICE)
  for key, shape in shapes.items():
    wanted = (len(data['annot2']) if data['annot2'].ndim else 0, *shape)
    if data[key].shape != wanted or data[key].dtype.kind not in 'fiub':
      raise UserError(f'{path}: {key} is of shape {data[key].shape}, not {wanted}')
    data[key] = data[key].astype(np.float64)
  valid = data['valid_frame'][:, 0] == 1
  activity = data['activity_annotation'][:, 0]
  for row in np.flatnonzero(valid & ~np.isin(activity, range(1, 8))):
    raise UserError(f'{path}: row {row}: no activity has the number {activity[row]:g}')
  joints = {}
  for key in ('annot2', third):
    # Rows that are not valid hold anything.
    known = np.where(valid[:, None, None], data[key][:, 0], 0.0)
    _check(path, key, known)
    joints[key] = skeleton.convert(known, 'mpi_inf_3dhp17')[0]
  return Labels(
    joints2d=joints['annot2'],
    joints3d=joints[third],
    valid=valid,
    actions=tuple(
      ACTIVITIES[int(a) - 1] if ok else ''
      for a, ok in zip(activity, valid, strict=True)
    ),
  )


def _cells(path, key):
  cells = array_files.matlab(path, [key], advice=_ADVICE)[key].ravel()
  if cells.dtype != object:
    raise UserError(f'{path}: {key} must be a cell for each camera')
  return cells


def _joints(path, cells, key, camera, dims):
  if camera >= len(cells):
    raise UserError(f'{path}: {key} has no camera {camera}, only {len(cells)}')
  joints = np.asarray(cells[camera])
  width = len(JOINTS) * dims
  if joints.ndim != 2 or joints.shape[1] != width or joints.dtype.kind not in 'fiu':
    raise UserError(
      f'{path}: {key} of camera {camera} is of shape {joints.shape}, not n x {width}'
    )
  return joints.reshape(-1, len(JOINTS), dims).astype(np.float64)


def _check(path, key, joints, where=''):
  for row in np.flatnonzero(~np.isfinite(joints).all(axis=(1, 2)))[:1]:
    raise UserError(f'{path}: {key}, {where}row {row} holds NaN or infinity')
