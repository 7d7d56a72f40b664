"""Pictures: what is drawn where, in which colour, and at which scale."""

import itertools

import numpy as np
import pytest

from wild3d.draw import pixels, style
from wild3d.skeleton import BONES, FLIP_INDEX, JOINTS

LIMITS = np.array([[-1000.0, 1000.0]] * 3)
ELBOW, WRIST = JOINTS.index('left_elbow'), JOINTS.index('left_wrist')
RIGHT_ELBOW, RIGHT_WRIST = JOINTS.index('right_elbow'), JOINTS.index('right_wrist')


def _mask(image, colour, tolerance=30):
  near = np.abs(image.astype(int) - np.array(colour)).max(-1)
  return near <= tolerance


def _only(size, **joints):
  """A pose of which only the named joints are known."""
  pose = np.full((len(JOINTS), size), np.nan)
  for name, at in joints.items():
    pose[JOINTS.index(name)] = at
  return pose


def _extent(mask):
  rows, columns = np.nonzero(mask)
  return np.ptp(columns) + 1, np.ptp(rows) + 1


def _halves(image):
  width = image.shape[1] // 2
  return image[:, :width], image[:, width:]


@pytest.mark.parametrize('size', [(64, 64), (256, 256), (300, 500)])
def test_overlay_hits_the_pixels_it_is_given(size):
  """Catches swapped axes, a forgotten enlargement, and half-pixel shifts."""
  ends = np.array([[20.25, 30.5], [40.75, 45.0]])
  joints = _only(2, left_elbow=ends[0], left_wrist=ends[1])
  drawn = pixels.overlay(np.zeros((*size, 3), np.uint8), joints)
  factor = drawn.shape[0] / size[0]
  assert min(drawn.shape[:2]) >= 256
  assert factor == drawn.shape[1] / size[1] == int(factor)
  # White edge and joints are as symmetric about the bone as its own colour.
  rows, columns = np.nonzero(drawn.max(-1) > 60)
  centre = np.array([columns.mean(), rows.mean()]) + 0.5
  np.testing.assert_allclose(centre, ends.mean(0) * factor, atol=0.35)


def test_overlay_colours_follow_the_persons_sides():
  """Catches left drawn as right, and a flipped joint order."""
  joints = np.array([[20.0 + 12 * i, 20.0 + 37 * i % 200] for i in range(16)])
  image = np.full((256, 256, 3), 90, np.uint8)
  for wrist, elbow, colour in (
    (WRIST, ELBOW, style.LEFT),
    (RIGHT_WRIST, RIGHT_ELBOW, style.RIGHT),
  ):
    known = np.full((16, 2), np.nan)
    known[[wrist, elbow]] = joints[[wrist, elbow]]
    drawn = pixels.overlay(image, known)
    x, y = (0.8 * joints[wrist] + 0.2 * joints[elbow]).astype(int)
    assert _mask(drawn, colour)[y - 2 : y + 3, x - 2 : x + 3].any()
    others = [c for c in style.COLOURS.values() if c != colour]
    assert not any(_mask(drawn, c, 10).any() for c in others)


def test_overlay_draws_no_bone_without_both_ends():
  """Catches limbs that run to (0, 0) from a joint whose neighbours are unknown."""
  image = np.full((256, 256, 3), 90, np.uint8)
  joints = np.full((16, 2), np.nan)
  joints[WRIST] = 200.0
  np.testing.assert_array_equal(pixels.overlay(image, joints), image)


def test_overlay_of_people_beyond_the_picture():
  """Catches a layer cut from outside the picture, or moved when it is cut off."""
  image = np.full((256, 256, 3), 90, np.uint8)
  across = _only(2, left_elbow=(-40.0, 100.0), left_wrist=(120.0, 100.0))
  gone = _only(2, left_elbow=(-90.0, -90.0), left_wrist=(-60.0, -70.0))
  drawn = pixels.overlay(image, across, gone)
  rows, columns = np.nonzero(_mask(drawn, style.LEFT))
  assert columns.min() == 0
  assert rows.mean() + 0.5 == pytest.approx(100, abs=0.5)
  np.testing.assert_array_equal(pixels.overlay(image, gone), image)


def test_overlay_leaves_its_input_alone():
  """Catches predictions drawn over the picture that shows the truth next."""
  image = np.full((256, 256, 3), 90, np.uint8)
  pixels.overlay(image, np.linspace(20, 230, 32).reshape(16, 2))
  assert (image == 90).all()


def test_sides_of_bones_mirror():
  """Catches a bone that is left on one side and trunk on the other."""
  mirrored = {'left': 'right', 'right': 'left', 'trunk': 'trunk'}
  for bone in BONES:
    flipped = tuple(int(FLIP_INDEX[joint]) for joint in bone)
    side = style.bone_side(bone)
    assert style.bone_side(flipped) == mirrored[side]


