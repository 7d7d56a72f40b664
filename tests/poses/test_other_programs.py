"""Our motion files in the programs they are for, where those are installed."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from fakes.pose_files import make

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.poses import bvh, c3d, joint_set, trc
from wild3d.poses.pose import PoseFile

Y_UP = np.array([1.0, -1.0, -1.0])
# Alone, as neither shares a process with JAX.
BLENDER = """
import bpy, json, sys
bpy.ops.import_anim.bvh(filepath=sys.argv[1], axis_forward='-Z', axis_up='Y',
                        global_scale=0.001, update_scene_fps=True)
body, scene = bpy.context.object, bpy.context.scene
places, bones = [], {bone.name: bone.length for bone in body.data.bones}
for frame in range(1, 21):
  scene.frame_set(frame)
  places.append({b.name: list(body.matrix_world @ b.head) for b in body.pose.bones})
print('FOUND', json.dumps([scene.render.fps, bones, places]))
"""
OPENSIM = """
import json, opensim, sys
table = opensim.TimeSeriesTableVec3(sys.argv[1])
rows = [[[row[i][k] for k in range(3)] for i in range(table.getNumColumns())]
        for row in map(table.getRowAtIndex, range(table.getNumRows()))]
print('FOUND', json.dumps([table.getTableMetaDataString('Units'),
                           list(table.getColumnLabels()),
                           list(table.getIndependentColumn()), rows]))
"""


def seen_by(code, path):
  done = subprocess.run(
    [sys.executable, '-c', code, str(path)], capture_output=True, text=True
  )
  found = [line for line in done.stdout.splitlines() if line.startswith('FOUND ')]
  assert found, done.stdout + done.stderr
  return json.loads(found[0].removeprefix('FOUND '))


def every_third(poses):
  """As of `--from` and `--every=3`: frames 6, 9, 12, ... of the video."""
  return PoseFile(poses.header, poses.pictures[6:20:3])


def first_person(poses):
  kept = [
    dataclasses.replace(picture, poses=picture.poses[:1])
    for picture in poses.pictures
    if picture.frame is not None
  ]
  return PoseFile(poses.header, tuple(kept))


def truth(poses):
  return np.stack([p.poses[0].joints_camera for p in poses.pictures]) * Y_UP


def test_blender_sees_the_pose(tmp_path):
  """Catches axes, units or rotations that stand in no other program, and bones of 0."""
  pytest.importorskip('bpy', exc_type=ImportError)
  poses = first_person(make())
  (path,) = bvh.write(poses, tmp_path / 'one.bvh')
  assert path == tmp_path / 'one.bvh'
  fps, bones, places = seen_by(BLENDER, path)
  assert (fps, set(bones)) == (25, set(skeleton.JOINTS))
  found = np.array([[place[name] for name in skeleton.JOINTS] for place in places])
  x, y, z = np.moveaxis(truth(poses) / 1000, -1, 0)  # Blender has z up, y away
  np.testing.assert_allclose(found, np.stack([x, -z, y], -1), atol=1e-4)
  thigh = np.linalg.norm(truth(poses)[:, 3] - truth(poses)[:, 4], axis=-1)
  # A bone's length is that of its first child's OFFSET: the median.
  assert bones['left_hip'] == pytest.approx(np.median(thigh) / 1000, rel=1e-3)
  assert min(bones.values()) == pytest.approx(0.05)


@pytest.mark.parametrize('some', [first_person, every_third])
def test_opensim_reads_the_markers(some, tmp_path):
  """Catches a gap at a line's end that OpenSim counts as a missing column."""
  pytest.importorskip('opensim', exc_type=ImportError)
  poses = first_person(some(make(missing=(9, 15))))
  (path,) = trc.write(poses, tmp_path / 'one.trc')
  units, names, times, rows = seen_by(OPENSIM, path)
  assert (units, names) == ('mm', list(skeleton.JOINTS))
  np.testing.assert_allclose(times, [p.time for p in poses.pictures], atol=1e-6)
  for row, picture in zip(rows, poses.pictures, strict=True):
    if picture.poses:
      want = picture.poses[0].joints_camera * Y_UP
      np.testing.assert_allclose(row, want, atol=1e-3)
    else:
      assert np.isnan(row).all()


@pytest.mark.parametrize('some', [first_person, every_third])
def test_c3d_comes_back(some, tmp_path):
  """Catches axes exchanged, metres called mm, a lost frame, or a guess in a gap."""
  ezc3d = pytest.importorskip('ezc3d')
  poses = first_person(some(make(missing=(9,))))
  (path,) = c3d.write(joint_set.converted(poses, 'coco17'), tmp_path / 'one.c3d')
  read = ezc3d.c3d(str(path))
  point = read['parameters']['POINT']
  names = point['LABELS']['value']
  assert names == [n for n in skeleton.JOINT_SETS['coco17'] if n in skeleton.JOINTS]
  assert point['UNITS']['value'] == ['mm']
  step = 3 if some is every_third else 1
  assert point['RATE']['value'][0] == pytest.approx(25 / step)
  assert read['header']['points']['first_frame'] == poses.pictures[0].frame / step
  found = read['data']['points'][:3].transpose(2, 1, 0)
  assert len(found) == len(poses.pictures)
  at = [skeleton.JOINTS.index(name) for name in names]
  for row, picture in zip(found, poses.pictures, strict=True):
    if picture.poses:
      want = (picture.poses[0].joints_camera * Y_UP)[at]
      np.testing.assert_allclose(row, want, atol=1e-3)
    else:
      assert np.isnan(row).all()


def test_c3d_needs_its_library(tmp_path, monkeypatch):
  """Catches a traceback, or an empty file, where ezc3d is not installed."""
  monkeypatch.setitem(sys.modules, 'ezc3d', None)
  with pytest.raises(UserError, match='a C3D file needs ezc3d: pip install ezc3d'):
    c3d.write(make(), tmp_path / 'one.c3d')
  assert not list(tmp_path.iterdir())
