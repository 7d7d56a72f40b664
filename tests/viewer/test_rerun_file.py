"""Rerun recordings, read back by rerun."""

import sys

import numpy as np
import pytest

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.poses.pose import Box, Header, Picture, Pose, PoseFile
from wild3d.viewer import rerun_file

HEADER = Header(
  'runs/a step 1', '0123456789ab', 'skeleton', 4000.0, None, 'whole', 'dark', False,
  False, 10.0, '1.0',
)  # fmt: skip


def _pose(rng, person, camera):
  return Pose(
    joints2d=rng.uniform(0, 200, (16, 2)),
    scores=np.ones(16),
    joints_crop=np.zeros((16, 3)),
    joints_mm=rng.normal(0, 400, (16, 3)),
    to_original=np.eye(2, 3),
    box=Box((0.0, 0.0, 9.0, 9.0)),
    joints_camera=rng.normal(0, 400, (16, 3)) if camera else None,
    person=person,
  )


def _file():
  """Four frames: person 0 in all but frame 2, person 1 from frame 1 in camera space."""
  rng = np.random.default_rng(0)
  people = [(0,), (0, 1), (1,), (0, 1)]
  return PoseFile(
    HEADER,
    tuple(
      Picture(
        'v.mp4', 320, 200, tuple(_pose(rng, p, camera=p == 1) for p in here),
        frame=i, time=i / 10,
      )
      for i, here in enumerate(people)
    ),
  )  # fmt: skip


def test_without_rerun(monkeypatch, tmp_path):
  """Catches a traceback, or a file, where the extra is not installed."""
  monkeypatch.setitem(sys.modules, 'rerun', None)
  with pytest.raises(UserError, match='--rerun needs rerun-sdk: pip install rerun-sdk'):
    rerun_file.write(_file(), tmp_path / 'a.rrd')
  assert not list(tmp_path.iterdir())


def _columns(path, entity, component):
  """frame -> what rerun reads of an entity then; without the empty ones."""
  chunk = pytest.importorskip('rerun.chunk')
  store = chunk.RrdReader(path).store()
  found = {}
  for part in store.stream().to_chunks():
    if part.entity_path != entity:
      continue
    batch = part.to_record_batch()
    names = [n for n in batch.schema.names if n.split(':')[-1] == component]
    if not names or 'picture' not in batch.schema.names:
      continue
    rows = zip(batch['picture'].to_pylist(), batch[names[0]].to_pylist(), strict=True)
    found |= {frame: value for frame, value in rows if value}
  return found


def test_joints_and_bones_read_back(tmp_path):
  """Catches swapped axes, 2D in place of 3D, joints at another frame's time."""
  pytest.importorskip('rerun')
  poses = _file()
  path = tmp_path / 'a.rrd'
  rerun_file.write(poses, path)
  assert [p.name for p in tmp_path.iterdir()] == ['a.rrd']
  for person, frames in ((0, [0, 1, 3]), (1, [1, 2, 3])):
    space = _columns(path, f'/space/person_{person}/joints', 'positions')
    flat = _columns(path, f'/picture/person_{person}/joints', 'positions')
    bones = _columns(path, f'/space/person_{person}/bones', 'strips')
    assert sorted(space) == sorted(flat) == sorted(bones) == frames
    for frame in frames:
      (pose,) = (p for p in poses.pictures[frame].poses if p.person == person)
      mm = pose.joints_mm if person == 0 else pose.joints_camera
      np.testing.assert_allclose(space[frame], mm, rtol=1e-5)
      np.testing.assert_allclose(flat[frame], pose.joints2d, rtol=1e-5)
      np.testing.assert_allclose(bones[frame], mm[np.array(skeleton.BONES)], rtol=1e-5)


def test_joints_not_finite_are_left_out(tmp_path):
  """Catches NaN in a recording, which the viewer draws nowhere or at 0."""
  pytest.importorskip('rerun')
  poses = _file()
  poses.pictures[0].poses[0].joints_mm[0] = np.nan
  path = tmp_path / 'a.rrd'
  rerun_file.write(poses, path)
  assert len(_columns(path, '/space/person_0/joints', 'positions')[0]) == 15
  assert len(_columns(path, '/space/person_0/bones', 'strips')[0]) == 13


def test_an_unwritable_place(tmp_path):
  """Catches rerun's own error, or a part of a file."""
  pytest.importorskip('rerun')
  (tmp_path / 'file').write_text('')
  for place in (tmp_path, tmp_path / 'file' / 'a.rrd'):
    with pytest.raises(UserError, match=r'is a folder|cannot be written'):
      rerun_file.write(_file(), place)
  assert [p.name for p in tmp_path.iterdir()] == ['file']
