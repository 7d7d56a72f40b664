"""Numbers and text of MATLAB 5 to 7 files, with the standard library and NumPy.

SciPy's reader looks types up without a check, so that one damaged byte can end the
process; this one raises. Source: MathWorks, MAT-File Format, chapter 1.
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np

# Type of an element -> the numbers in it. Text is numbers too: codes of characters.
_NUMBERS = {1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 9: 'f8'}
_NUMBERS |= {12: 'i8', 13: 'u8', 17: 'u2', 18: 'u4'}
_MATRIX, _COMPRESSED, _UTF8 = 14, 15, 16
_CELL, _CHAR, _NUMERIC, _COMPLEX = 1, 4, range(6, 16), 0x800


def read(content: bytes) -> dict[str, np.ndarray]:
  """The real arrays, the text, and the cells of text of a file, by name.

  Numbers are as stored, which may be narrower than MATLAB's class; a row of a char
  array is one str. Whatever else a file holds (structs, objects, ...) is left out.

  Raises:
    ValueError, struct.error, zlib.error, ...: it is damaged.
  """
  order = {b'IM': '<', b'MI': '>'}.get(content[126:128])
  if order is None:
    raise ValueError('it has no header of MATLAB 5')
  found = {}
  for kind, data in _elements(memoryview(content)[128:], order):
    if kind == _COMPRESSED:
      ((kind, data),) = _elements(memoryview(zlib.decompress(data)), order)
    if kind != _MATRIX:
      raise ValueError(f'an element of type {kind} in place of a variable')
    name, array = _matrix(data, order)
    if array is not None and name:
      found[name] = array
  return found


def _elements(data, order) -> Iterator[tuple[int, memoryview]]:
  """(type, data) of each element; all but compressed ones are padded to 8 bytes."""
  at = 0
  while at < len(data):
    kind, size = struct.unpack_from(f'{order}II', data, at)
    start, after = at + 8, at + 8 + size + (0 if kind == _COMPRESSED else -size % 8)
    if kind >> 16:  # up to four bytes, in place of the size
      kind, size, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
    if start + size > min(after, len(data)):
      raise ValueError(f'an element of {size} bytes does not fit in')
    yield kind, data[start : start + size]
    at = after


def _matrix(data, order):
  """(name, array); None for what is neither real numbers nor text."""
  if not data:  # an empty cell
    return '', np.zeros((0, 0))
  flags, shape, name, *parts = _elements(data, order)
  (flags,) = _numbers(flags, order)[:1].tolist()
  name, kind = bytes(name[1]).decode(), flags & 0xFF
  shape = _numbers(shape, order).tolist()
  if min(shape) < 0:
    raise ValueError(f'{name} has the shape {shape}')
  if kind == _CELL:
    cells = [_matrix(part, order)[1] for _, part in parts]
    plain = all(c is not None and c.dtype.kind == 'U' and c.size <= 1 for c in cells)
    return name, np.array([''.join(c) for c in cells], str) if plain else None
  if kind == _CHAR:
    codes = parts[0]
    if codes[0] == _UTF8:
      codes = np.array(list(map(ord, bytes(codes[1]).decode())), np.uint32)
    else:
      codes = _numbers(codes, order)
    codes = codes.reshape(shape, order='F')
    rows = codes.reshape(-1, shape[-1]) if codes.size else codes[:0]
    return name, np.array([''.join(map(chr, row)) for row in rows.tolist()], str)
  if kind not in _NUMERIC or flags & _COMPLEX:
    return name, None
  return name, _numbers(parts[0], order).reshape(shape, order='F')


def _numbers(element, order):
  kind, data = element
  if kind not in _NUMBERS:
    raise ValueError(f'an element of type {kind} in place of numbers')
  numbers = np.frombuffer(data, order + _NUMBERS[kind])
  return numbers.astype(_NUMBERS[kind])  # in the machine's order, and writable
