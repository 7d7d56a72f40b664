"""One person through a video, as animation and biomechanics tools want it: y up."""

import dataclasses
import os
import pathlib

import numpy as np
from jaxtyping import Float, Int

from wild3d import skeleton
from wild3d.poses.pose import PoseFile

# Camera axes (x right, y down, z away) turned half round x: x right, y up, z towards
# the camera. A turn, so that left stays left.
Y_UP = np.array([1.0, -1.0, -1.0])
AXES = 'x right, y up, z towards the camera'


@dataclasses.dataclass(frozen=True)
class Track:
  """One person of one video, or of one picture.

  Attributes:
    source: see Picture.
    person: see Pose.
    frames: index in the video of every row, ascending; 0 for a picture.
    step: of `frames` from picture to picture: 5 where every fifth was looked at.
    times: seconds, of every row.
    names: of the J joints, without those that are not found.
    joints: mm, axes `AXES`; from the camera's centre where every pose has a place
      there, else minus the pelvis.
    in_camera: which of the two.
    fps: frames a second of the video; None where they are not evenly spaced.
  """

  source: str
  person: int
  frames: Int[np.ndarray, ' T']
  step: int
  times: Float[np.ndarray, ' T']
  names: tuple[str, ...]
  joints: Float[np.ndarray, 'T J 3']
  in_camera: bool
  fps: float | None

  @property
  def frame_time(self) -> float:
    """Seconds from row to row: exact for an even rate, else the mean."""
    if self.fps:
      return self.step / self.fps
    gaps = self.count - 1
    return float(self.times[-1] - self.times[0]) / gaps if gaps else 1 / 30

  @property
  def count(self) -> int:
    """Rows from the first to the last, those without the person too."""
    return int(self.frames[-1] - self.frames[0]) // self.step + 1

  def evenly(self) -> tuple[Float[np.ndarray, 'N J 3'], int]:
    """The joints at an even rate, and how many rows were filled in.

    From the first to the last frame; where the person was not found, or the video's
    rate varies, between its neighbours in time.
    """
    count = self.count
    at = self.frames.astype(np.float64)
    wanted = self.frames[0] + self.step * np.arange(count, dtype=np.float64)
    if self.fps is None:
      at, wanted = self.times, self.times[0] + self.frame_time * np.arange(count)
    flat = self.joints.reshape(len(at), -1)
    filled = np.stack([np.interp(wanted, at, column) for column in flat.T], axis=-1)
    return filled.reshape(count, *self.joints.shape[1:]), count - len(at)


def tracks(poses: PoseFile) -> list[Track]:
  """The people of a file, in the order of their first appearance."""
  rates, rows = {}, {}
  for picture in poses.pictures:
    rates.setdefault(picture.source, []).append((picture.frame or 0, picture.time or 0))
    for pose in picture.poses:
      rows.setdefault((picture.source, pose.person), []).append((picture, pose))
  names = skeleton.JOINT_SETS[poses.header.joints]
  return [
    _track(source, person, found, rates[source], names)
    for (source, person), found in rows.items()
  ]


def _track(source, person, found, rate, names):
  in_camera = all(pose.joints_camera is not None for _, pose in found)
  joints = [p.joints_camera if in_camera else p.joints_mm for _, p in found]
  joints = np.stack(joints) * Y_UP
  known = np.isfinite(joints).all(axis=(0, 2))
  steps = np.diff([frame for frame, _ in rate])
  return Track(
    source=source,
    person=person,
    frames=np.array([picture.frame or 0 for picture, _ in found]),
    step=int(np.gcd.reduce(steps)) or 1,
    times=np.array([float(picture.time or 0) for picture, _ in found]),
    names=tuple(name for name, here in zip(names, known, strict=True) if here),
    joints=joints[:, known],
    in_camera=in_camera,
    fps=_fps(rate),
  )


def _fps(rate):
  """Frames a second of (frame, seconds) pairs, or None if they are uneven."""
  frames, times = np.array(rate, np.float64).T
  if len(frames) < 2 or times[-1] <= times[0]:
    return None
  fps = (frames[-1] - frames[0]) / (times[-1] - times[0])
  # Files round times to a tick, seldom above a millisecond.
  even = np.abs(times - times[0] - (frames - frames[0]) / fps).max() < 1.5e-3
  # NTSC's and whole rates are meant exactly; what is left is rounding.
  near = min(
    (float(round(fps)), round(fps * 1.001) / 1.001), key=lambda x: abs(x - fps)
  )
  return (near if abs(near - fps) < 1e-3 * fps else fps) if even else None


def different(names: list[str]) -> list[str]:
  """The names, numbered where one was taken: no file is written over another.

  Where case does not count in file names neither: 'a' and 'A' are the same.
  """
  taken, issued = set(), []
  for name in names:
    number, free = 1, name
    while free.casefold() in taken:
      number += 1
      free = f'{name}-{number}'
    taken.add(free.casefold())
    issued.append(free)
  return issued


def with_paths(
  poses: PoseFile, place: str | os.PathLike, suffix: str
) -> list[tuple[Track, pathlib.Path]]:
  """The people, each with a file to write: 'folder/video-person0.bvh'; all differ.

  Args:
    poses: whose people.
    place: a folder; or, with the suffix, the one person's file, by whose name several
      people's are called.
    suffix: of the files, '.bvh'.
  """
  found, place = tracks(poses), pathlib.Path(place)
  if place.suffix.lower() == suffix:
    if len(found) == 1:
      return [(found[0], place)]
    stems = different([f'{place.stem}-person{track.person}' for track in found])
    return [
      (track, place.with_name(f'{stem}{place.suffix}'))
      for track, stem in zip(found, stems, strict=True)
    ]
  sources = list(dict.fromkeys(track.source for track in found))
  stems = [pathlib.Path(source.replace(':', '')).stem for source in sources]
  names = dict(zip(sources, different(stems), strict=True))
  return [(t, place / f'{names[t.source]}-person{t.person}{suffix}') for t in found]


# A joint's parent in a body as animators build it; the pelvis has none.
PARENTS = {
  'pelvis': None,
  'thorax': 'pelvis',
  'upper_neck': 'thorax',
  'head_top': 'upper_neck',
  **{
    f'{side}_{joint}': above if above in ('pelvis', 'thorax') else f'{side}_{above}'
    for side in ('right', 'left')
    for joint, above in (
      ('hip', 'pelvis'),
      ('knee', 'hip'),
      ('ankle', 'knee'),
      ('shoulder', 'thorax'),
      ('elbow', 'shoulder'),
      ('wrist', 'elbow'),
    )
  },
}
assert set(PARENTS) == set(skeleton.JOINTS)
