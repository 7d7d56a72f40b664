"""Predicted poses as a table for spreadsheets and statistics: CSV."""

import csv
import io
import os

import numpy as np

from wild3d import files, skeleton
from wild3d.poses import angles, joint_set
from wild3d.poses.pose import PoseFile

# Array of a Pose -> (the axes and the unit in its columns' names, decimals).
_COLUMNS = {
  'joints2d': (('x_px', 'y_px'), 2),
  'scores': (('score',), 4),
  'joints_mm': (('x_mm', 'y_mm', 'z_mm'), 1),
  'joints_camera': (('x_camera_mm', 'y_camera_mm', 'z_camera_mm'), 1),
}


def write(poses: PoseFile, path: str | os.PathLike) -> None:
  """Writes one row for each person in each picture, angles first.

  Columns: picture, frame, seconds, person, presence, the angles in degrees
  ('right_knee_flexion_deg'), and of each joint that is found what `poses_json.CONVENTIONS`
  says of joints2d, scores, joints_mm and joints_camera ('left_wrist_x_px'). What is not
  known is empty.

  Raises:
    UserError: it cannot be written.
  """
  names = skeleton.JOINT_SETS[poses.header.joints]
  found = np.isin(names, joint_set.missing(poses.header.joints), invert=True)
  head = ['picture', 'frame', 'seconds', 'person', 'presence']
  head += [f'{name}_deg' for name in angles.NAMES]
  for parts, _ in _COLUMNS.values():
    head += [f'{name}_{part}' for name in np.array(names)[found] for part in parts]
  stream = io.StringIO()
  table = csv.writer(stream, lineterminator='\n')
  table.writerow(head)
  for picture in poses.pictures:
    for pose in picture.poses:
      row = [picture.source, picture.frame, _cell(picture.time, 6), pose.person]
      row += [_cell(pose.presence, 4), *_cells(pose.angles, len(angles.NAMES), 1)]
      for key, (parts, decimals) in _COLUMNS.items():
        values = getattr(pose, key)
        values = None if values is None else values[found].ravel()
        row += _cells(values, int(found.sum()) * len(parts), decimals)
      table.writerow(row)
  files.write(path, stream.getvalue())


def _cells(values, count, decimals):
  if values is None:
    return [''] * count
  return [_cell(value, decimals) for value in values.tolist()]


def _cell(value, decimals):
  return '' if value is None or np.isnan(value) else f'{value:.{decimals}f}'
