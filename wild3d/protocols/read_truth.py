"""The truth of a file, or of a dataset that `wild3d data build` has built."""

import pathlib

import numpy as np

from wild3d.errors import UserError
from wild3d.protocols import sizes
from wild3d.protocols.formats import arrays, mpii_truth, named_joints, schema_json
from wild3d.protocols.formats.named_joints import some
from wild3d.protocols.samples import Truth

_TEXTS = ('ids', 'subject', 'action', 'sequence')
_KEYS = (*_TEXTS, 'joints', 'units', 'joints2d', 'joints3d', 'occluded', 'head_size')
_KEYS += ('annotation', 'valid', 'frame', 'frames_per_second')


def read(source: str, data_dir: str | pathlib.Path = '') -> Truth:
  """The truth of a file or of a built dataset.

  Args:
    source: a file: npz, h5 or mat of our arrays, our JSON, MPII's gt_valid.mat or
      valid.h5; else NAME[:SPLIT] of a dataset, such as 'human36m/p1:validation'.
    data_dir: folder of the built datasets.

  Returns:
    The truth. Frame numbers are those of the original video, see dataset.py.

  Raises:
    UserError: the file or dataset cannot be read, is not of a known form, has
      duplicate ids, infinite or half-given positions, no unit for its 3D, people of
      the wrong size, a value of another kind, or no valid sample. Whether it has the
      labels that a protocol needs is the protocol's to say: geometry needs none.
  """
  path = pathlib.Path(source)
  suffix = path.suffix.lower()
  if suffix == '.json':
    found = schema_json.arrays(path, schema_json.parse(path), 'truth')
  elif suffix in arrays.SUFFIXES:
    found = mpii_truth.as_ours(path, arrays.load(path))
  elif is_file(source):
    raise UserError(f'{path}: must end in .json, {", ".join(arrays.SUFFIXES)}')
  else:
    from wild3d.datasets import prepare
    from wild3d.protocols.formats import dataset

    if path.is_dir() and source.partition('/')[0] not in prepare.NAMES:
      raise UserError(
        f'{path}: is a folder: name the file of the truth, or a built dataset, such as '
        'human36m:validation'
      )
    return _checked(source, dataset.read(source, data_dir))
  return _checked(source, _of_arrays(source, found))


def is_file(source: str) -> bool:
  """Whether it means a file, and not a dataset."""
  path = pathlib.Path(source)
  return path.suffix.lower() in ('.json', *arrays.SUFFIXES) or path.is_file()


def _of_arrays(source, found):
  """Truth of named arrays: see docs/scoring.md for what each is."""
  if unknown := sorted(key for key in found if key not in _KEYS and key[:2] != '__'):
    raise UserError(
      f'{source}: unknown array {some(unknown)}; known are {", ".join(_KEYS)}'
    )
  for key in ('ids', 'joints'):
    if key not in found:
      raise UserError(f'{source}: truth must have {key}; see docs/scoring.md')
  joints = named_joints.names_of(found['joints'], source)
  if misspelt := named_joints.unknown(joints):
    raise UserError(
      f'{source}: unknown joint names: {some(misspelt)}; known are '
      f'{", ".join(sorted(named_joints.KNOWN))}'
    )
  number, count = np.size(found['ids']), len(joints)

  def positions(dims):
    key, shape = f'joints{dims}d', (number, count, dims)
    if key not in found:
      return np.full(shape, np.nan)
    array = named_joints.oriented(found[key], joints, f'{source}: {key}')
    if array.shape != shape:
      raise UserError(f'{source}: {key} has shape {array.shape}, it must be {shape}')
    return array

  def column(key, blank, kind, shape=(number,)):
    if key not in found:
      return np.full(shape, blank, kind)
    return _column(f'{source}: {key}', found[key], kind, shape)

  joints2d, joints3d = positions(2), positions(3)
  if 'joints3d' in found:
    if 'units' not in found:
      raise UserError(f'{source}: does not say the unit of joints3d: add units (mm)')
    unit = named_joints.unit(found['units'], source)
    joints3d = joints3d * named_joints.MILLIMETRES[unit]
  texts = {
    key: named_joints.texts(found[key], f'{source}: {key}', number)
    if key in found
    else np.full(number, '')
    for key in _TEXTS
  }
  return Truth(
    joints=joints,
    joints2d=joints2d,
    joints3d=joints3d,
    occluded=column('occluded', False, bool, (number, count)),
    head_size=column('head_size', np.nan, np.float64),
    valid=column('valid', True, bool),
    **texts,
    frame=column('frame', 0, np.int64),
    frames_per_second=_rate(source, found),
    annotation=_annotation(source, found),
  )


def _column(what, array, kind, shape):
  """In this shape and kind; a value that the kind would change is refused."""
  if array.size != np.prod(shape):
    raise UserError(f'{what} has shape {array.shape}, it must be {shape}')
  wanted = {bool: 'true or false, or 1 or 0', np.int64: 'whole numbers'}
  wanted = wanted.get(kind, 'numbers above 0, or NaN')
  if array.dtype.kind not in 'biuf':
    held = 'text' if array.dtype.kind in 'SU' else f'{array.dtype.name}'
    raise UserError(f'{what} holds {held}, it must be {wanted}')
  if kind is bool:
    right = (array == 0) | (array == 1)
  elif kind is np.int64:
    right = np.isfinite(array) & (np.abs(array) < 2**53) & (array == np.floor(array))
  else:
    right = ~np.isinf(array.astype(np.float64))
  if not right.all():
    raise UserError(f'{what} holds {array[~right].ravel()[0]}, it must be {wanted}')
  return array.astype(kind).reshape(shape)


def _rate(source, found):
  rate = found.get('frames_per_second', np.array(np.nan))
  if np.size(rate) != 1 or rate.dtype.kind not in 'fiu':
    raise UserError(f'{source}: frames_per_second must be one number')
  rate = float(np.ravel(rate)[0])
  if rate <= 0 or np.isinf(rate):
    raise UserError(
      f'{source}: frames_per_second is {rate:g}, it must be above 0 and finite; leave '
      'it out where it is not known'
    )
  return rate


def _annotation(source, found):
  said = str(np.ravel(found['annotation'])[0]) if 'annotation' in found else ''
  if said not in ('', 'metric', 'universal'):
    raise UserError(f"{source}: annotation is {said!r:.40}: 'metric' or 'universal'")
  return said


def _checked(source, truth):
  if not len(truth):
    raise UserError(f'{source}: holds no samples')
  if repeated := named_joints.twice(truth.ids):
    raise UserError(
      f'{source}: {len(repeated)} ids occur twice: {some(repeated)}; keep one of each'
    )
  for key in ('joints2d', 'joints3d'):
    joints = getattr(truth, key)
    half = np.isnan(joints).any(-1) & ~np.isnan(joints).all(-1)
    for broken, why in ((np.isinf(joints).any(-1), 'infinite'), (half, 'half NaN')):
      if broken.any():
        row, joint = np.argwhere(broken)[0]
        raise UserError(
          f'{source}: {key} of {truth.ids[row]} is {why} at {truth.joints[joint]}'
        )
  if not truth.valid.any():
    raise UserError(f'{source}: no sample is valid: none of {len(truth)} may be scored')
  if (none := truth.head_size <= 0).any():
    raise UserError(
      f'{source}: head_size of {truth.ids[none][0]} must be above 0, or NaN'
    )
  sizes.check3d(truth.joints3d, truth.joints, source, option='in the file units ')
  return truth
