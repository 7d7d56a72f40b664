"""Human3.6M as mmpose's preprocess_h36m.py stores it: .npz labels, extracted pictures.

Not read: h36m_coco*.json, in which the categories call the joints 1 to 3 left hip,
knee and ankle. They are the RIGHT ones (as in the .npz), so a reader that matches
joints by name there swaps the legs.
"""

import collections
import pathlib
import re
from collections.abc import Iterator

import numpy as np

from wild3d.datasets import npz_rows, numpy_pickle
from wild3d.datasets.camera import Camera
from wild3d.datasets.human36m import frame_records, joints
from wild3d.datasets.human36m import take as takes
from wild3d.datasets.units import Skipped, Unit
from wild3d.errors import UserError

NAME = 'mmpose'
LAYOUT = (
  'the output of mmpose (tools/dataset_converters/preprocess_h36m.py): '
  'annotation_body3d/fps10/h36m_train.npz and h36m_test.npz (or fps50), '
  'annotation_body3d/cameras.pkl, and images/S1/S1_Directions_1.54138969/*.jpg'
)
_IMAGE = re.compile(r'S(\d+)/(S\1_([^/]+)\.(\d{8}))/\2_(\d{6})\.jpg')
_NAMES_AT_ONCE = 100_000


def found(folder: pathlib.Path) -> dict[int, list[pathlib.Path]]:
  """Frames of the video from one stored frame to the next -> .npz files.

  {}: another layout.
  """
  steps = {}
  for place in sorted((folder / 'annotation_body3d').glob('fps*')):
    rate = place.name.removeprefix('fps')
    files = sorted(place.glob('h36m_*.npz'))
    if files and rate.isdigit() and 0 < int(rate) <= 50:
      steps[50 // int(rate)] = files
  return steps


def units(folder: pathlib.Path, config) -> dict[str, list[Unit]]:
  """Split -> one unit for each take and camera.

  Of several rates the lowest that the strides allow is read.

  Raises:
    UserError: cameras.pkl is missing, damaged, or holds anything but numbers; a name
      in the .npz is not one of a picture; see also take.units.
  """
  cameras = _cameras(folder / 'annotation_body3d' / 'cameras.pkl')
  images = folder / 'images' if (folder / 'images').is_dir() else folder
  members = {}
  for path in _files(folder, config):
    for key, found_rows in _rows_by_take(path, config).items():
      subject, take, camera_id = key
      if key in members:
        raise UserError(
          f'{path}: S{subject} {take}.{camera_id} is also in {members[key].labels}; '
          'move one of the two away'
        )
      if (f'S{subject}', camera_id) not in cameras:
        raise UserError(
          f'{folder}/annotation_body3d/cameras.pkl: no camera {camera_id} of S{subject}'
        )
      stem = f'S{subject}_{take.replace(" ", "_")}.{camera_id}'
      rows, frames = zip(*sorted(found_rows, key=lambda pair: pair[1]), strict=True)
      members[key] = takes.Take(
        subject=subject,
        name=take,
        official_name=take,
        camera_id=camera_id,
        labels=path,
        rows=rows,
        frames=frames,
        pictures=images / f'S{subject}' / stem,
        prefix=f'{stem}_',
        camera=cameras[f'S{subject}', camera_id],
      )
  there = takes.by_name(members.values())
  return takes.units(there, config, form=NAME, folder=folder)


def records(unit: Unit, config) -> Iterator[dict | Skipped]:
  """The records of one take and camera, in order.

  Raises:
    UserError: a label is NaN or behind the camera, or a picture cannot be decoded.
  """
  take = unit.payload['take']
  # part, in px, has the origin of the official 2D positions, see metadata_xml.py.
  seen = _rows(take, 'part', 17, 3)[..., :2]
  mm = 1000 * _rows(take, 'S', 17, 4)[..., :3]  # stored in metres
  # mmpose's own box, which is 1.2 times the extent of the joints.
  center, side = _rows(take, 'center', 2), 200 * _rows(take, 'scale')
  if take.shifted and config.shifted == 'correct':
    mm = mm - take.camera.rotation @ joints.SHIFT_MM
    moved = take.camera.project(mm)
    center, seen = center + (moved - seen).mean(axis=1), moved
  yield from frame_records.of_take(
    unit,
    config,
    joints3d=mm,
    joints2d=seen,
    boxes=frame_records.shared_boxes(take, config, center, side),
    camera=take.camera.intrinsics,
    distortion=take.camera.distortion,
  )


def _files(folder, config):
  steps = found(folder)
  strides = (config.stride, config.validation_stride)
  fitting = [step for step in steps if not any(stride % step for stride in strides)]
  return steps[max(fitting, default=min(steps))]


def _rows_by_take(path, config):
  """(subject, take, camera id) -> (row, frame) of each picture wanted."""
  found_rows, first = collections.defaultdict(list), 0
  while len(names := npz_rows.rows(path, 'imgname', first, first + _NAMES_AT_ONCE)):
    for row, name in enumerate(names.tolist(), first):
      match = _IMAGE.fullmatch(str(name))
      if not match:
        raise UserError(
          f'{path}: row {row}: {name!r} is no picture of Human3.6M, such as '
          'S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg'
        )
      subject, take, camera_id = int(match[1]), match[3].replace('_', ' '), match[4]
      if takes.wanted(subject, camera_id, config):
        found_rows[subject, take, camera_id].append((row, int(match[5]) - 1))
    first += len(names)
  return found_rows


def _rows(take, key, *shape):
  """The take's rows of an array of its .npz file, in float64."""
  start = min(take.rows)
  block = npz_rows.rows(take.labels, key, start, max(take.rows) + 1)
  if block.shape[1:] != shape or block.dtype.kind != 'f':
    raise UserError(f'{take.labels}: {key} must be numbers of shape [n, {shape}]')
  try:
    return block[np.array(take.rows) - start].astype(np.float64)
  except IndexError:
    raise UserError(f'{take.labels}: {key} has fewer rows than imgname') from None


def _cameras(path):
  """(subject, camera id) -> Camera.

  R there is from camera to world, T in metres.
  """
  stored_cameras = numpy_pickle.load(path)
  if not isinstance(stored_cameras, dict):
    raise UserError(f'{path}: must hold a dictionary of cameras')
  cameras = {}
  for key, camera in stored_cameras.items():
    try:
      shapes = {'R': (3, 3), 'T': (3,), 'f': (2,), 'c': (2,), 'k': (3,), 'p': (2,)}
      part = {
        name: np.asarray(camera[name], np.float64).reshape(shape)
        for name, shape in shapes.items()
      }
      if not all(np.isfinite(values).all() for values in part.values()):
        raise ValueError('NaN')
    except (KeyError, TypeError, ValueError) as error:
      raise UserError(
        f'{path}: camera {key}: must hold R, T, f, c, k and p as mmpose writes them '
        f'({error})'
      ) from None
    cameras[key] = Camera(
      focal=part['f'],
      center=part['c'],
      rotation=part['R'].T,
      position=1000 * part['T'],
      distortion=np.concatenate([part['k'], part['p']]),
    )
  return cameras
