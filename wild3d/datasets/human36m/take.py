"""A take of Human3.6M seen by one camera, whatever the form; which frames are used."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from absl import logging
from PIL import Image

from wild3d.datasets.camera import Camera
from wild3d.datasets.human36m import joints
from wild3d.datasets.units import Unit
from wild3d.errors import UserError
from wild3d.media import image_file, video_file

# Takes known to be at fault, by their numbers (subject, action, subaction): forms
# that number the takes do not hold the official names.
FAULTY_TAKES = {
  (9, 5, 2): 'Greeting',
  (9, 10, 2): 'SittingDown 1',
  (9, 13, 1): 'Waiting 1',
  (11, 2, 2): 'Directions',
}


@dataclasses.dataclass(frozen=True)
class Take:
  """One take seen by one camera: pictures, and rows of a file of labels."""

  subject: int  # 1, 5, ... 11.
  name: str  # what the form calls the take
  official_name: str  # where the take is at fault; `name` may differ
  camera_id: str  # of joints.CAMERAS
  labels: pathlib.Path  # the file of the labels
  rows: Sequence[int]  # of the labels, one for each frame
  frames: Sequence[int]  # index in the original video, from 0, increasing
  pictures: pathlib.Path  # the video, or the folder of the pictures
  # Of the pictures' names, before the number (from 1) of the original frame.
  prefix: str = ''
  camera: Camera | None = None  # where the form tells where it stands, else None
  # The file of the 2D labels, where it is another one.
  labels2d: pathlib.Path | None = None
  video_frames: int = 0  # of the video, which may go on after the last label
  # Size and time of the files: a changed one makes another dataset.
  stamps: tuple[tuple[int, int], ...] = ()
  # Frames of the original video from one frame of a sequence to the next; 0 where no
  # constant rate is kept, so that each picture stands alone.
  stride: int = 0

  def picture(self, frame: int) -> pathlib.Path:
    """File of the picture of an original frame."""
    return self.pictures / f'{self.prefix}{frame + 1:06d}.jpg'

  def read_pictures(self) -> Iterator[Image.Image | np.ndarray]:
    """The pictures of all frames in order, RGB, one in memory at a time.

    Raises:
      UserError: naming the file: a picture or the video cannot be decoded.
    """
    if self.prefix:
      yield from (image_file.read_as_stored(self.picture(f)) for f in self.frames)
      return
    wanted = range(self.frames[0], self.frames[-1] + 1, self.stride)
    for _, picture in video_file.chosen(self.pictures, wanted):
      yield picture

  @property
  def shifted(self) -> bool:
    """Its labels lie 200 mm beside the person, see joints.SHIFTED."""
    return (f'S{self.subject}', self.official_name) in joints.SHIFTED

  @property
  def corrupt(self) -> bool:
    """Its video in the release is corrupt, see joints.CORRUPT."""
    where = (f'S{self.subject}', self.official_name, self.camera_id)
    return where in joints.CORRUPT

  def fault(self, config) -> str | None:
    """Why it cannot be used, if so."""
    name = f'S{self.subject} {self.official_name}'
    if self.corrupt:
      return f'{name} {self.camera_id}: corrupt in the release'
    if self.shifted and config.shifted == 'skip':
      return f'{name}: labels shifted by 200 mm'
    return None


def wanted(subject: int, camera_id: str, config) -> bool:
  """Whether the configuration asks for this subject and this camera."""
  known = any(subject in subjects for subjects in joints.SUBJECTS.values())
  return (
    known
    and subject in (config.subjects or (subject,))
    and camera_id in (config.cameras or joints.CAMERAS)
  )


def by_name(takes: Iterable[Take]) -> list[Take]:
  """The takes by subject, name and camera."""
  return sorted(takes, key=lambda take: (take.subject, take.name, take.camera_id))


def units(
  takes: list[Take], config, *, form: str, folder: pathlib.Path, rate: bool = True
) -> dict[str, list[Unit]]:
  """Split -> a unit for each take, with the frames that the strides leave.

  Strides count frames of the original video, at 50 a second. Where the form holds
  fewer, they must be multiples of what it holds. The first frame of a take is used.

  Args:
    takes: those of the subjects and cameras wanted, with all their frames, in order.
    config: of the builder.
    form: NAME of the form.
    folder: of the form, for messages.
    rate: False where takes of no constant rate are used whole.

  Raises:
    UserError: no take, or a subject is not there, or a stride does not fit, or a
      picture is missing, or a shift is to be corrected without a camera.
  """
  splits = {}
  for split, subjects in joints.SUBJECTS.items():
    option = 'stride' if split == 'train' else 'validation_stride'
    members = [
      unit(_strided(take, option, config, rate), form)
      for take in takes
      if take.subject in subjects
    ]
    if members:
      splits[split] = members
  there = {take.subject for take in takes}
  missing = set(config.subjects) - there
  if missing or not splits:
    who = ', '.join(f'S{s}' for s in sorted(missing)) or 'the subjects and cameras'
    raise UserError(f'{folder}: no labelled pictures of {who} wanted')
  if not config.subjects and (
    lacking := set(sum(joints.SUBJECTS.values(), ())) - there
  ):
    who = ', '.join(f'S{s}' for s in sorted(lacking))
    logging.warning('human36m: no %s in %s: built without', who, folder)
  return splits


def unit(take: Take, form: str) -> Unit:
  """The unit of a take."""
  name = f'human36m/S{take.subject}/{take.name}.{take.camera_id}'
  files = (take.labels, take.labels2d, None if take.prefix else take.pictures)
  stats = [os.stat(file) for file in files if file and file.exists()]
  stamps = tuple((stat.st_size, stat.st_mtime_ns) for stat in stats)
  take = dataclasses.replace(take, stamps=stamps)
  return Unit(name, len(take.frames), {'form': form, 'take': take})


def _strided(take, option, config, rate):
  if take.shifted and config.shifted == 'correct' and take.camera is None:
    raise UserError(
      f"{take.labels}: shifted='correct' needs to know where the cameras stand, which "
      "this form does not hold: choose 'keep' or 'skip'"
    )
  frames, stride = np.array(take.frames), getattr(config, option)
  steps = np.diff(frames)
  if (steps <= 0).any():
    raise UserError(
      f'{take.labels}: frame {frames[1:][steps <= 0][0]} of {take.name}.'
      f'{take.camera_id} occurs twice or out of order'
    )
  step = math.gcd(*steps.tolist())
  if not rate and len(set(steps.tolist())) > 1:
    if config.clip_frames > 1:
      raise UserError(
        f'{take.labels}: holds frames at no constant rate, so it gives no clips: set '
        'clip_frames=1, or build from the official videos'
      )
    chosen, stride = frames >= 0, 0
  elif step and stride % step:
    more = step * math.ceil(stride / step)
    raise UserError(
      f'{take.labels}: holds every {step}th frame of the videos, so {option}={stride} '
      f'is not possible: choose a multiple of {step}, such as {more}'
    )
  else:
    chosen = (frames - frames[0]) % stride == 0
  take = dataclasses.replace(
    take,
    stride=stride,
    frames=tuple(frames[chosen].tolist()),
    rows=tuple(np.array(take.rows)[chosen].tolist()),
  )
  if take.prefix:
    _check_pictures(take)
  return take


def _check_pictures(take):
  try:
    there = set(os.listdir(take.pictures))
  except OSError as error:
    raise UserError(
      f'{take.pictures}: the pictures of {take.labels} should be here: {error.strerror}'
    ) from None
  missing = [f for f in take.frames if take.picture(f).name not in there]
  if missing:
    raise UserError(
      f'{take.picture(missing[0])}: missing, and {len(missing) - 1} more pictures that '
      f'{take.labels} has labels for; extract them again'
    )
