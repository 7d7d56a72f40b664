"""Human3.6M as downloaded: CDF labels, mp4 videos, metadata.xml."""

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.datasets import crop
from wild3d.datasets.human36m import cdf, frame_records, joints, metadata_xml
from wild3d.datasets.human36m import take as takes
from wild3d.datasets.human36m.take import Take
from wild3d.datasets.units import Skipped, Unit
from wild3d.errors import UserError
from wild3d.media import video_file

NAME = 'official'
LAYOUT = (
  'the official downloads unpacked, S1/MyPoseFeatures/D3_Positions_mono/*.cdf and '
  'S1/Videos/*.mp4 (or extracted/S1/Poses_D3_Positions_mono/*.cdf as h36m-fetch '
  'unpacks them), with metadata.xml in this folder or beside it'
)
# Videos end some frames after the labels. The cameras of one take differ by up to 10
# frames in metadata.xml; a second more can only be the video of another take.
MAX_SURPLUS = 50


def found(folder: pathlib.Path) -> dict[int, pathlib.Path]:
  """Subject -> its folder, of those that have 3D labels; {}: another layout."""
  return {
    subject: place
    for subject in sum(joints.SUBJECTS.values(), ())
    for root in (folder / 'extracted', folder)
    if _label_files(place := root / f'S{subject}', 'D3_Positions_mono')
  }


def units(folder: pathlib.Path, config) -> dict[str, list[Unit]]:
  """Split -> one unit for each video with labels, in the order of metadata.xml.

  Takes of which neither labels nor video are there are not asked for.

  Raises:
    UserError: metadata.xml, a video, or the labels of a video are missing; a take is
      not in metadata.xml; a file cannot be read; the frames of labels and video do
      not agree in number; see also take.units.
  """
  path = metadata_xml.find(folder)
  if path is None:
    raise UserError(
      f'{folder}: metadata.xml is missing (here or beside this folder); it is in the '
      'code of the release (Release-v1.1 or v1.2) at http://vision.imar.ro/human3.6m'
    )
  metadata = metadata_xml.read(path)
  there = [
    take
    for subject, place in found(folder).items()
    if not config.subjects or subject in config.subjects
    for take in _takes(place, subject, metadata, config)
  ]
  return takes.units(there, config, form=NAME, folder=folder)


def records(unit: Unit, config) -> Iterator[dict | Skipped]:
  """The records of one video, in order.

  Raises:
    UserError: a label is NaN or behind the camera, or the video cannot be decoded;
      the message names file and frame.
  """
  take = unit.payload['take']
  mono, true = labels(take, config)
  # Crops are cut round the true projections, so that both projections see the same
  # pictures. The middle of two joints is not seen in the middle of where they are seen.
  seen = joints.to_mpii16(true)
  seen[:, skeleton.THORAX] = take.camera.project(
    joints.to_mpii16(mono)[:, skeleton.THORAX]
  )
  clip = crop.clips(take.frames, take.stride, config.clip_frames)
  yield from frame_records.of_take(
    unit,
    config,
    joints3d=mono,
    joints2d=true,
    boxes=[crop.box_of(seen[clip == c].reshape(-1, 2)) for c in clip],
    camera=take.camera.intrinsics,
    distortion=take.camera.distortion,
  )
  end = take.frames[-1] + take.stride
  for _ in range(end, take.video_frames, take.stride):
    yield Skipped('frames of a video after its last label')


def labels(
  take: Take, config
) -> tuple[Float[np.ndarray, 'n 17 3'], Float[np.ndarray, 'n 17 2']]:
  """Of the take's frames: positions in mm, and true projections in px.

  Raises:
    UserError: a position is not finite, or behind the camera.
  """
  rows = list(take.rows)
  mono = cdf.poses(take.labels, 3)[rows]
  frame_records.check(take, '3D', mono)
  if take.shifted and config.shifted == 'correct':
    mono = mono - take.camera.rotation @ joints.SHIFT_MM
  elif take.labels2d:
    true = cdf.poses(take.labels2d, 2)[rows]
    frame_records.check(take, '2D', true, take.labels2d)
    return mono, true
  return mono, take.camera.project(mono)


def _takes(place, subject, metadata, config):
  """The takes of one subject, in the order of metadata.xml."""
  labels3d = _label_files(place, 'D3_Positions_mono')
  labels2d = _label_files(place, 'D2_Positions')
  videos = _files(place / 'Videos', 'mp4')
  labels_folder = next(iter(labels3d.values())).parent
  order = {}
  for name, camera_id in labels3d | videos:
    number = metadata.takes[subject].get(metadata_xml.canonical(name))
    if number is None:
      raise UserError(f'{place}: metadata.xml names no take {name!r} of S{subject}')
    if takes.wanted(subject, camera_id, config):
      order[name, camera_id] = (*number, camera_id, name)
  for name, camera_id in sorted(order, key=order.get):
    yield _checked(
      subject=subject,
      name=name,
      official_name=name,
      camera_id=camera_id,
      camera=metadata.cameras[subject, camera_id],
      labels=labels_folder / f'{name}.{camera_id}.cdf',
      labels2d=labels2d.get((name, camera_id)),
      pictures=place / 'Videos' / f'{name}.{camera_id}.mp4',
    )


def _checked(*, labels, labels2d, pictures, **known):
  """The take with its numbers of frames, which must agree."""
  _require(labels, 'Poses_D3_Positions_mono')
  frames = cdf.length(labels, 3)
  if labels2d and (flat := cdf.length(labels2d, 2)) != frames:
    raise UserError(
      f'{labels} has {frames} frames, {labels2d} has {flat}: download both again'
    )
  take = Take(
    labels=labels,
    labels2d=labels2d,
    pictures=pictures,
    rows=range(frames),
    frames=range(frames),
    **known,
  )
  if take.corrupt:  # its video may not even open
    return take
  _require(pictures, 'Videos')
  seen = video_file.count(pictures)
  if not 0 <= seen - frames <= MAX_SURPLUS:
    raise UserError(
      f'{labels} has {frames} frames, {pictures} has {seen}: one is cut off or belongs '
      'to another take; download both again'
    )
  return dataclasses.replace(take, video_frames=seen)


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
