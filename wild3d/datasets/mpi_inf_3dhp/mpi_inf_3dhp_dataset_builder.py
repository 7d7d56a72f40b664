"""MPI-INF-3DHP (Mehta et al. 2017) as a TFDS builder."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from wild3d.datasets import crop, make_record, options
from wild3d.datasets.mpi_inf_3dhp import annotations, mmpose_npz, views
from wild3d.datasets.official_counts import Official
from wild3d.datasets.units import Skipped, Unit, UnitBuilder
from wild3d.errors import UserError


@dataclasses.dataclass(eq=False)
class MpiInf3dhpConfig(tfds.core.BuilderConfig):
  """What is read and how it is stored."""

  # 'S1' ... 'S8' for training, 'TS1' ... 'TS6' for test; () for all that are there.
  subjects: tuple[str, ...] = ()
  # Of the training sequences, 0 to 13; by default the eight that others train on.
  cameras: tuple[int, ...] = (0, 1, 2, 4, 5, 6, 7, 8)
  stride: int = 5  # every so many training frames
  test_stride: int = 1  # every so many test frames
  # 'metric', which projects onto the picture, or 'universal', scaled to one skeleton:
  # the official score compares with it, and it does not project.
  annotation: str = 'metric'
  size: int = 384  # px, longest side of a stored crop; smaller ones are not enlarged
  margin: float = 1.5  # side of the stored crop over the side of the person box
  # Stored frames in a row that share one crop box, for training on clips of so many;
  # 1 gives each frame its own.
  clip_frames: int = 1

  def __post_init__(self):
    """Raises UserError for a value that cannot be meant."""
    count = (1, 10**6)
    options.check(
      self,
      'mpi_inf_3dhp',
      limits={
        **{'stride': count, 'test_stride': count, 'size': count},
        **{'clip_frames': count, 'margin': (1.0, 10.0)},
      },
      choices={
        'annotation': annotations.VARIABLES,
        'subjects': (*views.TRAINING, *views.TEST),
        'cameras': range(annotations.CAMERAS),
      },
    )
    if not self.cameras:
      raise UserError('mpi_inf_3dhp: cameras names none')


class Builder(UnitBuilder):
  """One record per frame and camera: 2D and 3D joints, camera.

  Splits: 'train' from S1 ... S8, 'test' from TS1 ... TS6; either may be absent. A
  unit is one camera's view of one sequence.

  The faults of the release and what becomes of them: labels beyond the last frame
  (S3/Seq1 has one) and those after the end of the short video S6/Seq2 camera 2 are
  left out and counted, as are test frames that are not marked valid and the pictures
  at the end of TS3 and TS4 that have no label. Left and right of frames 3759 to 5852,
  from 0, of S4/Seq2 are swapped in the labels of all cameras; they are swapped back
  (`annotations.SWAPPED`): 2,094 frames of each camera, 419 at stride 5.

  The thorax is the middle of the shoulders. `frame` counts the stored frames; the
  number in the id is the frame's own: of the video from 0, of the test set's picture
  from 1. In configuration 'universal' the camera is that of the picture, and joints3d
  do not project onto joints2d.
  """

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES: ClassVar = {'1.0.0': 'First version.'}
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Point manual_dir at a folder with S1 ... S8 (each with Seq1 and Seq2, and in '
    'these annot.mat, camera.calibration, and imageSequence/video_0.avi ... or the '
    'frames extracted from them as imageSequence/img_0_000001.jpg ... or '
    'imageSequence/video_0/*.jpg), with mpi_inf_3dhp_test_set/TS1 ... TS6 (each with '
    'annot_data.mat and imageSequence/img_000001.jpg ...), or both, as the scripts '
    f'from {annotations.SITE} download them; or at the output of mmpose '
    '(preprocess_mpi_inf_3dhp.py): annotations/mpi_inf_3dhp_train.npz, '
    'cameras_train.pkl, mpi_inf_3dhp_test_valid.npz, and images/.'
  )
  BUILDER_CONFIGS: ClassVar = [
    MpiInf3dhpConfig(name='default', description='Crops of up to 384 px.'),
    MpiInf3dhpConfig(name='small', description='Crops of up to 192 px.', size=192),
    MpiInf3dhpConfig(
      name='universal',
      description='Skeletons scaled to one size, as the official score wants them.',
      annotation='universal',
    ),
  ]
  # Frames with valid_frame = 1.
  OFFICIAL_COUNTS: ClassVar = {
    ('test', ''): Official(2_929),
    **{('test', 'TS1'): Official(603), ('test', 'TS2'): Official(540)},
    **{('test', 'TS3'): Official(505), ('test', 'TS4'): Official(553)},
    **{('test', 'TS5'): Official(276), ('test', 'TS6'): Official(452)},
  }
  # S8's thighs are 485 and 326 mm long in the release.
  LIMB_ASYMMETRY: ClassVar = {'S8': 0.45}
  HOMEPAGE = annotations.SITE
  CITATION = (
    '@inproceedings{mehta2017, author={Mehta, Dushyant and Rhodin, Helge and Casas, '
    'Dan and Fua, Pascal and Sotnychenko, Oleksandr and Xu, Weipeng and Theobalt, '
    'Christian}, title={Monocular 3D Human Pose Estimation In The Wild Using '
    'Improved CNN Supervision}, booktitle={3DV}, year={2017}}'
  )

  @property
  def projects(self):
    """False for skeletons of one size (see UnitBuilder.projects)."""
    return self.builder_config.annotation == 'metric'

  def units(self, manual_dir: pathlib.Path) -> dict[str, list[Unit]]:
    """'train': a unit per subject, sequence, camera; 'test': a unit per TS."""
    if files := mmpose_npz.files(manual_dir):
      found = self._of_mmpose(manual_dir, files)
    else:
      found = self._official(manual_dir)
    return {
      split: [Unit(f'mpi_inf_3dhp/{view.name}', view.count, view) for view in of_split]
      for split, of_split in found.items()
    }

  def _official(self, manual_dir):
    config, found = self.builder_config, {}
    test_dir = manual_dir / 'mpi_inf_3dhp_test_set'
    if not test_dir.is_dir():
      test_dir = manual_dir
    subjects = _present(manual_dir, views.TRAINING, config.subjects)
    if subjects:
      found['train'] = views.training(
        manual_dir,
        subjects,
        cameras=config.cameras,
        annotation=config.annotation,
        stride=config.stride,
      )
    subjects = _present(test_dir, views.TEST, config.subjects)
    if subjects:
      found['test'] = views.test(
        test_dir, subjects, annotation=config.annotation, stride=config.test_stride
      )
    if not found:
      raise UserError(
        f'{manual_dir}: no S1 ... S8 and no TS1 ... TS6 in it. '
        f'{self.MANUAL_DOWNLOAD_INSTRUCTIONS}'
      )
    return found

  def _of_mmpose(self, manual_dir, files):
    config = self.builder_config
    if config.annotation != 'metric':
      raise UserError(
        f"{manual_dir}: mmpose's form has no univ_annot3: build annotation=universal "
        'from the official files'
      )
    return views.of_mmpose(
      manual_dir,
      files,
      subjects=config.subjects,
      cameras=config.cameras,
      strides={'train': config.stride, 'test': config.test_stride},
    )

  def records(self, unit: Unit) -> Iterator[dict | Skipped]:
    """The frames of one view, in order; those left out come first."""
    view, config = unit.payload, self.builder_config
    stride = self._stride(view)
    labels = view.read_labels(config.annotation)
    kept = []
    for row in range(0, len(labels.valid), stride):
      reason = view.why_not(labels, row)
      if reason:
        yield Skipped(reason)
      else:
        kept.append(row)
    for _ in range(view.unlabelled):
      yield Skipped(f'{view.name}: a picture without labels')
    if not kept:
      return
    boxes = _boxes(labels.joints2d, kept, stride, config.clip_frames)
    rows = range(kept[0], kept[-1] + 1, stride)
    for row, picture in view.pictures.read(rows, view.lens.size):
      if row not in boxes:
        continue
      center, side = boxes[row]
      yield make_record.from_picture(
        picture,
        margin=config.margin,
        size=config.size,
        id=f'{unit.name}#{row + view.pictures.first:06d}',
        joints2d=labels.joints2d[row],
        labelled=np.ones(16, bool),
        joints3d=labels.joints3d[row],
        has3d=True,
        center=center,
        side=side,
        camera=np.array(view.lens.intrinsics),
        sequence=view.name,
        frame=row // stride,
        subject=view.subject,
        action=labels.actions[row],
      )

  def _stride(self, view):
    config = self.builder_config
    return config.stride if view.subject in views.TRAINING else config.test_stride


def _present(folder, known, wanted):
  """The subjects to read, those that are there where none are named."""
  for subject in known:
    if subject in wanted and not (folder / subject).is_dir():
      raise UserError(
        f'{folder / subject} is missing: subjects names it, and it comes with the '
        f'dataset, {annotations.SITE}'
      )
  return tuple(
    subject
    for subject in known
    if (folder / subject).is_dir() and (not wanted or subject in wanted)
  )


def _boxes(joints2d, kept, stride, clip_frames):
  """Row -> centre and side of its person box; runs without a gap share one."""
  boxes, clips = {}, crop.clips(kept, stride, clip_frames)
  for run in np.split(np.array(kept), np.flatnonzero(np.diff(clips)) + 1):
    box = crop.box_of(joints2d[run].reshape(-1, 2))
    boxes.update(dict.fromkeys(run.tolist(), box))
  return boxes
