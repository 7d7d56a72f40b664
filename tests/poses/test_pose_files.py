"""Poses as npz, BVH and TRC: read back by readers that know nothing of the writers."""

import json

import numpy as np
import pytest
from fakes.pose_files import make

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.media import bvh as bvh_reader
from wild3d.poses import bvh, npz, poses_json, track, trc
from wild3d.poses.pose import Picture, Pose, PoseFile

Y_UP = np.diag([1.0, -1.0, -1.0])


def _joints(poses, person, camera):
  name = 'joints_camera' if camera else 'joints_mm'
  return np.stack(
    [
      getattr(pose, name) @ Y_UP
      for picture in poses.pictures[:-1]
      for pose in picture.poses
      if pose.person == person
    ]
  )


@pytest.mark.parametrize('camera', [True, False])
def test_bvh_comes_back(camera, tmp_path):
  """Catches a rotation order, a sign, or positions that lose what rotations leave."""
  poses = make(camera=camera)
  written = bvh.write(poses, tmp_path)
  names = ['b-person0.bvh', 'b-person1.bvh', 'b-2-person0.bvh']
  assert [path.name for path in written] == names
  assert set(written.values()) == {0}
  for person in (0, 1):
    read = bvh_reader.read(tmp_path / f'b-person{person}.bvh')
    assert read.frame_time == pytest.approx(1 / 25)
    found = bvh_reader.positions(read)
    at = [read.names.index(name) for name in skeleton.JOINTS]
    want = _joints(poses, person, camera)
    np.testing.assert_allclose(found[:, at], want, atol=0.01)


def test_bvh_rotations_alone_point_the_right_way(tmp_path):
  """Catches rotations that only look right because positions carry the pose.

  Of a body with the rest pose's own lengths and right angles, bent at one elbow and
  one knee, the rotations alone give the pose.
  """
  rest = {'pelvis': np.zeros(3)}
  for name, above in track.PARENTS.items():
    if above:
      rest[name] = rest[above] + 200 * np.array(bvh._REST[name])
  joints = np.stack([rest[name] for name in skeleton.JOINTS]).astype(float)
  turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
  turn *= np.linalg.det(turn)
  wrist, elbow = (skeleton.JOINTS.index(f'left_{j}') for j in ('wrist', 'elbow'))
  joints[wrist] = joints[elbow] + [0, 0, 200]
  ankle, knee = (skeleton.JOINTS.index(f'right_{j}') for j in ('ankle', 'knee'))
  joints[ankle] = joints[knee] + [0, 120, -160]
  joints = joints @ turn.T
  poses = make(camera=False)
  pose = poses.pictures[-1].poses[0]
  pose = Pose(**vars(pose) | {'joints_mm': joints @ Y_UP})
  picture = Picture(**vars(poses.pictures[-1]) | {'poses': (pose,)})
  (path,) = bvh.write(PoseFile(poses.header, (picture,)), tmp_path)
  read = bvh_reader.read(path)
  values = read.values.reshape(1, -1, 6).copy()
  values[:, 1:, :3] = 0  # the reader then keeps the OFFSET
  alone = bvh_reader.Bvh(**vars(read) | {'values': values.reshape(1, -1)})
  found = bvh_reader.positions(alone)[0]
  at = [read.names.index(name) for name in skeleton.JOINTS]
  np.testing.assert_allclose(found[at], joints, atol=0.01)


def test_gaps_and_uneven_times(tmp_path):
  """Catches frames that slide together where the person was not found."""
  poses = make(missing=(5, 6))
  written = bvh.write(poses, tmp_path)
  assert written[tmp_path / 'b-person0.bvh'] == 2
  read = bvh_reader.read(tmp_path / 'b-person0.bvh')
  assert len(read.values) == 20
  want = _joints(poses, 0, True)
  np.testing.assert_allclose(
    bvh_reader.positions(read)[5, 0], (2 * want[4, 6] + want[5, 6]) / 3, atol=0.01
  )
  uneven = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.06, 20))
  (one, *_) = track.tracks(make(times=uneven))
  assert one.fps is None
  filled, _ = one.evenly()
  assert len(filled) == 20
  np.testing.assert_allclose(filled[[0, -1]], one.joints[[0, -1]])
  # NTSC, with times rounded to milliseconds as Matroska does.
  (ntsc, *_) = track.tracks(make(times=np.round(np.arange(20) * 1001 / 30000, 3)))
  assert ntsc.fps == pytest.approx(30000 / 1001, rel=1e-9)


