"""Drawn photographs and frames: of one size, with everybody's views in sight."""

import numpy as np
import pytest
from fakes.pose_files import make

from wild3d.draw import people, pixels
from wild3d.skeleton import JOINTS

HEAD, NECK = JOINTS.index('head_top'), JOINTS.index('upper_neck')
_COLOURS = ((200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 0, 200))


def _people(count):
  pose = make().pictures[0].poses[0]
  return [type(pose)(**vars(pose) | {'person': person}) for person in range(count)]


@pytest.mark.parametrize('size', [(640, 480), (90, 160), (1, 700), (3000, 10)])
def test_frames_are_of_one_size(size):
  """Catches a frame that the video cannot hold, as somebody came or left."""
  image = np.full((size[1], size[0], 3), 90, np.uint8)
  sizes = {people.frame(image, _people(count)).shape for count in range(6)}
  assert len(sizes) == 1
  assert max(sizes.pop()) < 3000


@pytest.fixture
def plain(monkeypatch):
  """Views are rectangles of one colour a person; gives their areas."""
  areas = []

  def rectangle(_, *, limits, height, name):
    width = pixels.views_width(limits, height)
    areas.append(width * height)
    colour = _COLOURS[int(name[-1] or 0) if name else 0]
    return np.full((height, width, 3), colour, np.uint8)

  monkeypatch.setattr(pixels, 'views', rectangle)
  return areas


@pytest.mark.parametrize('count', [0, 1, 2, 3, 4, 6])
def test_views_hide_nothing(count, plain):
  """Catches a view over another, over the photograph, the legend or the edge."""
  grey = np.full((48, 64, 3), 90, np.uint8)
  poses = [type(p)(**vars(p) | {'joints2d': p.joints2d - 1e4}) for p in _people(count)]
  frame = people.frame(grey, poses)
  assert len(plain) == min(count, people.SHOWN)
  for area, colour in zip(plain, _COLOURS, strict=False):
    assert (frame == colour).all(-1).sum() == area
  legend = np.asarray(people._legend())
  height, width = legend.shape[:2]
  np.testing.assert_array_equal(frame[-height:, :width], legend)
  # Numbers lie at the edge of the photograph; the middle of it is as it was.
  assert (frame[100:400, 150:500] == 90).all()


def test_views_use_the_room(plain):
  """Catches three people drawn small beside an empty half of the frame."""
  for count in range(1, 5):
    people.frame(np.full((48, 64, 3), 90, np.uint8), _people(count))
    assert plain[-1] * count > 0.4 * (640 * 2 / 3) * 480


@pytest.mark.parametrize('count', [1, 2, 3, 12, 40])
@pytest.mark.parametrize('size', [(640, 480), (480, 640), (3000, 2000), (120, 160)])
def test_the_photograph_is_the_larger_part(count, size, plain, monkeypatch):
  """Catches a photograph drowned in views, and people left out of the picture."""
  monkeypatch.setattr(pixels, 'overlay', lambda image, *_, **__: image)
  monkeypatch.setattr(people, '_numbered', lambda image, *_: image)
  image = np.full((size[1], size[0], 3), 90, np.uint8)
  poses = [*_people(4)] * (count // 4) + _people(count % 4)
  drawn = people.still(image, poses)
  seen = sum((drawn == colour).all(-1).sum() for colour in _COLOURS)
  assert len(plain) == count
  assert seen == sum(plain)
  paper = drawn[: -people._legend().height]
  assert (paper == 90).all(-1).mean() > 0.59
  assert seen > 0.12 * paper[..., 0].size


@pytest.mark.parametrize('size', [(1, 700), (3000, 10), (1, 1), (20, 30), (600, 200)])
def test_views_of_odd_pictures(size, plain):
  """Catches views of a px beside a thin picture."""
  people.still(np.full((size[1], size[0], 3), 90, np.uint8), _people(2))
  assert min(plain) > 60 * 60


def test_views_of_one_picture_share_a_scale(monkeypatch):
  """Catches a child drawn as tall as the adult beside it."""
  limits = []
  views = pixels.views

  def spy(*args, **options):
    limits.append(options['limits'])
    return views(*args, **options)

  monkeypatch.setattr(pixels, 'views', spy)
  adult, child = _people(2)
  child = type(child)(**vars(child) | {'joints_mm': child.joints_mm / 2})
  people.still(np.full((480, 640, 3), 90, np.uint8), [adult, child])
  np.testing.assert_array_equal(limits[0], limits[1])
  assert (adult.joints_mm > limits[0][:, 0]).all()
  assert (adult.joints_mm < limits[0][:, 1]).all()


def _person(x, y, size=30.0):
  """Joints of who has the head there."""
  joints = np.full((16, 2), [x, y + 2 * size])
  joints[[HEAD, NECK]] = [x, y], [x, y + size]
  return joints


def test_numbers_of_neighbours_are_apart():
  """Catches a number under another, where two heads are near each other."""
  grey = np.full((200, 400, 3), 90, np.uint8)
  both = [_person(200.0, 90.0), _person(210.0, 95.0)]
  one, two, together = (
    people._numbered(grey, numbers, both[: len(numbers)])
    for numbers in ([0], [1], [0, 1])
  )
  inked = [(picture != grey).any(-1).sum() for picture in (one, two, together)]
  assert inked[2] == pytest.approx(inked[0] + inked[1], rel=0.02)


@pytest.mark.parametrize('at', [(200, 1), (3, 2), (397, 4), (200, 150), (200, 100)])
@pytest.mark.parametrize('size', [30.0, 1.0])
def test_numbers_cover_no_face(at, size):
  """Catches a number over the face of who stands at the edge, or of a neighbour."""
  grey = np.full((200, 400, 3), 90, np.uint8)
  both = [_person(*at, size), _person(at[0] + 25, at[1] - 20, size)]
  both[0][0] += 100  # as tall, though the head is seen from above
  drawn = people._numbered(grey, [7, 12], both)
  assert (drawn != grey).any()
  for joints in both:
    left, top, right, bottom = (max(0, round(v)) for v in people._face(joints))
    assert (drawn[top:bottom, left:right] == 90).all()
  assert people._face(both[0])[3] - people._face(both[0])[1] >= 10
