"""Behind `wild3d predict`: pictures and videos in, a folder of poses and pictures out."""

import contextlib
import dataclasses
import io
import os
import pathlib
import sys
import time

from PIL import Image

import wild3d
from wild3d import atomic
from wild3d.errors import UserError
from wild3d.media import image_file, inputs, video_file
from wild3d.media.video_writer import Mp4Writer
from wild3d.poses import poses_json
from wild3d.poses.pose import Box, Header, Picture, PoseFile
from wild3d.predict import boxes as box_lib
from wild3d.predict import detect, place
from wild3d.predict.follow import Follower
from wild3d.predict.predictor import Predictor
from wild3d.viewer.page import PageWriter

FORMATS = ('json', 'npz', 'bvh', 'trc')
_TOLD_EVERY = 2.0  # seconds between lines about a video


@dataclasses.dataclass(frozen=True)
class Options:
  """What the user asked for.

  Attributes:
    checkpoint: folder of a run.
    out: folder, made if need be; files of the same names are written anew.
    step: 'best', 'latest' or a number.
    box: left, top, width, height of the person, px of every picture, and of the first
      frame of a video.
    boxes: file of boxes, see boxes.BoxFile; in a video, of its first frame.
    detector: see detect.make; used where neither box nor boxes is given.
    people: at most so many in a picture; None: all that are found.
    height: of a person, metres; None scales to the configuration's skeleton.
    focal: px; see place.camera_of.
    fov: degrees; see place.camera_of.
    refine: sub-pixel rule; None: the configuration's.
    flip_test: see Predictor.from_checkpoint.
    pictures: whether to draw: a JPEG for each picture, an MP4 for each video.
    formats: of `FORMATS`; 'json' is always written.
    smooth: one-euro filter over time, in videos.
    html: file of an interactive page.
    rerun: file of a rerun recording.
    frames: at most so many of a video or webcam; None: all.
  """

  checkpoint: str
  out: str
  step: str = 'best'
  box: tuple[float, ...] | None = None
  boxes: str | None = None
  detector: str = 'search'
  people: int | None = None
  height: float | None = None
  focal: float | None = None
  fov: float | None = None
  refine: str | None = None
  flip_test: bool = False
  pictures: bool = True
  formats: tuple[str, ...] = ('json',)
  smooth: bool = False
  html: str | None = None
  rerun: str | None = None
  frames: int | None = None


def predict(arguments: list[str], options: Options) -> None:
  """Predicts for every picture and frame; writes what was asked for.

  Args:
    arguments: see inputs.expand.
    options: see Options.

  Raises:
    UserError: a mistake in the arguments; or, after all others are done and written,
      pictures and videos that could not be read.
  """
  found, passed = inputs.expand(arguments)
  _check(options)
  skeleton_mm = (
    None if options.height is None else place.skeleton_of_height(options.height)
  )
  box_file = None if options.boxes is None else box_lib.BoxFile(options.boxes)
  folder = _folder(options.out)
  predictor = Predictor.from_checkpoint(
    options.checkpoint,
    options.step,
    refine=options.refine,
    flip_test=options.flip_test,
    skeleton_mm=skeleton_mm,
  )
  if passed:
    print(f'{len(passed)} files are no pictures: {", ".join(passed[:3])}, ...')
  header = _header(options, predictor, found)
  print(f'boxes: {header.detector}')
  work = _Work(options, predictor, box_file, folder, _names(found))
  done, faults = [], []
  with contextlib.ExitStack() as stack:
    page = options.html and stack.enter_context(PageWriter(options.html, header))
    for number, item in enumerate(found, 1):
      try:
        for picture, image in work.pictures(item, f'{number}/{len(found)}'):
          done.append(picture)
          if page:
            page.add(picture, image)
      except UserError as error:
        faults.append(str(error))
        print(f'wild3d: {error}', file=sys.stderr)
    if not done:
      raise UserError(_failed(faults, found))
    _write(PoseFile(header, tuple(done)), options, folder)
  if page:
    print(f'written: {options.html}')
  if faults:
    raise UserError(_failed(faults, found))


def _check(options):
  """Says what is wrong with a flag before any work."""
  place.camera_of(2, 2, options.focal, options.fov)
  if options.box is not None and options.boxes is not None:
    raise UserError('--box and --boxes: give one of the two')
  if options.people is not None and options.people < 1:
    raise UserError(f'--people={options.people}: give 1 or more')
  if options.frames is not None and options.frames < 1:
    raise UserError(f'--frames={options.frames}: give 1 or more')
  unknown = set(options.formats) - set(FORMATS)
  if unknown:
    raise UserError(
      f'--formats: unknown {", ".join(sorted(unknown))}; choose from {", ".join(FORMATS)}'
    )


def _failed(faults, found):
  more = f' (and {len(faults) - 1} more, above)' if len(faults) > 1 else ''
  return f'{len(faults)} of {len(found)} inputs were not done: {faults[0]}{more}'


