"""Leeds Sports Pose and its extension as published: joints.mat and images/.

`joints` is [3, 14, 2000] in LSP and [14, 3, 10000] in LSPET: x, y (pixels counted
from 1) and a flag, which is 1 for an occluded joint in LSP, whose joints are all given,
and 1 for a labelled one in LSPET.
"""

import pathlib

import numpy as np

from wild3d import skeleton
from wild3d.datasets import array_files, crop
from wild3d.datasets.mpii.person import Entry, Person
from wild3d.errors import UserError

LSP_TRAIN = 1000  # LSP: the first thousand are for training, the others for testing


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
  flag, finite = rows[..., 2] > 0, np.isfinite(rows).all(axis=-1)
  # Pelvis and thorax are not in the file: middles, and labelled where both sides are.
  # Neck and head top are MPII's upper neck and head top, as usual.
  places = skeleton.convert(np.nan_to_num(rows[..., :2]) - 0.5, 'lsp14')[0]
  labelled, occluded = (
    skeleton.convert(said[..., None].astype(float), 'lsp14')[0][..., 0] == 1
    for said in (finite if original else finite & flag, flag & original)
  )
  people = []
  for row, name in enumerate(_pictures(images, len(rows), path)):
    known = labelled[row]
    if not known.any():
      people.append('no joint is labelled')
      continue
    joints2d = np.where(known[:, None], places[row], 0.0)
    box = crop.box_of(joints2d[known])
    people.append(Person(name, row, joints2d, known, occluded[row] & known, *box))
  return people, original


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
