"""A person written by hand, for what can be told from a pose alone."""

import numpy as np

from wild3d.skeleton import JOINTS


def standing():
  """Faces the camera, knees and elbows bent: mm, camera axes, written by hand."""
  place = {
    'right_ankle': (-120, 850, 150),
    'right_knee': (-120, 450, -150),
    'right_hip': (-120, 0, 0),
    'pelvis': (0, 0, 0),
    'thorax': (0, -480, 0),
    'upper_neck': (0, -520, 0),
    'head_top': (0, -750, 0),
    'right_shoulder': (-180, -480, 0),
    'right_elbow': (-180, -200, 50),
    'right_wrist': (-180, -150, -200),
  }
  for name in tuple(place):
    if name.startswith('right'):
      x, y, z = place[name]
      place[name.replace('right', 'left')] = (-x, y, z)
  return np.array([place[name] for name in JOINTS], float)
