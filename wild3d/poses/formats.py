"""The files that poses are kept in: what writes each."""

import os
import pathlib

from wild3d.errors import UserError
from wild3d.poses import bvh, c3d, csv_rows, joint_set, npz, poses_json, trc
from wild3d.poses.pose import PoseFile

TABLES = {'json': poses_json.write, 'npz': npz.write, 'csv': csv_rows.write}
MOTIONS = {'bvh': bvh.write, 'trc': trc.write, 'c3d': c3d.write}  # a file each person
KINDS = (*TABLES, *MOTIONS)


def write(poses: PoseFile, kind: str, place: str | os.PathLike, joints: str):
  """Writes one of `KINDS`.

  Args:
    poses: of our 16 joints.
    kind: of `KINDS`.
    place: of `TABLES` the file, of `MOTIONS` see track.with_paths.
    joints: the set of skeleton.JOINT_SETS to write; a BVH has a skeleton of its own.

  Returns:
    What the writer does: of `MOTIONS`, the paths.

  Raises:
    UserError: it cannot be written, its library is not installed, or there is no such
      set.
  """
  if kind != 'bvh':
    poses = joint_set.converted(poses, joints)
  return (TABLES | MOTIONS)[kind](poses, place)


def kind_of(path: str | os.PathLike) -> str:
  """The kind that a file's ending says.

  Raises:
    UserError: it is none of `KINDS`.
  """
  kind = pathlib.Path(path).suffix.lower().removeprefix('.')
  if kind not in KINDS:
    raise UserError(
      f'{path}: its ending says no format: end it in .{", .".join(KINDS)}'
    )
  return kind
