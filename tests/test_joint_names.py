"""Names of joints: the same word in a picture's labels and in motion capture."""

import pytest

from wild3d import joint_names, skeleton


@pytest.mark.parametrize(
  ('name', 'in_pictures', 'in_mocap'),
  [
    ('left_leg', '', 'left_knee'),
    ('mixamorig:RightUpLeg', '', 'right_hip'),
    ('Bip01 L UpperArm', '', 'left_shoulder'),
    ('rtibia', '', 'right_knee'),
    ('hand.L', 'left_wrist', 'left_wrist'),
    ('Head.End', 'head_top', 'head_top'),
    ('RShldr', 'right_shoulder', 'right_shoulder'),
    ('LeftShoulderBlade', '', ''),
    ('Spine1', '', ''),
  ],
)
def test_names_of_bones_are_for_motion_capture(name, in_pictures, in_mocap):
  """Catches a bone's name read in pictures, a prefix kept, or sides swapped."""
  for bones, wanted in ((False, in_pictures), (True, in_mocap)):
    found = joint_names.match(['x', name], bones=bones)
    assert found == ({wanted: [1]} if wanted else {})


def test_the_surest_synonym_wins_and_doubles_are_told():
  """Catches a collar bone taken for the shoulder beside it, or one of two unnoticed."""
  mixamo = ['LeftShoulder', 'LeftArm', 'LeftForeArm', 'LeftHand']
  assert joint_names.match(mixamo, bones=True) == {
    'left_shoulder': [1],
    'left_elbow': [2],
    'left_wrist': [3],
  }
  assert joint_names.match(['l_hip', 'left hip']) == {'left_hip': [0, 1]}
  told = {'neck': 'thorax', 'head': ''}
  assert joint_names.match(['Neck', 'head'], told=told) == {'thorax': [0]}


def test_our_own_names_mean_themselves():
  """Catches a joint of ours that the table lacks or takes for another."""
  assert tuple(map(joint_names.ours, skeleton.JOINTS)) == skeleton.JOINTS
