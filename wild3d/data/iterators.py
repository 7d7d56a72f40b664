"""Batches as NumPy arrays: endless ones with a place in the stream, and one pass."""

import hashlib

import numpy as np
import tensorflow as tf
from etils import epath
from tqdm import tqdm

from wild3d.data import records
from wild3d.errors import UserError


def _layout() -> str:
  """A name for the positions in a stream that this code and this TensorFlow save.

  Others' are of another graph: TensorFlow reads them without a word, and fails later.
  """
  digest = hashlib.sha256(tf.__version__.encode())
  for path in sorted(epath.Path(__file__).parent.glob('*.py')):
    digest.update(path.read_bytes())
  return digest.hexdigest()[:8]


class TrainBatches:
  """An endless iterator of this process's rows of each global batch.

  Yields dicts of NumPy arrays with BATCH_KEYS and HOST_KEYS of data/batch.py.

  Attributes:
    iterator: the tf.data iterator, trackable by tf.train.Checkpoint.
    source_names: the meaning of the batch key `source`.
    layout: a name for the positions that `restore` reads: those saved with the same.

  Raises:
    UserError: from `next`, naming the sample whose picture cannot be decoded or
      whose record does not fit its role.
  """

  layout = _layout()

  def __init__(self, make, source_names, splits):
    """From the stream's start.

    Args:
      make: batches to leave undecoded -> the stream's dataset, made anew: a second
        pass over one dataset is shuffled otherwise.
      source_names: see above.
      splits: (builder, split) of the sources.
    """
    self._make = make
    self.iterator = iter(make(0))
    self.source_names = source_names
    self._splits = splits

  def __iter__(self):
    return self

  def __next__(self):
    return _next(self.iterator, self._splits)

  def skip(self, batches):
    """Goes to where `batches` of the stream have been yielded; decodes none of them."""
    self.iterator = iter(self._make(batches))
    for _ in tqdm(range(batches), 'finding the place in the data', delay=3):
      _next(self.iterator, self._splits)

  def save(self, path):
    """Writes the position in the stream, shuffle buffers included, to `path`."""
    tf.train.Checkpoint(iterator=self.iterator).write(str(path))

  def restore(self, path):
    """Continues exactly after the last batch yielded before `save(path)`."""
    tf.train.Checkpoint(iterator=self.iterator).read(str(path)).assert_consumed()


class EvaluateBatches:
  """Batches of one split, in stored order, each example with weight 1 once.

  Attributes:
    num_examples: examples of weight 1 over all processes.
    num_batches: batches a pass, the same in every process.
  """

  def __init__(self, dataset, num_examples, num_batches, splits):
    self.num_examples = num_examples
    self.num_batches = num_batches
    self._dataset = dataset
    self._splits = splits

  def __len__(self):
    return self.num_batches

  def __iter__(self):
    iterator = iter(self._dataset)
    for _ in range(self.num_batches):
      yield _next(iterator, self._splits)


def _next(iterator, splits):
  """The next batch as NumPy arrays; read errors become UserErrors."""
  try:
    with records.damage_named(splits):
      batch = next(iterator)
  except tf.errors.InvalidArgumentError as error:
    said = records.message(error)
    if not said:
      raise
    raise UserError(said) from error
  return {key: _array(value) for key, value in batch.items()}


def _array(tensor):
  if tensor.dtype == tf.string:
    return tensor.numpy().astype(np.bytes_)
  return np.asarray(memoryview(tensor))  # without the copy that .numpy() makes
