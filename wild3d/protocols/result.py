"""What a protocol says of predictions: the result, its file and its table."""

import dataclasses
import datetime
import json
import math
import os
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, Shaped

import wild3d
from wild3d import files
from wild3d.errors import UserError
from wild3d.protocols import bootstrap, columns, figures, score_table
from wild3d.protocols.figures import Scored
from wild3d.protocols.protocol import Protocol
from wild3d.protocols.samples import Predictions, Truth

SCHEMA = 'wild3d.scores/1'


@dataclasses.dataclass(frozen=True)
class Result:
  """What one protocol says of predictions.

  Attributes:
    protocol: the definition.
    given: samples that the truth holds.
    rows: [n] places in the truth of the samples selected.
    ids: [n] of these.
    unit: [n] names of what the intervals resample, '' for a sample alone.
    resampled, units: 'sequences', 'persons' or 'samples', and how many.
    seed: of the intervals.
    measures: the main one first.
    note: what the figures are of that the protocol's text leaves open, or ''.
  """

  protocol: Protocol
  given: int
  rows: Int[np.ndarray, ' n']
  ids: Shaped[np.ndarray, ' n']
  unit: Shaped[np.ndarray, ' n']
  resampled: str
  units: int
  seed: int
  measures: tuple[Scored, ...]
  note: str = ''

  @property
  def main(self) -> Scored:
    """The measure that the protocol is known for."""
    return self.measures[0]

  @property
  def counted(self) -> tuple[int, str]:
    """How many columns of the main measure count anything, and what they are."""
    number = sum(1 for figure in self.main.columns.values() if figure.count)
    joints = columns.are_joints(tuple(self.main.columns))
    return number, 'joints' if joints else 'parts'

  @property
  def scored(self) -> int:
    """Selected samples of which the main measure counts anything."""
    return int(np.count_nonzero(self.main.weights))


def score(
  protocol: Protocol, predictions: Predictions, truth: Truth, *, seed: int = 0
) -> Result:
  """Selects, measures and averages.

  Args:
    protocol: the definition.
    predictions: of the truth's samples, in its order.
    truth: the labels.
    seed: of the bootstrap (see bootstrap.py).

  Raises:
    UserError: the protocol selects no sample, or can count nothing of those selected;
      a measure is not finite where it counts.
    ValueError: predictions are not of the truth's samples and joints.
  """
  for joints in (predictions.joints2d, predictions.joints3d):
    if joints is not None and joints.shape[:2] != (len(truth), len(truth.joints)):
      raise ValueError(f'{joints.shape[:2]} predicted joints of {len(truth)} samples')
  selected = np.asarray(protocol.select(truth), bool)
  if not selected.any():
    raise UserError(
      f'{protocol.name} scores none of the {len(truth)} samples of the truth '
      f'({int(truth.valid.sum())} are marked valid, {int((truth.head_size > 0).sum())} '
      'have a head size): check that subjects, sequences, frames and labels are those '
      'that the protocol names'
    )
  rows = np.flatnonzero(selected)
  if not selected.all():
    truth, predictions = (take(samples, rows) for samples in (truth, predictions))
  measures = protocol.measure(predictions, truth)
  _check(protocol, measures, truth)
  groups = {name: np.asarray(of(truth), str) for name, of in protocol.groups.items()}
  unit = np.asarray(protocol.independent(truth), str)
  plan = bootstrap.Bootstrap.of(unit, protocol.unit, seed)
  return Result(
    protocol=protocol,
    given=len(selected),
    rows=rows,
    ids=np.asarray(truth.ids),
    unit=unit,
    resampled=plan.kind,
    units=plan.units,
    seed=seed,
    measures=tuple(figures.scored(m, groups, plan) for m in measures),
    note=protocol.note(truth),
  )


def take(samples, rows: Int[np.ndarray, ' n']):
  """Truth or Predictions of these rows alone."""
  changed = {
    field.name: getattr(samples, field.name)[rows]
    for field in dataclasses.fields(samples)
    if isinstance(getattr(samples, field.name), np.ndarray)
  }
  return dataclasses.replace(samples, **changed)


def _check(protocol, measures, truth):
  for m in measures:
    wrong = m.counted & ~np.isfinite(m.values)
    if wrong.any():
      row, column = np.argwhere(wrong)[0]
      raise UserError(
        f'{protocol.name}: {m.name} of {m.columns[column]} is not finite in sample '
        f'{truth.ids[row]!s:.200} (and {int(wrong.sum()) - 1} more values): check the '
        'predictions'
      )
  if not measures[0].counted.any():
    raise UserError(
      f'{protocol.name} selects {len(truth)} samples and can count nothing of them: '
      'the truth lacks what it compares, such as 3D joints or head sizes'
    )


