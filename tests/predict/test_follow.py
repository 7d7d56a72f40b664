"""People through a video: who is who, and how smooth."""

import numpy as np
import pytest

from wild3d.poses.pose import Box, Pose
from wild3d.predict import follow, one_euro
from wild3d.predict.follow import Follower


def _pose(box, joints2d, rank, score=0.8):
  rng = np.random.default_rng(3)
  return Pose(
    joints2d=joints2d,
    scores=np.full(16, score),
    joints_crop=rng.normal(0, 1, (16, 3)),
    joints_mm=rng.normal(0, 300, (16, 3)),
    to_original=np.eye(2, 3),
    box=box,
    person=rank,
  )


class _Network:
  """Stands for a Predictor: a pose is the marked square nearest to the box."""

  def __init__(self):
    self.score = 0.8

  def predict_many(self, images, boxes, cameras):
    (image,), (boxes,), poses = images, boxes, []
    for rank, box in enumerate(boxes):
      x, y, w, h = box.xywh
      marks = [np.argwhere(image[..., c] > 200)[:, ::-1] for c in range(3)]
      places = [m for m in marks if len(m)]
      centre = np.array([x + w / 2, y + h / 2])
      near = min(places, key=lambda m: np.linalg.norm(m.mean(0) - centre))
      low, high = near.min(0), near.max(0) + 1
      joints = np.linspace(low, high, 16).astype(float)
      poses.append(_pose(box, joints, rank, self.score))
    return [poses]


def _image(*squares):
  """Each square in a colour of its own, so that one frame tells them apart."""
  image = np.zeros((100, 200, 3), np.uint8)
  for channel, (x, y) in enumerate(squares):
    image[y : y + 20, x : x + 20, channel] = 255
  return image


def _detector(image):
  found = []
  for channel in range(3):
    marked = np.argwhere(image[..., channel] > 200)[:, ::-1]
    if len(marked):
      low = marked.min(0).astype(float)
      found.append(Box((*low, 20.0, 20.0), 0.9, 'search'))
  return found


def _follower(people=None, smooth=False, network=None, again=follow.AGAIN, find=None):
  network = network or _Network()
  find = find or _detector
  return Follower(network, find, people=people, smooth=smooth, again=again)


def test_numbers_stay_with_people():
  """Catches people exchanged from frame to frame, or counted anew."""
  follower = _follower()
  for step in range(40):
    image = _image((10 + 2 * step, 20), (170 - 2 * step, 60))
    poses = follower(image, step / 25)
    assert [p.person for p in poses] == [0, 1]
    assert poses[0].joints2d[0, 0] == 10 + 2 * step
    assert poses[1].joints2d[0, 0] == 170 - 2 * step
    found_anew = step % follow.AGAIN == 0
    assert poses[0].box.source == ('search' if found_anew else 'tracked')


def test_drifting_box_is_put_right():
  """Catches a box that grows from frame to frame and never comes back."""

  class Drifts(_Network):
    def predict_many(self, images, boxes, cameras):
      ((box,),) = boxes
      x, y, w, h = box.xywh
      joints = np.linspace([x - 1, y - 1], [x + w + 1, y + h + 1], 16)
      return [[_pose(box, joints, 0)]]

  follower = _follower(network=Drifts())
  image = _image((100, 40))
  widths = [
    follower(image, step / 25)[0].box.xywh[2] for step in range(2 * follow.AGAIN)
  ]
  assert widths[follow.AGAIN - 1] > 40
  assert widths[follow.AGAIN] == 20


def test_newcomers_and_limit():
  """Catches someone who enters later and is never seen, or more people than asked."""
  follower, limited = _follower(), _follower(people=1)
  for step in range(follow.AGAIN + 1):
    squares = [(10, 20)] + ([(150, 60)] if step > 2 else [])
    poses = follower(_image(*squares), step / 25)
    assert len(limited(_image(*squares), step / 25)) == 1
  assert [p.person for p in poses] == [0, 1]


