"""Poses in SVG: upright, of one scale, the truth beneath the prediction."""

import re

import numpy as np
import pytest
from fakes.scores import POSE
from readers import html_page

from wild3d.draw import svg


def _places(drawn, kind=r'\w+'):
  found = re.findall(
    rf'cx="([-\d.]+)" cy="([-\d.]+)"[^>]*class="{kind}"><title>(\d+) ', drawn
  )
  return {int(joint): np.array([float(x), float(y)]) for x, y, joint in found}


def _mm(drawn):
  """mm of a unit of the drawing, by its bar of 500 mm."""
  return 500 / float(re.search(r'class="scale" d="M[\d.]+ [\d.]+h([\d.]+)"', drawn)[1])


def test_views_show_the_pose_as_it_is():
  """Catches a view upside down, mirrored, or the camera on the wrong side."""
  pose = np.zeros((16, 3), np.float32)
  pose[9] = (0, -900, 0)  # the head is up
  pose[10] = (-700, 0, 0)  # the right wrist is on the camera's left
  pose[15] = (0, 0, -600)  # the left wrist is towards the camera
  shown = svg.views(pose + np.float32([9, 9, 4000]))
  assert [name for name, _ in shown] == ['front', 'side']
  front, side = (_places(drawn) for _, drawn in shown)
  assert front[9][1] < front[6][1]
  assert front[10][0] < front[6][0]
  assert side[15][0] < side[6][0]
  assert side[9][1] < side[6][1]
  # One scale in all directions, that of the bar.
  mm = _mm(shown[0][1])
  assert mm == _mm(shown[1][1])
  assert mm * (front[6][1] - front[9][1]) == pytest.approx(900, abs=0.5)
  assert mm * (side[6][0] - side[15][0]) == pytest.approx(600, abs=0.5)


def test_truth_is_grey_beneath_and_of_the_same_scale():
  """Catches a truth over the prediction, or shown as large as a wrong prediction."""
  for _, drawn in svg.views(POSE / 2, POSE):
    true = _places(drawn, 'true')
    predicted = {j: at for j, at in _places(drawn).items() if j not in true}
    assert len(true) == 16
    assert not predicted  # of every joint, the true dot stands first
    assert drawn.rindex('class="true"') < drawn.index('class="left"')
    both = _places(drawn, '(?!true)\\w+')
    assert np.ptp([y for _, y in true.values()]) == pytest.approx(
      2 * np.ptp([y for _, y in both.values()]), rel=0.01
    )


def test_nearer_limbs_cover_farther_ones():
  """Catches drawing in list order: depth then reads inside out."""
  pose = POSE.copy()
  pose[3:6, 2], pose[0:3, 2] = 300.0, -300.0  # the left leg is behind the right
  order = re.findall(r'class="(left|right)" stroke', svg.views(pose)[0][1])
  assert order[0] == 'left'
  assert order[-1] == 'right'


def test_unknown_joints_are_left_out():
  """Catches 'nan' in a drawing, and limbs to (0, 0)."""
  pose = POSE.copy()
  pose[10] = np.nan
  drawn = svg.overlay((600, 600), 300 + pose[:, :2] / 5)
  drawn += svg.views(pose)[0][1]
  assert 'nan' not in drawn
  assert 10 not in _places(drawn)
  assert svg.views(np.full((16, 3), np.nan)) == []
  html_page.Page(drawn)
