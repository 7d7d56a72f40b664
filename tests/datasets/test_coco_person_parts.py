"""Names of keypoints, cameras, and the JSON reader of coco_person."""

import io
import json

import numpy as np
import pytest

from wild3d import skeleton
from wild3d.datasets.coco_person import coco_json, json_stream, labels3d
from wild3d.errors import UserError

JOINTS = skeleton.JOINTS


@pytest.mark.parametrize(
  ('theirs', 'ours'),
  [
    ('left_knee', 'left_knee'),
    ('LKnee', 'left_knee'),
    ('knee.R', 'right_knee'),
    ('Right Knee', 'right_knee'),
    ('rgt-shoulder', 'right_shoulder'),
    ('RSho', 'right_shoulder'),
    ('lft_ankle', 'left_ankle'),
    ('root (pelvis)', 'pelvis'),
    ('Hip', 'pelvis'),
    ('mid-shoulder', 'thorax'),
    ('head_bottom', 'upper_neck'),
    ('HeadTop', 'head_top'),
    ('head', 'head_top'),
    ('neck', 'upper_neck'),
    ('spine', None),
    ('chest', None),
    ('left_eye', None),
    ('right_heel', None),
    ('left_leg', None),
  ],
)
def test_names(theirs, ours):
  """Catches a synonym lost, sides swapped, or a joint taken that is another."""
  columns = coco_json.match(['x', theirs], {})
  assert columns == ({ours: 1} if ours else {})


def test_every_joint_set_maps_to_itself():
  """Catches one of our own names that the table does not know."""
  for joint_set in skeleton.JOINT_SETS.values():
    columns = coco_json.match(joint_set, {})
    for joint in set(joint_set) & set(JOINTS):
      assert joint_set[columns[joint]] == joint


def test_better_names_and_the_users_word_go_first():
  """Catches head taken beside head_top, two names for a joint, names not heeded."""
  found = coco_json.match(['head', 'head_top', 'left_hand', 'LeftWrist'], {})
  assert found == {'head_top': 1, 'left_wrist': 3}
  told = coco_json.instructions(['Neck:thorax', 'head:'])
  assert coco_json.match(['neck', 'Head'], told) == {'thorax': 0}
  with pytest.raises(UserError, match="'l_hip' and 'left hip' both mean our left_hip"):
    coco_json.match(['l_hip', 'left hip'], {})
  with pytest.raises(UserError, match="'neck:chest' must be THEIRS:OURS"):
    coco_json.instructions(['neck:chest'])


@pytest.mark.parametrize('window', [1, 7, 1 << 20])
@pytest.mark.parametrize(
  'text',
  [
    '{}',
    ' {"a" : 12, "b":[ ], "c": [{"x": [1, 2e5, "é]"]} , 34], "d": null }\n',
    '[1]',
  ],
)
def test_stream_reads_what_json_reads(monkeypatch, text, window):
  """Catches a value cut in two at the end of the window."""
  monkeypatch.setattr(json_stream, '_WINDOW', window)
  assert json_stream.load(io.StringIO(text)) == json.loads(text)
  if text.startswith('{'):
    with pytest.raises(ValueError, match=r'.'):
      json_stream.load(io.StringIO(text.rstrip()[:-1]))


@pytest.mark.parametrize(
  ('value', 'good'),
  [
    ({'fx': 5, 'fy': 6, 'cx': 7, 'cy': 8}, True),
    ({'focal': [5, 6], 'principal': [7, 8], 'R': 'unread'}, True),
    ({'K': [[5, 0, 7], [0, 6, 8], [0, 0, 1]]}, True),
    ([[5, 0, 7], [0, 6, 8], [0, 0, 1]], True),
    ({'fx': 5}, False),
    ([5, 6, 7], False),
    ({'fx': 'a', 'fy': 6, 'cx': 7, 'cy': 8}, False),
    ({'fx': -5, 'fy': 6, 'cx': 7, 'cy': 8}, False),
  ],
)
def test_cameras(value, good):
  """Catches a form of camera misread, or half a camera taken for one."""
  if good:
    np.testing.assert_allclose(
      labels3d.intrinsics(value, 0.5, 'a.json'), [5, 6, 7.5, 8.5]
    )
  else:
    with pytest.raises(UserError, match='a camera must be'):
      labels3d.intrinsics(value, 0.5, 'a.json')