def test_two_boxes_on_one_body():
  """Catches one person twice after two people met."""
  follower = _follower()
  follower(_image((10, 20), (150, 60)), 0.0)
  # The second has left the picture: both boxes now come to the first.
  poses = follower(_image((10, 20)), 0.04)
  assert [p.person for p in poses] == [0]


def test_boxes_by_hand_are_of_the_first_frame():
  """Catches a second person made of the first's box, after they walked away from it."""
  given = [Box((10.0, 20.0, 20.0, 20.0))]
  follower = _follower(again=None, find=lambda image: given)
  for step in range(2 * follow.AGAIN + 1):
    poses = follower(_image((10 + 4 * step, 20)), step / 25)
  assert [p.person for p in poses] == [0]


def test_given_up_when_never_seen_again():
  """Catches a box that came to rest on a kerb and stays for the whole video."""
  looks = []

  def find(image):
    looks.append(1)
    return _detector(image) if len(looks) == 1 else []

  follower = _follower(find=find)
  found = [follower(_image((10, 20)), step / 25) for step in range(10 * follow.AGAIN)]
  assert found[2 * follow.AGAIN]
  assert not found[-1]


def test_given_up_when_unsure():
  """Catches a box that clings to the wall after the person left."""
  network = _Network()
  follower = _follower(network=network)
  image = _image((10, 20))
  for step in range(5):
    follower(image, step / 25)
  network.score = 0.1
  numbers = {
    pose.person for step in range(5, 60) for pose in follower(image, step / 25)
  }
  assert max(numbers) > 0


def _reference(values, times, scale):
  """The one-euro filter of the paper, element by element."""

  def alpha(cutoff, dt):
    tau = 1 / (2 * np.pi * cutoff)
    return 1 / (1 + tau / dt)

  out, speed = [values[0]], 0.0
  for k in range(1, len(values)):
    dt = times[k] - times[k - 1]
    now = (values[k] - out[-1]) / dt / scale
    a = alpha(one_euro.SPEED_CUTOFF, dt)
    speed = a * now + (1 - a) * speed
    a = alpha(one_euro.MIN_CUTOFF + one_euro.BETA * abs(speed), dt)
    out.append(a * values[k] + (1 - a) * out[-1])
  return np.array(out)


def test_one_euro_is_the_papers():
  """Catches another smoothing factor, or a clock that assumes an even rate."""
  rng = np.random.default_rng(0)
  times = np.cumsum(rng.uniform(0.02, 0.06, 60))
  values = np.sin(times) + rng.normal(0, 0.05, 60)
  filtered = one_euro.OneEuro(2.0)
  got = [filtered(np.array([v]), t)[0] for v, t in zip(values, times, strict=True)]
  np.testing.assert_allclose(got, _reference(values, times, 2.0), rtol=1e-9)


def test_one_euro_steadies_and_does_not_lag():
  """Catches a filter that passes all, or that trails behind a runner."""
  rng = np.random.default_rng(0)
  times = np.arange(100) / 25
  still = one_euro.OneEuro(1000.0)
  noise = rng.normal(0, 20, (100, 16, 3))
  calm = np.array([still(x, t) for x, t in zip(noise, times, strict=True)])[20:]
  assert calm.std() < 0.45 * noise[20:].std()
  runner = one_euro.OneEuro(1000.0)
  line = (4000 * times)[:, None, None] * np.ones((16, 3))
  late = line - np.array([runner(x, t) for x, t in zip(line, times, strict=True)])
  assert np.abs(late[-1]).max() < 0.05 * 4000


def test_smoothing_keeps_what_is_not_smoothed():
  """Catches a smoothed pose with another frame's box or crop."""
  smoother = one_euro.PoseSmoother()
  one = _pose(Box((0.0, 0.0, 50.0, 80.0)), np.zeros((16, 2)), 0)
  two = _pose(Box((9.0, 0.0, 50.0, 80.0)), np.full((16, 2), 10.0), 0)
  smoother(one, 0.0)
  got = smoother(two, 0.04)
  assert got.box == two.box
  assert (got.joints2d > 0).all()
  assert (got.joints2d < 10).all()
  assert got.joints_camera is None
  assert got.joints_mm == pytest.approx(two.joints_mm)
