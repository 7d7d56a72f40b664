"""Poses in other sets of joints: what is found, made and missing."""

import csv
import json
import pathlib

import numpy as np
import pytest
from fakes.pose_files import make

from wild3d import __main__, skeleton
from wild3d.errors import UserError
from wild3d.poses import csv_rows, joint_set, npz, poses_json, trc


@pytest.mark.parametrize('name', sorted(skeleton.JOINT_SETS))
def test_joints_keep_their_names(name):
  """Catches rows in another order, and a joint that is made without a word."""
  ours, other = make(), joint_set.converted(make(), name)
  assert other.header.joints == name
  names, missing = skeleton.JOINT_SETS[name], joint_set.missing(name)
  one, two = ours.pictures[0].poses[0], other.pictures[0].poses[0]
  for row, joint in enumerate(names):
    if joint in skeleton.JOINTS:
      at = skeleton.JOINTS.index(joint)
      for key in ('joints2d', 'scores', 'joints_crop', 'joints_mm', 'joints_camera'):
        np.testing.assert_array_equal(getattr(two, key)[row], getattr(one, key)[at])
    else:
      assert np.isnan(two.joints_mm[row]).all() == (joint in missing)
  assert ({*names} - {*skeleton.JOINTS}) - {*missing} <= {'spine'}


def test_the_spine_is_a_middle():
  """Catches a spine that is the thorax."""
  pose = make().pictures[0].poses[0]
  made = joint_set.converted(make(), 'h36m17').pictures[0].poses[0]
  at = skeleton.JOINT_SETS['h36m17'].index('spine')
  np.testing.assert_allclose(made.joints_mm[at], pose.joints_mm[[6, 7]].mean(0))


@pytest.mark.parametrize('name', ['coco17', 'smpl24', 'mpii16'])
def test_files_come_back(name, tmp_path, capsys):
  """Catches NaN in JSON, names that are not the rows', or a schema that forbids them."""
  poses = joint_set.converted(make(), name)
  poses_json.write(poses, tmp_path / 'p.json')
  data = json.loads((tmp_path / 'p.json').read_text(), parse_constant=pytest.fail)
  assert data['conventions']['joints'] == list(skeleton.JOINT_SETS[name])
  poses_json.write(poses_json.read(tmp_path / 'p.json'), tmp_path / 'again.json')
  assert (tmp_path / 'again.json').read_text() == (tmp_path / 'p.json').read_text()
  text = (pathlib.Path(poses_json.__file__).parent / 'poses.schema.json').read_text()
  pytest.importorskip('jsonschema').validate(data, json.loads(text))
  npz.write(poses, tmp_path / 'p.npz')
  with np.load(tmp_path / 'p.npz') as arrays:
    assert list(arrays['joints']) == list(skeleton.JOINT_SETS[name])
    unknown = np.isnan(arrays['joints_mm']).all(axis=(0, 2))
  assert {*np.array(skeleton.JOINT_SETS[name])[unknown]} == {*joint_set.missing(name)}
  for kind in ('json', 'npz'):
    assert __main__.main(['describe', str(tmp_path / f'p.{kind}')]) == 0
    assert ', '.join(skeleton.JOINT_SETS[name]) in capsys.readouterr().out
  (path, *_) = trc.write(poses, tmp_path)
  assert __main__.main(['describe', str(path)]) == 0
  assert 'wild3d predict' in capsys.readouterr().out
  # A joint that is found must have its numbers.
  at = skeleton.JOINT_SETS[name].index('left_knee')
  data['pictures'][0]['poses'][0]['joints_mm'][at][1] = None
  (tmp_path / 'p.json').write_text(json.dumps(data))
  with pytest.raises(UserError, match=r'poses\[0\]\.joints_mm'):
    poses_json.read(tmp_path / 'p.json')


def test_table_has_a_row_a_person(tmp_path):
  """Catches columns off by one, and px under the name of mm."""
  poses = joint_set.converted(make(), 'coco17')
  csv_rows.write(poses, tmp_path / 'p.csv')
  with (tmp_path / 'p.csv').open(newline='') as stream:
    rows = list(csv.DictReader(stream))
  assert len(rows) == sum(len(picture.poses) for picture in poses.pictures)
  row, picture = rows[2], poses.pictures[1]
  pose = picture.poses[0]
  assert (row['picture'], row['frame'], row['person']) == ('a/b.mp4', '1', '0')
  at = skeleton.JOINT_SETS['coco17'].index('right_wrist')
  assert float(row['right_wrist_y_px']) == pytest.approx(pose.joints2d[at, 1], abs=0.01)
  assert float(row['right_wrist_z_mm']) == pytest.approx(pose.joints_mm[at, 2], abs=0.1)
  z = float(row['right_wrist_z_camera_mm'])
  assert z == pytest.approx(pose.joints_camera[at, 2], abs=0.1)
  assert not any('nose' in column for column in row)
  assert row['right_knee_flexion_deg'] == rows[-1]['frame'] == ''  # as in the fake


def test_other_names_are_refused():
  """Catches a typing error that gives the default, or a conversion of what is no MPII."""
  with pytest.raises(
    UserError, match="no joint set 'coco': choose from mpii16, h36m17"
  ):
    joint_set.converted(make(), 'coco')
  coco = joint_set.converted(make(), 'coco17')
  with pytest.raises(UserError, match='in the joints of coco17'):
    joint_set.converted(coco, 'h36m17')
