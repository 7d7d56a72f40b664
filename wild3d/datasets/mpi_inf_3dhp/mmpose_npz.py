"""MPI-INF-3DHP as mmpose's preprocess_mpi_inf_3dhp.py stores it: .npz labels.

A row is a picture of images/: `imgname`, `part` [17, 3] px and `S` [17, 4] metres in
camera axes, the last column of both being whether the joint is in the picture. The
joints are those of the official test set. Only the metric 3D labels are in it.
"""

import pathlib
import re
from typing import NamedTuple

import numpy as np

from wild3d import skeleton
from wild3d.datasets import npz_rows, numpy_pickle
from wild3d.datasets.mpi_inf_3dhp.annotations import SWAPPED, Labels
from wild3d.datasets.mpi_inf_3dhp.calibration import Lens
from wild3d.errors import UserError

_IMAGE = re.compile(r'((?:S[1-8]_Seq[12]_Cam\d+)|(?:TS[1-6]))_(\d{6})\.jpg')
_STUDIO = (2048, 2048)  # px; cameras_train.pkl says 204 for the height

# The video of this view ends after 3,911 frames, and so do its names; its labels, and
# they alone, go on, and those of all later views come so many rows after their names.
_SHORT, _BEYOND = 'S6_Seq2_Cam2', 6145 - 3911


class Run(NamedTuple):
  """The rows of one view, which follow each other.

  Attributes:
    view: 'S1_Seq1_Cam0', 'TS1'.
    name: first row of imgname.
    label: first row of part and S.
    count: rows.
  """

  view: str
  name: int
  label: int
  count: int


def files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
  """Split -> its .npz; {} where the folder holds another form.

  Raises:
    UserError: the test set's holds frames without labels.
  """
  found = {}
  for split in ('train', 'test'):
    paths = sorted((folder / 'annotations').glob(f'mpi_inf_3dhp_{split}*.npz'))
    whole = [path for path in paths if 'all' not in path.stem.split('_')]
    if paths and not whole:
      raise UserError(
        f'{paths[0]}: holds test frames that are not valid: put '
        'mpi_inf_3dhp_test_valid.npz there, which mmpose makes by default'
      )
    if whole:
      found[split] = whole[0]
  return found


def runs(path: pathlib.Path) -> list[Run]:
  """The views of a file, in order.

  Raises:
    UserError: a name is no picture of this dataset, the rows of a view do not follow
      each other, or names and labels do not go together.
  """
  names = npz_rows.rows(path, 'imgname').tolist()
  labels = len(npz_rows.rows(path, 'scale'))
  views = []
  for row, name in enumerate(names):
    match = _IMAGE.fullmatch(str(name))
    if not match:
      raise UserError(
        f'{path}: row {row}: {name!r} is no picture such as S1_Seq1_Cam0_000001.jpg'
      )
    views.append(match[1])
  starts = [i for i, view in enumerate(views) if i == 0 or view != views[i - 1]]
  found, shift = [], 0
  for start, end in zip(starts, [*starts[1:], len(views)], strict=True):
    found.append(Run(views[start], start, start + shift, end - start))
    if views[start] == _SHORT and labels > len(names):
      shift = _BEYOND
  if len({run.view for run in found}) < len(found):
    raise UserError(f'{path}: the rows of a view do not follow each other')
  if labels != len(names) + shift:
    raise UserError(
      f'{path}: {len(names)} names and {labels} labels, so which is whose is not '
      'known: make the file again from the whole dataset'
    )
  return found


def labels(path: pathlib.Path, run: Run) -> Labels:
  """A row for each frame up to the last; those without a picture are not valid.

  Raises:
    UserError: an array is missing, of another shape, or holds NaN.
  """
  names = npz_rows.rows(path, 'imgname', run.name, run.name + run.count)
  frames = np.array([int(str(name)[-10:-4]) - 1 for name in names.tolist()])
  # Positions are those of the official files, see annotations.py.
  seen = _converted(path, run, 'part', 3)
  mm = 1000 * _converted(path, run, 'S', 4)
  count = int(frames.max()) + 1
  joints2d, joints3d = np.zeros((count, 16, 2)), np.zeros((count, 16, 3))
  joints2d[frames], joints3d[frames] = seen, mm
  valid = np.zeros(count, bool)
  valid[frames] = True
  subject, sequence, rows = SWAPPED
  if run.view.startswith(f'{subject}_{sequence}_'):
    for joints in (joints2d, joints3d):
      joints[rows] = joints[rows][:, skeleton.FLIP_INDEX]
  return Labels(joints2d, joints3d, valid, ('',) * count)


def lenses(path: pathlib.Path) -> dict[str, Lens]:
  """View -> its lens, from cameras_train.pkl.

  Raises:
    UserError: it is missing, damaged, or holds anything but numbers.
  """
  stored = numpy_pickle.load(path)
  try:
    return {
      view: Lens((*_two(camera['f']), *_two(camera['c'])), _STUDIO)
      for view, camera in stored.items()
    }
  except (AttributeError, KeyError, TypeError, ValueError) as error:
    raise UserError(
      f'{path}: must hold f and c of each camera as mmpose writes them ({error})'
    ) from None


def _two(values):
  return np.asarray(values, np.float64).reshape(2).tolist()


def _converted(path, run, key, columns):
  block = npz_rows.rows(path, key, run.label, run.label + run.count)
  if block.shape != (run.count, 17, columns) or block.dtype.kind != 'f':
    raise UserError(f'{path}: {key} must be numbers of shape [n, 17, {columns}]')
  points = block[..., :-1].astype(np.float64)
  faulty = np.flatnonzero(~np.isfinite(points).all(axis=(1, 2)))
  if len(faulty):
    raise UserError(f'{path}: {key}, row {run.label + faulty[0]} holds NaN or infinity')
  return skeleton.convert(points, 'mpi_inf_3dhp17')[0]
