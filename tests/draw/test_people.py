"""Drawn photographs and frames: of one size, with everybody's views in sight."""

import numpy as np
import pytest
from fakes.pose_files import make

from wild3d.draw import people, pixels

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
  """Views are squares of one colour a person; gives their sides."""
  sides = []

  def square(_, *, limits, height, name):
    sides.append(height)
    colour = _COLOURS[int(name[-1] or 0) if name else 0]
    return np.full((height, 2 * height, 3), colour, np.uint8)

  monkeypatch.setattr(pixels, 'views', square)
  return sides


@pytest.mark.parametrize('count', [0, 1, 2, 3, 4, 6])
def test_views_hide_nothing(count, plain):
  """Catches a view over another, over the photograph, the legend or the edge."""
  grey = np.full((48, 64, 3), 90, np.uint8)
  poses = [type(p)(**vars(p) | {'joints2d': p.joints2d - 1e4}) for p in _people(count)]
  frame = people.frame(grey, poses)
  assert len(plain) == min(count, people.SHOWN)
  for side, colour in zip(plain, _COLOURS, strict=False):
    assert (frame == colour).all(-1).sum() == 2 * side * side
  legend = np.asarray(people._legend())
  height, width = legend.shape[:2]
  np.testing.assert_array_equal(frame[-height:, :width], legend)
  # Names lie at the edge of the photograph; the middle of it is as it was.
  assert (frame[100:400, 150:500] == 90).all()


def test_views_use_the_room(plain):
  """Catches three people drawn small beside an empty half of the frame."""
  sides = {}
  for count in range(1, 5):
    people.frame(np.full((48, 64, 3), 90, np.uint8), _people(count))
    sides[count] = plain[-1]
  assert sides == {1: 256, 2: 240, 3: 160, 4: 128}


@pytest.mark.parametrize('count', [2, 3, 12, 40])
@pytest.mark.parametrize('size', [(640, 480), (480, 640), (3000, 2000)])
def test_photograph_of_several_is_the_larger_part(count, size, plain, monkeypatch):
  """Catches a photograph drowned in views, and people left out of the picture."""
  monkeypatch.setattr(people, '_overlay', lambda i, *_: i[:: i.shape[0] // 480])
  image = np.full((size[1], size[0], 3), 90, np.uint8)
  drawn = people.still(image, [*_people(4)] * (count // 4) + _people(count % 4))
  assert len(plain) == count
  seen = sum((drawn == colour).all(-1).sum() for colour in _COLOURS)
  assert seen == sum(2 * side * side for side in plain)
  assert (drawn == 90).all(-1).sum() > seen


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


def _head(x, y, size=30.0):
  return np.array([[x, y], [x, y + size]])


def test_names_of_neighbours_are_apart():
  """Catches 'person 3 0', where two heads are near each other."""
  grey = np.full((200, 400, 3), 90, np.uint8)
  heads = [_head(200.0, 90.0), _head(210.0, 95.0)]
  one, two, both = (
    people._named(grey, names, heads[: len(names)])
    for names in (['person 0'], ['person 1'], ['person 0', 'person 1'])
  )
  inked = [(picture != grey).any(-1).sum() for picture in (one, two, both)]
  assert inked[2] == pytest.approx(inked[0] + inked[1], rel=0.02)


@pytest.mark.parametrize('at', [(200, 1), (3, 2), (397, 4), (200, 150), (200, 100)])
def test_names_cover_no_face(at):
  """Catches a name over the face of who stands at the edge, or of a neighbour."""
  grey = np.full((200, 400, 3), 90, np.uint8)
  heads = [_head(*at), _head(at[0] + 25, at[1] - 20)]
  drawn = people._named(grey, ['person 0', 'person 1'], heads)
  assert (drawn != grey).any()
  for head in heads:
    left, top, right, bottom = (max(0, round(v)) for v in people._face(*head))
    assert (drawn[top:bottom, left:right] == 90).all()
