"""A smoothed pose is still what its file says of it."""

import numpy as np
import pytest

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.poses.pose import Box, Pose
from wild3d.predict import camera_space, one_euro


def _sum_of_bones(joints):
  return sum(np.linalg.norm(joints[a] - joints[b]) for a, b in skeleton.BONES)


def test_size_and_place_are_kept():
  """Catches bones that filtering shortens, or a place whose body is another."""
  rng = np.random.default_rng(0)
  smoother = one_euro.PoseSmoother()
  for frame in range(20):
    joints = rng.normal(0, 300, (16, 3))
    joints -= joints[skeleton.ROOT]
    joints *= 4000 / _sum_of_bones(joints)
    at = np.array([80.0 * frame, 0, 4000.0])
    pose = Pose(
      joints2d=rng.uniform(0, 300, (16, 2)),
      scores=np.ones(16),
      joints_crop=np.zeros((16, 3)),
      joints_mm=joints,
      to_original=np.zeros((2, 3)),
      box=Box((0.0, 0.0, 50.0, 80.0)),
      joints_camera=joints + at,
    )
    smooth = smoother(pose, frame / 25)
    assert _sum_of_bones(smooth.joints_mm) == pytest.approx(4000)
    moved = smooth.joints_camera - smooth.joints_mm
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], (16, 3)), atol=1e-6)
    assert abs(moved[0, 2] - 4000) < 1e-6
  assert 0 < moved[0, 0] <= at[0]
  assert np.abs(smooth.joints_mm - joints).max() > 1


@pytest.mark.parametrize('focal', [np.inf, np.nan, 1e-320, 1e-200, 0.0, -5.0, 1e300])
def test_focal_out_of_range(focal):
  """Catches a focal length whose square or inverse is no number."""
  with pytest.raises(UserError, match='--focal='):
    camera_space.camera_of(640, 480, focal, None)


@pytest.mark.parametrize('value', [np.inf, np.nan, 1e-320, 1e300, -1.0])
def test_view_and_height_out_of_range(value):
  """Catches the same for the other two flags."""
  with pytest.raises(UserError, match='--fov='):
    camera_space.camera_of(640, 480, None, value)
  with pytest.raises(UserError, match='--height='):
    camera_space.skeleton_of_height(value)
