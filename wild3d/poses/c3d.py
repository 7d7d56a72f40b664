"""C3D files of predicted poses, for biomechanics programs (ezc3d)."""

import os
import pathlib
import tempfile

import numpy as np

from wild3d import files
from wild3d.errors import missing
from wild3d.poses import track as track_lib
from wild3d.poses.pose import PoseFile


def check() -> None:
  """Raises UserError where ezc3d is not installed."""
  _ezc3d()


def write(poses: PoseFile, place: str | os.PathLike) -> list[pathlib.Path]:
  """Writes one file for each person of each video (or picture), see track.with_paths.

  Units are mm, axes x right, y up, z towards the camera. Every joint is a point but those
  that are not found. A frame without the person has no valid points. The format counts
  frames without gaps: of every Nth of a video the rate is its Nth part, and the first
  frame's number is the nearest before its time. Returns the files.

  Raises:
    UserError: ezc3d is not installed, or a file cannot be written.
  """
  ezc3d = _ezc3d()
  found = track_lib.with_paths(poses, place, '.c3d')
  for track, path in found:
    c3d = ezc3d.c3d()
    points = np.full((4, len(track.names), track.count), np.nan)
    rows = (track.frames - track.frames[0]) // track.step
    points[:3, :, rows] = track.joints.transpose(2, 1, 0)
    points[3, :, rows] = 1.0
    point = c3d['parameters']['POINT']
    point['RATE']['value'] = [1 / track.frame_time]
    point['UNITS']['value'] = ['mm']
    point['LABELS']['value'] = list(track.names)
    c3d['data']['points'] = points
    header = c3d['header']['points']
    header['first_frame'] = int(track.frames[0]) // track.step
    c3d.add_parameter('POINT', 'X_SCREEN', ['+X'])
    c3d.add_parameter('POINT', 'Y_SCREEN', ['+Y'])
    # It wants a name that ends in .c3d, which half-written files here have not.
    with tempfile.TemporaryDirectory() as folder, files.errors_named(path):
      whole = pathlib.Path(folder) / 'whole.c3d'
      c3d.write(str(whole))
      files.write(path, whole.read_bytes())
  return [path for _, path in found]


def _ezc3d():
  try:
    import ezc3d
  except ImportError:
    raise missing('a C3D file', 'ezc3d') from None
  return ezc3d
