"""A few standing people, their truth, and files of predictions of them."""

import json

import numpy as np
from fakes import scored as fake_scored

from wild3d import skeleton
from wild3d.protocols import read_predictions
from wild3d.protocols.read_predictions import Options

COUNT = 5
IDS = tuple(f'human36m/S9/Walking.1#{5 * i}' for i in range(COUNT))
# x right, y down, z away, mm, from the pelvis, person facing the camera.
_STANDING = {
  'right_ankle': (-140, 900, 20),
  'right_knee': (-135, 450, -20),
  'right_hip': (-130, 0, 0),
  'left_hip': (130, 0, 0),
  'left_knee': (135, 450, -20),
  'left_ankle': (140, 900, 20),
  'pelvis': (0, 0, 0),
  'thorax': (0, -430, 0),
  'upper_neck': (0, -490, 0),
  'head_top': (0, -680, 0),
  'right_wrist': (-330, 60, -60),
  'right_elbow': (-260, -170, 0),
  'right_shoulder': (-180, -430, 0),
  'left_shoulder': (180, -430, 0),
  'left_elbow': (260, -170, 0),
  'left_wrist': (330, 60, -60),
  'spine': (0, -240, 10),
  'nose': (0, -560, -80),
}


def people(joints='mpii16', count=COUNT, seed=0):
  """(joints2d px, joints3d mm) of people that differ a little."""
  names = skeleton.JOINT_SETS[joints]
  middle = np.zeros(3)
  base = np.array([_STANDING.get(name, middle) for name in names], float)
  noise = np.random.default_rng(seed).normal(scale=8.0, size=(count, len(names), 3))
  joints3d = base + noise + [100.0, 50.0, 4500.0]
  return 1100 * joints3d[..., :2] / joints3d[..., 2:] + 500, joints3d


def truth(joints='mpii16', count=COUNT, **fields):
  """The truth of `people`."""
  joints2d, joints3d = people(joints, count)
  known = {
    'joints3d': joints3d,
    'joints2d': joints2d,
    'ids': np.array(IDS[:count]),
    'subject': np.full(count, 'S9'),
    'sequence': np.full(count, 'human36m/S9/Walking.1'),
    'frame': np.arange(count) * 5,
    'action': np.full(count, 'Walking'),
  }
  return fake_scored.truth(joints=joints, **(known | fields))


def write_json(path, samples, what='predictions', **top):
  """A file of our schema."""
  head = {'schema': f'wild3d.{what}/1', 'joints': 'mpii16', 'units': {'3d': 'mm'}}
  path.write_text(json.dumps(head | top | {what: samples}))
  return path


def samples(ids=IDS, joints='mpii16', **scale):
  """Samples of our schema; scale=1000 would make millimetres of metres."""
  joints2d, joints3d = people(joints, len(ids))
  joints3d = joints3d * scale.get('scale', 1.0)
  return [
    {'id': name, 'joints2d': two.tolist(), 'joints3d': three.tolist()}
    for name, two, three in zip(ids, joints2d, joints3d, strict=True)
  ]


def read(path, labels=None, told=None, wanted=None, **options):
  told = [] if told is None else told
  return read_predictions.read(
    path, labels or truth(), Options(**options), wanted=wanted, tell=told.append
  )


def npz(tmp_path, name='p.npz', **arrays):
  joints2d, joints3d = people()
  known = {
    'ids': np.array(IDS),
    'joints': 'mpii16',
    'joints2d': joints2d,
    'joints3d': joints3d,
    'units': 'mm',
  }
  known = {k: v for k, v in (known | arrays).items() if v is not None}
  np.savez(tmp_path / name, **known)
  return tmp_path / name
