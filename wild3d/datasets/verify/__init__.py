"""Whether a built dataset is what it should be: `wild3d data verify`.

One pass over the records, whatever dataset they are of. `measures` looks at records,
`tally` and `neighbours` keep sums, `checks` has the bounds, `verdict` the tables.
"""

import concurrent.futures
import io
import os
import pathlib

import numpy as np
from PIL import Image
from tqdm import tqdm

from wild3d.data import records
from wild3d.datasets import prepare
from wild3d.datasets.verify.tally import Tally
from wild3d.datasets.verify.verdict import Found, Verdict, judge

_ROWS = 64  # records held at once
_SUBJECTS = 500  # told apart; further ones are counted together


def verify(name: str, data_dir: str | os.PathLike) -> Verdict:
  """Reads a built dataset once and says what is in it and what is wrong with it.

  Memory does not grow with the dataset but for 60 bytes a record, by which ids that
  occur twice are found.

  Args:
    name: dataset or dataset/configuration.
    data_dir: folder of built datasets.

  Raises:
    UserError: there is no such dataset; see `records.find`.
  """
  builder = records.find(name, pathlib.Path(data_dir).expanduser())
  counts = {split: info.num_examples for split, info in builder.info.splits.items()}
  metadata = builder.info.metadata or {}
  ids = set()
  progress = tqdm(
    total=sum(counts.values()), unit=' records', desc=builder.info.full_name
  )
  with progress, concurrent.futures.ThreadPoolExecutor() as pool:
    splits = {
      split: _read(builder, split, count, ids, pool, progress)
      for split, count in counts.items()
    }
  return judge(
    name=builder.info.full_name,
    official=prepare.official_counts(builder.info.name),
    splits=splits,
    left_out=dict(metadata.get('left_out', {})),
    projects=metadata.get('joints3d_project', True),
    asymmetry=prepare.limb_asymmetry(builder.info.name),
  )


def damaged(name: str, data_dir: str | os.PathLike) -> tuple[int, list[str]]:
  """Reads every record of every shard, and no more of it than tells whether it is whole.

  Returns:
    (how many shards there are, a line for each that is missing or damaged).

  Raises:
    UserError: see `verify`.
  """
  builder = records.find(name, pathlib.Path(data_dir).expanduser())
  splits = builder.info.splits
  faults = [fault for split in tqdm(splits) for fault in records.damage(builder, split)]
  return sum(len(info.filepaths) for info in splits.values()), faults


def _read(builder, split, count, ids, pool, progress):
  found = Found(promised=count)
  if not count:
    return found
  try:
    batches = records.in_order(builder, split).batch(_ROWS).prefetch(1)
    for record in batches.as_numpy_iterator():
      _add(found, record, ids, pool)
      progress.update(len(record['id']))
  except records.DAMAGE as error:
    faults = records.damage(builder, split)
    found.damaged = next(faults, error.message).rpartition('/')[2]
  found.neighbours.end()
  return found


def _add(found, record, ids, pool):
  for sample in record['id']:
    # 64 bits of the id, not the id: a chance in 10^8 of a false alarm for 10^6 ids.
    if hash(sample) in ids:
      found.twice.add(sample.decode())
    ids.add(hash(sample))
  size = np.array(list(pool.map(_decoded_size, record['image'])), float)
  for row in np.flatnonzero(np.isnan(size[:, 0])):
    found.undecodable.add(record['id'][row].decode())
  found.smallest = float(np.fmin(found.smallest, np.fmin.reduce(size, axis=None)))
  found.largest = float(np.fmax(found.largest, np.fmax.reduce(size, axis=None)))
  for row in np.flatnonzero(np.abs(size[:, 0] - size[:, 1]) > 0):
    found.not_square.add(record['id'][row].decode())
  for subject in dict.fromkeys(record['subject']):
    rows = record['subject'] == subject
    key = subject.decode()
    if key not in found.subjects and len(found.subjects) >= _SUBJECTS:
      key = 'others'
    tally = found.subjects.setdefault(key, Tally())
    tally.add({k: column[rows] for k, column in record.items()}, size[rows])
  found.neighbours.add(record)


def _decoded_size(jpeg):
  """Width and height of a picture that decodes to its end, else NaN."""
  try:
    with Image.open(io.BytesIO(jpeg)) as picture:
      picture.load()
      return picture.size
  except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
    return (np.nan, np.nan)
