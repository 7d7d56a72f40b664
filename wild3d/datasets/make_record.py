"""The records that every dataset builder writes: RECORD_KEYS as TFDS features."""

import numpy as np
import tensorflow_datasets as tfds

from wild3d.data.batch import RECORD_KEYS
from wild3d.datasets import crop
from wild3d.errors import UserError


def features():
  """TFDS features of data/batch.py's RECORD_KEYS; images are stored as JPEG."""

  def feature(key):
    shape, dtype, meaning = RECORD_KEYS[key]
    if key == 'image':
      return tfds.features.Image(shape=shape, encoding_format='jpeg', doc=meaning)
    if dtype is str:
      return tfds.features.Text(doc=meaning)
    return tfds.features.Tensor(shape=shape, dtype=np.dtype(dtype), doc=meaning)

  return tfds.features.FeaturesDict({key: feature(key) for key in RECORD_KEYS})


def from_picture(picture, *, margin, size, joints2d, labelled, center, side, **known):
  """A record from a whole picture and labels in its pixels.

  Args:
    picture: the original, RGB: PIL image or uint8 [H, W, 3].
    margin: see crop.around, as `size`.
    size: px, largest side stored.
    joints2d: [16, 2] px of the original.
    labelled: [16] which of them are given; the others become 0.
    center: [2] px of the original, of the person box.
    side: px of the original, of the person box.
    **known: further RECORD_KEYS; `head_size` in px of the original.
  """
  array = isinstance(picture, np.ndarray)
  square = crop.around(center, side, margin=margin, size=size)
  labelled = np.asarray(labelled, bool)
  known['head_size'] = known.get('head_size', 0.0) / square.pitch
  return from_jpeg(
    image=square.jpeg(picture),
    joints2d=np.where(labelled[:, None], square.to_stored(joints2d), 0.0),
    labelled=labelled,
    center=square.to_stored(center),
    side=side / square.pitch,
    to_original=square.to_original,
    original_size=picture.shape[1::-1] if array else picture.size,
    **known,
  )


def from_jpeg(*, id, image, **known):
  """A record; what is not given is unknown: no 3D truth, no camera, no sequence.

  Args:
    id: unique within the dataset.
    image: JPEG bytes, stored as they are.
    **known: further RECORD_KEYS.

  Raises:
    UserError: a key is not in RECORD_KEYS, or a value has the wrong shape or is
      not finite; the message names `id`.
  """
  unknown = {
    key: '' if dtype is str else np.zeros(shape, dtype)
    for key, (shape, dtype, _) in RECORD_KEYS.items()
    if key != 'image'
  }
  return checked({**unknown, **known, 'id': id, 'image': image})


def checked(record):
  """The record in the contract's types, or an error that names it.

  Args:
    record: dict with every key of RECORD_KEYS; the image as JPEG bytes.

  Returns:
    The same with NumPy arrays of the contract's types.

  Raises:
    UserError: a key is missing or not in RECORD_KEYS; a value has the wrong shape,
      loses something in the conversion, or is not finite; the person's box has no
      size; the image is no JPEG. The message names the record's id.
  """
  name = record.get('id', 'a record without id')
  for key in sorted(set(record) ^ set(RECORD_KEYS)):
    if key in record:
      raise UserError(f'{name}: {key!r} is not a key of a record')
    raise UserError(f'{name}: {key!r} is missing from the record')
  if not (isinstance(record['image'], bytes) and record['image'][:2] == b'\xff\xd8'):
    raise UserError(f'{name}: image must be the bytes of a JPEG file')
  typed = {'image': record['image']}
  for key, (shape, dtype, _) in RECORD_KEYS.items():
    if key != 'image':
      typed[key] = _typed(name, key, record[key], shape, dtype)
  if not typed['id']:
    raise UserError('a record has an empty id')
  if typed['side'] <= 0:
    raise UserError(f'{name}: side, the size of the person box, must be above 0')
  return {key: typed[key] for key in RECORD_KEYS}


def _typed(name, key, value, shape, dtype):
  if dtype is str:
    if not isinstance(value, str):
      raise UserError(f'{name}: {key} must be a string, got {value!r}')
    return value
  value = np.asarray(value)
  if value.shape != shape or not np.isfinite(value).all():
    raise UserError(f'{name}: {key} must be finite, of shape {shape}')
  if not np.can_cast(value.dtype, dtype, 'same_kind'):
    raise UserError(f'{name}: {key} must be {np.dtype(dtype)}, got {value.dtype}')
  return value.astype(dtype)
