"""Predicted poses as arrays: one row for each person in each picture."""

import dataclasses
import json
import os

import numpy as np

from wild3d import files, skeleton
from wild3d.poses import poses_json
from wild3d.poses.pose import PoseFile

_NUMBERS = ('joints2d', 'scores', 'joints_crop', 'joints_mm', 'to_original')


def write(poses: PoseFile, path: str | os.PathLike) -> None:
  """Writes an .npz without pickled objects.

  Arrays of N rows: 'picture' (index in 'sources'), 'frame' (-1 for an image), 'time'
  (seconds, NaN for an image), 'person', 'box' [N, 4], and the numbers of `Pose` under
  their names; 'joints_camera' is NaN without a camera. Arrays of P pictures: 'sources',
  'sizes' [P, 2] (width, height), 'cameras' [P, 4] (NaN without one). 'joints',
  'conventions' and 'header' (JSON) say what the numbers mean. Float64 as predicted,
  unrounded.

  Raises:
    UserError: it cannot be written.
  """
  rows = [(i, p, pose) for i, p in enumerate(poses.pictures) for pose in p.poses]
  joints = len(skeleton.JOINTS)
  shapes = {'scores': (joints,), 'to_original': (2, 3), 'joints2d': (joints, 2)}
  arrays = {
    name: _stack(
      [getattr(pose, name) for *_, pose in rows], shapes.get(name, (joints, 3))
    )
    for name in _NUMBERS
  }
  nowhere = np.full((joints, 3), np.nan)
  in_space = [nowhere if p.joints_camera is None else p.joints_camera for *_, p in rows]
  arrays |= {
    'joints_camera': _stack(in_space, (joints, 3)),
    'picture': np.array([i for i, *_ in rows], np.int64),
    'frame': np.array(
      [-1 if p.frame is None else p.frame for _, p, _ in rows], np.int64
    ),
    'time': np.array([np.nan if p.time is None else p.time for _, p, _ in rows], float),
    'person': np.array([pose.person for *_, pose in rows], np.int64),
    'box': _stack([pose.box.xywh for *_, pose in rows], (4,)),
    'sources': np.array([p.source for p in poses.pictures], str),
    'sizes': np.array([(p.width, p.height) for p in poses.pictures], np.int64),
    'cameras': _stack([_camera(p) for p in poses.pictures], (4,)),
    'joints': np.array(skeleton.JOINTS),
    'conventions': np.array(json.dumps(poses_json.CONVENTIONS)),
    'header': np.array(json.dumps(dataclasses.asdict(poses.header))),
  }
  with files.opened(path) as stream:
    np.savez_compressed(stream, **arrays)


def _stack(rows, shape):
  return np.array(rows, np.float64).reshape(len(rows), *shape)


def _camera(picture):
  camera = picture.camera
  return (
    [np.nan] * 4 if camera is None else [camera.fx, camera.fy, camera.cx, camera.cy]
  )
