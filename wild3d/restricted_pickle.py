"""Pickles from other people's disks, read without trusting them.

`pickle.load` runs whatever a file asks for. Here a file gets inert stand-ins of ours for
the few names that its reader lists, and is refused for any other name.
"""

import contextlib
import io
import pickle
import pickletools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from wild3d.errors import UserError


class Function(NamedTuple):
  """A function of ours that a file may call, and whose attributes it cannot set."""

  run: Callable

  def __call__(self, *arguments):
    """What the function returns."""
    return self.run(*arguments)


def load(
  content: bytes, find: Callable[[str, str], Any], refer: Callable[[Any], Any]
) -> tuple[Any, int]:
  """What the pickle at the start of `content` holds, and where it ends.

  Whatever a damaged file makes the unpickler raise passes: see `faults`.

  Args:
    content: more may follow the pickle.
    find: (module, name) to its stand-in; raises UserError for what is not allowed.
    refer: of a reference to an object elsewhere (persistent id) likewise.
  """
  _check_work(content)
  stream = io.BytesIO(content)
  return _Unpickler(stream, find, refer).load(), stream.tell()


# Opcodes that hash what they take, or call something of ours with it: which of it, the
# last one first.
_HASHED = {
  'SETITEM': slice(1, 2),
  'SETITEMS': slice(1, -1, 2),
  'DICT': slice(1, None, 2),
  'ADDITEMS': slice(None, -1),
  'FROZENSET': slice(None),
  'REDUCE': slice(1),
  'NEWOBJ': slice(1),
  'NEWOBJ_EX': slice(2),
  'OBJ': slice(None),
  'INST': slice(None),
}
_FILLING = ('APPEND', 'APPENDS', 'SETITEM', 'SETITEMS', 'ADDITEMS', 'BUILD')
_DEPTH = 500  # Python hashes tuples within tuples without a look at its stack
_MARK = (0, 0)


def _check_work(content):
  """Raises ValueError where reading would take far more than the file's length.

  A tuple that holds another twice, which holds another twice, and so on, takes three
  bytes a level to write and twice the time a level to hash. So the pickle is followed
  without making anything of it: of each value, how much it is with all that it shares
  written out, and how deep.
  """
  stack, memo, work = [], {}, 0
  for opcode, argument, place in pickletools.genops(content):
    name, before = opcode.name, opcode.stack_before
    taken = []
    if pickletools.markobject in before:
      while (top := stack.pop()) is not _MARK:
        taken.append(top)
      before = before[: before.index(pickletools.markobject)]
    taken += [stack.pop() for _ in before]
    fills = name in _FILLING
    within = taken[:-1] if fills else taken
    made = [
      1 + sum(size for size, _ in within),
      1 + max((depth for _, depth in within), default=0),
    ]
    for size, depth in taken[_HASHED[name]] if name in _HASHED else ():
      work += size
      if work > 100 * place + 100_000 or depth > _DEPTH:
        raise ValueError('values within values without end')
    if name.endswith('PUT'):
      # A file of ten bytes could ask for gigabytes by numbering its parts wildly.
      if argument > len(content):
        raise ValueError(f'part number {argument}')
      memo[argument] = stack[-1]
    elif name == 'MEMOIZE':
      memo[len(memo)] = taken[0]
      stack.append(taken[0])
    elif fills:  # also wherever else it is
      filled = taken[-1]
      filled[:] = filled[0] + made[0], max(filled[1], made[1])
      stack.append(filled)
    elif name.endswith('GET'):
      stack.append(memo[argument])
    elif name == 'DUP':
      stack += [taken[0], taken[0]]
    elif name == 'MARK':
      stack.append(_MARK)
    elif opcode.stack_after:
      stack.append(made)


class _Unpickler(pickle.Unpickler):
  def __init__(self, stream, find, refer):
    super().__init__(stream, encoding='latin1')  # Python 2 wrote text as bytes
    self._find, self._refer = find, refer

  def find_class(self, module, name):
    return self._find(module, name)

  def persistent_load(self, pid):
    return self._refer(pid)


@contextlib.contextmanager
def faults(name: str, kind: str, advice: str = '') -> Iterator[None]:
  """Makes one line of whatever a damaged file leads to: it runs no foreign code.

  Args:
    name: of the file.
    kind: what it should be, such as 'pickle'.
    advice: what to do.

  Raises:
    UserError: in place of any error within.
  """
  try:
    yield
  except UserError:
    raise
  except Exception as error:
    why = f'{type(error).__name__}: {" ".join(str(error).split())[:200]}'
    raise UserError(
      f'{name}: no {kind}, or a damaged or truncated one ({why}){advice and "; "}{advice}'
    ) from None


def _encode(text, encoding):
  if encoding not in ('latin1', 'latin-1'):
    raise ValueError('bytes that are not written as Latin-1')
  return text.encode('latin1')


# _codecs.encode, which writes bytes in protocols below 3.
ENCODE = Function(_encode)
