"""A page of samples of a built dataset, to look at: `wild3d data browse`."""

import os
import pathlib

import numpy as np

from wild3d.data import records
from wild3d.datasets.verify import measures
from wild3d.draw import svg
from wild3d.errors import UserError
from wild3d.pages import cards, page
from wild3d.skeleton import JOINTS


def write(
  name: str,
  data_dir: str | os.PathLike,
  out: str | os.PathLike,
  *,
  split: str = '',
  count: int = 24,
  seed: int = 0,
) -> None:
  """Writes one HTML file that needs nothing else; whole or not at all.

  Args:
    name: dataset or dataset/configuration.
    data_dir: folder of built datasets.
    out: the HTML file; its folder is made if need be.
    split: to draw samples from; '' for some of each.
    count: samples, fewer where the dataset has fewer.
    seed: chooses them.

  Raises:
    UserError: no such dataset or split; `out` is a folder or cannot be written; count
      or seed is out of range.
  """
  out = pathlib.Path(out).expanduser()
  if out.is_dir():
    raise UserError(f'--out={out} is a folder: give the name of the HTML file to write')
  if not 1 <= count <= 2000 or seed < 0:
    raise UserError(
      f'--count must be 1 to 2000 and --seed at least 0, got {count} and {seed}'
    )
  builder = records.find(name, pathlib.Path(data_dir).expanduser())
  sizes = {s: info.num_examples for s, info in builder.info.splits.items()}
  splits = {split: records.count(builder, split)} if split else sizes
  chosen = _choose(splits, count, seed)
  shown = [
    _card(of, record)
    for of, places in chosen.items()
    for record in _at(builder, of, places)
  ]
  page.write(
    out,
    'dataset.html',
    title=builder.info.full_name,
    shown=f'{len(shown):,}',
    total=f'{sum(sizes.values()):,}',
    seed=seed,
    tables=_tables(builder.info, sizes),
    figure=svg.legend(),
    joints=[name.replace('_', ' ') for name in JOINTS],
    cards=shown,
  )


def _choose(sizes, count, seed):
  """Split -> sorted places, as even over the splits as their sizes allow."""
  rng = np.random.default_rng(seed)
  shares = dict.fromkeys(sizes, 0)
  for _ in range(min(count, sum(sizes.values()))):
    open_ones = [split for split in sizes if shares[split] < sizes[split]]
    shares[min(open_ones, key=shares.get)] += 1
  return {
    split: sorted(rng.choice(sizes[split], size=share, replace=False).tolist())
    for split, share in shares.items()
    if share
  }


def _at(builder, split, places):
  """The records at these places; only their shards are read, and up to them."""
  wanted = '+'.join(f'{split}[{place}:{place + 1}]' for place in places)
  with records.damage_named([(builder, split)]):
    yield from records.in_order(builder, wanted).as_numpy_iterator()


def _card(split, record):
  tags = [split, record['subject'].decode(), record['action'].decode()]
  if record['sequence']:
    tags.append(f'frame {record["frame"]}')
  tags.append('3D' if record['has3d'] else '2D only')
  photo = cards.of_stored(
    record['image'],
    joints2d=np.where(record['labelled'][:, None], record['joints2d'], np.nan),
    occluded=record['occluded'],
    box=(*record['center'].tolist(), float(record['side'])),
  )
  return cards.Card(
    record['id'].decode('utf-8', 'replace'),
    photo,
    svg.views(record['joints3d']) if record['has3d'] else [],
    tags=tuple(tag for tag in tags if tag),
    note=_box(record),
  )


def _box(record):
  """Where the person is in the original picture."""
  x, y = measures.to_original(record['center'], record['to_original'])
  pitch = float(np.sqrt(abs(np.linalg.det(record['to_original'][:, :2]))))
  width, height = record['original_size']
  return (
    f'box {pitch * record["side"]:.0f} px at ({x:.0f}, {y:.0f}) of '
    f'{width} × {height} px · {int(record["labelled"].sum())}/{len(JOINTS)} joints'
  )


def _tables(info, sizes):
  left_out = dict((info.metadata or {}).get('left_out', {}))
  tables = {'Records': sizes, 'Left out by the builder': dict(sorted(left_out.items()))}
  return [
    (title, [(name, f'{number:,}') for name, number in rows.items()])
    for title, rows in tables.items()
    if rows
  ]
