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
  for opcode, number, _ in pickletools.genops(content):
    # A file of ten bytes could ask for gigabytes by numbering its parts wildly.
    if opcode.name.endswith('PUT') and number > len(content):
      raise ValueError(f'part number {number}')
  stream = io.BytesIO(content)
  return _Unpickler(stream, find, refer).load(), stream.tell()


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
    raise ValueError(f'bytes written as {encoding!r}')
  return text.encode('latin1')


# _codecs.encode, which writes bytes in protocols below 3.
ENCODE = Function(_encode)
