"""The truth of a built dataset. The one module of protocols that needs TensorFlow."""

import pathlib
from collections.abc import Callable

import numpy as np

from wild3d import skeleton
from wild3d.data import records
from wild3d.errors import UserError
from wild3d.protocols.samples import Truth

# Datasets whose ids end in '#' and the number of the frame in the original video
# (Human3.6M: from 0; MPI-INF-3DHP: as the picture files count). Their stored `frame`
# counts stored frames, which depends on the stride of the build.
_FRAME_IN_ID = ('human36m', 'mpi_inf_3dhp')
_FRAMES_PER_SECOND = {'human36m': 50.0}  # MPI-INF-3DHP mixes 25 and 50
_SPLITS = ('validation', 'test', 'lab_test')
_READ = ('id', 'joints2d', 'labelled', 'occluded', 'joints3d', 'has3d', 'head_size')
_READ += ('to_original', 'sequence', 'frame', 'subject', 'action')
_AT_ONCE = 512


def read(source: str, data_dir: str | pathlib.Path) -> Truth:
  """The labels of a split, positions in px of the original pictures.

  Args:
    source: NAME[:SPLIT]; without split 'validation', else 'test', else 'lab_test'.
    data_dir: folder of the built datasets.

  Returns:
    All samples, in stored order and all valid: builders store no others. `frame` is
    the number in the original video, at its own rate, where the id holds it; else
    the stored one.

  Raises:
    UserError: there is no such dataset or split, or it lacks records that it counts.
  """
  builder, split = _found(source, data_dir)
  number = records.count(builder, split)
  stream = records.in_order(builder, split)
  stream = stream.map(lambda record: {key: record[key] for key in _READ})
  with records.damage_named([(builder, split)]):
    parts = list(stream.batch(_AT_ONCE).as_numpy_iterator())
  found = {key: np.concatenate([part[key] for part in parts]) for key in _READ}
  for key in ('id', 'sequence', 'subject', 'action'):
    found[key] = np.array([text.decode() for text in found[key].tolist()], str)
  if len(found['id']) != number:
    raise UserError(
      f'{source}: {len(found["id"])} records read, but it counts {number}; build it again'
    )
  return _truth(found, builder.name, _annotation(builder))


def pictures(
  source: str, data_dir: str | pathlib.Path
) -> Callable[[int], tuple[bytes, np.ndarray]]:
  """Sample's place in the truth -> its stored crop (JPEG), affine to px of the original.

  Each call reads one record; for the few that a page shows.
  """
  builder, split = _found(source, data_dir)

  def read_one(row):
    one = records.in_order(builder, f'{split}[{row}:{row + 1}]')
    with records.damage_named([(builder, split)]):
      record = next(one.take(1).as_numpy_iterator())
    return record['image'], record['to_original']

  return read_one


def _found(source, data_dir):
  name, _, split = source.partition(':')
  builder = records.find(name, data_dir)
  if not split:
    split = next((s for s in _SPLITS if s in builder.info.splits), _SPLITS[0])
  return builder, split


def _truth(found, name, annotation):
  affine = found['to_original'].astype(np.float64)
  joints2d = np.einsum('nij,nkj->nki', affine[:, :, :2], found['joints2d'])
  joints2d += affine[:, None, :, 2]
  pitch = np.sqrt(np.abs(np.linalg.det(affine[:, :, :2])))
  head = found['head_size'] * pitch
  has3d = found['has3d'][:, None, None]
  return Truth(
    joints=skeleton.JOINTS,
    ids=found['id'],
    joints2d=np.where(found['labelled'][..., None], joints2d, np.nan),
    joints3d=np.where(has3d, found['joints3d'].astype(np.float64), np.nan),
    occluded=found['occluded'],
    head_size=np.where(head > 0, head, np.nan),
    valid=np.ones(len(head), bool),
    subject=found['subject'],
    action=found['action'],
    sequence=found['sequence'],
    frame=_frames(found, name),
    frames_per_second=_FRAMES_PER_SECOND.get(name, float('nan')),
    annotation=annotation,
  )


def _annotation(builder):
  """Which of MPI-INF-3DHP's annotations was built: the universal does not project."""
  if builder.name != 'mpi_inf_3dhp':
    return ''
  projects = (builder.info.metadata or {}).get('joints3d_project', True)
  return 'metric' if projects else 'universal'


def _frames(found, name):
  if name not in _FRAME_IN_ID:
    return found['frame'].astype(np.int64)
  ends = [sample.rpartition('#')[2] for sample in found['id'].tolist()]
  return np.array(
    [
      int(end) if end.isascii() and end.isdigit() else stored
      for end, stored in zip(ends, found['frame'].tolist(), strict=True)
    ],
    np.int64,
  )
