"""The pickles inside PyTorch's files, read without running anything of them.

A pickle names functions and classes and says what to call with what. Here every name
gets an inert stand-in of ours: containers, tensors yet without their numbers, and
modules that only hold what was put in them. A name that is not listed is refused.
"""

import collections
from typing import Any, NamedTuple

import numpy as np

from wild3d import restricted_pickle
from wild3d.errors import UserError
from wild3d.restricted_pickle import Function

_TYPES = {
  'Double': 'f8',
  'Float': 'f4',
  'Half': 'f2',
  'BFloat16': 'bf16',
  'Long': 'i8',
  'Int': 'i4',
  'Short': 'i2',
  'Char': 'i1',
  'Byte': 'u1',
  'Bool': '?',
}
# Where classes of networks live: a class from there becomes a Module, whatever it is.
_MODULES = ('models.', 'torch.nn.modules.', 'torch.nn.parallel.')


class Storage(NamedTuple):
  """Numbers that lie elsewhere in the file, under `key`."""

  key: str
  dtype: str
  length: int


class Tensor(NamedTuple):
  """A view of a storage, in elements."""

  storage: Storage
  offset: int
  shape: tuple[int, ...]
  stride: tuple[int, ...]

  def __setstate__(self, _):
    """Ignores what parameters of PyTorch below 0.4 add to their tensor."""


class Module:
  """An object of a network's class: its attributes, and none of its code."""

  def __init__(self):
    self.state = {}

  def __setstate__(self, state):
    self.state = state if isinstance(state, dict) else {}


class _Ignored:
  """Stands for what a state dict does not need, such as NumPy's scalars."""

  def __init__(self, *_):
    pass

  def __setstate__(self, _):
    pass


def load(content: bytes, name: str) -> tuple[Any, int, dict[str, Storage]]:
  """What the pickle at the start of `content`, of the file `name`, holds.

  Returns:
    (its object, its length in bytes, key -> storage that it refers to).

  Raises:
    UserError: it asks for a name that is not allowed.
    Exception: of any type, it is damaged.
  """
  storages = {}

  def find(module, asked):
    if (module, asked) in _ALLOWED:
      return _ALLOWED[module, asked]
    kind = asked.removesuffix('Storage')
    if module in ('torch', 'torch.cuda') and asked != kind and kind in _TYPES:
      return _StorageType(_TYPES[kind])
    if f'{module}.'.startswith(_MODULES) and asked.isidentifier():
      return Module
    raise UserError(
      f'{name}: refused: it asks for {module}.{asked}, which a network of this kind does '
      'not need; nothing of the file was run'
    )

  def refer(pid):
    kind, *rest = pid
    if kind == 'module':  # (class, its source file, its source)
      return rest[0]
    if kind != 'storage' or not isinstance(rest[0], _StorageType):
      raise ValueError('a reference to something else than numbers')
    storage_type, key, _, count = rest[:4]
    if not isinstance(key, str | int):
      raise ValueError('a storage without a name')
    if len(rest) > 4 and rest[4] is not None:
      raise ValueError('views of storages are not read: save the state dict again')
    found = Storage(str(key), storage_type.dtype, int(count))
    storages[found.key] = found
    return found

  found, end = restricted_pickle.load(content, find, refer)
  return found, end, storages


class _StorageType(NamedTuple):
  dtype: str


def _rebuild_tensor(storage, offset, shape, stride, *_):
  if not isinstance(storage, Storage):
    raise ValueError('a tensor without a storage')
  ints = lambda numbers: tuple(int(n) for n in numbers)  # noqa: E731
  return Tensor(storage, int(offset), ints(shape), ints(stride))


def _parameter(tensor, *_):
  return tensor


def _reconstructor(cls, *_):
  if cls is not Module:
    raise ValueError('an object that is no network')
  return Module()


_ALLOWED = {
  ('collections', 'OrderedDict'): collections.OrderedDict,
  ('_codecs', 'encode'): restricted_pickle.ENCODE,
  ('copy_reg', '_reconstructor'): Function(_reconstructor),
  ('copyreg', '_reconstructor'): Function(_reconstructor),
  ('torch', 'Size'): tuple,
  ('torch', 'device'): _Ignored,
  ('torch._utils', '_rebuild_tensor'): Function(_rebuild_tensor),
  ('torch._utils', '_rebuild_tensor_v2'): Function(_rebuild_tensor),
  ('torch._utils', '_rebuild_parameter'): Function(_parameter),
  ('torch.nn.parameter', 'Parameter'): Function(_parameter),
  ('torch.autograd.variable', 'Variable'): Function(_parameter),
  # What modules of old versions hold beside their parameters.
  ('torch.nn.backends.thnn', '_get_thnn_function_backend'): _Ignored,
}
for _core in ('numpy.core', 'numpy._core'):
  _ALLOWED[f'{_core}.multiarray', 'scalar'] = _Ignored
  _ALLOWED[f'{_core}.multiarray', '_reconstruct'] = _Ignored
for _name in ('dtype', 'ndarray'):
  _ALLOWED['numpy', _name] = _Ignored
for _builtins in ('builtins', '__builtin__'):
  _ALLOWED[_builtins, 'object'] = object
  _ALLOWED[_builtins, 'set'] = set


def array(tensor: Tensor, content: bytes | memoryview) -> np.ndarray:
  """The numbers of a tensor, of the little-endian content of its whole storage.

  Raises:
    ValueError: the view leaves its storage, or repeats elements of it.
  """
  dtype = np.dtype('<u2' if tensor.storage.dtype == 'bf16' else tensor.storage.dtype)
  numbers = np.frombuffer(content, dtype)
  shape, stride = tensor.shape, tensor.stride
  if len(shape) != len(stride) or min((*shape, *stride, tensor.offset), default=0) < 0:
    raise ValueError(f'shape {shape} with strides {stride}')
  size = int(np.prod(shape, dtype=object))
  reach = sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
  if size and (size > len(numbers) or tensor.offset + reach >= len(numbers)):
    raise ValueError(f'a tensor of shape {shape} in a storage of {len(numbers)}')
  if not size:
    view = np.empty(shape, dtype)
  else:
    view = np.lib.stride_tricks.as_strided(
      numbers[tensor.offset :], shape, [s * dtype.itemsize for s in stride]
    ).copy()
  if tensor.storage.dtype == 'bf16':  # the upper half of a float32
    view = (view.astype(np.uint32) << 16).view(np.float32)
  return view
