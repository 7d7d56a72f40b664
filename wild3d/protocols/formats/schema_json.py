"""Our JSON: 'wild3d.predictions/1' and 'wild3d.truth/1'; see docs/scoring.md."""

import gc
import pathlib

import numpy as np

from wild3d import files
from wild3d.errors import UserError

# What a sample may hold besides its id -> the value of samples that lack it, where
# only some do. Joints may be missing from truth alone.
_SAMPLE = {
  'joints2d': None,
  'joints3d': None,
  'occluded': None,
  'head_size': np.nan,
  'valid': True,
  'subject': '',
  'action': '',
  'sequence': '',
  'frame': 0,
}
_OF_PREDICTIONS = ('joints2d', 'joints3d')
_TOP = {
  'predictions': ('schema', 'joints', 'units', 'predictions'),
  'truth': ('schema', 'joints', 'units', 'truth', 'frames_per_second', 'annotation'),
}


def parse(path: pathlib.Path):
  """The content of a JSON file.

  Raises:
    UserError: it is missing, or no JSON.
  """
  collecting = gc.isenabled()
  gc.disable()  # it would look through millions of lists again and again
  try:
    return files.read_json(path)
  finally:
    if collecting:
      gc.enable()


def arrays(path: pathlib.Path, data, what: str) -> dict[str, np.ndarray]:
  """The arrays that the npz form of 'predictions' or 'truth' would hold.

  Null coordinates become NaN.

  Raises:
    UserError: it is not of the schema; the message names the sample.
  """
  wanted = f'wild3d.{what}/1'
  if not isinstance(data, dict) or data.get('schema') != wanted:
    got = data.get('schema') if isinstance(data, dict) else type(data).__name__
    raise UserError(
      f'{path}: "schema" must be "{wanted}", got {got!r}; see docs/scoring.md'
    )
  _only(path, data, _TOP[what])
  samples = data.get(what)
  if not isinstance(samples, list) or not all(isinstance(s, dict) for s in samples):
    raise UserError(f'{path}: "{what}" must be a list of objects')
  if not samples:
    raise UserError(f'{path}: "{what}" is empty')
  given = set().union(*samples)
  allowed = _OF_PREDICTIONS if what == 'predictions' else tuple(_SAMPLE)
  _only(path, given, ('id', *allowed))
  found = _header(path, data)
  if 'id' in given:
    ids = [sample.get('id') for sample in samples]
    for row, name in enumerate(ids):
      if not isinstance(name, str | int) or isinstance(name, bool):
        raise UserError(f'{path}: {what}[{row}]: "id" must be text or an integer')
    found['ids'] = np.array([str(name) for name in ids], str)
  for key in allowed:
    if key in given:
      found[key] = _column(path, samples, key, what)
  return found


def _only(path, given, allowed):
  unknown = sorted(set(given) - set(allowed))
  if unknown:
    raise UserError(
      f'{path}: unknown key {", ".join(unknown)}; known are {", ".join(allowed)}'
    )


def _header(path, data):
  found = {}
  if 'joints' in data:
    names = data['joints']
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
      raise UserError(f'{path}: "joints" must be a list of names, or a set\'s name')
    found['joints'] = np.array(names, str)
  units = data.get('units', {})
  if not isinstance(units, dict) or set(units) - {'2d', '3d'}:
    raise UserError(f'{path}: "units" must be {{"2d": "px", "3d": "mm"}} or part of it')
  if units.get('2d', 'px') != 'px':
    raise UserError(f'{path}: units of 2D must be "px", not {units["2d"]!r}')
  if '3d' in units:
    found['units'] = np.array(str(units['3d']))
  if data.get('frames_per_second') is not None:
    found['frames_per_second'] = np.array(data['frames_per_second'])
  if data.get('annotation') is not None:
    found['annotation'] = np.array(str(data['annotation']))
  return found


def _column(path, samples, key, what):
  missing = [row for row, sample in enumerate(samples) if sample.get(key) is None]
  values = [sample.get(key) for sample in samples]
  if missing:
    row = missing[0]
    called = f'{samples[row].get("id", f"{what}[{row}]")}'
    blank = _SAMPLE[key]
    if what == 'predictions':
      raise UserError(
        f'{path}: {len(missing)} samples have no {key}, others have; first {called}'
      )
    if blank is None:  # of the others' shape
      other = next((v for v in values if v is not None), [])
      blank = (
        [False] * len(other) if key == 'occluded' else [[None] * len(r) for r in other]
      )
    values = [blank if value is None else value for value in values]
  # As they are: bool('False') is True and int(1.5) is 1; read_truth.py looks at them.
  kind = None if key in ('occluded', 'valid', 'frame', 'head_size') else float
  kind = str if isinstance(_SAMPLE[key], str) else kind
  try:
    return np.array(values, kind)
  except (ValueError, TypeError, OverflowError):
    row, why = _culprit(values, kind)
    called = samples[row].get('id', f'{what}[{row}]')
    raise UserError(f'{path}: {called}: {key} {why}') from None


def _culprit(values, kind):
  """The row that is no array of the first row's shape, and what is wrong with it."""
  shape = None
  for row, value in enumerate(values):
    try:
      array = np.array(value, kind)
    except (ValueError, TypeError, OverflowError) as error:
      return row, f'is not as the schema has it: {error}'
    shape = array.shape if shape is None else shape
    if array.shape != shape:
      return row, f'has shape {array.shape}, that of the first sample {shape}'
  return 0, 'is not as the schema has it'
