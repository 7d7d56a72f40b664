"""What the preprocessed forms share: extracted pictures, and which of them are used."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.datasets import crop, record
from wild3d.datasets.camera import project
from wild3d.datasets.human36m import joints
from wild3d.datasets.work import Skipped, Unit
from wild3d.errors import UserError
from wild3d.media import image_file

# Takes known to be at fault, by their numbers (subject, action, subaction): forms
# that number the takes do not hold the official names.
FAULTY_TAKES = {
  (9, 5, 2): 'Greeting',
  (9, 10, 2): 'SittingDown 1',
  (9, 13, 1): 'Waiting 1',
  (11, 2, 2): 'Directions',
}
_SIDES = np.array([skeleton.JOINTS.index(f'{s}_shoulder') for s in ('right', 'left')])
_THORAX = skeleton.JOINTS.index('thorax')


@dataclasses.dataclass(frozen=True)
class View:
  """One take seen by one camera, as pictures and rows of a file of labels.

  Attributes:
    subject: 1, 5, ... 11.
    name: what the form calls the take.
    take: the official name where the take is at fault; `name` may differ.
    camera_id: of joints.CAMERAS.
    labels: the file.
    stamp: size and time of that file: a changed one is another dataset.
    rows: of the labels, one for each frame.
    frames: index in the original video, from 0, increasing.
    pictures: folder of the pictures.
    prefix: of their names, before the number (from 1) of the original frame.
    stride: frames of the original video from one frame of a sequence to the next; 0
      where no constant rate is kept, so that each picture stands alone.
  """

  subject: int
  name: str
  take: str
  camera_id: str
  labels: pathlib.Path
  stamp: tuple[int, int]
  rows: tuple[int, ...]
  frames: tuple[int, ...]
  pictures: pathlib.Path
  prefix: str
  stride: int = 0

  def picture(self, frame: int) -> pathlib.Path:
    """File of the picture of an original frame."""
    return self.pictures / f'{self.prefix}{frame + 1:06d}.jpg'

  @property
  def shifted(self) -> bool:
    """Its labels lie 200 mm beside the person, see joints.SHIFTED."""
    return (f'S{self.subject}', self.take) in joints.SHIFTED

  def fault(self, config) -> str | None:
    """Why it cannot be used, if so; worded as in official.py."""
    if (f'S{self.subject}', self.take, self.camera_id) in joints.CORRUPT:
      return f'S{self.subject} {self.take} {self.camera_id}: corrupt in the release'
    if self.shifted and config.shifted == 'skip':
      return f'S{self.subject} {self.take}: labels shifted by 200 mm'
    return None


def stamp(path: pathlib.Path) -> tuple[int, int]:
  """Size and time of a file."""
  status = path.stat()
  return status.st_size, status.st_mtime_ns


def wanted(subject: int, camera_id: str, config) -> bool:
  """Whether the configuration asks for this subject and this camera."""
  known = any(subject in subjects for subjects in joints.SUBJECTS.values())
  return (
    known
    and subject in (config.subjects or (subject,))
    and camera_id in (config.cameras or joints.CAMERAS)
  )


def units(
  views: Iterable[View], config, *, form: str, folder: pathlib.Path, rate: bool = True
) -> dict[str, list[Unit]]:
  """Split -> a unit for each view, with the frames that the strides leave.

  Strides count frames of the original video, at 50 a second. Where the form holds
  fewer, they must be multiples of what it holds. The first frame of a view is used.

  Args:
    views: those of the subjects and cameras wanted, with all their frames.
    config: of the builder.
    form: NAME of the form.
    folder: of the form, for messages.
    rate: False where views of no constant rate are taken whole.

  Raises:
    UserError: no view, or a subject is not there, or a stride does not fit, or a
      picture is missing.
  """
  views = sorted(views, key=lambda v: (v.subject, v.name, v.camera_id))
  splits = {}
  for split, subjects in joints.SUBJECTS.items():
    option = 'stride' if split == 'train' else 'validation_stride'
    members = [
      _unit(_strided(view, option, config, rate), form)
      for view in views
      if view.subject in subjects
    ]
    if members:
      splits[split] = members
  missing = set(config.subjects) - {view.subject for view in views}
  if missing or not splits:
    who = ', '.join(f'S{s}' for s in sorted(missing)) or 'the subjects and cameras'
    raise UserError(f'{folder}: no labelled pictures of {who} wanted')
  return splits


def _strided(view, option, config, rate):
  frames, stride = np.array(view.frames), getattr(config, option)
  steps = np.diff(frames)
  if (steps <= 0).any():
    raise UserError(
      f'{view.labels}: frame {frames[1:][steps <= 0][0]} of {view.name}.'
      f'{view.camera_id} occurs twice or out of order'
    )
  step = math.gcd(*steps.tolist())
  if not rate and len(set(steps.tolist())) > 1:
    if config.clip_frames > 1:
      raise UserError(
        f'{view.labels}: holds frames at no constant rate, so it gives no clips: set '
        'clip_frames=1, or build from the official videos'
      )
    chosen, stride = frames >= 0, 0
  elif step and stride % step:
    more = step * math.ceil(stride / step)
    raise UserError(
      f'{view.labels}: holds every {step}th frame of the videos, so {option}={stride} '
      f'is not possible: choose a multiple of {step}, such as {more}'
    )
  else:
    chosen = (frames - frames[0]) % stride == 0
  view = dataclasses.replace(
    view,
    stride=stride,
    frames=tuple(frames[chosen].tolist()),
    rows=tuple(np.array(view.rows)[chosen].tolist()),
  )
  _check_pictures(view)
  return view


def _check_pictures(view):
  try:
    there = set(os.listdir(view.pictures))
  except OSError as error:
    raise UserError(
      f'{view.pictures}: the pictures of {view.labels} should be here: {error.strerror}'
    ) from None
  missing = [f for f in view.frames if view.picture(f).name not in there]
  if missing:
    raise UserError(
      f'{view.picture(missing[0])}: missing, and {len(missing) - 1} more pictures that '
      f'{view.labels} has labels for; extract them again'
    )


def _unit(view, form):
  name = f'human36m/S{view.subject}/{view.name}.{view.camera_id}'
  return Unit(name, len(view.frames), {'form': form, 'view': view})


def records_of_frames(
  unit: Unit,
  config,
  *,
  joints3d: Float[np.ndarray, 'n 17 3'],
  joints2d: Float[np.ndarray, 'n 17 2'],
  center: Float[np.ndarray, 'n 2'],
  side: Float[np.ndarray, ' n'],
  camera: Float[np.ndarray, '4'],
  distortion: Float[np.ndarray, '5'],
) -> Iterator[dict]:
  """Records of a view whose pictures are whole frames; positions in their px.

  A distortion of zeros means that the lens is not known.

  Frames of a clip share one crop, which holds the boxes of all of them.
  """
  view = unit.payload['view']
  check(view, joints3d, joints2d, np.concatenate([center, side[:, None]], axis=1))
  run = runs(view.frames, view.stride, config.clip_frames)
  for row, frame in enumerate(view.frames):
    clip = run == run[row]
    low = (center[clip] - side[clip, None] / 2).min(axis=0)
    high = (center[clip] + side[clip, None] / 2).max(axis=0)
    middle, extent = (low + high) / 2, float((high - low).max())
    known = common(unit, row, joints3d[row], joints2d[row], config)
    if distortion.any() and config.projection == 'true':
      thorax = known['joints3d'][_THORAX]
      known['joints2d'][_THORAX] = project(thorax, camera, distortion)
    if config.clip_frames > 1:
      known['sequence'] = f'{unit.name}/{run[row]}'
    yield record.cropped(
      image_file.read_as_stored(view.picture(frame)),
      crop.around(middle, extent, margin=config.margin, size=config.size),
      center=middle,
      side=extent,
      camera=camera,
      distortion=distortion,
      **known,
    )


def runs(frames: Iterable[int], stride: int, clip_frames: int) -> np.ndarray:
  """Which clip each frame is of: up to clip_frames that follow each other."""
  run, length, numbers, last = -1, 0, [], None
  for frame in frames:
    follows = last is not None and frame - last == stride and length < clip_frames
    run, length = (run, length + 1) if follows else (run + 1, 1)
    numbers.append(run)
    last = frame
  return np.array(numbers)


def common(unit: Unit, row: int, joints3d, joints2d, config) -> dict:
  """What a record holds in all forms, for the view's frame `row`.

  Args:
    unit: of `units`.
    row: of the view's frames.
    joints3d: [17, 3] mm, camera axes.
    joints2d: [17, 2] px of the picture.
    config: of the builder.
  """
  view = unit.payload['view']
  frame = view.frames[row]
  mm, seen = joints.to_mpii16(joints3d), joints.to_mpii16(joints2d)
  # The middle of two points is seen nearer to the one that is farther away: their
  # depths weigh, whatever the pinhole camera.
  depth = mm[_SIDES, 2:]
  seen[_THORAX] = (depth * seen[_SIDES]).sum(axis=0) / depth.sum()
  if config.projection == 'zhou2017':
    seen = joints.to_mpii16(joints.scaled_orthographic(joints3d, joints2d))
  first = view.frames[0]
  return {
    'id': f'{unit.name}#{frame}',
    'joints2d': seen,
    'labelled': np.ones(16, bool),
    'joints3d': mm,
    'has3d': True,
    'sequence': unit.name if view.stride else '',
    'frame': (frame - first) // view.stride if view.stride else frame,
    'subject': f'S{view.subject}',
    'action': joints.action_of(view.name),
  }


def check(view: View, joints3d, joints2d, box) -> None:
  """Refuses labels that are no positions.

  Raises:
    UserError: a value is not finite, or a joint is not in front of the camera; it
      names file, row and frame.
  """
  for what, values in (('3D', joints3d), ('2D', joints2d), ('box', box)):
    faulty = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if what == '3D':
      faulty |= (values[..., 2] <= 0).any(axis=1)
    if faulty.any():
      i = int(np.argmax(faulty))
      raise UserError(
        f'{view.labels}: row {view.rows[i]} ({view.name}.{view.camera_id}, frame '
        f'{view.frames[i]}): the {what} labels hold NaN or joints behind the camera; '
        'make the file again'
      )


def skipped(unit: Unit, reason: str) -> Iterator[Skipped]:
  """Each frame of the view, left out."""
  yield from (Skipped(reason) for _ in unit.payload['view'].frames)


def refuse_correction(view: View, form: str, config) -> None:
  """For forms without the camera's place.

  Raises:
    UserError: the view is one of the shifted takes and config asks to correct them.
  """
  if view.shifted and config.shifted == 'correct':
    raise UserError(
      f"{view.labels}: shifted='correct' needs to know where the cameras stand, which "
      f"the form {form} does not hold: choose 'keep' or 'skip'"
    )
