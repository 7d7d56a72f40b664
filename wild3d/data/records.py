"""Undecoded records of prepared TFDS datasets: found, read, shuffled, cut to clips."""

import contextlib
import re

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import logging
from etils import epath
from google.protobuf import json_format

from wild3d.data.batch import RECORD_KEYS
from wild3d.errors import UserError

# What TensorFlow raises for files that are cut off, changed, missing or too short.
DAMAGE = (
  tf.errors.DataLossError,
  tf.errors.NotFoundError,
  tf.errors.FailedPreconditionError,
)
_MARKS = '<<', '>>'  # round what is told through TensorFlow's errors
_ADVICE = (
  'copy it again, or delete the folder and build the dataset again (wild3d data verify '
  '--records finds all that are damaged)'
)


def find(dataset, data_dir):
  """The TFDS builder of a prepared dataset, its newest version on disk.

  Args:
    dataset: TFDS name and config, such as 'mpii/small'.
    data_dir: folder of the prepared datasets.

  Raises:
    UserError: it is not there, or does not hold this project's records.
  """
  try:
    builder = tfds.core.read_only_builder.builder_from_files(
      dataset, data_dir=str(data_dir)
    )
  except (tfds.core.DatasetNotFoundError, ValueError):  # no name of a dataset
    there = sorted(
      str(info.parent.parent.relative_to(data_dir))
      for info in epath.Path(data_dir).glob('*/*/*/dataset_info.json')
    )
    raise UserError(
      f'{data_dir}: no prepared dataset {dataset!r} (name/config) in this folder, which '
      f'holds {", ".join(there) or "none"}; build it (wild3d data build), or say where it '
      'is (--data_dir, config.data_dir): a quickstart has its own in runs/quickstart/tfds'
    ) from None
  except (OSError, json_format.Error):
    raise UserError(
      f'{data_dir}: the dataset_info.json of {dataset} is missing or damaged: copy it '
      'again, or delete the folder that it is of and build it again'
    ) from None
  missing = sorted(set(RECORD_KEYS) - set(builder.info.features))
  if missing:
    raise UserError(
      f'{dataset}: its records lack {", ".join(missing)}: not a dataset of wild3d, '
      'or one prepared by another version; prepare it again'
    )
  return builder


def count(builder, split):
  """Records of a split. Raises UserError if there is no such split, or it lacks files."""
  try:
    number = builder.info.splits[split].num_examples
  except (KeyError, ValueError):
    raise UserError(
      f'{builder.info.full_name}: no split {split!r}; it has '
      f'{", ".join(sorted(builder.info.splits))}'
    ) from None
  if not number:
    raise UserError(f'{builder.info.full_name}: split {split!r} is empty')
  # One listing: there may be thousands, in a bucket.
  present = {path.name for path in epath.Path(builder.data_dir).iterdir()}
  for path in builder.info.splits[split].filepaths:
    if path.name not in present:
      raise UserError(f'{path}, split {split}: is missing; {_ADVICE}')
  return number


def in_order(builder, split):
  """One pass over a split in stored order; `image` stays JPEG bytes."""
  return _read(builder, split, shuffle_seed=None, cycle_length=1)


def damage(builder, split):
  """Reads all of a split; a line for each shard at fault, which names it."""
  wanted = builder.info.splits[split].filepaths
  for name, info in builder.info.splits.items():
    for path, number in zip(info.filepaths, info.shard_lengths, strict=True):
      if path in wanted and (fault := _fault(str(path), number)):
        yield f'{path}, split {name}: {fault}'


@contextlib.contextmanager
def damage_named(splits):
  """Makes a UserError that names the shard of what TensorFlow says of damaged ones.

  Args:
    splits: (builder, split) of all that is read within.
  """
  try:
    yield
  except DAMAGE as error:
    faults = (fault for split in splits for fault in damage(*split))
    said = ' '.join(next(faults, error.message).split())
    raise UserError(f'{said}; {_ADVICE}') from error


