"""The truth of a file, or of a dataset that `wild3d data build` has built."""

import pathlib

import numpy as np

from wild3d.errors import UserError
from wild3d.protocols import sizes
from wild3d.protocols.formats import arrays, mpii_truth, named_joints, schema_json
from wild3d.protocols.formats.named_joints import some
from wild3d.protocols.samples import Truth

_TEXTS = ('subject', 'action', 'sequence')
_KEYS = ('ids', 'joints', 'units', 'joints2d', 'joints3d', 'occluded', 'head_size')
_KEYS += ('annotation', 'valid', 'frame', 'frames_per_second', *_TEXTS)


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
      the wrong size, no label at all, or no valid sample.
  """
  path = pathlib.Path(source)
  suffix = path.suffix.lower()
  if suffix == '.json':
    found = schema_json.arrays(path, schema_json.parse(path), 'truth')
  elif suffix in arrays.SUFFIXES:
    found = arrays.load(path)
    if mpii_truth.is_mat(found):
      found = mpii_truth.from_mat(path, found)
    elif mpii_truth.is_h5(found):
      found = mpii_truth.from_h5(path, found)
  elif is_file(source):
    raise UserError(f'{path}: must end in .json, {", ".join(arrays.SUFFIXES)}')
  else:
    from wild3d.protocols.formats import dataset  # imports TensorFlow

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
  number, count = np.size(found['ids']), len(joints)
  placed = {}
  for dims in (2, 3):
    key = f'joints{dims}d'
    placed[key] = np.full((number, count, dims), np.nan)
    if key in found:
      array = named_joints.oriented(found[key], joints, f'{source}: {key}')
      if array.shape != placed[key].shape:
        raise UserError(
          f'{source}: {key} has shape {array.shape}, it must be {placed[key].shape}'
        )
      placed[key] = array
  if 'joints3d' in found:
    if 'units' not in found:
      raise UserError(f'{source}: does not say the unit of joints3d: add units (mm)')
    unit = named_joints.unit(found['units'], source)
    placed['joints3d'] = placed['joints3d'] * named_joints.MILLIMETRES[unit]

  def column(key, blank, kind, shape=(number,)):
    if key not in found:
      return np.full(shape, blank, kind)
    try:
      return found[key].astype(kind).reshape(shape)
    except (ValueError, TypeError):
      raise UserError(
        f'{source}: {key} has shape {found[key].shape}, it must be {shape}'
      ) from None

  rate = found.get('frames_per_second', np.array(np.nan))
  if np.size(rate) != 1 or rate.dtype.kind not in 'fiu':
    raise UserError(f'{source}: frames_per_second must be one number')
  texts = {
    key: named_joints.texts(found[key], f'{source}: {key}', number)
    if key in found
    else np.full(number, '')
    for key in _TEXTS
  }
  return Truth(
    joints=joints,
    ids=named_joints.texts(found['ids'], f'{source}: ids', number),
    **placed,
    occluded=column('occluded', False, bool, (number, count)),
    head_size=column('head_size', np.nan, np.float64),
    valid=column('valid', True, bool),
    **texts,
    frame=column('frame', 0, np.int64),
    frames_per_second=float(np.ravel(rate)[0]),
    annotation=_annotation(source, found),
  )


def _annotation(source, found):
  said = str(np.ravel(found['annotation'])[0]) if 'annotation' in found else ''
  if said not in ('', 'metric', 'universal'):
    raise UserError(f"{source}: annotation is {said!r:.40}: 'metric' or 'universal'")
  return said


def _checked(source, truth):
  if not len(truth):
    raise UserError(f'{source}: holds no samples')
  if repeated := named_joints.twice(truth.ids):
    raise UserError(f'{source}: {len(repeated)} ids occur twice: {some(repeated)}')
  for key in ('joints2d', 'joints3d'):
    joints = getattr(truth, key)
    half = np.isnan(joints).any(-1) & ~np.isnan(joints).all(-1)
    for broken, why in ((np.isinf(joints).any(-1), 'infinite'), (half, 'half NaN')):
      if broken.any():
        row, joint = np.argwhere(broken)[0]
        raise UserError(
          f'{source}: {key} of {truth.ids[row]} is {why} at {truth.joints[joint]}'
        )
  if not (truth.valid).any():
    raise UserError(f'{source}: no sample is valid: none of {len(truth)} may be scored')
  labelled = np.isfinite(truth.joints2d).all(-1) | np.isfinite(truth.joints3d).all(-1)
  if not labelled[truth.valid].any():
    raise UserError(f'{source}: no valid sample has a label, 2D or 3D')
  with np.errstate(invalid='ignore'):
    if (truth.head_size <= 0).any():
      row = int(np.argmax(truth.head_size <= 0))
      raise UserError(
        f'{source}: head_size of {truth.ids[row]} must be above 0, or NaN'
      )
  sizes.check3d(truth.joints3d, truth.joints, source, option='in the file units ')
  return truth
