"""Writes a dataset unit by unit: on all cores or on Apache Beam, and resumable.

Each unit becomes one record file in `<data_dir>/<name>/<config>/<version>.parts/`,
and when it is whole, a note beside it with its counts. An interrupted build finds the
notes and goes on. When every unit is there, the files move into the dataset's own
folder, which appears in one step under its final name: a dataset that can be found is
whole. Both ways of running call `write_unit`, so they write the same bytes.
"""

import collections
import concurrent.futures
import dataclasses
import errno
import hashlib
import json
import logging
import multiprocessing
import os
import pickle
import re

import tensorflow as tf
import tensorflow_datasets as tfds
from etils import epath
from tqdm import tqdm

from wild3d import files
from wild3d.datasets import make_record
from wild3d.errors import UserError

# Below this many records a process takes longer to start than to do its share.
_WORTH_A_PROCESS = 1000


@dataclasses.dataclass(frozen=True)
class Task:
  """One unit of one split, and the file that it becomes (without its ending)."""

  split: str
  unit: object
  path: str


@dataclasses.dataclass(frozen=True)
class Part:
  """What a unit became."""

  path: str  # of the record file
  count: int  # records in it
  size: int  # bytes
  left_out: dict[str, int]  # reason -> how many


def build(builder, manual_dir, download_config=None) -> None:
  """Writes the shards of every split into the builder's folder.

  Args:
    builder: a units.UnitBuilder.
    manual_dir: folder of the original files.
    download_config: of tfds; its beam_runner or beam_options choose Beam.

  Raises:
    UserError: from the builder; a unit's name occurs twice; a split has no record;
      the disk is full. What is done by then stays for the next call.
  """
  splits = {name: units for name, units in builder.units(manual_dir).items() if units}
  if not splits:
    raise UserError(f'{manual_dir}: nothing to build {builder.name} from')
  folder = _parts_folder(builder, manual_dir, splits)
  tasks = [
    Task(split, unit, str(folder / f'{split}-{i:05d}'))
    for split, units in splits.items()
    for i, unit in enumerate(units)
  ]
  to_do = [task for task in tasks if _finished(task) is None]
  beam = download_config and (
    download_config.beam_runner or download_config.beam_options
  )
  try:
    if beam:
      _on_beam(builder, to_do, download_config)
    else:
      _here(builder, to_do, total=sum(task.unit.count for task in tasks))
  except OSError as error:
    if error.errno != errno.ENOSPC:
      raise
    raise UserError(
      f'{folder}: the disk is full; what is written stays, so make room and run the '
      'same command again'
    ) from error
  _finish(builder, tasks)
  folder.rmtree()


def write_unit(task: Task, builder, tick=lambda count: None) -> Part:
  """Writes the records of one unit; the note that says so comes last.

  Args:
    task: see Task.
    builder: a units.UnitBuilder.
    tick: is told of each so many records.

  Raises:
    UserError: from the builder or from make_record.checked; an id occurs twice, or does
      not begin with the unit's name.
  """
  try:
    return _write_records(task, builder, tick)
  except tf.errors.ResourceExhaustedError as error:
    # TensorFlow's word for a full disk; this one also survives the way between processes.
    raise OSError(errno.ENOSPC, error.message) from None


def _write_records(task, builder, tick):
  serializer = tfds.core.example_serializer.ExampleSerializer(
    builder.info.features.get_serialized_info()
  )
  count, left_out, seen = 0, collections.Counter(), set()
  path = f'{task.path}.tfrecord'
  with files.whole(path) as partial, tf.io.TFRecordWriter(str(partial)) as writer:
    for item in builder.records(task.unit):
      if not isinstance(item, dict):
        left_out[item.reason] += 1
        continue
      checked = make_record.checked(item)
      _check_id(checked['id'], task.unit.name, seen)
      encoded = builder.info.features.encode_example(checked)
      # Protocol buffers order a map as its hashes fall; sorted, builds can be compared.
      example = serializer.get_tf_example(encoded)
      writer.write(example.SerializeToString(deterministic=True))
      count += 1
      tick(1)
  part = Part(path, count, tf.io.gfile.stat(path).length, dict(left_out))
  with files.whole(f'{task.path}.json') as partial:
    partial.write_text(json.dumps(dataclasses.asdict(part)))
  tick(task.unit.count - count)
  return part


def _check_id(id, unit, seen):
  if not id.startswith(f'{unit}#'):
    raise UserError(f'{id}: the id of a record of {unit} must begin with {unit}#')
  if id in seen:
    raise UserError(f'{id}: two records have this id')
  seen.add(id)


