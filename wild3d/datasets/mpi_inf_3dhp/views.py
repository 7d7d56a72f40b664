"""The camera views of MPI-INF-3DHP on a user's disk: what there is, what is usable."""

import dataclasses
import os
import pathlib

from wild3d.datasets.mpi_inf_3dhp import (
  annotations,
  calibration,
  mmpose_npz,
  pictures,
)
from wild3d.errors import UserError
from wild3d.media import video_file

# Rows of annot.mat that have a frame: what every public reader goes by.
FRAMES = {
  **{('S1', 'Seq1'): 6416, ('S1', 'Seq2'): 12430},
  **{('S2', 'Seq1'): 6502, ('S2', 'Seq2'): 6081},
  **{('S3', 'Seq1'): 12488, ('S3', 'Seq2'): 12283},
  **{('S4', 'Seq1'): 6171, ('S4', 'Seq2'): 6675},
  **{('S5', 'Seq1'): 12820, ('S5', 'Seq2'): 12312},
  **{('S6', 'Seq1'): 6188, ('S6', 'Seq2'): 6145},
  **{('S7', 'Seq1'): 6239, ('S7', 'Seq2'): 6320},
  **{('S8', 'Seq1'): 6468, ('S8', 'Seq2'): 6054},
}
SHORT = {('S6', 'Seq2', 2): 3911}  # this camera's video ends before the others'
UNLABELLED = {'TS3': 1, 'TS4': 2}  # pictures after the last row of the labels

TRAINING = tuple(f'S{k}' for k in range(1, 9))
TEST = tuple(f'TS{k}' for k in range(1, 7))


@dataclasses.dataclass(frozen=True)
class View:
  """One camera's view of one performance."""

  name: str  # 'S1/Seq1 camera 0', 'TS1'
  subject: str  # 'S1', 'TS1'
  labels: str  # path of annot.mat or annot_data.mat, or of mmpose's .npz
  camera: int  # number of the camera; -1 in the test set, which has one
  end: int  # rows from here on have no picture
  lens: calibration.Lens  # of the camera
  pictures: pictures.Pictures  # the frames
  digest: str  # of the labels, so that other labels make another view
  count: int = 0  # frames that can be used, at the stride
  unlabelled: int = 0  # pictures without labels
  run: mmpose_npz.Run | None = None  # the rows, of mmpose's .npz

  def read_labels(self, annotation: str) -> annotations.Labels:
    """The labels of this view; see annotations.py for the cost and the errors."""
    path = pathlib.Path(self.labels)
    if self.run:
      return mmpose_npz.labels(path, self.run)
    if self.camera < 0:
      return annotations.test(path, annotation)
    return annotations.training(path, (self.camera,), annotation)[self.camera]

  def why_not(self, labels: annotations.Labels, row: int) -> str | None:
    """Why a row cannot be used, or None if it can."""
    if row >= self.end:
      return f'{self.name}: a label without a frame'
    if not labels.valid[row]:
      return f'{self.name}: not a valid frame'
    joints = labels.joints2d[row]
    if not ((joints > 0) & (joints < self.lens.size)).all(axis=1).any():
      return 'the person is outside of the picture'
    return None


def training(
  root: pathlib.Path,
  subjects: tuple[str, ...],
  *,
  cameras: tuple[int, ...],
  annotation: str,
  stride: int,
) -> list[View]:
  """The views of the training sequences that are there; all labels are checked.

  Args:
    root: holds S1, S2, ...
    subjects: to be read; their folders exist.
    cameras: of each sequence.
    annotation: 'metric' or 'universal'.
    stride: every so many rows are wanted.

  Raises:
    UserError: a file is missing or faulty, or labels and frames differ in number.
      (A video that is as long as the dataset's is not counted before it is read.)
  """
  views = []
  for subject in subjects:
    sequences = [root / subject / name for name in ('Seq1', 'Seq2')]
    sequences = [folder for folder in sequences if folder.is_dir()]
    if not sequences:
      raise UserError(f'{root / subject}: there is no Seq1 or Seq2 in it')
    for folder in sequences:
      found = {camera: pictures.find(folder, camera) for camera in cameras}
      lenses = calibration.read(folder / 'camera.calibration')
      path = folder / 'annot.mat'
      labels = annotations.training(path, cameras, annotation)
      for camera in cameras:
        if camera not in lenses:
          raise UserError(f'{folder / "camera.calibration"}: has no camera {camera}')
        where = (subject, folder.name)
        view = View(
          name=f'{subject}/{folder.name} camera {camera}',
          subject=subject,
          labels=str(path),
          camera=camera,
          end=SHORT.get((*where, camera), FRAMES[where]),
          lens=lenses[camera],
          pictures=found[camera],
          digest=labels[camera].digest,
        )
        views.append(_counted(view, labels[camera], stride))
  return views


