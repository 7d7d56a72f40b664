"""tf.data: record shards to batches, exactly mixed, reproducible and resumable.

Every process reads and shuffles the same undecoded records in the same order
(bytes are cheap) and keeps its own rows of each global batch before anything is
decoded. The stream of global batches is therefore a function of the seed and
the sources alone, whatever the number of processes.
"""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from wild3d import skeleton
from wild3d.data import augment as augment_lib
from wild3d.data import mixture, pixels, records
from wild3d.data.batch import BATCH_KEYS, HOST_KEYS, POSES
from wild3d.data.iterators import EvaluateBatches, TrainBatches
from wild3d.errors import UserError

tf.config.set_visible_devices([], 'GPU')  # the accelerator belongs to JAX


@dataclasses.dataclass(frozen=True)
class Source:
  """One split of one prepared dataset and how training uses it."""

  name: str  # what messages and per-source metrics call it
  dataset: str  # TFDS name and config, such as 'mpii/small'
  split: str  # TFDS split, such as 'train' or 'train[:10%]'
  # '2d' (3D truth, if any, is withheld), '3d', or 'clip' (2D, consecutive frames of
  # one person).
  role: str
  weight: float = 1.0  # its share within its role, relative to the role's other sources


def train(
  sources,
  *,
  data_dir,
  batch_size,
  input_size,
  shares,
  augment,
  shuffle_buffer,
  seed,
  clip_frames=1,
  poses=0,
  perspective=False,
  process_index=0,
  process_count=1,
):
  """Endless, shuffled, augmented batches with exact shares of each role.

  Args:
    sources: sequence of Source.
    data_dir: folder of the prepared TFDS datasets.
    batch_size: rows of the global batch, over all processes.
    input_size: px, side of the crops.
    shares: role -> share of each batch's rows, such as {'2d': 0.5, '3d': 0.5}.
    augment: augment.Augment.
    shuffle_buffer: records held back by the shuffle of each source.
    seed: decides the whole stream.
    clip_frames: T; a batch may be viewed as [batch_size / T, T], each group one
      clip or T stills.
    poses: 3D poses that each batch holds beside its rows, from the '3d' sources.
    perspective: whether joints3d are in sight axes, see data/batch.py.
    process_index: this process's place among `process_count`.
    process_count: processes that share each batch, in equal runs of rows.

  Returns:
    TrainBatches.

  Raises:
    UserError: shares, sizes, roles or sources do not fit together, or a dataset
      is not under `data_dir`.
  """
  sources = tuple(sources)
  roles_of_rows = mixture.row_roles(batch_size, shares, clip_frames)
  roles = mixture.roles_in_use(sources, shares)
  local = _rows_per_process(batch_size, process_count, clip_frames)

  def make(skipped):
    streams = [
      _of_role(
        role,
        sources,
        data_dir=data_dir,
        clip_frames=clip_frames,
        shuffle_buffer=shuffle_buffer,
        seed=seed,
      )
      for role in roles
    ]
    choice = tf.data.Dataset.from_tensor_slices(
      np.array([roles.index(role) for role in roles_of_rows], np.int64)
    )
    rows = tf.data.Dataset.choose_from_datasets(streams, choice.repeat())

    def drawn(counter, record):
      # A clip's frames share one augmentation: its first frame's.
      frame = tf.cast(tf.maximum(record['clip_frame'], 0), tf.int64)
      drawn = augment_lib.draw(
        augment,
        tf.stack([tf.constant(seed, tf.int64), counter[0] // batch_size]),
        (counter - frame) % batch_size,
        batch_size,
        record['has3d'],
      )
      if clip_frames > 1:  # whose upper body moves, or is labelled, as it likes
        still = record['clip_frame'] < 0
        drawn = dataclasses.replace(drawn, half_body=drawn.half_body & still)
      return drawn

    dataset = _batches(
      rows,
      batch_size,
      lambda examples, index: records.of_sources(examples, index, sources),
      drawn,
      slice(process_index * local, (process_index + 1) * local),
      input_size,
      perspective,
      first=skipped * batch_size,
    )
    if not poses:
      return dataset
    of_batch = _rows_per_process(poses, process_count, 1)
    # Endless, by the sources' weights; pictures stay undecoded.
    beside = _of_role(
      '3d',
      sources,
      data_dir=data_dir,
      clip_frames=1,
      shuffle_buffer=shuffle_buffer,
      seed=seed + 1,
    )
    own = slice(process_index * of_batch, (process_index + 1) * of_batch)
    beside = beside.batch(poses).map(
      lambda examples, index: records.of_sources(examples[0][own], index[own], sources)[
        'joints3d'
      ]
    )
    return tf.data.Dataset.zip(dataset, beside).map(
      lambda batch, poses: {**batch, POSES: poses - poses[:, skeleton.ROOT, None]}
    )

  return TrainBatches(
    make,
    source_names=tuple(source.name for source in sources),
    splits=[(records.find(s.dataset, data_dir), s.split) for s in sources],
  )


def _of_role(role, sources, *, data_dir, clip_frames, shuffle_buffer, seed):
  """Endless ((example, clip_frame), source) of one role, by the sources' weights."""
  used = [(i, source) for i, source in enumerate(sources) if source.role == role]

  def stream(index, source):
    examples = records.shuffled(
      records.find(source.dataset, data_dir),
      source,
      frames=clip_frames if role == 'clip' else 1,
      shuffle_buffer=shuffle_buffer,
      # Two streams of one dataset must not run in step.
      seed=int(np.random.SeedSequence([seed, index]).generate_state(1)[0] >> 1),
    )
    return records.beside(examples.unbatch() if role == 'clip' else examples, index)

  return mixture.choose(
    [stream(*one) for one in used], [source.weight for _, source in used]
  )


def evaluate(
  dataset,
  *,
  split,
  data_dir,
  batch_size,
  input_size,
  limit=None,
  perspective=False,
  process_index=0,
  process_count=1,
):
  """One pass over a split in stored order, unaugmented, 3D truth as stored.

  The last batches are padded with copies of the first example at weight 0, so
  that all processes yield the same number of full batches.

  Args:
    dataset: TFDS name and config, such as 'mpii/small'.
    split: TFDS split, such as 'validation'.
    data_dir: folder of the prepared TFDS datasets.
    batch_size: rows of the global batch, over all processes.
    input_size: px, side of the crops.
    limit: examples to read at most; None for all.
    perspective: see `train`.
    process_index: this process's place among `process_count`.
    process_count: processes that share each batch, in equal runs of rows.

  Returns:
    EvaluateBatches; `source` is 0 throughout.

  Raises:
    UserError: no such dataset or split, or sizes that do not fit.
  """
  local = _rows_per_process(batch_size, process_count, 1)
  if limit is not None and limit < 1:
    raise UserError(f'limit {limit} must be at least 1')
  builder = records.find(dataset, data_dir)
  number = records.count(builder, split)
  number = number if limit is None else min(limit, number)
  batches = -(-number // batch_size)

  stored = records.stored(builder, split)
  rows = stored.take(number).concatenate(stored.take(1).repeat())
  rows = records.beside(records.beside(rows.take(batches * batch_size), -1), 0)

  def scored(counter, record, batch):
    weight = tf.cast(counter < number, tf.float32)
    # A joint outside the crop has no heatmap to learn, and yet it is missed.
    return {**batch, 'visible': record['labelled'], 'weight': weight}

  return EvaluateBatches(
    _batches(
      rows,
      batch_size,
      lambda examples, _: records.parse(examples),
      lambda *_: augment_lib.no_draw(local),
      slice(process_index * local, (process_index + 1) * local),
      input_size,
      perspective,
      change=scored,
    ),
    num_examples=number,
    num_batches=batches,
    splits=[(builder, split)],
  )


def _rows_per_process(batch_size, process_count, clip_frames):
  if batch_size < 1 or batch_size % (process_count * clip_frames):
    raise UserError(
      f'batch_size {batch_size} does not give {process_count} processes equal shares '
      f'of whole groups of {clip_frames} rows'
    )
  return batch_size // process_count


def _batches(
  rows,
  batch_size,
  parse,
  draw,
  own,
  input_size,
  perspective,
  *,
  first=0,
  change=lambda counter, record, batch: batch,
):
  """Batches of rows.

  Args:
    rows: Dataset of ((serialized example, clip_frame), source).
    batch_size: rows of the global batch.
    parse: (examples, sources) -> records.
    draw: (counters, records) -> augment.Draw, of a batch.
    own: slice of this process's rows of a batch.
    input_size: px, side of the crops.
    perspective: see `train`.
    first: pictures of the batches before this row of the stream stay black.
    change: (counters, records, batch) -> batch.
  """

  local = own.stop - own.start

  def made(counter, rows):
    counter, ((examples, clip_frame), source) = tf.nest.map_structure(
      lambda column: column[own], (counter, rows)
    )
    record = parse(examples, source) | {'source': source, 'clip_frame': clip_frame}
    drawn = draw(counter, record)
    to_stored = augment_lib.place(record, drawn)
    shape = [local, input_size, input_size, 3]
    images = functools.partial(_images, record, to_stored, drawn, shape)
    if first:
      image = tf.cond(counter[0] >= first, images, lambda: tf.zeros(shape, tf.uint8))
    else:
      image = images()
    batch = augment_lib.move_labels(record, to_stored, drawn, perspective)
    batch |= {key: record[key] for key in ('id', 'clip_frame', 'source')}
    batch |= {'counter': counter, 'image': image, 'weight': tf.ones(local)}
    batch = change(counter, record, batch)
    return {key: batch[key] for key in (*BATCH_KEYS, *HOST_KEYS)}

  # A batch at a time: what TensorFlow and Python do for an operation costs more than the
  # operation.
  dataset = rows.enumerate().batch(batch_size, drop_remainder=True)
  dataset = dataset.map(made, num_parallel_calls=tf.data.AUTOTUNE)
  options = tf.data.Options()
  options.deterministic = True
  return dataset.prefetch(2).with_options(options)


def _images(record, to_stored, drawn, shape):
  image = tf.numpy_function(
    functools.partial(_cut, size=shape[1]),
    [
      record['id'],
      record['image'],
      to_stored,
      drawn.gain,
      drawn.cover,
      drawn.cover_color,
    ],
    tf.uint8,
    stateful=False,  # or a position in the stream could not be saved
  )
  return tf.ensure_shape(image, shape)


def _cut(names, jpegs, *numbers, size):
  try:
    return pixels.cut(names.tolist(), jpegs.tolist(), *numbers, size)
  except UserError as error:
    raise ValueError(records.told(str(error))) from None
