"""The frames of a drawn video: of one size, with everybody's views in sight."""

import numpy as np
import pytest
from fakes.pose_files import make
from PIL import Image

from wild3d.draw import people

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


@pytest.mark.parametrize('count', [0, 1, 2, 3, 4, 6])
def test_views_hide_nothing(count, monkeypatch):
  """Catches a view over another, beyond the frame, or over the legend."""
  sides = []

  def plain(_, height, name):
    sides.append(height)
    return Image.new('RGB', (2 * height, height), _COLOURS[int(name[-1])])

  monkeypatch.setattr(people, 'quick_views', plain)
  frame = people.frame(np.full((48, 64, 3), 90, np.uint8), _people(count))
  assert len(sides) == min(count, people.SHOWN)
  for side, colour in zip(sides, _COLOURS, strict=False):
    assert (frame == colour).all(-1).sum() == 2 * side * side
  legend = np.asarray(people._legend())
  height, width = legend.shape[:2]
  np.testing.assert_array_equal(frame[-height:, -width:], legend)


def test_views_use_the_room(monkeypatch):
  """Catches three people drawn small beside an empty half of the frame."""
  sides = {}

  def plain(_, height, name):
    sides.setdefault(len(poses), height)
    return Image.new('RGB', (2 * height, height))

  monkeypatch.setattr(people, 'quick_views', plain)
  for count in range(1, 5):
    poses = _people(count)
    people.frame(np.full((48, 64, 3), 90, np.uint8), poses)
  assert sides == {1: 360, 2: 240, 3: 180, 4: 180}


def test_names_of_neighbours_are_apart():
  """Catches 'person 3 0', where two heads are near each other."""
  grey = np.full((200, 400, 3), 90, np.uint8)
  one, two, both = (
    people._named(grey, names, heads[: len(names)])
    for heads in [[np.array([200.0, 90.0]), np.array([210.0, 95.0])]]
    for names in (['person 0'], ['person 1'], ['person 0', 'person 1'])
  )
  inked = [(picture != grey).any(-1).sum() for picture in (one, two, both)]
  assert inked[2] == pytest.approx(inked[0] + inked[1], rel=0.02)
