"""Pickles of arrays are read whatever wrote them; nothing in them is ever run."""

import contextlib
import os
import pathlib
import pickle
import random

import numpy as np
import pytest

from wild3d.datasets import numpy_pickle
from wild3d.errors import UserError

GOOD = {
  ('S1', '54138969'): {
    'R': np.arange(9.0).reshape(3, 3),
    'by_columns': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    'big_endian': np.arange(3, dtype='>i4'),
    'flags': np.array([True, False]),
    'complex': np.array([1 + 2j]),
    'half': np.array([0.5], np.float16),
    'empty': np.zeros((0, 2)),
    'scalar': np.float32(1.5),
    'w': 1000,
    'id': 'ä',
    'raw': b'\x00\xff',
  },
  'names': np.array(['S1/a.jpg', 'ä']),
  'bytes': np.array([b'S1', b'a']),
  'objects': np.array([['a', None], [np.arange(2), 3]], object),
  'others': [(1, 2.5), {3}, None, 1j, True],
}


def equal(one, other):
  if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
    same = type(one) is type(other) and one.dtype == other.dtype
    if same and one.dtype == object:
      return one.shape == other.shape and all(map(equal, one.flat, other.flat))
    return same and one.shape == other.shape and np.array_equal(one, other)
  if isinstance(one, dict):
    return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
  if isinstance(one, list | tuple):
    return len(one) == len(other) and all(map(equal, one, other))
  return type(one) is type(other) and one == other


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize('old', [False, True])
def test_reads_what_numpy_writes(tmp_path, protocol, old):
  """Catches an order of bytes or axes, a shape, or a module path not understood."""
  content = pickle.dumps(GOOD, protocol)
  if old and protocol < 4:  # names have no length there that would have to change
    assert b'numpy._core' in content
    content = content.replace(b'numpy._core', b'numpy.core')
  path = tmp_path / 'good.pkl'
  path.write_bytes(content)
  assert equal(numpy_pickle.load(path), GOOD)


def test_reads_python_2():
  """Catches text read as ASCII: Python 2 wrote the bytes of arrays as text."""
  numbers = np.array([-0.2070989, 1e300])
  content = (
    b'\x80\x02}U\x01kcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85'
    b'U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNN'
    b'J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10' + numbers.tobytes() + b'tbs.'
  )
  assert equal(numpy_pickle.loads(content, 'two.pkl'), {'k': numbers})


class Hostile:
  """Pickled, it calls a function when it is read."""

  def __init__(self, function, *arguments):
    self.call = (function, arguments)

  def __reduce__(self):
    return self.call


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
  ('function', 'said'),
  [
    (os.mkdir, r'(posix|nt)\.mkdir'),
    (eval, r'(builtins|__builtin__)\.eval'),
    (getattr, r'(builtins|__builtin__)\.getattr'),
    (np.load, r'numpy.*\.load'),
    (pathlib.Path, r'pathlib.*Path'),
    (np.matrix, r'numpy.*matrix'),
  ],
)
def test_refuses_everything_else(tmp_path, function, said, protocol):
  """Catches a file from the internet that runs code on the user's machine."""
  made = tmp_path / 'made'
  argument = f'__import__("os").mkdir({str(made)!r})' if function is eval else str(made)
  hostile = {('S1', '54138969'): GOOD, 'x': Hostile(function, argument)}
  path = tmp_path / 'cameras.pkl'
  path.write_bytes(pickle.dumps(hostile, protocol))
  with pytest.raises(UserError, match=f'cameras.pkl: refused: it asks for {said}') as e:
    numpy_pickle.load(path)
  assert '\n' not in str(e.value)
  assert not made.exists()
  # The same file is not harmless: the test could fail.
  if function is os.mkdir:
    pickle.loads(path.read_bytes())
    assert made.exists()


def test_refuses_the_insides_of_what_it_allows():
  """Catches a dotted name that reaches from an allowed one to anything."""
  content = b'\x80\x04\x8c\x05numpy\x8c\x13ndarray.__class__.x\x93.'
  with pytest.raises(UserError, match='refused'):
    numpy_pickle.loads(content, 'dotted.pkl')


@pytest.mark.parametrize(
  'asked', [b'numpy\nndarray', b'numpy\ndtype', b'numpy.core.multiarray\n_reconstruct']
)
def test_stand_ins_cannot_be_changed(asked):
  """Catches a file that alters what the files read after it get."""
  with pytest.raises(UserError, match='damaged'):
    numpy_pickle.loads(b'c' + asked + b"\n(N(S'changed'\nI1\ndtb.", 'set.pkl')


ARRAY = b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS"b"\ntR'
STATE = ARRAY + b'(I1\n(I%d\ntcnumpy\ndtype\n(S"%s"\nI0\nI1\ntR%sI00\n%stb.'


@pytest.mark.parametrize(
  ('content', 'said'),
  [
    (b'', 'truncated'),
    (b'a text file', 'damaged'),
    (STATE % (3, b'f8', b'', b'S"too short"\n'), 'bytes for an array'),
    (STATE % (-1, b'f8', b'', b'S"8 bytes."\n'), 'bytes for an array'),
    (STATE % (1, b'O', b'', b'S"address."\n'), 'damaged'),
    (STATE % (1, b'O', b'', b'(lS"a"\naS"b"\na'), 'not hold as many'),
    (STATE % (1, b'i4,i4', b'', b'S"8 bytes."\n'), "dtype 'i4,i4'"),
    (STATE % (1, b'M8', b'', b'S"8 bytes."\n'), "dtype 'M8'"),
    (b'cnumpy\nndarray\n(I9999999999999\ntR.', 'must come from'),
    (b']r\xff\xff\xff\x7f.', 'part number'),  # 16 GiB in eight bytes
    (b'Pelsewhere\n.', 'refers to an object elsewhere'),
    (b'(' * 9 + b'l' + b'(l' * 5000 + b'a' * 5000 + b'.', 'RecursionError'),
  ],
)
def test_damaged_arrays_are_refused_in_one_line(content, said):
  """Catches bytes taken for Python objects, or memory for what is not there."""
  with pytest.raises(UserError, match=said) as raised:
    numpy_pickle.loads(content, 'bad.pkl')
  assert '\n' not in str(raised.value)
  assert str(raised.value).startswith('bad.pkl: ')


def test_truncated_or_changed_anywhere():
  """Catches a traceback, or half a file taken for a whole one."""
  content = pickle.dumps(GOOD, 2)
  for end in range(0, len(content), 7):
    with pytest.raises(UserError, match=r'x\.pkl: '):
      numpy_pickle.loads(content[:end], 'x.pkl')
  chance = random.Random(0)
  for _ in range(400):
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] = chance.randrange(256)
    with contextlib.suppress(UserError):
      numpy_pickle.loads(bytes(changed), 'x.pkl')


def test_file_too_large_or_missing(tmp_path):
  """Catches a file read into memory whatever its size."""
  path = tmp_path / 'a.pkl'
  with pytest.raises(UserError, match=r'a\.pkl: cannot be read: No such file'):
    numpy_pickle.load(path)
  path.write_bytes(pickle.dumps(b'x' * 1000))
  with pytest.raises(UserError, match='more than the 900'):
    numpy_pickle.load(path, limit=900)
  assert len(numpy_pickle.load(path, limit=2000)) == 1000
