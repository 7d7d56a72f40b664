"""Poses of a video of one person, of another for its first half, and of a picture."""

import numpy as np

from wild3d import skeleton
from wild3d.poses.pose import Box, Camera, Header, Picture, Pose, PoseFile


def _pose(rng, person, camera):
  joints = rng.normal(0, 400, (16, 3))
  joints -= joints[skeleton.ROOT]
  return Pose(
    joints2d=rng.uniform(0, 300, (16, 2)),
    scores=rng.uniform(0, 1, 16),
    joints_crop=rng.normal(0, 1, (16, 3)),
    joints_mm=joints,
    to_original=rng.normal(0, 100, (2, 3)),
    box=Box((10.0, 20.0, 30.0, 40.0), 0.5, 'search'),
    joints_camera=joints + np.array([100.0, -200.0, 4000.0]) if camera else None,
    person=person,
  )


def make(times=None, camera=True, missing=()):
  """A video of one person, another for its first half, and a picture."""
  rng = np.random.default_rng(0)
  times = np.arange(20) / 25 if times is None else times
  view = Camera(900.0, 900.0, 320.0, 240.0) if camera else None
  pictures = []
  for frame, time in enumerate(times):
    people = [p for p in (0, 1) if frame not in missing and (p == 0 or frame < 10)]
    poses = tuple(_pose(rng, person, camera) for person in people)
    pictures.append(Picture('a/b.mp4', 640, 480, poses, frame, float(time), view))
  poses = (_pose(rng, 0, camera),)
  pictures.append(Picture('c/b.jpg', 640, 480, poses, None, None, view))
  header = Header(
    checkpoint='run, step 3',
    fingerprint='0' * 12,
    scale='skeleton',
    skeleton_mm=4000.0,
    height_mm=None,
    detector='search',
    refine='quarter',
    flip_test=False,
    smooth=True,
    fps=25.0,
    version='0',
  )
  return PoseFile(header, tuple(pictures))