def _read_trc(path):
  """A reader from the format's description: (header, marker names, [N, 2 + 3 M])."""
  lines = path.read_text().split('\n')
  head = dict(zip(lines[1].split('\t'), lines[2].split('\t'), strict=True))
  names = lines[3].rstrip('\t').split('\t')[2::3]
  rows = [
    [float(cell) if cell else np.nan for cell in line.split('\t')[: 2 + 3 * len(names)]]
    for line in lines[6:]
    if line
  ]
  assert lines[5] == ''
  return head, names, np.array(rows)


def test_trc_comes_back(tmp_path):
  """Catches columns off by one, another unit, or a lost frame."""
  poses = make(missing=(3,))
  paths = trc.write(poses, tmp_path)
  head, names, rows = _read_trc(paths[0])
  assert names == list(skeleton.JOINTS)
  assert (head['Units'], float(head['DataRate'])) == ('mm', 25)
  assert int(head['NumFrames']) == len(rows) == 20
  assert int(head['NumMarkers']) == 16
  np.testing.assert_array_equal(rows[:, 0], np.arange(1, 21))
  np.testing.assert_allclose(rows[:, 1], np.arange(20) / 25)
  assert np.isnan(rows[3, 2:]).all()
  found = np.delete(rows[:, 2:], 3, axis=0).reshape(-1, 16, 3)
  np.testing.assert_allclose(found, _joints(poses, 0, True), atol=1e-4)


def test_npz_holds_all(tmp_path):
  """Catches rows that no longer belong to their picture, or objects that need pickle."""
  poses = make(camera=False, missing=(2,))
  npz.write(poses, tmp_path / 'p.npz')
  with np.load(tmp_path / 'p.npz', allow_pickle=False) as data:
    rows = [(i, pose) for i, p in enumerate(poses.pictures) for pose in p.poses]
    assert len(rows) == len(data['person'])
    for row, (index, pose) in enumerate(rows):
      assert data['picture'][row] == index
      np.testing.assert_array_equal(data['joints_mm'][row], pose.joints_mm)
      np.testing.assert_array_equal(data['joints2d'][row], pose.joints2d)
      assert data['person'][row] == pose.person
    assert np.isnan(data['joints_camera']).all()
    assert (data['frame'][-1], data['frame'][0]) == (-1, 0)
    assert list(data['joints']) == list(skeleton.JOINTS)
    assert json.loads(str(data['header']))['checkpoint'] == 'run, step 3'
  empty = PoseFile(poses.header, (Picture('x.png', 3, 2, ()),))
  npz.write(empty, tmp_path / 'e.npz')
  with np.load(tmp_path / 'e.npz', allow_pickle=False) as data:
    assert data['joints2d'].shape == (0, 16, 2)


@pytest.mark.parametrize(
  ('old', 'new', 'field'),
  [
    ('"xywh":[10.0,20.0,30.0,40.0]', '"xywh":7', r'poses\[0\]\.box\.xywh'),
    ('"xywh":[10.0,20.0,30.0,40.0]', '"xywh":[1,2,3]', r'box\.xywh'),
    ('"source":"search"', '"source":[]', r'box\.source'),
    ('"source":"a/b.mp4"', '"source":{}', r'pictures\[0\]\.source'),
    ('"person":0', '"person":[]', r'poses\[0\]\.person'),
  ],
)
def test_wrong_types_in_json(old, new, field, tmp_path):
  """Catches a traceback for a field of another type."""
  path = tmp_path / 'p.json'
  poses_json.write(make(), path)
  text = path.read_text()
  assert old in text
  path.write_text(text.replace(old, new, 1))
  with pytest.raises(UserError, match=field):
    poses_json.read(path)