def _header(options, predictor, found):
  fps = None
  if [item.kind for item in found] == ['video']:
    # An unreadable one is reported where it is read.
    with contextlib.suppress(UserError), video_file.opened(found[0].source) as video:
      fps = video.fps
  given = 'given' if options.box else 'file' if options.boxes else None
  return Header(
    checkpoint=f'{options.checkpoint}, step {predictor.step}',
    fingerprint=predictor.fingerprint,
    scale='skeleton' if options.height is None else 'height',
    skeleton_mm=predictor.skeleton_mm,
    height_mm=None if options.height is None else 1000.0 * options.height,
    detector=given or options.detector,
    refine=predictor.refine,
    flip_test=options.flip_test,
    smooth=options.smooth,
    fps=fps,
    version=wild3d.__version__,
  )


def _write(poses, options, folder):
  written = [folder / 'poses.json']
  poses_json.write(poses, written[0])
  if 'npz' in options.formats:
    from wild3d.poses import npz

    written.append(folder / 'poses.npz')
    npz.write(poses, written[-1])
  if 'bvh' in options.formats:
    from wild3d.poses import bvh

    for path, filled in bvh.write(poses, folder / 'bvh').items():
      written.append(path)
      if filled:
        print(f'{path}: {filled} frames without the person are filled in')
  if 'trc' in options.formats:
    from wild3d.poses import trc

    written += trc.write(poses, folder / 'trc')
  if options.rerun:
    from wild3d.viewer import rerun_file

    written.append(options.rerun)
    rerun_file.write(poses, options.rerun)
  for path in written:
    print(f'written: {path}')


def _folder(out):
  folder = pathlib.Path(out).expanduser()
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise UserError(f'--out={out}: cannot be made: {error.strerror}') from None
  if not os.access(folder, os.W_OK):
    raise UserError(f'--out={out}: cannot be written to')
  return folder


def _names(found):
  """Source -> name of its picture; numbered where two files share a stem."""
  taken, names = {}, {}
  for item in found:
    stem = (
      f'webcam{item.source}'
      if item.kind == 'webcam'
      else pathlib.Path(item.source).stem
    )
    taken[stem] = taken.get(stem, 0) + 1
    names[item.source] = stem if taken[stem] == 1 else f'{stem}-{taken[stem]}'
  return names


class _Work:
  """Poses of one input after the other, drawn on the way."""

  def __init__(self, options, predictor, box_file, folder, names):
    self._options = options
    self._predictor = predictor
    self._box_file = box_file
    self._folder = folder
    self._names = names
    self._started, self._stills = time.monotonic(), 0
    self._detect = detect.make(options.detector, predictor)

  def pictures(self, item, place_in_list):
    """Yields (Picture, image) for a picture, or for every frame of a video."""
    if item.kind == 'image':
      yield self._still(item.source, place_in_list)
    else:
      yield from self._video(item, place_in_list)

  def _boxes(self, source, image):
    if self._options.box is not None:
      return [Box(self._options.box)]
    if self._box_file is not None:
      found = self._box_file.of(source)
    else:
      found = self._detect(image)
    return found[: self._options.people]

  def _camera(self, image):
    height, width = image.shape[:2]
    return place.camera_of(width, height, self._options.focal, self._options.fov)

  def _still(self, source, place_in_list):
    image = image_file.read(source)
    boxes, camera = self._boxes(source, image), self._camera(image)
    if boxes and boxes[0].source == 'whole':
      boxes = None  # the predictor's own second look at the joints' box
    poses = self._predictor.predict(image, boxes, camera)
    if self._options.pictures:
      path = self._folder / 'pictures' / f'{self._names[source]}.jpg'
      _save_drawing(image, poses, path)
    self._stills += 1
    rate = self._stills / (time.monotonic() - self._started)
    print(
      f'{place_in_list}  {source}  {len(poses)} people  {rate:.1f} pictures/s',
      flush=True,
    )
    height, width = image.shape[:2]
    return Picture(source, width, height, tuple(poses), camera=camera), image

  def _video(self, item, place_in_list):
    options = self._options
    with contextlib.ExitStack() as stack:
      video = stack.enter_context(video_file.opened(item.source))
      writer = None
      if options.pictures:
        from wild3d.predict import drawing  # matplotlib

        (self._folder / 'pictures').mkdir(exist_ok=True)
        path = self._folder / 'pictures' / f'{self._names[item.source]}.mp4'
        writer = stack.enter_context(Mp4Writer(path, video.fps))
      follower = Follower(
        self._predictor,
        lambda image: self._boxes(item.source, image),
        people=options.people,
        smooth=options.smooth,
      )
      progress = _Progress(f'{place_in_list}  {video.source}', video.frames)
      try:
        for index, seconds, image in video:
          camera = self._camera(image)
          poses = follower(image, seconds, camera)
          if writer:
            writer.add(drawing.frame(image, poses), seconds)
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
  from wild3d.predict import drawing  # matplotlib

  buffer = io.BytesIO()
  Image.fromarray(drawing.still(image, poses)).save(buffer, 'JPEG', quality=90)
  atomic.write(path, buffer.getvalue())