def _parts_folder(builder, manual_dir, splits):
  """The folder of the parts; emptied if they belong to something else."""
  names = [unit.name for units in splits.values() for unit in units]
  for name, count in collections.Counter(names).items():
    if count > 1:
      raise UserError(f'{name}: two units have this name')
  config = builder.builder_config
  plan = {
    'wild3d': builder.info.metadata['wild3d_version'],
    'config': repr(config),
    'manual_dir': str(manual_dir),
    # Their content too: another annotation file must not find the old parts.
    'units': {
      split: [_digest(unit) for unit in units] for split, units in splits.items()
    },
  }
  home = epath.Path(builder.data_dir_root) / builder.info.full_name
  folder = home.parent / f'{home.name}.parts'
  plan_file = folder / 'plan.json'
  if not (plan_file.exists() and json.loads(plan_file.read_text()) == plan):
    if folder.exists():
      folder.rmtree()
    folder.mkdir(parents=True)
    plan_file.write_text(json.dumps(plan))
  return folder


def _digest(unit):
  return hashlib.sha256(repr(unit).encode()).hexdigest()[:16]


def _finished(task):
  """The part of a task that is done, or None."""
  note = epath.Path(task.path + '.json')
  if not (note.exists() and tf.io.gfile.exists(task.path + '.tfrecord')):
    return None
  return Part(**json.loads(note.read_text()))


def _here(builder, tasks, total):
  """Runs the tasks in this process, or on several."""
  left = sum(task.unit.count for task in tasks)
  wanted = builder.workers or min(os.cpu_count(), left // _WORTH_A_PROCESS)
  workers = min(wanted, len(tasks))
  progress = tqdm(
    total=total, initial=total - left, unit=' records', desc=builder.info.full_name
  )
  with progress:
    if workers < 2:
      for task in tasks:
        write_unit(task, builder, progress.update)
      return
    with concurrent.futures.ProcessPoolExecutor(
      workers,
      mp_context=multiprocessing.get_context('spawn'),  # TensorFlow cannot be forked
      initializer=_start_worker,
      initargs=(logging.getLogger('absl').level, pickle.dumps(builder)),
    ) as pool:
      running = {pool.submit(_in_worker, task): task for task in tasks}
      try:
        for future in concurrent.futures.as_completed(running):
          future.result()
          progress.update(running[future].unit.count)
      except concurrent.futures.process.BrokenProcessPool:
        raise UserError(
          f'{builder.name}: a worker process died (out of memory?); run the same '
          'command again with fewer --workers: it goes on where it stopped'
        ) from None
      finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker_builder = None  # of this worker process


def _start_worker(level, builder):
  # Before the builder is made here, of which absl would tell in every worker.
  logging.getLogger('absl').setLevel(level)
  global _worker_builder
  _worker_builder = pickle.loads(builder)  # from the process that began this one
  # One thread each: there is a process for every core.
  tf.config.threading.set_intra_op_parallelism_threads(1)
  tf.config.threading.set_inter_op_parallelism_threads(1)


def _in_worker(task):
  return write_unit(task, _worker_builder)


def _on_beam(builder, tasks, download_config):
  """Runs the tasks as an Apache Beam pipeline; data_dir is one that all workers see."""
  import apache_beam as beam  # prepare.py has seen that it is there

  options = (
    download_config.beam_options or beam.options.pipeline_options.PipelineOptions()
  )
  try:
    with beam.Pipeline(runner=download_config.beam_runner, options=options) as pipeline:
      _ = (
        pipeline
        | 'Units' >> beam.Create(tasks)
        | 'Spread' >> beam.Reshuffle()
        | 'Write' >> beam.Map(write_unit, builder)
      )
  except Exception as error:
    # Beam wraps what a worker raises into text.
    told = re.search(
      r'wild3d\.errors\.UserError: (.*?)(?: \[while running|\n|$)', str(error)
    )
    if not told:
      raise
    raise UserError(told.group(1)) from error


def _finish(builder, tasks):
  """Moves the parts to their places as shards and describes the splits."""
  infos, left_out = [], collections.Counter()
  for split in dict.fromkeys(task.split for task in tasks):
    parts = [_finished(task) for task in tasks if task.split == split]
    for part in parts:
      left_out.update(part.left_out)
    full = [part for part in parts if part.count]
    if not full:
      raise UserError(
        f'{builder.name}: no record is left for split {split!r}: '
        + '; '.join(f'{reason} ({n})' for reason, n in left_out.items())
      )
    template = builder._get_filename_template(split)
    for i, part in enumerate(full):
      place = template.sharded_filepath(shard_index=i, num_shards=len(full))
      tf.io.gfile.rename(part.path, os.fspath(place))
    infos.append(
      tfds.core.SplitInfo(
        name=split,
        shard_lengths=[part.count for part in full],
        num_bytes=sum(part.size for part in full),
        filename_template=template,
      )
    )
  builder.info.set_splits(tfds.core.splits.SplitDict(infos))
  builder.info.metadata['left_out'] = dict(left_out)
