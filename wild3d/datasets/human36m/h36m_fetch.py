"""Human3.6M as h36m-fetch (github.com/anibali/h36m-fetch) processes it."""

import pathlib
import re
from collections.abc import Iterator

import numpy as np

from wild3d.datasets import array_files, crop
from wild3d.datasets.camera import NO_DISTORTION
from wild3d.datasets.human36m import frame_records, joints
from wild3d.datasets.human36m import take as takes
from wild3d.datasets.units import Skipped, Unit
from wild3d.errors import UserError

NAME = 'h36m_fetch'
LAYOUT = (
  'the output of h36m-fetch, processed/S1/Directions-1/annot.h5 and '
  'processed/S1/Directions-1/imageSequence/54138969/img_000001.jpg'
)
_ADVICE = (
  'an early version of h36m-fetch made it, or it is cut off: process it again with the '
  'current one'
)
_COLUMNS = ('frame', 'camera', 'subject', 'action', 'subaction')


def found(folder: pathlib.Path) -> list[pathlib.Path]:
  """The files of labels, annot.h5; []: another layout."""
  root = folder / 'processed' if (folder / 'processed').is_dir() else folder
  return sorted(root.glob('S*/*-*/annot.h5'))


def units(folder: pathlib.Path, config) -> dict[str, list[Unit]]:
  """Split -> one unit for each take and camera.

  As published, the program keeps every 64th frame of S9 and S11, and of the others
  those in which a joint has moved by 40 mm. The latter are at no constant rate: they
  are all used, whatever the stride, and each stands alone (no sequence).

  Raises:
    UserError: annot.h5 is damaged or of an early version of the program; see also
      take.units.
  """
  there = takes.by_name(t for path in found(folder) for t in _takes(path, config))
  return takes.units(there, config, form=NAME, folder=folder, rate=False)


def records(unit: Unit, config) -> Iterator[dict | Skipped]:
  """The records of one take and camera, in order.

  The camera of a record is the program's pinhole fit, without lens distortion: it
  projects the joints to about 2 px of where they are seen.

  Raises:
    UserError: a label is NaN or behind the camera, or a picture cannot be decoded.
  """
  take = unit.payload['take']
  key = f'intrinsics/{take.camera_id}'
  data = array_files.hdf5(take.labels, ('pose/2d', 'pose/3d', key), advice=_ADVICE)
  rows, moving = np.array(take.rows), list(joints.FROM_32)
  # In px with the origin of the official 2D positions, see metadata_xml.py.
  seen = _shaped(take, data, 'pose/2d', (32, 2))[rows][:, moving]
  mm = _shaped(take, data, 'pose/3d', (32, 3))[rows][:, moving]
  fx, cx, fy, cy = _shaped(take, data, key, ())[:4]
  boxes = [crop.box_of(one) for one in joints.to_mpii16(seen)]
  center, side = (np.stack(column) for column in zip(*boxes, strict=True))
  yield from frame_records.of_take(
    unit,
    config,
    joints3d=mm,
    joints2d=seen,
    boxes=frame_records.shared_boxes(take, config, center, side),
    camera=np.array([fx, fy, cx, cy]),
    distortion=NO_DISTORTION,
  )


def _takes(path, config):
  subject = int(re.sub(r'\D', '', path.parent.parent.name) or 0)
  name = path.parent.name
  if not takes.wanted(subject, (config.cameras or joints.CAMERAS)[0], config):
    return
  data = array_files.hdf5(path, _COLUMNS, advice=_ADVICE)
  frame, camera, *said = (data[column] for column in _COLUMNS)
  if not (len(frame) and all(column.shape == frame.shape for column in data.values())):
    raise UserError(f'{path}: empty, or {", ".join(_COLUMNS)} differ in length')
  number = tuple(int(column[0]) for column in said)
  if number[0] != subject or joints.ACTIONS.get(number[1]) != joints.action_of(name):
    raise UserError(
      f'{path}: is of subject {number[0]}, action {number[1]}, which is not what its '
      'folder says; extract it again'
    )
  for camera_id in joints.CAMERAS:
    rows = np.flatnonzero(camera == int(camera_id))
    if len(rows) and takes.wanted(subject, camera_id, config):
      rows = rows[np.argsort(frame[rows], kind='stable')]
      yield takes.Take(
        subject=subject,
        name=name,
        official_name=takes.FAULTY_TAKES.get(number, name),
        camera_id=camera_id,
        labels=path,
        rows=tuple(rows.tolist()),
        frames=tuple((frame[rows] - 1).tolist()),
        pictures=path.parent / 'imageSequence' / camera_id,
        prefix='img_',
      )


def _shaped(take, data, key, shape):
  """The values of one array, in float64, once there is a row for each frame."""
  values = np.asarray(data[key], np.float64)
  least = max(take.rows) + 1 if shape else 4
  if values.shape[1:] != shape or len(values) < least:
    raise UserError(
      f'{take.labels}: {key} is of shape {values.shape}, not [{least} or more, '
      f'{", ".join(map(str, shape))}]'
    )
  return values
