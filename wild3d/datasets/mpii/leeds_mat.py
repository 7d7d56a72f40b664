"""Leeds Sports Pose and its extension as published: joints.mat and images/.

`joints` is [3, 14, 2000] in LSP and [14, 3, 10000] in LSPET: x, y (pixels counted
from 1) and a flag, which is 1 for an occluded joint in LSP, whose joints are all given,
and 1 for a labelled one in LSPET.
"""

import pathlib

import numpy as np

from wild3d.datasets import array_files, crop
from wild3d.datasets.mpii.person import Entry, Person
from wild3d.errors import UserError
from wild3d.skeleton import JOINTS

LSP_TRAIN = 1000  # LSP: the first thousand are for training, the others for testing
# Of the file, in order; neck and head top are MPII's upper neck and head top, as usual.
_ORDER = [
  JOINTS.index(name)
  for name in (
    *('right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle'),
    *('right_wrist', 'right_elbow', 'right_shoulder'),
    *('left_shoulder', 'left_elbow', 'left_wrist', 'upper_neck', 'head_top'),
  )
]
# Not in the file: the middles of hips and shoulders, where both are labelled.
_MIDDLES = tuple(
  [JOINTS.index(name) for name in (middle, f'right_{side}', f'left_{side}')]
  for middle, side in (('pelvis', 'hip'), ('thorax', 'shoulder'))
)


def read(path: pathlib.Path, images: pathlib.Path) -> tuple[list[Entry], bool]:
  """(the people, a picture each, in the file's order; whether it is LSP).

  The person box is that of the labelled joints, which the files do not give.

  Args:
    path: joints.mat.
    images: folder of im0001.jpg ... (LSP) or im00001.jpg ... (LSPET).

  Raises:
    UserError: the file is missing, damaged or of another shape; a picture is missing.
  """
  joints = array_files.matlab(path, ['joints'], advice='take it as published')['joints']
  original = joints.shape[:2] == (3, 14)
  if joints.ndim != 3 or not (original or joints.shape[:2] == (14, 3)):
    raise UserError(
      f'{path}: joints is of shape {joints.shape}, not 3 x 14 x n (LSP) or 14 x 3 x n '
      '(LSPET)'
    )
  rows = np.moveaxis(joints, (2, 1) if original else (2, 0), (0, 1)).astype(np.float64)
  names = _pictures(images, len(rows), path)
  people = [
    _person(name, row, values, original)
    for row, (name, values) in enumerate(zip(names, rows, strict=True))
  ]
  return people, original


def _person(name, row, values, original):
  joints, labelled, occluded = np.zeros((16, 2)), np.zeros(16, bool), np.zeros(16, bool)
  flag = values[:, 2] > 0
  known = np.isfinite(values).all(axis=1) & (flag | original)
  labelled[_ORDER], occluded[_ORDER] = known, flag & original
  joints[_ORDER] = np.where(known[:, None], values[:, :2] - 0.5, 0.0)
  for middle, right, left in _MIDDLES:
    if labelled[right] and labelled[left]:
      joints[middle] = (joints[right] + joints[left]) / 2
      labelled[middle], occluded[middle] = True, occluded[right] and occluded[left]
  if not labelled.any():
    return 'no joint is labelled'
  center, side = crop.box_of(joints[labelled])
  return Person(name, row, joints, labelled, occluded & labelled, center, side)


def _pictures(images, count, path):
  """The picture of each row, whose number is the row's, from 1."""
  found = {}
  for file in images.glob('im*.*'):
    digits = file.stem.removeprefix('im')
    if digits.isdecimal() and file.suffix.lower() in ('.jpg', '.png'):
      found[int(digits)] = file.name
  for number in range(1, count + 1):
    if number not in found:
      raise UserError(
        f'{images}: no picture im{number:05d}.jpg (or .png, or fewer zeros), the row '
        f'{number} of {path}'
      )
  return [found[number] for number in range(1, count + 1)]