def test(
  root: pathlib.Path, subjects: tuple[str, ...], *, annotation: str, stride: int
) -> list[View]:
  """The test sequences that are there; all labels are checked.

  Args:
    root: holds TS1, TS2, ...
    subjects: to be read; their folders exist.
    annotation: 'metric' or 'universal'.
    stride: every so many rows are wanted.

  Raises:
    UserError: a file is missing or faulty, or labels and pictures differ in number.
  """
  views = []
  for subject in subjects:
    path = root / subject / 'annot_data.mat'
    labels = annotations.test(path, annotation)
    folder = root / subject / 'imageSequence'
    if not folder.is_dir():
      raise UserError(
        f'{folder} is missing: it comes with the test set, {annotations.SITE}'
      )
    view = View(
      name=subject,
      subject=subject,
      labels=str(path),
      camera=-1,
      end=len(labels.valid),
      lens=calibration.TEST[subject],
      pictures=pictures.Pictures(str(folder), 'img_', first=1),
      digest=labels.digest,
    )
    views.append(_counted(view, labels, stride))
  return views


def of_mmpose(
  root: pathlib.Path,
  files: dict[str, pathlib.Path],
  *,
  subjects: tuple[str, ...],
  cameras: tuple[int, ...],
  strides: dict[str, int],
) -> dict[str, list[View]]:
  """Split -> the views of mmpose's form; all labels are checked.

  Args:
    root: holds annotations/ and images/.
    files: of mmpose_npz.files.
    subjects: to be read; () for all that are there.
    cameras: of the training sequences.
    strides: split -> every so many frames are wanted.

  Raises:
    UserError: a file is missing or faulty, or a picture or a subject is missing.
  """
  lenses = dict(calibration.TEST)
  if 'train' in files:
    lenses |= mmpose_npz.lenses(root / 'annotations/cameras_train.pkl')
  try:
    present = {entry.name for entry in os.scandir(root / 'images')}
  except OSError as error:
    raise UserError(f'{root / "images"}: cannot be read: {error.strerror}') from None
  found = {}
  for split, path in files.items():
    of_split = []
    for run in mmpose_npz.runs(path):
      subject, *rest = run.view.split('_')
      camera = int(rest[1].removeprefix('Cam')) if rest else -1
      if (subjects and subject not in subjects) or camera not in (*cameras, -1):
        continue
      if run.view not in lenses:
        raise UserError(f'{root}/annotations/cameras_train.pkl: no {run.view}')
      labels = mmpose_npz.labels(path, run)
      view = View(
        name=f'{subject}/{rest[0]} camera {camera}' if rest else subject,
        subject=subject,
        labels=str(path),
        camera=camera,
        end=len(labels.valid),
        lens=lenses[run.view],
        pictures=pictures.Pictures(str(root / 'images'), f'{run.view}_', first=1),
        digest=labels.digest,
        run=run,
      )
      rows = range(0, len(labels.valid), strides[split])
      usable = [row for row in rows if view.why_not(labels, row) is None]
      for row in usable:
        if (name := f'{run.view}_{row + 1:06d}.jpg') not in present:
          raise UserError(f'{root}/images/{name} is missing, and {path} names it')
      of_split.append(dataclasses.replace(view, count=len(usable)))
    if of_split:
      found[split] = of_split
  missing = set(subjects) - {view.subject for views in found.values() for view in views}
  if missing:
    raise UserError(f'{root}: subjects names {", ".join(sorted(missing))}: not there')
  return found


def _counted(view, labels, stride):
  """The view with its counts; raises unless frames and rows go together."""
  total, path = len(labels.valid), pathlib.Path(view.pictures.path)
  usable = [r for r in range(0, total, stride) if view.why_not(labels, r) is None]
  # Where there are fewer labels than the dataset has, someone cut out a part of it.
  exact = view.camera < 0 or total < view.end
  if view.pictures.is_video:
    if exact and (frames := video_file.count(path)) != total:
      raise UserError(
        f'{path}: has {frames} frames, but {view.labels} has {total} rows: one of '
        'the two is incomplete, download it again'
      )
    return dataclasses.replace(view, count=len(usable))
  rows = view.pictures.rows()
  for row in usable:
    if row not in rows:
      number = row + view.pictures.first
      raise UserError(
        f'{path / view.pictures.prefix}{number:06d}.jpg is missing, the picture of '
        f'row {row} of {view.labels}'
      )
  beyond = max(0, max(rows, default=-1) + 1 - total) if exact else 0
  if beyond > UNLABELLED.get(view.subject, 0):
    raise UserError(
      f'{path}: has {beyond} pictures more than {view.labels} has rows: one of the '
      'two is incomplete, download it again'
    )
  return dataclasses.replace(view, count=len(usable), unlabelled=beyond)
