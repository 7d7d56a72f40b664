"""Behind `wild3d predict`: pictures and videos in, a folder of poses and pictures out."""

import contextlib
import dataclasses
import importlib.util
import logging
import math
import pathlib
import warnings

from wild3d.errors import UserError, missing
from wild3d.media import inputs, read_ahead, video_file
from wild3d.poses import c3d, formats, joint_set
from wild3d.poses.pose import PoseFile
from wild3d.predict import (
  camera_space,
  crop,
  detect,
  output_files,
  output_folder,
  progress,
)
from wild3d.predict.input_poses import InputPoses, drawings
from wild3d.predict.predictor import Predictor
from wild3d.predict.window import Window

# Datasets without a photograph: a network that has seen no other finds few real people.
DRAWN = ('synthetic_people', 'mocap_people')


@dataclasses.dataclass(frozen=True)
class Options:
  """What the user asked for."""

  checkpoint: str = ''  # folder of a run, or a file; '': the weights of wild3d
  # Folder, made if need be, see output_folder.replaced; '': NAME-poses here, or poses
  # for several inputs.
  out: str = ''
  step: str = 'best'  # 'best', 'latest' or a number
  # Left, top, width, height of the person, px of every picture, and of the first
  # frame of a video.
  box: tuple[float, ...] | None = None
  # File of boxes, see boxes.BoxFile; in a video, of its first frame.
  boxes: str | None = None
  detector: str = 'auto'  # see detect.chosen; where neither box nor boxes is given
  people: int | None = None  # at most so many in a picture; None: all that are found
  min_score: float | None = None  # of a person, see pose.sureness; None: whatever it is
  # Of a person, metres; None scales to the configuration's skeleton.
  height: float | None = None
  focal: float | None = None  # px; see camera_space.camera_of
  fov: float | None = None  # degrees; see camera_space.camera_of
  intrinsics: tuple[float, ...] | None = None  # see camera_space.camera_of
  distortion: tuple[float, ...] = ()  # see camera_space.camera_of
  refine: str | None = None  # sub-pixel rule; None: the configuration's
  flip_test: bool | None = None  # see Predictor.from_checkpoint
  # Crops in one call of the network, and pictures that share calls; None: see Predictor.
  batch: int | None = None
  # Whether to draw: a JPEG for each picture, an MP4 for each video.
  pictures: bool = True
  # Of formats.KINDS; 'json' is always written.
  formats: tuple[str, ...] = ('json',)
  joints: str = 'mpii16'  # of skeleton.JOINT_SETS, in files but BVH
  smooth: bool = False  # one-euro filter over time, in videos
  html: str | None = None  # file of an interactive page
  rerun: str | None = None  # file of a rerun recording
  # Of a video or webcam: from and to these seconds, of those each so many'th frame, and
  # at most so many; None: all.
  start: float = 0.0
  end: float = math.inf
  every: int = 1
  frames: int | None = None
  show: bool = False  # a window of the frames of videos as they are done


def predict(arguments: list[str], options: Options) -> None:
  """Predicts for every picture and frame; writes what was asked for.

  Args:
    arguments: see inputs.expand.
    options: see Options.

  Raises:
    UserError: a mistake in the arguments; or, after all others are done and written,
      pictures and videos that could not be read.
  """
  # Pillow's remarks, beside our own line about a damaged file. They cannot be caught round
  # each picture: these are read in a thread, and what warnings do is one for all threads.
  warnings.filterwarnings('ignore', module=r'PIL\.')
  logging.getLogger('PIL').setLevel(logging.CRITICAL)
  found, passed = inputs.expand(arguments)
  options = dataclasses.replace(options, detector=detect.chosen(options.detector))
  _check(options)
  skeleton_mm = (
    None if options.height is None else camera_space.skeleton_of_height(options.height)
  )
  out, sources = options.out or _name_of(found), [item.source for item in found]
  if options.pictures:
    output_folder.check_drawings(out, drawings(found).values(), sources)
  with contextlib.ExitStack() as stack:
    window = None
    if options.show:
      window = stack.enter_context(contextlib.closing(Window('wild3d')))
    folder, new = stack.enter_context(output_folder.replaced(out, sources))
    predictor = Predictor.from_checkpoint(
      options.checkpoint,
      options.step,
      refine=options.refine,
      flip_test=options.flip_test,
      skeleton_mm=skeleton_mm,
      batch=options.batch,
    )
    if passed:
      print(_passed_over(passed))
    poses_of = stack.enter_context(
      contextlib.closing(InputPoses(options, predictor, new, found, window))
    )
    header = _header(options, predictor, found)
    print(f'network: {header.checkpoint}; boxes: {header.detector}')
    print(f'camera: {header.camera}')
    if lacking := joint_set.missing(options.joints):
      print(f'joints: {options.joints}; not found: {", ".join(lacking)}')
    sets = predictor.trained.trained_on
    if sets and all(name.split('/')[0] in DRAWN for name in sets):
      print(
        f'it was trained on drawn people alone ({header.trained_on}): expect little'
      )
    pictures, faults = _predicted(poses_of, found, header, options.html)
    written = output_files.write(PoseFile(header, pictures), options, folder, new)
  output_files.tell(written, folder)
  if faults:
    raise UserError(_failed(faults, found))


