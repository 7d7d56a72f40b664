"""The poses of many pictures, which are read ahead and share calls of the network."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from wild3d.media import read_ahead
from wild3d.poses.pose import Box, Camera, Pose
from wild3d.predict.predictor import Predictor


@dataclasses.dataclass(frozen=True)
class Still:
  """A picture and the people in it, or why there are none.

  Attributes:
    image: RGB; None where it could not be read.
    camera: of it.
    poses: of the people.
    fault: one of read_ahead.FAULTS, or None.
  """

  image: UInt8[np.ndarray, 'H W 3'] | None = None
  camera: Camera | None = None
  poses: tuple[Pose, ...] = ()
  fault: Exception | None = None


def stills(
  sources: Sequence[str],
  predictor: Predictor,
  boxes: Callable[[str, np.ndarray], list[Box] | None],
  camera: Callable[[np.ndarray], Camera | None],
  *,
  together: int,
) -> Iterator[Still]:
  """Yields what each picture holds, in order. Close it to end the reading early.

  Args:
    sources: paths.
    predictor: what finds the poses.
    boxes: of (source, image) to the boxes of its people, see Predictor.predict.
    camera: of an image.
    together: at most so many pictures are looked at before the first comes.
  """
  with contextlib.closing(read_ahead.batches(sources, together)) as batches:
    for batch in batches:
      asked = [_asked(photo, boxes, camera) for photo in batch]
      fine = iter(_with_poses(predictor, [pair for pair in asked if not pair[0].fault]))
      for still, _ in asked:
        yield still if still.fault else next(fine)


def _asked(photo, boxes, camera):
  """(Still without poses, boxes of its people)."""
  if photo.fault:
    return Still(fault=photo.fault), None
  try:
    here = boxes(photo.source, photo.image)
    return Still(photo.image, camera(photo.image)), here
  except read_ahead.FAULTS as fault:
    return Still(photo.image, fault=fault), None


def _with_poses(predictor, asked):
  """The same with poses; what cannot be done together is tried in halves."""
  stills = [still for still, _ in asked]
  try:
    found = predictor.predict_many(
      [still.image for still in stills],
      [here for _, here in asked],
      [still.camera for still in stills],
    )
  except read_ahead.FAULTS as fault:
    if len(asked) == 1:
      return [dataclasses.replace(stills[0], fault=fault)]
    middle = len(asked) // 2
    halves = asked[:middle], asked[middle:]
    return [still for half in halves for still in _with_poses(predictor, half)]
  return [
    dataclasses.replace(still, poses=tuple(poses))
    for still, poses in zip(stills, found, strict=True)
  ]
