"""Human3.6M as released with Zhou et al. 2017: crops of 224 px and their labels."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator

import numpy as np

from wild3d import skeleton
from wild3d.datasets import array_files, make_record
from wild3d.datasets.human36m import frame_records, joints
from wild3d.datasets.human36m import take as takes
from wild3d.datasets.units import Skipped, Unit
from wild3d.errors import UserError

NAME = 'zhou2017'
LAYOUT = (
  'the data of Zhou et al. 2017, images/s_01_act_02_subact_01_ca_01/*.jpg, with '
  'matlab_meta.mat in each of these folders or annotSampleTrain.h5 and '
  'annotSampleTest.h5 beside images'
)
_ADVICE = 'get it again'
_FOLDER = re.compile(r's_(\d\d)_act_(\d\d)_subact_(\d\d)_ca_(\d\d)')
# Width and height of the videos, which the crops do not tell.
_ORIGINAL_SIZE = {
  '54138969': (1000, 1002),
  '55011271': (1000, 1000),
  '58860488': (1000, 1000),
  '60457274': (1000, 1002),
}
_H5_COLUMNS = ('subject', 'action', 'subaction', 'camera', 'id')
# Their 16 joints are MPII's with the spine as number 7; of our 17 the nose is not
# among them, and not used either.
_FROM_16 = [
  7
  if name == 'spine'
  else skeleton.JOINTS.index('head_top' if name == 'nose' else name)
  for name in skeleton.JOINT_SETS['h36m17']
]


@dataclasses.dataclass(frozen=True)
class Labels:
  """Of n pictures."""

  joints2d: np.ndarray  # px of the crop, as stored
  joints3d: np.ndarray  # mm, camera axes
  # x1, y1, x2, y2 of the crop, px of the original, counted from 1, inclusive.
  box: np.ndarray

  def __getitem__(self, rows):
    return Labels(self.joints2d[rows], self.joints3d[rows], self.box[rows])


def found(folder: pathlib.Path) -> dict[pathlib.Path, tuple[int, ...]]:
  """Folder of pictures -> subject, action, subaction, camera; {}: another layout."""
  images = folder / 'images' if (folder / 'images').is_dir() else folder
  matches = {path: _FOLDER.fullmatch(path.name) for path in sorted(images.glob('s_*'))}
  return {
    path: tuple(int(number) for number in match.groups())
    for path, match in matches.items()
    if match and path.is_dir()
  }


def units(folder: pathlib.Path, config) -> dict[str, list[Unit]]:
  """Split -> one unit for each folder of pictures.

  The labels of a folder are its matlab_meta.mat, and where it has none, the rows of
  annotSample*.h5 that are of it. Folders without any are a unit, too, and counted.

  Raises:
    UserError: no labels at all, or a file of them is damaged or disagrees with the
      pictures in their number; clips are wanted; see also take.units.
  """
  if config.clip_frames > 1:
    raise UserError(
      f'{folder}: the crops of Zhou et al. 2017 follow the person, so their frames '
      'cannot share one: set clip_frames=1, or build from the official videos'
    )
  there, unlabelled = [], []
  sampled = {path: _by_folder(path) for path in sorted(folder.glob('annotSample*.h5'))}
  for pictures, (subject, action, subaction, camera) in found(folder).items():
    if not 1 <= camera <= 4 or action not in joints.ACTIONS:
      raise UserError(
        f'{pictures}: action {action}, camera {camera}: Human3.6M has actions 2 to 16 '
        'and cameras 1 to 4'
      )
    camera_id = joints.CAMERAS[camera - 1]
    if not takes.wanted(subject, camera_id, config):
      continue
    labels, rows, frames = _labelled_frames(pictures, sampled)
    name = f'{joints.ACTIONS[action]}-{subaction}'
    take = takes.Take(
      subject=subject,
      name=name,
      official_name=takes.FAULTY_TAKES.get((subject, action, subaction), name),
      camera_id=camera_id,
      labels=labels,
      rows=rows,
      frames=frames,
      pictures=pictures,
      prefix=f'{pictures.name}_',
    )
    (there if rows else unlabelled).append(take)
  if not there and unlabelled:
    raise UserError(
      f'{folder}: no labels: neither matlab_meta.mat in the folders of images nor '
      'annotSampleTrain.h5, annotSampleTest.h5 here speak of these pictures'
    )
  splits = takes.units(takes.by_name(there), config, form=NAME, folder=folder)
  for take in unlabelled:
    split = next(s for s, who in joints.SUBJECTS.items() if take.subject in who)
    splits.setdefault(split, []).append(takes.unit(take, NAME))
  return splits


def records(unit: Unit, config) -> Iterator[dict | Skipped]:
  """The records of one folder, in order.

  Their crop is the person box; beyond it there is nothing, so that the margin is
  black. The camera is not known. Positions in the original follow from the box.

  Raises:
    UserError: a label is NaN or behind the camera, or a picture cannot be decoded.
  """
  take = unit.payload['take']
  if not take.rows:
    yield from (Skipped('no labels for the folder') for _ in _numbers(take.pictures))
    return
  read = _read_mat if take.labels.suffix == '.mat' else _read_h5
  labels = read(take.labels, take.rows)
  frame_records.check(take, '3D', labels.joints3d)
  frame_records.check(take, '2D', labels.joints2d)
  frame_records.check(take, 'box', labels.box)
  for row, picture in enumerate(take.read_pictures()):
    # 1-based px of the crop, MATLAB's: at an upper left corner they are (0.5, 0.5).
    seen = labels.joints2d[row] - 0.5
    size = np.array(picture.size, np.float64)
    known = frame_records.labels(unit, row, labels.joints3d[row], seen, config)
    one = make_record.from_picture(
      picture,
      margin=config.margin,
      size=config.size,
      center=size / 2,
      side=float(size.max()),
      **known,
    )
    x1, y1, x2, y2 = labels.box[row]
    if not (x2 > x1 and y2 > y1):
      raise UserError(f'{take.labels}: row {take.rows[row]}: the box is empty')
    pitch = np.array([x2 - x1 + 1, y2 - y1 + 1]) / size
    affine = pitch[:, None] * one['to_original'].astype(np.float64)
    affine[:, 2] += (x1 - 1, y1 - 1)
    yield {
      **one,
      'to_original': affine.astype(np.float32),
      'original_size': np.array(_ORIGINAL_SIZE[take.camera_id], np.int32),
    }


def _numbers(pictures):
  """Numbers of the pictures of a folder, ascending."""
  numbers = []
  for path in pictures.glob('*.jpg'):
    stem = path.stem.removeprefix(f'{pictures.name}_')
    if not stem.isdigit() or int(stem) < 1:
      raise UserError(
        f'{path}: the name must be {pictures.name}_000001.jpg or the like'
      )
    numbers.append(int(stem))
  return sorted(numbers)


def _labelled_frames(pictures, sampled):
  """(file of labels, rows, original frames from 0) of a folder; no rows: none."""
  meta = pictures / 'matlab_meta.mat'
  if not meta.is_file():
    for path, folders in sampled.items():
      if pictures.name in folders:
        found_rows = sorted(folders[pictures.name], key=lambda pair: pair[1])
        rows, numbers = zip(*found_rows, strict=True)
        return path, rows, tuple(number - 1 for number in numbers)
    return pictures, (), ()
  numbers, count = _numbers(pictures), len(_read_mat(meta).box)
  if len(numbers) == count:
    rows = range(count)
  elif numbers and numbers[-1] <= count:
    # Labels of every frame of the video, pictures of some.
    rows = (number - 1 for number in numbers)
  else:
    raise UserError(
      f'{meta}: has labels of {count} pictures, {pictures} holds {len(numbers)} '
      'pictures; one of them is incomplete'
    )
  return meta, tuple(rows), tuple(number - 1 for number in numbers)


def _read_mat(path, rows=None):
  keys = ('num_images', 'Y2d', 'Y3d_mono', 'bbox')
  data = array_files.matlab(path, keys, advice=_ADVICE)
  count = int(data['num_images'].item()) if data['num_images'].size == 1 else -1
  columns = []
  for key, width in zip(keys[1:], (34, 51, 4), strict=True):
    if data[key].shape != (width, count):
      raise UserError(
        f'{path}: {key} is of shape {data[key].shape}, not {(width, count)}; {_ADVICE}'
      )
    columns.append(np.asarray(data[key].T, np.float64))
  seen, mm, box = columns
  labels = Labels(seen.reshape(-1, 17, 2), mm.reshape(-1, 17, 3), box)
  return labels if rows is None else labels[np.array(rows)]


def _by_folder(path):
  """Name of a folder of pictures -> (row, number of the picture) of its labels."""
  columns = _h5(path, _H5_COLUMNS)
  folders = {}
  for row, (s, a, b, c, number) in enumerate(zip(*columns, strict=True)):
    name = f's_{s:02d}_act_{a:02d}_subact_{b:02d}_ca_{c:02d}'
    folders.setdefault(name, []).append((row, int(number)))
  return folders


def _read_h5(path, rows):
  low, high = min(rows), max(rows) + 1
  seen, mm, box = _h5(path, ('joint_2d', 'joint_3d_mono', 'bbox'), slice(low, high))
  for key, values, shape in (
    ('joint_2d', seen, (16, 2)),
    ('joint_3d_mono', mm, (16, 3)),
  ):
    if values.shape[1:] != shape:
      raise UserError(f'{path}: {key} is of shape {values.shape}, not [n, {shape}]')
  labels = Labels(seen[:, _FROM_16], mm[:, _FROM_16], box)
  return labels[np.array(rows) - low]


def _h5(path, keys, part=slice(None)):
  """Columns of an annotSample file, of one length; positions in float64."""
  data = array_files.hdf5(path, keys, part=part, advice=_ADVICE)
  if len({len(column) for column in data.values()}) > 1:
    raise UserError(f'{path}: {", ".join(keys)} differ in length')
  kind = np.int64 if keys is _H5_COLUMNS else np.float64
  return [np.asarray(data[key], kind) for key in keys]
