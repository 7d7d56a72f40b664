"""Poses as a recording for the rerun viewer (https://rerun.io)."""

import math
import os
import pathlib

import numpy as np

from wild3d import files, skeleton
from wild3d.draw import style
from wild3d.errors import missing
from wild3d.poses.pose import PoseFile


def write(poses: PoseFile, path: str | os.PathLike) -> None:
  """Writes a .rrd file: 2D and 3D skeletons over time.

  Each person has `picture/person_N` in px of the original, and `space/person_N` in mm,
  camera axes (x right, y down, z away), from the camera's centre where there is a
  camera and minus the pelvis where there is none. The timeline `picture` counts the
  pictures; `time` is seconds of a video. The photographs are not stored.

  Args:
    poses: of images or videos.
    path: the file; it appears whole or not at all.

  Raises:
    UserError: rerun is not installed, or the file cannot be written.
  """
  try:
    import rerun
  except ImportError:
    raise missing('--rerun', 'rerun-sdk') from None
  # The same poses give the same recording, however often they are written.
  name = f'{poses.header.fingerprint}-{pathlib.PurePath(path).name}'
  with files.whole(path) as partial:
    with files.errors_named(path):
      partial.touch()  # rerun's own message on a folder without rights says little
    with rerun.RecordingStream('wild3d', recording_id=name) as recording:
      recording.save(partial)
      _log(rerun, recording, poses)
      recording.flush()
      recording.disconnect()


def _log(rerun, recording, poses):
  recording.log('space', rerun.ViewCoordinates.RDF, static=True)
  context = rerun.AnnotationContext(
    [rerun.AnnotationInfo(i, name) for i, name in enumerate(skeleton.JOINTS)]
  )
  for root in ('picture', 'space'):
    recording.log(root, context, static=True)
  seen = set()
  for index, picture in enumerate(poses.pictures):
    recording.set_time('picture', sequence=index)
    if picture.time is not None:
      recording.set_time('time', duration=picture.time)
    recording.log('source', rerun.TextDocument(picture.source))
    here = {pose.person: pose for pose in picture.poses}
    for person in sorted(seen - here.keys()):
      for root in ('picture', 'space'):
        # Else a person who left would stay where they were last.
        recording.log(f'{root}/person_{person}', rerun.Clear(recursive=True))
    for person, pose in here.items():
      in_space = pose.joints_mm if pose.joints_camera is None else pose.joints_camera
      width = max(picture.width, picture.height)
      _skeleton(
        recording, f'picture/person_{person}', pose.joints2d, rerun.Points2D,
        rerun.LineStrips2D, math.ceil(width / 200),
      )  # fmt: skip
      _skeleton(
        recording, f'space/person_{person}', in_space, rerun.Points3D,
        rerun.LineStrips3D, 12.0,
      )  # fmt: skip
    seen = set(here)


def _skeleton(recording, entity, joints, points, strips, radius):
  """Logs joints that are finite, and bones between them."""
  joints = np.asarray(joints, np.float32)
  known = np.isfinite(joints).all(-1)
  (ids,) = np.nonzero(known)
  bones = [bone for bone in skeleton.BONES if known[list(bone)].all()]
  recording.log(
    f'{entity}/joints',
    points(joints[known], class_ids=ids, radii=radius, show_labels=False),
  )
  colours = [style.COLOURS[style.bone_side(bone)] for bone in bones]
  recording.log(
    f'{entity}/bones',
    strips([joints[list(bone)] for bone in bones], colors=colours, radii=radius / 2),
  )