def shuffled(builder, source, *, index, frames, shuffle_buffer, seed):
  """The endless stream of one training source, reshuffled each time round.

  Args:
    builder: from `find`.
    source: pipeline.Source.
    index: its place in the list of sources.
    frames: T; with more than 1 each element is a clip, its tensors [T, ...].
    shuffle_buffer: records held back by the shuffle.
    seed: decides the order.

  Returns:
    Dataset of record dicts with two more keys, `source` and `clip_frame`; 3D
    truth is withheld unless the role is '3d'.

  Raises:
    UserError: the split is missing or empty, or no T consecutive frames of one
      sequence lie side by side in it.
  """
  count(builder, source.split)
  # Clips need the stored order within a shard, stills are better mixed.
  cycle_length = 1 if frames > 1 else 16
  stream = _read(builder, source.split, shuffle_seed=seed, cycle_length=cycle_length)
  stream = stream.map(lambda record: _as_role(record, source, index))
  if frames > 1:
    stream = _clips(stream, frames)
    if not any(True for _ in stream.take(1)):
      raise UserError(
        f'source {source.name!r}: no {frames} consecutive frames of one sequence '
        f'are stored side by side in {builder.info.full_name} {source.split!r}; '
        'lower clip_frames or give it another role'
      )
  buffer = max(1, shuffle_buffer // frames)
  return stream.shuffle(buffer, seed, reshuffle_each_iteration=True).repeat()


def require(condition, parts):
  """A graph assertion whose message `message` finds again in TensorFlow's error."""
  text = told(tf.strings.join(parts))
  return tf.debugging.Assert(condition, [text], summarize=1)


def told(text):
  """A message that `message` finds again; a string, or a tensor of one."""
  return _MARKS[0] + text + _MARKS[1]


def message(error):
  """What was `told`, or None if the error is another."""
  found = re.search('(.*?)'.join(_MARKS), error.message or '', re.DOTALL)
  return found and found.group(1)


def _fault(path, number):
  """What is wrong with a file of so many records, or None."""
  if not tf.io.gfile.exists(path):
    return 'is missing'
  try:
    found = int(tf.data.TFRecordDataset(path).reduce(np.int64(0), lambda n, _: n + 1))
  except tf.errors.OpError as error:
    told = re.search('(corrupted|truncated) record at ([0-9]+)', error.message)
    return f'{told[1]} record at byte {told[2]}' if told else error.message
  return None if found == number else f'holds {found} records, not {number}'


def _read(builder, split, shuffle_seed, cycle_length):
  level = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)  # TFDS warns of the shuffle asked for here
  try:
    dataset = builder.as_dataset(
      split=split,
      shuffle_files=shuffle_seed is not None,
      decoders={'image': tfds.decode.SkipDecoding()},
      read_config=tfds.ReadConfig(
        shuffle_seed=shuffle_seed,
        shuffle_reshuffle_each_iteration=True,
        interleave_cycle_length=cycle_length,
        enable_ordering_guard=False,  # order is given up on purpose where it is
        try_autocache=False,
        skip_prefetch=True,
      ),
    )
  finally:
    logging.set_verbosity(level)
  return dataset.map(lambda record: {key: record[key] for key in RECORD_KEYS})


def _as_role(record, source, index):
  record = {**record, 'source': tf.constant(index), 'clip_frame': tf.constant(-1)}
  if source.role != '3d':
    record['has3d'] = tf.constant(False)
    record['joints3d'] = tf.zeros_like(record['joints3d'])
    return record
  told = require(
    record['has3d'],
    [f'source {source.name} has role 3d, but sample ', record['id'], ' has no 3D'],
  )
  with tf.control_dependencies([told]):
    record['joints3d'] = tf.identity(record['joints3d'])
  return record


def _clips(stream, frames):
  """Stacks runs of `frames` consecutive frames of one sequence, none used twice."""

  def step(state, record):
    recent, at = state
    follows = (
      (record['sequence'] != '')
      & (record['sequence'] == recent['sequence'][-1])
      & (record['frame'] == recent['frame'][-1] + 1)
    )
    at = tf.where(follows & (at + 1 < frames), at + 1, 0)
    record = {**record, 'clip_frame': at}
    recent = {
      key: tf.concat([value[1:], record[key][None]], 0) for key, value in recent.items()
    }
    return (recent, at), (recent, at)

  def empty(spec):
    fill = '' if spec.dtype == tf.string else tf.zeros([], spec.dtype)
    return tf.fill([frames, *spec.shape], fill)

  def one_box(clip, at):
    del at
    same = [tf.reduce_all(clip[k] == clip[k][:1]) for k in _BOX_KEYS]
    told = require(
      tf.reduce_all(same),
      ['clip from sample ', clip['id'][0], ': its frames do not share one crop box'],
    )
    with tf.control_dependencies([told]):
      return {**clip, 'center': tf.identity(clip['center'])}

  state = {key: empty(spec) for key, spec in stream.element_spec.items()}
  runs = stream.scan((state, tf.constant(0)), step)
  return runs.filter(lambda _, at: at == frames - 1).map(one_box)


_BOX_KEYS = ('center', 'side', 'to_original')