def _predicted(poses_of, found, header, html):
  """(pictures, faults) of all inputs, and the page of the pictures."""
  done, faults, alone = [], [], len(found) == 1
  with contextlib.ExitStack() as stack:
    page = None
    if html:
      from wild3d.viewer.page import PageWriter

      page = stack.enter_context(PageWriter(html, header))
    bar = stack.enter_context(progress.bar(len(found), 'input', hidden=alone))
    for item in found:
      try:
        for picture, image in poses_of(item):
          done.append(picture)
          if page:
            page.add(picture, image)
      except read_ahead.FAULTS as error:
        faults.append(_fault(item.source, error))
        if not alone:
          progress.say(f'wild3d: {faults[-1]}', error=True)
      bar.update()
    if not done:
      raise UserError(_failed(faults, found))
  stills = [picture for picture in done if picture.frame is None]
  if stills:
    people = sum(len(picture.poses) for picture in stills)
    print(f'{_count(len(stills), "picture")}, {_count(people, "person", "people")}')
  return tuple(done), faults


def _check(options):
  """Says what is wrong with a flag before any work."""
  camera_space.check(**camera_space.given(options))
  try:
    joint_set.check(options.joints)
  except UserError as error:
    raise UserError(f'--joints: {error}') from None
  if options.box is not None and options.boxes is not None:
    raise UserError('--box and --boxes: give one of the two')
  if options.box is not None:
    try:
      crop.to_original(options.box)
    except UserError as error:
      raise UserError(f'--box: {error}') from None
  for flag in ('people', 'frames', 'batch', 'every'):
    number = getattr(options, flag)
    if number is not None and number < 1:
      raise UserError(f'--{flag}={number}: give 1 or more')
  if options.end < options.start:
    raise UserError(
      f'--to={options.end:g}: lies before --from={options.start:g}, seconds'
    )
  if options.min_score is not None and not 0 <= options.min_score <= 1:
    raise UserError(f'--min_score={options.min_score}: give 0 to 1')
  if options.rerun and importlib.util.find_spec('rerun') is None:
    raise missing('--rerun', 'rerun-sdk')
  unknown = set(options.formats) - set(formats.KINDS)
  if unknown:
    raise UserError(
      f'--formats: unknown {", ".join(sorted(unknown))}; choose from '
      f'{", ".join(formats.KINDS)}'
    )
  if 'c3d' in options.formats:
    c3d.check()


def _fault(source, error):
  """One line that names the input."""
  said = ' '.join(str(error).split())
  if not isinstance(error, UserError):
    said = f'cannot be done: {type(error).__name__}: {said}'
  return said if source in said else f'{source}: {said}'


def _failed(faults, found):
  if len(found) == 1:
    return faults[0]
  more = f' (and {len(faults) - 1} more, above)' if len(faults) > 1 else ''
  return f'{len(faults)} of {len(found)} inputs were not done: {faults[0]}{more}'


def _header(options, predictor, found):
  fps = None
  if [item.kind for item in found] == ['video']:
    # An unreadable one is reported where it is read.
    with contextlib.suppress(UserError), video_file.opened(found[0].source) as video:
      fps = video.fps
  given = 'given' if options.box else 'file' if options.boxes else None
  return predictor.header(
    detector=given or options.detector,
    camera=camera_space.told(**camera_space.given(options)),
    height=options.height,
    smooth=options.smooth,
    fps=fps,
  )


def _name_of(found):
  """The folder for these inputs, where the user stands."""
  name = pathlib.Path(found[0].source).stem if len(found) == 1 else ''
  return f'{name}-poses' if name else 'poses'


def _count(number, one, many=''):
  return f'{number} {one if number == 1 else many or one + "s"}'


def _passed_over(passed):
  """What is said of files met in folders that are not for us."""
  number = '1 file is' if len(passed) == 1 else f'{len(passed)} files are'
  more = ', ...' if len(passed) > 3 else ''
  return f'{number} no picture or video: {", ".join(passed[:3])}{more}'
