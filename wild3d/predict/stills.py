"""The poses of many pictures, which are read ahead and share calls of the network."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from wild3d.media import read_ahead
from wild3d.media.read_ahead import Photo
from wild3d.poses.pose import Box, Camera, Pose
from wild3d.predict.predictor import Predictor


def stills(
  sources: Sequence[str],
  predictor: Predictor,
  boxes: Callable[[str, np.ndarray], list[Box] | None],
  camera: Callable[[np.ndarray], Camera | None],
  *,
  together: int,
) -> Iterator[tuple[Photo, list[Pose]]]:
  """Yields each picture and the poses of the people in it, in order.

  A picture that could not be read or done has its `fault`, and no poses. Close the
  iterator to end the reading early.

  Args:
    sources: paths.
    predictor: what finds the poses.
    boxes: of (source, image) to the boxes of its people, see Predictor.predict.
    camera: of an image.
    together: at most so many pictures are looked at before the first comes.
  """
  with contextlib.closing(read_ahead.batches(sources, together)) as batches:
    for batch in batches:
      asked = [_asked(photo, boxes) for photo in batch]
      fine = [pair for pair in asked if not pair[0].fault]
      done = iter(_with_poses(predictor, fine, camera))
      for photo, _ in asked:
        yield (photo, []) if photo.fault else next(done)


def _asked(photo, boxes):
  """(picture, boxes of its people)."""
  if photo.fault:
    return photo, None
  try:
    return photo, boxes(photo.source, photo.image)
  except read_ahead.FAULTS as fault:
    return dataclasses.replace(photo, fault=fault), None


def _with_poses(predictor, asked, camera):
  """The pictures with poses; what cannot be done together is tried in halves."""
  photos = [photo for photo, _ in asked]
  try:
    found = predictor.predict_many(
      [photo.image for photo in photos],
      [here for _, here in asked],
      [camera(photo.image) for photo in photos],
    )
  except read_ahead.FAULTS as fault:
    if len(asked) == 1:
      return [(dataclasses.replace(photos[0], fault=fault), [])]
    middle = len(asked) // 2
    halves = asked[:middle], asked[middle:]
    return [pair for half in halves for pair in _with_poses(predictor, half, camera)]
  return list(zip(photos, found, strict=True))