def table(results: Sequence[Result]) -> str:
  """Markdown tables like the papers', see score_table.py."""
  return score_table.table(results)


def write_json(
  results: Sequence[Result],
  path: str | os.PathLike,
  header: dict,
) -> None:
  """Writes all results to one JSON file, whole or not at all.

  The file holds what the figures are (text and source of the protocols), the figures,
  and at its end each sample's value, for `wild3d compare`. NaN is written as null.

  Args:
    results: of one truth; their protocols' names differ.
    path: the file.
    header: where they come from: config, checkpoint, step, files, ...; 'date' is
      filled in unless given. Values that JSON does not know are written as text.

  Raises:
    UserError: the file cannot be written.
    ValueError: two results are of one protocol.
  """
  if len({r.protocol.name for r in results}) != len(results):
    raise ValueError('a protocol is there twice')
  now = datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
  head = {
    'schema': SCHEMA,
    'software': f'wild3d {wild3d.__version__}',
    'header': {'date': now} | header,
    'protocols': {r.protocol.name: _figures(r) for r in results},
  }
  text = json.dumps(_plain(head), indent=1, allow_nan=False)
  samples = json.dumps(
    _samples(results),
    separators=(',', ':'),
    allow_nan=False,
  )
  files.write(path, f'{text[:-2]},\n "samples": {samples}\n}}\n')


def _figures(result):
  protocol, counted = result.protocol, result.counted
  return {
    'text': protocol.text,
    'source': protocol.source,
    'samples': {
      'given': result.given,
      'selected': len(result.rows),
      'scored': result.scored,
    },
    counted[1]: counted[0],
    'note': result.note,
    'interval': {
      'level': bootstrap.LEVEL,
      'method': 'percentile bootstrap',
      'resamples': bootstrap.RESAMPLES,
      'resampled': result.resampled,
      'units': result.units,
      'seed': result.seed,
    },
    'measures': [_measure(m) for m in result.measures],
  }


def _measure(scored):
  kept = ('name', 'unit', 'higher_is_better', 'average')
  each = lambda of: {name: dataclasses.asdict(f) for name, f in of.items()}  # noqa: E731
  return {
    **{name: getattr(scored, name) for name in kept},
    **dataclasses.asdict(scored.overall),
    'columns': each(scored.columns),
    'groups': {name: each(group) for name, group in scored.groups.items()},
    'group_means': each(scored.group_means),
    'curve': scored.curve,
  }


def _samples(results):
  """Ids once; then numbers alone: places in the ids, units, values, weights."""
  place = {}
  for result in results:
    for name in result.ids.tolist():
      place.setdefault(str(name), len(place))
  of_protocol = {}
  for result in results:
    rows = [place[str(name)] for name in result.ids.tolist()]
    number = {'': -1}
    unit = [number.setdefault(u, len(number) - 1) for u in result.unit.tolist()]
    of_protocol[result.protocol.name] = {
      'rows': None if rows == list(range(len(place))) else rows,
      'unit': None if set(unit) <= {-1} else unit,
      'measures': {
        m.name: {
          'values': _short(np.where(m.weights > 0, m.values, np.nan)),
          'weights': None if (m.weights == 1).all() else _short(m.weights),
        }
        for m in result.measures
      },
    }
  return {
    'ids': list(place),
    'protocols': of_protocol,
  }


def _short(numbers):
  """Six digits, which say more than a prediction is good for; None for NaN."""
  known = np.isfinite(numbers)
  size = np.abs(np.where(known & (numbers != 0), numbers, 1.0))
  scale = 10.0 ** np.clip(5 - np.floor(np.log10(size)), -300, 300)
  rounded = np.round(numbers * scale) / scale
  return np.where(known, rounded.astype(object), None).tolist()


def _plain(value):
  """As JSON knows it: no NaN, no NumPy, no paths."""
  if isinstance(value, dict):
    return {str(k): _plain(v) for k, v in value.items()}
  if isinstance(value, list | tuple):
    return [_plain(v) for v in value]
  if isinstance(value, np.generic):
    value = value.item()
  if isinstance(value, float):
    return value if math.isfinite(value) else None
  return value if isinstance(value, int | str | bool | None) else str(value)
