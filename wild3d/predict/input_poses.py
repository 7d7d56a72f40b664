"""The poses of one input after the other, drawn on the way."""

import contextlib
import pathlib
import time
from collections.abc import Iterator

import numpy as np
from PIL import Image

from wild3d import files
from wild3d.draw import people
from wild3d.media import video_file
from wild3d.media.inputs import Input
from wild3d.media.video_writer import Mp4Writer
from wild3d.poses import track
from wild3d.poses.pose import Box, Picture
from wild3d.predict import boxes as box_lib
from wild3d.predict import camera_space, detect, stills
from wild3d.predict.follow import AGAIN, Follower
from wild3d.predict.predictor import Predictor

_TOLD_EVERY = 2.0  # seconds between lines about a video


class InputPoses:
  """The poses of one input after the other: call it with each."""

  def __init__(
    self, options, predictor: Predictor, folder: pathlib.Path, found: list[Input]
  ):
    """Nothing is read yet but the file of boxes.

    Args:
      options: run.Options.
      predictor: what finds the poses.
      folder: the output's.
      found: all inputs, in the order in which they will be asked for.

    Raises:
      UserError: the file of boxes or the detector cannot be had.
    """
    self._options = options
    self._predictor = predictor
    self._box_file = options.boxes and box_lib.BoxFile(options.boxes)
    self._folder = folder
    self._names = _names(found)
    self.drawn = []  # the pictures and videos that were written
    self._started, self._done = time.monotonic(), 0
    self._detect = detect.make(options.detector, predictor)
    self._stills = stills.stills(
      [item.source for item in found if item.kind == 'image'],
      predictor,
      self._people,
      self._camera,
      together=self._together(),
    )

  def close(self) -> None:
    """Ends the thread that reads pictures ahead."""
    self._stills.close()

  def __call__(self, item: Input, number: str) -> Iterator[tuple[Picture, np.ndarray]]:
    """Yields (Picture, RGB) for a picture, or for every frame of a video.

    Args:
      item: the next of the inputs.
      number: such as '3/100', for the lines about it.

    Raises:
      UserError: it cannot be read; frames before have come.
    """
    if item.kind == 'image':
      yield self._still(item.source, number)
    else:
      yield from self._video(item, number)

  def _together(self):
    """How many pictures are looked at before the first of them is drawn."""
    options = self._options
    searched = options.box is None and options.boxes is None
    # The windows of one picture fill calls of the network: no need to wait for more.
    return 1 if searched and options.detector == 'search' else options.batch

  def _boxes(self, source, image):
    if self._options.box is not None:
      return [Box(self._options.box)]
    if self._box_file is not None:
      found = self._box_file.of(source)
    else:
      found = self._detect(image)
    if self._options.people is None:
      return found
    # A file may hold them in any order.
    return sorted(found, key=lambda b: -(b.score or 0.0))[: self._options.people]

  def _people(self, source, image):
    """Boxes of a picture; None has the predictor look twice at who fills it."""
    boxes = self._boxes(source, image)
    return None if boxes and boxes[0].source == 'whole' else boxes

  def _camera(self, image):
    height, width = image.shape[:2]
    return camera_space.camera_of(width, height, self._options.focal, self._options.fov)

  def _still(self, source, number):
    photo, poses = next(self._stills)
    if photo.fault is not None:
      raise photo.fault
    image = photo.image
    if self._options.pictures:
      path = self._folder / 'pictures' / f'{self._names[source]}.jpg'
      _save_drawing(image, poses, path)
      self.drawn.append(path)
    self._done += 1
    rate = self._done / (time.monotonic() - self._started)
    print(f'{number}  {source}  {len(poses)} people  {rate:.1f} pictures/s', flush=True)
    height, width = image.shape[:2]
    camera = self._camera(image)
    return Picture(source, width, height, tuple(poses), camera=camera), image

  def _video(self, item, number):
    options = self._options
    with contextlib.ExitStack() as stack:
      video = stack.enter_context(video_file.opened(item.source))
      writer = None
      if options.pictures:
        path = self._folder / 'pictures' / f'{self._names[item.source]}.mp4'
        writer = stack.enter_context(Mp4Writer(path, video.fps))
        self.drawn.append(path)
      follower = Follower(
        self._predictor,
        lambda image: self._boxes(item.source, image),
        people=options.people,
        smooth=options.smooth,
        again=None if options.box or options.boxes else AGAIN,
      )
      progress = _Progress(f'{number}  {video.source}', video.frames)
      try:
        for index, seconds, image in video:
          camera = self._camera(image)
          poses = follower(image, seconds, camera)
          if writer:
            writer.add(people.frame(image, poses), seconds)
          progress(index + 1, len(poses))
          height, width = image.shape[:2]
          yield (
            Picture(video.source, width, height, tuple(poses), index, seconds, camera),
            image,
          )
          if index + 1 == options.frames:
            break
      except KeyboardInterrupt:
        if item.kind != 'webcam':
          raise
      progress.end()


class _Progress:
  """Lines about a video: frames, rate, time left."""

  def __init__(self, name, frames):
    self._name, self._frames = name, frames
    self._started = self._told = time.monotonic()
    self._last = None

  def __call__(self, done, people):
    now = time.monotonic()
    rate = done / (now - self._started)
    left = ''
    if self._frames:
      left = f' of {self._frames}, {(self._frames - done) / rate:.0f} s left'
    self._last = (
      f'{self._name}  frame {done}{left}  {people} people  {rate:.1f} frames/s'
    )
    if now - self._told > _TOLD_EVERY:
      self._told = now
      print(self._last, flush=True)

  def end(self):
    """The last line."""
    if self._last:
      print(self._last, flush=True)


def _save_drawing(image, poses, path):
  with files.opened(path) as stream:
    Image.fromarray(people.still(image, poses)).save(stream, 'JPEG', quality=90)


def _names(found):
  """Source -> name of its drawing; numbered where two files share a stem."""
  stems = [
    f'webcam{item.source}' if item.kind == 'webcam' else pathlib.Path(item.source).stem
    for item in found
  ]
  return dict(zip((i.source for i in found), track.different(stems), strict=True))
