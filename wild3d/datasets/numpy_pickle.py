"""Pickles of NumPy arrays from other people's disks, read without trusting them.

A file may ask for the few names in which NumPy's arrays and Python's containers are
written, of Python 2 and 3, of NumPy before and after 2.0, and gets stand-ins for them:
not even NumPy's own unpickling code, which trusts its input, sees the file's content.
"""

import math
import pathlib
import re
from typing import Any

import numpy as np

from wild3d import restricted_pickle
from wild3d.errors import UserError
from wild3d.restricted_pickle import Function

LIMIT = 256 * 2**20  # bytes; the real files are far below 1 MiB


def load(path: pathlib.Path, *, limit: int = LIMIT) -> Any:
  """What a pickle file holds: containers, text, numbers and NumPy arrays.

  Args:
    path: the file; Python 2's are read as Latin-1.
    limit: bytes; a larger file is refused before it is read.

  Raises:
    UserError: the file is missing, larger than `limit`, damaged, truncated, or asks
      for anything else than the above; the message names what it asks for.
  """
  try:
    size = path.stat().st_size
    if size > limit:
      raise UserError(
        f'{path}: {size} bytes, more than the {limit} that such a file may have'
      )
    content = path.read_bytes()
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror}') from None
  return loads(content, str(path))


def loads(content: bytes, name: str) -> Any:
  """The same for bytes at hand; `name` stands for them in messages."""

  def find(module, asked):
    if (module, asked) not in _ALLOWED:
      raise UserError(
        f'{name}: refused: it asks for {module}.{asked}, and only NumPy arrays, '
        'numbers, text and plain containers may be in it'
      )
    return _ALLOWED[module, asked]

  def refer(_):
    raise UserError(f'{name}: refused: it refers to an object elsewhere')

  with restricted_pickle.faults(name, 'pickle', 'make or download it again'):
    return _settled(restricted_pickle.load(content, find, refer)[0], {})


def _no_array(*_):
  """numpy.ndarray, which files name but must not call."""
  raise ValueError('an array must come from _reconstruct')


class _Dtype:
  """numpy.dtype, of one number or text."""

  def __init__(self, code, *_):
    self._code, self._order = code, '='

  def __setstate__(self, state):
    _, order, subarray, names, fields, *_ = state
    if subarray is not None or names is not None or fields is not None:
      raise ValueError('arrays with fields are not read')
    self._order = order

  def dtype(self):
    code = str(self._code)
    if not re.fullmatch(r'[?biufcSU]\d*|O8?', code):
      raise ValueError(f'arrays of dtype {code!r} are not read')
    return np.dtype(code).newbyteorder(self._order if self._order in '<>' else '=')


class _Array:
  """An array whose content comes later: what _reconstruct returns."""

  def __setstate__(self, state):
    _, self.shape, self.dtype, self.by_columns, self.data = state

  def array(self, memo):
    dtype = self.dtype.dtype()
    if not dtype.hasobject:
      return _from_bytes(self.data, dtype, self.shape, 'F' if self.by_columns else 'C')
    if not isinstance(self.data, list) or len(self.data) != math.prod(self.shape):
      raise ValueError('an array of objects does not hold as many as its shape says')
    array = np.empty(len(self.data), object)
    for i, item in enumerate(self.data):
      array[i] = _settled(item, memo)
    return array.reshape(self.shape, order='F' if self.by_columns else 'C')


def _from_buffer(data, dtype, shape, order):
  """Arrays of protocol 5."""
  return _from_bytes(data, dtype.dtype(), shape, order)


def _scalar(dtype, data):
  return _from_bytes(data, dtype.dtype(), (), 'C')[()]


def _from_bytes(data, dtype, shape, order):
  if dtype.hasobject:
    raise ValueError('bytes cannot be objects')
  data = data.encode('latin1') if isinstance(data, str) else bytes(data)
  if len(data) != dtype.itemsize * math.prod(shape):
    raise ValueError(f'{len(data)} bytes for an array of shape {shape}, {dtype}')
  return np.frombuffer(data, dtype).reshape(shape, order=order).copy()


def _settled(value, memo):
  """`value` with arrays in the places of their stand-ins."""
  if id(value) in memo:
    return memo[id(value)][0]
  settled = value
  memo[id(value)] = (settled, value)  # holding `value`, its id stays its own
  if isinstance(value, _Array):
    settled = value.array(memo)
  elif isinstance(value, _Dtype):
    settled = value.dtype()
  elif type(value) is tuple:
    settled = tuple(_settled(item, memo) for item in value)
  elif type(value) is list:
    value[:] = [_settled(item, memo) for item in value]
  elif type(value) is dict:
    for key in value:
      value[key] = _settled(value[key], memo)
  memo[id(value)] = (settled, value)
  return settled


_ALLOWED: dict[tuple[str, str], Any] = {
  ('numpy', 'ndarray'): Function(_no_array),
  ('numpy', 'dtype'): Function(_Dtype),
  ('_codecs', 'encode'): restricted_pickle.ENCODE,
}
for _core in ('numpy.core', 'numpy._core'):
  _ALLOWED[f'{_core}.multiarray', '_reconstruct'] = Function(lambda *_: _Array())
  _ALLOWED[f'{_core}.multiarray', 'scalar'] = Function(_scalar)
  _ALLOWED[f'{_core}.numeric', '_frombuffer'] = Function(_from_buffer)
for _builtins in ('builtins', '__builtin__'):
  for _type in (set, frozenset, complex):
    _ALLOWED[_builtins, _type.__name__] = _type
  # bytes() stands for b'' in protocols below 3.
  _ALLOWED[_builtins, 'bytes'] = Function(lambda: b'')
