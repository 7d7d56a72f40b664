"""Human3.6M as downloaded: CDF labels, mp4 videos, metadata.xml."""

import pathlib
from collections.abc import Iterator

import numpy as np
from absl import logging
from jaxtyping import Float

from wild3d import skeleton
from wild3d.datasets import crop, record
from wild3d.datasets.human36m import cdf, joints, metadata_xml, tree
from wild3d.datasets.work import Skipped, Unit
from wild3d.errors import UserError
from wild3d.media import video_file

NAME = 'official'
LAYOUT = (
  'the official downloads unpacked, S1/MyPoseFeatures/D3_Positions_mono/*.cdf and '
  'S1/Videos/*.mp4 (or extracted/S1/Poses_D3_Positions_mono/*.cdf as h36m-fetch '
  'unpacks them), with metadata.xml in this folder or beside it'
)
_THORAX = skeleton.JOINTS.index('thorax')


def found(folder: pathlib.Path) -> bool:
  """Whether the folder has the official layout."""
  return bool(tree.subject_folders(folder))


def units(folder: pathlib.Path, config) -> dict[str, list[Unit]]:
  """Split -> one unit for each video with labels, in the order of metadata.xml.

  Takes of which neither labels nor video are there are not asked for.

  Raises:
    UserError: metadata.xml, a video, or the labels of a video are missing; a file
      cannot be read; the frames of labels and video do not agree in number.
  """
  folders = tree.subject_folders(folder)
  path = metadata_xml.find(folder)
  if path is None:
    raise UserError(
      f'{folder}: metadata.xml is missing (here or beside this folder); it is in the '
      'code of the release (Release-v1.1 or v1.2) at http://vision.imar.ro/human3.6m'
    )
  metadata = metadata_xml.read(path)
  splits = {}
  for split, subjects in joints.SUBJECTS.items():
    stride = config.stride if split == 'train' else config.validation_stride
    wanted = [s for s in subjects if not config.subjects or s in config.subjects]
    missing = ', '.join(f'S{s}' for s in wanted if s not in folders)
    if missing and config.subjects:
      raise UserError(f'{folder}: no labels of {missing}, which `subjects` asks for')
    if missing:
      logging.warning('human36m: no %s in %s: built without', missing, folder)
    found_takes = [
      take
      for subject in wanted
      if subject in folders
      for take in tree.takes(
        folders[subject],
        subject,
        metadata,
        cameras=config.cameras or joints.CAMERAS,
        stride=stride,
      )
    ]
    if found_takes:
      splits[split] = [_unit(take) for take in found_takes]
  if not splits:
    raise UserError(f'{folder}: no labelled video of the subjects and cameras wanted')
  return splits


def _unit(take):
  return Unit(
    name=f'human36m/S{take.subject}/{take.name}.{take.camera_id}',
    count=len(range(0, take.frames, take.stride)),
    payload={'form': NAME, 'take': take},
  )


def records(unit: Unit, config) -> Iterator[dict | Skipped]:
  """The records of one video, in order.

  Raises:
    UserError: a label is NaN or behind the camera, or the video cannot be decoded;
      the message names file and frame.
  """
  take = unit.payload['take']
  wanted = range(0, take.frames, take.stride)
  fault = take.fault
  if take.shifted and config.shifted == 'skip':
    fault = f'S{take.subject} {take.name}: labels shifted by 200 mm'
  if fault:
    yield from (Skipped(fault) for _ in wanted)
    return
  joints3d, joints2d, seen = labels(take, wanted, config)
  # Frames of a clip share one crop, so a clip may not span two runs.
  runs = [
    seen[i : i + config.clip_frames] for i in range(0, len(seen), config.clip_frames)
  ]
  boxes = [crop.box_of(run.reshape(-1, 2)) for run in runs]
  for row, (index, picture) in enumerate(video_file.chosen(take.video, wanted)):
    run = row // config.clip_frames
    center, side = boxes[run]
    yield record.cropped(
      picture,
      crop.around(center, side, margin=config.margin, size=config.size),
      id=f'{unit.name}#{index}',
      joints2d=joints2d[row],
      labelled=np.ones(16, bool),
      joints3d=joints3d[row],
      has3d=True,
      center=center,
      side=side,
      camera=take.camera.intrinsics,
      distortion=take.camera.distortion,
      sequence=unit.name if config.clip_frames == 1 else f'{unit.name}/{run}',
      frame=row,  # index // stride: frames of a sequence count up by one
      subject=f'S{take.subject}',
      action=joints.action_of(take.name),
    )
  for _ in range(len(wanted) * take.stride, take.video_frames, take.stride):
    yield Skipped('frames of a video after its last label')


def labels(
  take: tree.Take, wanted: range, config
) -> tuple[
  Float[np.ndarray, 'n 16 3'], Float[np.ndarray, 'n 16 2'], Float[np.ndarray, 'n 16 2']
]:
  """Of the wanted frames: positions in mm, labels in px, and true projections in px.

  The last two differ with projection='zhou2017' alone; crops are cut round the true
  ones, so that both projections see the same pictures.

  Raises:
    UserError: a position is not finite, or behind the camera.
  """
  mono = cdf.poses(take.labels3d, 3)[wanted]
  _check(take.labels3d, wanted, np.isfinite(mono).all(-1) & (mono[..., 2] > 0))
  correct = take.shifted and config.shifted == 'correct'
  if correct:
    mono = mono - take.camera.rotation @ joints.SHIFT_MM
  if take.labels2d and not correct:
    true = cdf.poses(take.labels2d, 2)[wanted]
    _check(take.labels2d, wanted, np.isfinite(true).all(-1))
  else:
    true = take.camera.project(mono)
  joints3d, seen = joints.to_mpii16(mono), joints.to_mpii16(true)
  # The middle of two joints is not seen in the middle of where they are seen.
  seen[:, _THORAX] = take.camera.project(joints3d[:, _THORAX])
  if config.projection == 'true':
    return joints3d, seen, seen
  pairs = zip(mono, true, strict=True)
  flat = np.stack([joints.scaled_orthographic(*pair) for pair in pairs])
  return joints3d, joints.to_mpii16(flat), seen


def _check(path, wanted, right):
  if not right.all():
    row, joint = np.argwhere(~right)[0]
    raise UserError(
      f'{path}: frame {wanted[row]}: {skeleton.JOINT_SETS["h36m17"][joint]} is not a '
      'number or behind the camera; download the labels again'
    )
