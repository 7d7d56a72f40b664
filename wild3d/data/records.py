"""Records of prepared TFDS datasets: found, read, shuffled, cut to clips, parsed.

A record is a serialized tf.train.Example until its batch is complete: shuffling and mixing
bytes costs a fifth of shuffling 18 tensors, and parsing a batch a quarter of parsing one
record at a time.
"""

import contextlib
import re

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
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
_BUFFER = 1 << 20  # bytes read at once
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
  unlike = [
    key
    for key, (shape, _, _) in RECORD_KEYS.items()
    if key not in missing and tuple(builder.info.features[key].shape) != shape
  ]
  if missing or unlike:
    lacking = f'lack {", ".join(missing)}' if missing else f'have another {unlike[0]}'
    raise UserError(
      f'{dataset}: its records {lacking}: not a dataset of wild3d, '
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
  """One pass over a split in stored order, parsed; `image` stays JPEG bytes."""
  return stored(builder, split).map(parse)


def stored(builder, split):
  """One pass over a split in stored order: serialized examples."""
  return _read(builder, split, shuffle_seed=None, cycle_length=1)


def parse(examples, keys=tuple(RECORD_KEYS)):
  """Serialized examples, [] or [N], as a dict of tensors; `image` stays JPEG bytes.

  Args:
    examples: string tensor.
    keys: of RECORD_KEYS.
  """
  found = tf.io.parse_example(examples, {key: _FEATURES[key] for key in keys})
  return {key: tf.cast(found[key], _TYPES[key]) for key in keys}


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


def shuffled(builder, source, *, frames, shuffle_buffer, seed):
  """The endless stream of one training source, reshuffled each time round.

  Args:
    builder: from `find`.
    source: pipeline.Source.
    frames: T; with more than 1 each element is a clip, its tensors [T].
    shuffle_buffer: records held back by the shuffle.
    seed: decides the order.

  Returns:
    Dataset of (serialized example, its `clip_frame`: -1 for a still).

  Raises:
    UserError: the split is missing or empty, or no T consecutive frames of one
      sequence lie side by side in it.
  """
  count(builder, source.split)
  # Clips need the stored order within a shard, stills are better mixed.
  cycle_length = 1 if frames > 1 else 16
  stream = _read(builder, source.split, shuffle_seed=seed, cycle_length=cycle_length)
  if frames > 1:
    stream = _clips(stream, frames)
    if not any(True for _ in stream.take(1)):
      raise UserError(
        f'source {source.name!r}: no {frames} consecutive frames of one sequence '
        f'are stored side by side in {builder.info.full_name} {source.split!r}; '
        'lower clip_frames or give it another role'
      )
  else:
    stream = beside(stream, -1)
  buffer = max(1, shuffle_buffer // frames)
  return stream.shuffle(buffer, seed, reshuffle_each_iteration=True).repeat()


def beside(stream, number):
  """(element, number) of each element; unlike `map`, without a call of a function."""
  constant = tf.data.Dataset.from_tensors(np.int32(number)).repeat()
  return tf.data.Dataset.zip(stream, constant)


def of_sources(examples, index, sources):
  """Parsed records, [N], whose 3D truth is withheld unless their source's role is '3d'.

  Args:
    examples: serialized, [N].
    index: int [N] into `sources`.
    sources: sequence of pipeline.Source.

  Raises:
    tf.errors.InvalidArgumentError: a source of that role has a record without 3D; see
      `message`.
  """
  record = parse(examples)
  wanted = tf.gather([source.role == '3d' for source in sources], index)
  lacking = wanted & ~record['has3d']
  first = tf.argmax(lacking)
  told = require(
    ~tf.reduce_any(lacking),
    [
      *('source ', tf.gather([source.name for source in sources], index[first])),
      *(' has role 3d, but sample ', record['id'][first], ' has no 3D'),
    ],
  )
  with tf.control_dependencies([told]):
    return {**record, 'has3d': tf.identity(wanted)}


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
  """Serialized examples; with a seed, of the shards in another order each time round."""
  parts = builder.info.splits[split].file_instructions
  files = tf.data.Dataset.from_tensor_slices(
    (
      [str(part.filename) for part in parts],
      np.array([part.skip for part in parts], np.int64),
      np.array([part.take for part in parts], np.int64),
    )
  )
  if shuffle_seed is not None:
    files = files.shuffle(len(parts), shuffle_seed, reshuffle_each_iteration=True)
  examples = files.interleave(
    lambda path, skip, take: (
      tf.data.TFRecordDataset(path, buffer_size=_BUFFER).skip(skip).take(take)
    ),
    cycle_length=cycle_length,
    block_length=16,
    # Threads cost more than a file's bytes, but less than a bucket's.
    num_parallel_calls=tf.data.AUTOTUNE if '://' in str(builder.data_dir) else None,
  )
  number = sum(part.take for part in parts)
  return examples.apply(tf.data.experimental.assert_cardinality(number))


def _clips(stream, frames):
  """Stacks runs of `frames` consecutive frames of one sequence, none used twice."""

  def step(state, example):
    recent, at = state
    record = parse(example, ('id', 'sequence', 'frame', *_BOX_KEYS))
    follows = (
      (record['sequence'] != '')
      & (record['sequence'] == recent['sequence'][-1])
      & (record['frame'] == recent['frame'][-1] + 1)
    )
    at = tf.where(follows & (at + 1 < frames), at + 1, 0)
    record = {**record, 'example': example, 'clip_frame': at}
    recent = {
      key: tf.concat([value[1:], record[key][None]], 0) for key, value in recent.items()
    }
    return (recent, at), (recent, at)

  def one_box(clip, at):
    del at
    same = [tf.reduce_all(clip[k] == clip[k][:1]) for k in _BOX_KEYS]
    told = require(
      tf.reduce_all(same),
      ['clip from sample ', clip['id'][0], ': its frames do not share one crop box'],
    )
    with tf.control_dependencies([told]):
      return tf.identity(clip['example']), clip['clip_frame']

  keys = ('id', 'sequence', 'frame', *_BOX_KEYS)
  empty = {key: tf.zeros([frames, *_FEATURES[key].shape], _TYPES[key]) for key in keys}
  empty |= {'example': tf.fill([frames], ''), 'clip_frame': tf.zeros(frames, tf.int32)}
  runs = stream.scan((empty, tf.constant(0)), step)
  return runs.filter(lambda _, at: at == frames - 1).map(one_box)


_BOX_KEYS = ('center', 'side', 'to_original')
_TYPES = {
  key: tf.string if dtype is str or key == 'image' else tf.as_dtype(dtype)
  for key, (_, dtype, _) in RECORD_KEYS.items()
}


def _feature(key):
  """How an example holds it: TFDS writes floats, strings, and int64 for all else."""
  dtype = _TYPES[key] if _TYPES[key] in (tf.string, tf.float32) else tf.int64
  return tf.io.FixedLenFeature(() if key == 'image' else RECORD_KEYS[key][0], dtype)


_FEATURES = {key: _feature(key) for key in RECORD_KEYS}
