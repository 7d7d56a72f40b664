"""Joint angles, against bodies that are turned by known ISB rotations."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from wild3d import skeleton
from wild3d.poses import angles

# The ISB's axes X forwards, Y up, Z right in ours (x right, y down, z away) of who faces
# the camera: forwards is towards it, right is to the left of the picture.
FACING = np.array([[0, 0, -1], [0, -1, 0], [-1, 0, 0]]).T
MIRROR = {'right': np.diag([1, 1, 1]), 'left': np.diag([1, 1, -1])}


def body(thigh=None, knee=0.0, arm=None, elbow=0.0):
  """Joints [16, 3] in the ISB's axes, mm: a limb is turned, as the right one's mirror."""
  at = {'pelvis': [0, 0, 0], 'thorax': [0, 450, 0], 'upper_neck': [0, 550, 0]}
  at['head_top'] = [0, 750, 0]
  thigh, arm = thigh or Rotation.identity(), arm or Rotation.identity()
  bent = {'knee': Rotation.from_euler('Z', -knee, degrees=True)}
  bent['elbow'] = Rotation.from_euler('Z', elbow, degrees=True)
  for side, mirror in MIRROR.items():
    for names, start, turn in (
      (('hip', 'knee', 'ankle'), [0, 0, 130], thigh),
      (('shoulder', 'elbow', 'wrist'), [0, 450, 180], arm),
    ):
      places = [np.array(start, float)]
      places.append(places[0] + turn.apply([0, -400, 0]))
      places.append(places[1] + (turn * bent[names[1]]).apply([0, -300, 0]))
      for name, place in zip(names, places, strict=True):
        at[f'{side}_{name}'] = mirror @ place
  return np.stack([at[name] for name in skeleton.JOINTS]).astype(float)


def measured(joints, turn):
  found = angles.of(joints @ FACING.T @ turn.as_matrix().T + [100, -50, 4000])
  return dict(zip(angles.NAMES, found.tolist(), strict=True))


@pytest.mark.parametrize('seed', range(3))
def test_turned_limbs_have_their_angles(seed):
  """Catches a sign, a side mirrored wrongly, or angles that depend on the camera."""
  rng = np.random.default_rng(seed)
  flexion, adduction, knee = rng.uniform([-20, -40, 0], [110, 30, 140])
  plane, elevation, elbow = rng.uniform([-60, 15, 0], [120, 160, 150])
  own = rng.uniform(-60, 60, 2)  # about the limb's own axis, which is not told
  joints = body(
    Rotation.from_euler('ZXY', [flexion, adduction, own[0]], degrees=True),
    knee,
    # Y-X-Y, whose second angle is negative in an elevated arm.
    Rotation.from_euler('YXY', [plane, -elevation, own[1]], degrees=True),
    elbow,
  )
  found = measured(joints, Rotation.from_quat(rng.normal(size=4)))
  for side in MIRROR:
    assert found[f'{side}_hip_flexion'] == pytest.approx(flexion)
    assert found[f'{side}_hip_adduction'] == pytest.approx(adduction)
    assert found[f'{side}_knee_flexion'] == pytest.approx(knee)
    assert found[f'{side}_shoulder_plane_of_elevation'] == pytest.approx(plane)
    assert found[f'{side}_shoulder_elevation'] == pytest.approx(elevation)
    assert found[f'{side}_elbow_flexion'] == pytest.approx(elbow)


def test_what_joints_do_not_tell():
  """Catches a plane of a hanging arm, which is noise, and a number for no limb."""
  found = measured(body(), Rotation.identity())
  assert np.isnan(found['left_shoulder_plane_of_elevation'])
  assert found['left_shoulder_elevation'] == pytest.approx(0)
  joints = body()
  joints[skeleton.LEFT_ANKLE] = joints[skeleton.LEFT_KNEE]
  found = measured(joints, Rotation.identity())
  assert np.isnan(found['left_knee_flexion'])
  assert found['right_knee_flexion'] == pytest.approx(0)
  assert not any('ankle' in name for name in angles.NAMES)
