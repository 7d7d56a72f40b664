"""The official downloads of Human3.6M on disk: which takes there are, and their files."""

import dataclasses
import pathlib

from wild3d.datasets.camera import Camera
from wild3d.datasets.human36m import cdf, joints, metadata_xml
from wild3d.errors import UserError
from wild3d.media import video_file

# Videos end some frames after the labels. The cameras of one take differ by up to 10
# frames in metadata.xml; a second more can only be the video of another take.
MAX_SURPLUS = 50


@dataclasses.dataclass(frozen=True)
class Take:
  """One video and its labels: the payload of a unit.

  Attributes:
    subject: 1, 5, ... 11.
    name: of the take, as the files spell it, such as 'Directions 1'.
    camera_id: of joints.CAMERAS.
    camera: its calibration.
    labels3d: CDF file, mm, in the axes of the camera.
    labels2d: CDF file, px; None where only the 3D labels were downloaded.
    video: mp4 file.
    frames: number of frames with labels.
    video_frames: number of frames of the video, the same or some more.
    stride: every how many frames a record is made.
    stamps: size and time of each file: a changed one makes another dataset.
  """

  subject: int
  name: str
  camera_id: str
  camera: Camera
  labels3d: pathlib.Path
  labels2d: pathlib.Path | None
  video: pathlib.Path
  frames: int
  video_frames: int
  stride: int
  stamps: tuple[tuple[int, int], ...] = ()

  @property
  def fault(self) -> str | None:
    """What is wrong with it in the release, where it cannot be used."""
    if (f'S{self.subject}', self.name, self.camera_id) in joints.CORRUPT:
      return f'S{self.subject} {self.name} {self.camera_id}: corrupt in the release'
    return None

  @property
  def shifted(self) -> bool:
    """Its 3D labels lie 200 mm beside the person, see joints.SHIFTED."""
    return (f'S{self.subject}', self.name) in joints.SHIFTED


def subject_folders(folder: pathlib.Path) -> dict[int, pathlib.Path]:
  """Subject -> its folder, of those that have 3D labels."""
  return {
    subject: place
    for subjects in joints.SUBJECTS.values()
    for subject in subjects
    for root in (folder / 'extracted', folder)
    if _label_files(place := root / f'S{subject}', 'D3_Positions_mono')
  }


def takes(
  place: pathlib.Path,
  subject: int,
  metadata: metadata_xml.Metadata,
  *,
  cameras: tuple[str, ...],
  stride: int,
) -> list[Take]:
  """The takes of one subject, in the order of metadata.xml.

  Args:
    place: the subject's folder.
    subject: 1, 5, ... 11.
    metadata: from metadata_xml.read.
    cameras: ids of those wanted.
    stride: of the records.

  Raises:
    UserError: a take has labels but no video or the other way round, or is not in
      metadata.xml; a file cannot be read; numbers of frames disagree.
  """
  labels3d = _label_files(place, 'D3_Positions_mono')
  labels2d = _label_files(place, 'D2_Positions')
  videos = _files(place / 'Videos', 'mp4')
  labels_folder = next(iter(labels3d.values())).parent
  order = {}
  for name, camera_id in labels3d | videos:
    number = metadata.takes[subject].get(metadata_xml.canonical(name))
    if number is None:
      raise UserError(f'{place}: metadata.xml names no take {name!r} of S{subject}')
    if camera_id in cameras:
      order[name, camera_id] = (*number, camera_id, name)
  return [
    _checked(
      Take(
        subject=subject,
        name=key[0],
        camera_id=key[1],
        camera=metadata.cameras[subject, key[1]],
        labels3d=labels_folder / f'{key[0]}.{key[1]}.cdf',
        labels2d=labels2d.get(key),
        video=place / 'Videos' / f'{key[0]}.{key[1]}.mp4',
        frames=0,
        video_frames=0,
        stride=stride,
      )
    )
    for key in sorted(order, key=order.get)
  ]


def _checked(take):
  """The take with its numbers of frames, which must agree."""
  _require(take.labels3d, 'Poses_D3_Positions_mono')
  frames = cdf.length(take.labels3d, 3)
  if take.labels2d and (flat := cdf.length(take.labels2d, 2)) != frames:
    raise UserError(
      f'{take.labels3d} has {frames} frames, {take.labels2d} has {flat}: download both '
      'again'
    )
  if take.fault:  # its video may not even open
    return dataclasses.replace(take, frames=frames, video_frames=frames)
  _require(take.video, 'Videos')
  seen = video_file.count(take.video)
  if not 0 <= seen - frames <= MAX_SURPLUS:
    raise UserError(
      f'{take.labels3d} has {frames} frames, {take.video} has {seen}: one is cut off '
      'or belongs to another take; download both again'
    )
  files = [f for f in (take.labels3d, take.labels2d, take.video) if f]
  stamps = tuple((f.stat().st_size, f.stat().st_mtime_ns) for f in files)
  return dataclasses.replace(take, frames=frames, video_frames=seen, stamps=stamps)


def _require(path, archive):
  if not path.is_file():
    raise UserError(
      f'{path}: missing; it is in {archive}_S*.tgz at http://vision.imar.ro/human3.6m'
    )


def _label_files(place, kind):
  """(take, camera id) -> CDF file of one kind, in whichever spelling is there."""
  official = _files(place / 'MyPoseFeatures' / kind, 'cdf')
  return official or _files(place / f'Poses_{kind}', 'cdf')


def _files(folder, suffix):
  """(take, camera id) -> file."""
  files = {}
  for path in sorted(folder.glob(f'*.{suffix}')):
    if path.name.startswith(('.', '_ALL')):
      continue  # .: left by an unpacking program; _ALL: never used, see joints.ACTIONS
    take, _, camera_id = path.stem.rpartition('.')
    if camera_id not in joints.CAMERAS:
      raise UserError(
        f'{path}: the name does not end with a camera, .{joints.CAMERAS[0]}.{suffix} '
        'for example'
      )
    files[take, camera_id] = path
  return files
