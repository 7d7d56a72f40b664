"""Predicted poses as arrays: one row for each person in each picture."""

import dataclasses
import json
import os

import numpy as np

from wild3d import files, skeleton
from wild3d.poses import angles, poses_json
from wild3d.poses.pose import PoseFile


def write(poses: PoseFile, path: str | os.PathLike) -> None:
  """Writes an .npz without pickled objects.

  Arrays of N rows: 'picture' (index in 'sources'), 'frame' (-1 for an image), 'time'
  (seconds, NaN for an image), 'person', 'presence' (NaN of a network that does not
  tell), 'box' [N, 4], and the numbers of `Pose` under their names; 'joints_camera' is NaN
  without a camera, joints that are not found are NaN too. Arrays of P pictures:
  'sources', 'sizes' [P, 2] (width, height), 'cameras' [P, 4] and 'distortions' [P, 5]
  (NaN without one). 'joints', 'angle_names', 'conventions' and 'header' (JSON) say what
  the numbers mean. Float64 as predicted, unrounded.

  Raises:
    UserError: it cannot be written.
  """
  rows = [(i, p, pose) for i, p in enumerate(poses.pictures) for pose in p.poses]
  arrays = {
    name: _stack([getattr(pose, name) for *_, pose in rows], shape)
    for name, shape in poses_json.shapes(poses.header.joints).items()
  }
  arrays |= {
    'picture': np.array([i for i, *_ in rows], np.int64),
    'frame': np.array(
      [-1 if p.frame is None else p.frame for _, p, _ in rows], np.int64
    ),
    'time': np.array([np.nan if p.time is None else p.time for _, p, _ in rows], float),
    'person': np.array([pose.person for *_, pose in rows], np.int64),
    'presence': _stack([pose.presence for *_, pose in rows], ()),
    'box': _stack([pose.box.xywh for *_, pose in rows], (4,)),
    'sources': np.array([p.source for p in poses.pictures], str),
    'sizes': np.array([(p.width, p.height) for p in poses.pictures], np.int64),
    'cameras': _stack(
      [p.camera and dataclasses.astuple(p.camera)[:4] for p in poses.pictures], (4,)
    ),
    'distortions': _stack([_lens(p.camera) for p in poses.pictures], (5,)),
    'joints': np.array(skeleton.JOINT_SETS[poses.header.joints]),
    'angle_names': np.array(angles.NAMES),
    'conventions': np.array(json.dumps(poses_json.conventions(poses.header.joints))),
    'header': np.array(json.dumps(dataclasses.asdict(poses.header))),
  }
  with files.opened(path) as stream:
    np.savez_compressed(stream, **arrays)


def _lens(camera):
  """k1, k2, p1, p2, k3."""
  return camera and np.pad(camera.distortion, (0, 5 - len(camera.distortion)))


def _stack(rows, shape):
  """Rows of one shape; NaN for a row that is None."""
  known = [np.full(shape, np.nan) if row is None else row for row in rows]
  return np.array(known, np.float64).reshape(len(rows), *shape)
