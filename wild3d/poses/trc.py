"""TRC marker files of predicted poses, for OpenSim and other biomechanics tools."""

import os
import pathlib

import numpy as np

from wild3d import files
from wild3d.poses import track as track_lib
from wild3d.poses.pose import PoseFile


def write(poses: PoseFile, place: str | os.PathLike) -> list[pathlib.Path]:
  """Writes one file for each person of each video (or picture), see track.with_paths.

  Units are mm, axes x right, y up, z towards the camera. Every joint is a marker but those
  that are not found. Frame numbers and times are the video's. A
  frame in which the person was not found is a row with empty places. Returns the files.

  Raises:
    UserError: a file cannot be written.
  """
  found = track_lib.with_paths(poses, place, '.trc')
  for track, path in found:
    files.write(path, _text(track, path.name))
  return [path for _, path in found]


def _text(track, name):
  names, count = track.names, track.count
  first, last = int(track.frames[0]), int(track.frames[-1])
  found = dict(zip(track.frames.tolist(), track.joints, strict=True))
  rate = f'{1 / track.frame_time:.6g}'
  fields = {
    'DataRate': rate,
    'CameraRate': rate,
    'NumFrames': count,
    'NumMarkers': len(names),
    'Units': 'mm',
    'OrigDataRate': f'{track.step / track.frame_time:.6g}',
    'OrigDataStartFrame': first + 1,
    'OrigNumFrames': last - first + 1,
  }
  lines = [
    f'PathFileType\t4\t(X/Y/Z)\t{name}',
    '\t'.join(fields),
    '\t'.join(map(str, fields.values())),
    'Frame#\tTime\t' + '\t\t\t'.join(names) + '\t\t',
    '\t\t' + '\t'.join(f'{a}{i}' for i in range(1, len(names) + 1) for a in 'XYZ'),
    '',
  ]
  frames = range(first, last + 1, track.step)
  times = np.interp(frames, track.frames, track.times)
  for frame, time in zip(frames, times, strict=True):
    # One more: an empty place at a line's end counts only with a tab behind it (OpenSim).
    values = [''] * (3 * len(names) + 1)
    if frame in found:
      values = [f'{value:.4f}' for value in found[frame].ravel()]
    # Frames count from 1 in this format.
    lines.append('\t'.join([str(frame + 1), f'{time:.6f}', *values]))
  return '\n'.join(lines) + '\n'