def test_all_axes_of_both_views_have_one_scale():
  """Catches views stretched to fill their frame: bones that change length."""
  lengths = []
  # (axis of the bone, view, axis of the picture)
  for axis, view, across in ((0, 0, 0), (1, 0, 1), (1, 1, 1), (2, 1, 0)):
    vector = 600.0 * np.eye(3)[axis]
    pose = _only(3, left_elbow=-vector, left_wrist=vector)
    half = _halves(pixels.views(pose, limits=LIMITS, height=600))[view]
    lengths.append(_extent(_mask(half, style.LEFT))[across])
  assert min(lengths) > 200
  assert np.ptp(lengths) <= 2


@pytest.mark.parametrize(
  ('axis', 'half', 'direction'),
  [(0, 0, (1, 0)), (1, 0, (0, 1)), (1, 1, (0, 1)), (2, 1, (1, 0))],
)
def test_views_are_upright_and_unmirrored(axis, half, direction):
  """Catches people upside down, mirrored, or seen from the wrong side.

  Towards +x is right in front, +y is down in both, +z (away) is right at the
  side, because one looks from the camera's right with the camera on the left.
  """
  centres = []
  for end in (-600.0, 600.0):
    pose = _only(3, left_elbow=np.zeros(3), left_wrist=end * np.eye(3)[axis])
    picture = _halves(pixels.views(pose, limits=LIMITS))[half]
    rows, columns = np.nonzero(_mask(picture, style.LEFT))
    centres.append([columns.mean(), rows.mean()])
  move = np.subtract(centres[1], centres[0])
  assert move @ np.array(direction) > 50
  assert abs(move @ np.array(direction[::-1])) < 1


@pytest.mark.parametrize('left_first', [True, False])
def test_nearer_limbs_cover_farther_ones(left_first):
  """Catches drawing in list order: depth then reads inside out."""
  near = 300.0 if left_first else -300.0
  # Two forearms that cross: the left is nearer the camera and the side viewer.
  front = _only(
    3,
    left_elbow=(-400, -400, -near),
    left_wrist=(400, 400, -near),
    right_elbow=(-400, 400, near),
    right_wrist=(400, -400, near),
  )
  side = front[:, [2, 1, 0]] * [-1, 1, 1]
  for half, pose in enumerate((front, side)):
    picture = _halves(pixels.views(pose, limits=LIMITS, height=600))[half]
    coloured = _mask(picture, style.LEFT) | _mask(picture, style.RIGHT)
    rows, columns = np.nonzero(coloured)
    y, x = round(rows.mean()), round(columns.mean())
    top = style.LEFT if left_first else style.RIGHT
    assert _mask(picture, top)[y - 2 : y + 3, x - 2 : x + 3].mean() > 0.9


def test_true_pose_is_grey_and_shares_the_limits():
  """Catches a truth drawn at its own scale or in the prediction's colours."""
  truth = _only(3, left_elbow=(0, 0, 0), left_wrist=(0, 2400, 0))
  pose = _only(3, left_elbow=(200, 0, 0), left_wrist=(200, 1200, 0))
  # The same floor and limits without a pose: what remains are the bones.
  limits = style.bounds(pose, truth)
  empty, _ = _halves(pixels.views(_only(3), limits=limits, height=600))
  front, _ = _halves(pixels.views(pose, truth, height=600))
  _, predicted = _extent(_mask(front, style.LEFT))
  _, true = _extent(_mask(front, style.TRUTH, 2) & (empty > 230).all(-1))
  assert predicted > 100
  assert abs(true - 2 * predicted) < 10


def test_bounds_are_a_cube_round_all_poses():
  """Catches limbs outside the picture and axes of unequal scale."""
  a = _only(3, left_wrist=(900, 0, 0))
  b = _only(3, left_wrist=(0, -1500, 300))
  limits = style.bounds(a, None, b)
  spans = limits[:, 1] - limits[:, 0]
  np.testing.assert_allclose(spans, spans[0])
  for pose in (a, b):
    assert (pose[WRIST] > limits[:, 0]).all()
    assert (pose[WRIST] < limits[:, 1]).all()


def test_views_of_a_pose_that_is_not_finite_still_draw():
  """Catches a crash of the report just when a run has diverged."""
  image = pixels.views(np.full((16, 3), np.nan))
  assert image.shape == (360, 2 * (360 - 16), 3)


# Machado, Oliveira and Fernandes 2009, severity 1, linear RGB.
BLINDNESS = {
  'none': np.eye(3),
  'protan': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  'deutan': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
  ],
  'tritan': [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.303900],
  ],
}


def _lab(rgb, simulate):
  srgb = np.array(rgb) / 255
  linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
  seen = np.clip(np.array(simulate) @ linear, 0, 1)
  xyz = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
  )
  f = np.cbrt(xyz @ seen / np.array([0.9505, 1.0, 1.089]))
  return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize('kind', list(BLINDNESS))
def test_colours_stay_apart_for_colour_blind_readers(kind):
  """Catches red against green: sides that one reader in twenty cannot tell."""
  colours = (*style.COLOURS.values(), style.TRUTH)
  for a, b in itertools.combinations(colours, 2):
    difference = _lab(a, BLINDNESS[kind]) - _lab(b, BLINDNESS[kind])
    assert np.linalg.norm(difference) > 20
