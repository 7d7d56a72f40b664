"""The people of a video from frame to frame: each box follows the pose before."""

import dataclasses

import numpy as np
from jaxtyping import UInt8

from wild3d.poses.pose import Box, Camera, Pose
from wild3d.predict import boxes as box_lib
from wild3d.predict.one_euro import PoseSmoother

AGAIN = 15  # frames until the detector looks for newcomers
_SAME = 0.5  # overlap of the smaller box: two boxes are one person's
_PATIENCE = 8  # frames that a person may be unsure before they are given up
_UNSURE = 0.6  # of the mean score that the person had
_UNSEEN = 6  # looks of the detector in a row that missed a person, who is given up
_LARGEST_JUMP = 1.5  # of the box's size from frame to frame


@dataclasses.dataclass
class _Person:
  number: int
  box: Box
  smoother: PoseSmoother | None
  usual: float | None = None  # mean score of the joints, a running mean
  unsure: int = 0
  unseen: int = 0


class Follower:
  """People of one video. Call it frame by frame."""

  def __init__(
    self, predictor, detector, *, people: int | None, smooth: bool, again: int | None
  ):
    """Starts with nobody.

    Args:
      predictor: a Predictor.
      detector: see detect.Detector.
      people: at most so many; None: all that are found.
      smooth: whether to filter each person's joints.
      again: frames until the detector looks anew, such as `AGAIN`; None: it is asked at
        the first frame alone, as boxes by hand are of that frame.
    """
    self._predictor = predictor
    self._detector = detector
    self._limit = people
    self._smooth = smooth
    self._again = again
    self._people: list[_Person] = []
    self._next = 0
    self._frame = 0

  def __call__(
    self,
    image: UInt8[np.ndarray, 'H W 3'],
    seconds: float,
    camera: Camera | None = None,
  ) -> list[Pose]:
    """Poses of the people in the next frame; `person` is theirs for all frames."""
    height, width = image.shape[:2]
    if self._again is None:
      looks = self._frame == 0
    else:
      looks = self._frame % self._again == 0 or not self._people
    if looks:
      self._match(self._detector(image))
    self._frame += 1
    people = self._people
    boxes = [person.box for person in people]
    (found,) = self._predictor.predict_many([image], [boxes], [camera])
    self._people, poses = [], []
    # Who has been here longest keeps a body that two boxes have come to.
    for person, pose in zip(people, found, strict=True):
      mean = float(pose.scores.mean())
      after = box_lib.around(pose.joints2d, width, height, mean, 'tracked')
      if not self._stays(person, mean, after):
        continue
      if person.smoother is not None:
        pose = person.smoother(pose, seconds)
      poses.append(dataclasses.replace(pose, person=person.number))
      person.box = after
      self._people.append(person)
    return poses

  def _stays(self, person, mean, after):
    usual = mean if person.usual is None else person.usual
    person.unsure = person.unsure + 1 if mean < _UNSURE * usual else 0
    person.usual = usual + 0.1 * (mean - usual)
    if after is None or person.unsure > _PATIENCE:
      return False
    size = max(after.xywh[2:]) / max(person.box.xywh[2:])
    if not 1 / _LARGEST_JUMP < size < _LARGEST_JUMP:
      return False
    return all(
      box_lib.share_of_smaller(after, other.box) <= 0.8 for other in self._people
    )

  def _match(self, boxes):
    """Takes what the detector saw: boxes put right, people given up and new ones."""
    same = lambda box, person: box_lib.share_of_smaller(box, person.box) > _SAME  # noqa: E731
    for person in self._people:
      seen = [box for box in boxes if same(box, person)]
      person.unseen = 0 if seen else person.unseen + 1
      if seen:
        # A box that follows its own pose drifts: what was found anew puts it right.
        person.box = max(seen, key=lambda b: box_lib.overlap(b, person.box))
    # Else a box that came to rest on a wall would stay there.
    self._people = [person for person in self._people if person.unseen < _UNSEEN]
    for box in boxes:
      full = self._limit is not None and len(self._people) >= self._limit
      if full or any(same(box, person) for person in self._people):
        continue
      smoother = PoseSmoother() if self._smooth else None
      self._people.append(_Person(self._next, box, smoother))
      self._next += 1
