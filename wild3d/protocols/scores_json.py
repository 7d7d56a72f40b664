"""The one file of scores: written by `score` and `evaluate`, read by `compare`."""

import dataclasses
import datetime
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

import wild3d
from wild3d import files
from wild3d.errors import UserError
from wild3d.protocols import bootstrap
from wild3d.protocols.result import Result

SCHEMA = 'wild3d.scores/1'
_SAMPLES = '\0samples'  # stands for them until the rest is text
_SHOWN = ('value', 'count', 'low', 'high')


def write(
  results: Sequence[Result],
  path: str | os.PathLike,
  header: dict,
  *,
  overview: dict | None = None,
  others: Mapping[str, tuple[Sequence[Result], dict]] | None = None,
) -> None:
  """Writes all results to one JSON file, whole or not at all.

  The file holds what the figures are (text and source of the protocols), the figures,
  and at its end each sample's value, for `wild3d compare`. NaN is written as null.

  Args:
    results: of one truth; their protocols' names differ.
    path: the file.
    header: where they come from: config, checkpoint, step, files, ...; 'date' is
      filled in unless given. Values that JSON does not know are written as text.
    overview: row (the network, a baseline) -> entry of overview.ENTRIES -> value.
    others: name of a further set -> (its results, its overview).

  Raises:
    UserError: the file cannot be written.
    ValueError: two results are of one protocol.
  """
  now = datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
  sets = {'': (results, overview), **(others or {})}
  main, *rest = (_set(*scored) for scored in sets.values())
  whole = {
    'schema': SCHEMA,
    'software': f'wild3d {wild3d.__version__}',
    'header': {'date': now} | header,
    **main,
  }
  if rest:
    whole['others'] = dict(zip(others, rest, strict=True))
  text = json.dumps(_plain(whole), indent=1, allow_nan=False)
  # The thousands of numbers of a set's samples stand on one line.
  head, *tails = text.split(json.dumps(_SAMPLES))
  numbers = (_samples(scored) for scored, _ in sets.values())
  lines = (json.dumps(n, separators=(',', ':'), allow_nan=False) for n in numbers)
  parts = [line + tail for line, tail in zip(lines, tails, strict=True)]
  files.write(path, ''.join([head, *parts, '\n']))


def _set(results, overview):
  if len({r.protocol.name for r in results}) != len(results):
    raise ValueError('a protocol is there twice')
  return {
    **({'overview': overview} if overview else {}),
    'protocols': {r.protocol.name: _figures(r) for r in results},
    'samples': _SAMPLES,
  }


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
  fields = lambda *names: {name: getattr(scored, name) for name in names}  # noqa: E731
  return {
    **fields('name', 'unit', 'higher_is_better', 'average'),
    **dataclasses.asdict(scored.overall),
    **fields('columns', 'groups', 'group_means', 'curve'),
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
  return {'ids': list(place), 'protocols': of_protocol}


def _short(numbers):
  """Six digits, which say more than a prediction is good for; None for NaN."""
  return [float(f'{x:.6g}') if math.isfinite(x) else None for x in numbers.tolist()]


def _plain(value):
  """As JSON knows it: no NaN, no dataclass, no NumPy, no paths."""
  if dataclasses.is_dataclass(value):
    value = dataclasses.asdict(value)
  if isinstance(value, dict):
    return {str(k): _plain(v) for k, v in value.items()}
  if isinstance(value, list | tuple):
    return [_plain(v) for v in value]
  if isinstance(value, np.generic):
    value = value.item()
  if isinstance(value, float):
    return value if math.isfinite(value) else None
  return value if isinstance(value, int | str | bool | None) else str(value)


class Samples(NamedTuple):
  """The samples of one protocol.

  Attributes:
    ids: [n].
    unit: [n] names of what intervals resample; '' a sample alone.
    measures: name -> (values [n], weights [n]).
  """

  ids: Shaped[np.ndarray, ' n']
  unit: Shaped[np.ndarray, ' n']
  measures: dict[str, tuple[Float[np.ndarray, ' n'], Float[np.ndarray, ' n']]]


@dataclasses.dataclass(frozen=True)
class Scores:
  """A file that `write` wrote.

  Attributes:
    path: of the file.
    software: name and version that wrote it.
    header: where the predictions come from.
    protocols: name -> text, source, counts and measures, as in the file.
    samples: protocol -> the samples that it scores.
    others: name -> the scores of a further set of the same file.
  """

  path: str
  software: str
  header: dict
  protocols: dict
  samples: dict[str, Samples]
  others: dict[str, 'Scores']


def read(path: str | os.PathLike) -> Scores:
  """Reads a file of scores.

  Raises:
    UserError: it is not there, is no JSON, has another schema or lacks a part.
  """
  data = files.read_json(path)
  schema = data.get('schema') if isinstance(data, dict) else None
  if schema != SCHEMA:
    raise UserError(
      f'{path} is no file of scores (schema {schema!r:.40}, expected {SCHEMA!r}): give '
      'what `wild3d score` or `wild3d evaluate` wrote'
    )
  try:
    others = {
      name: _parsed(str(path), {**data, **block}, {})
      for name, block in data.get('others', {}).items()
    }
    return _parsed(str(path), data, others)
  except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
    raise UserError(
      f'{path}: the file of scores is incomplete or was edited '
      f'({type(error).__name__}: {error!s:.80})'
    ) from None


def _parsed(path, data, others):
  ids = np.array([str(name) for name in data['samples']['ids']])
  samples = {}
  for name, block in data['samples']['protocols'].items():
    chosen = ids if block['rows'] is None else ids[np.array(block['rows'], np.int64)]
    number = np.full(len(chosen), -1)
    if block['unit'] is not None:
      number = np.array(block['unit'], np.int64)
    if number.shape != chosen.shape:
      raise ValueError('one unit a sample')
    unit = np.where(number < 0, '', number.astype(str))
    measures = {m: _columns(x, len(chosen)) for m, x in block['measures'].items()}
    samples[name] = Samples(chosen, unit, measures)
  for name, protocol in data['protocols'].items():
    _ = (protocol['text'], protocol['interval']['resampled'])
    for measure in protocol['measures']:
      _ = (measure['unit'] + '', measure['higher_is_better'])
      samples[name].measures[measure['name']]
      for of in ({'all': measure}, measure['columns'], *measure['groups'].values()):
        for figure in of.values():
          _ = [None if figure[key] is None else float(figure[key]) for key in _SHOWN]
  of_file = str(data['software']), dict(data['header']), dict(data['protocols'])
  return Scores(path, *of_file, samples, others)


def _columns(numbers, count):
  values = np.array(numbers['values'], np.float64)  # null becomes NaN
  weights = numbers['weights']
  weights = np.isfinite(values) * 1.0 if weights is None else np.array(weights, float)
  if values.shape != (count,) or weights.shape != (count,):
    raise ValueError('one value a sample')
  return values, weights
