"""The poses of one input after the other, drawn on the way."""

import contextlib
import pathlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from wild3d import files
from wild3d.draw import people
from wild3d.errors import UserError
from wild3d.media import video_file
from wild3d.media.inputs import Input
from wild3d.media.video_writer import Mp4Writer
from wild3d.poses import track
from wild3d.poses.pose import Box, Picture, sureness
from wild3d.predict import boxes as box_lib
from wild3d.predict import camera_space, detect, progress, stills
from wild3d.predict.follow import AGAIN, Follower
from wild3d.predict.predictor import Predictor
from wild3d.predict.window import Window


class InputPoses:
  """The poses of one input after the other: call it with each."""

  def __init__(
    self,
    options,
    predictor: Predictor,
    folder: pathlib.Path,
    found: list[Input],
    window: Window | None = None,
  ):
    """Nothing is read yet but the file of boxes.

    Args:
      options: run.Options.
      predictor: what finds the poses.
      folder: to draw to.
      found: all inputs, in the order in which they will be asked for.
      window: where the frames of videos are shown, too.

    Raises:
      UserError: the file of boxes or the detector cannot be had.
    """
    self._options = options
    self._predictor = predictor
    self._window = window
    self._box_file = options.boxes and box_lib.BoxFile(options.boxes)
    self._folder = folder
    self._drawings = drawings(found)
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

  def __call__(self, item: Input) -> Iterator[tuple[Picture, np.ndarray]]:
    """Yields (Picture, RGB) for a picture, or for every frame of a video.

    Args:
      item: the next of the inputs.

    Raises:
      UserError: it cannot be read; frames before have come.
    """
    if item.kind == 'image':
      yield self._still(item.source)
    else:
      yield from self._video(item)

  def _together(self):
    """How many pictures are looked at before the first of them is drawn."""
    options = self._options
    searched = options.box is None and options.boxes is None
    # The windows of one picture fill calls of the network: no need to wait for more.
    return 1 if searched and options.detector == 'search' else self._predictor.batch

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
    return camera_space.camera_of(width, height, **camera_space.given(self._options))

  def _kept(self, poses):
    """The people of whom the network is as sure as was asked for."""
    least = self._options.min_score
    return poses if least is None else [p for p in poses if sureness(p) >= least]

  def _still(self, source):
    photo, poses = next(self._stills)
    if photo.fault is not None:
      raise photo.fault
    image, poses = photo.image, self._kept(poses)
    if self._options.pictures:
      _save_drawing(image, poses, self._folder / self._drawings[source])
    if not poses:
      progress.say(f'{source}: nobody found')
    height, width = image.shape[:2]
    camera = self._camera(image)
    return Picture(source, width, height, tuple(poses), camera=camera), image

  def _video(self, item):
    options = self._options
    with contextlib.ExitStack() as stack:
      video = stack.enter_context(video_file.opened(item.source))
      part = (options.start, options.end, options.every)
      writer = None
      if options.pictures:
        path = self._folder / self._drawings[item.source]
        fps = video.fps and video.fps / options.every
        writer = stack.enter_context(Mp4Writer(path, fps))
      follower = Follower(
        self._predictor,
        lambda image: self._boxes(item.source, image),
        people=options.people,
        smooth=options.smooth,
        again=None if options.box or options.boxes else AGAIN,
      )
      total = min(filter(None, (video.count(*part), options.frames)), default=None)
      bar = stack.enter_context(progress.bar(total, 'frame', video.source))
      counts, first = [], 0.0
      try:
        for index, seconds, image in video.part(*part):
          first = first if counts else seconds
          camera = self._camera(image)
          poses = self._kept(follower(image, seconds, camera))
          if writer or self._window:
            drawn = people.frame(image, poses)
          if writer:
            writer.add(drawn, seconds - first)
          if self._window:
            self._window.show(drawn)
          counts.append(len(poses))
          bar.update()
          height, width = image.shape[:2]
          yield (
            Picture(video.source, width, height, tuple(poses), index, seconds, camera),
            image,
          )
          closed = self._window and not self._window.is_open
          if len(counts) == options.frames or (closed and item.kind == 'webcam'):
            break
      except KeyboardInterrupt:
        if item.kind != 'webcam':
          raise
      if not counts:
        raise UserError(
          f'{video.source}: no frame between --from and --to'
          + (f'; it has {video.frames}' if video.frames else '')
        )
      progress.say(_of_video(video.source, counts))


def _of_video(source, counts):
  """What is said of a video, from the number of people in each frame."""
  frames = '1 frame' if len(counts) == 1 else f'{len(counts)} frames'
  most = max(counts, default=0)
  people = '1 person' if most == 1 else f'{most} people'
  empty = f', nobody in {counts.count(0)} of them' if 0 in counts else ''
  return f'{source}: {frames}, {people} at once at most{empty}'


def _save_drawing(image, poses, path):
  with files.opened(path) as stream:
    Image.fromarray(people.still(image, poses)).save(stream, 'JPEG', quality=90)


def drawings(found: list[Input]) -> dict[str, str]:
  """Source -> path of its drawing in the folder; all differ, whatever the sources.

  Args:
    found: the inputs.
  """
  stems = [
    f'webcam{item.source}' if item.kind == 'webcam' else pathlib.Path(item.source).stem
    for item in found
  ]
  return {
    item.source: f'pictures/{name}.{"jpg" if item.kind == "image" else "mp4"}'
    for item, name in zip(found, track.different(stems), strict=True)
  }
