"""PyTorch's checkpoint files, read without PyTorch and without trusting them.

`torch.load` reads state dicts safely (weights_only), but neither whole modules, which
is what the authors of the paper published, nor Python 2's; so this reader does both,
and needs no PyTorch. Two containers exist: a zip archive (since PyTorch 1.6), and
before that a row of pickles followed by the numbers.
"""

import os
import pathlib
import struct
import zipfile
from typing import NamedTuple

import numpy as np

from wild3d.convert import torch_pickle
from wild3d.convert.torch_pickle import Module, Tensor
from wild3d.errors import UserError

LIMIT = 4 * 2**30  # bytes
_MAGIC = 0x1950A86A20F9469CFC6C
_MEMBERS = 100_000
_DEPTH = 64  # of modules within modules


class TorchFile(NamedTuple):
  """What a checkpoint holds.

  Attributes:
    tensors: name, without a leading 'module.', -> array.
    form: such as 'state dict, zip' or 'whole module, legacy'.
  """

  tensors: dict[str, np.ndarray]
  form: str


def read(path: str | os.PathLike) -> TorchFile:
  """Reads a state dict, one under the key 'state_dict', or a whole module's parameters.

  Raises:
    UserError: it is missing, of another kind, damaged, truncated or larger than
      `LIMIT`; or it asks for anything but tensors, containers and modules.
  """
  path = pathlib.Path(path)
  try:
    size = path.stat().st_size
    if size > LIMIT:
      raise UserError(f'{path}: {size} bytes, more than the {LIMIT} that are read')
    content = path.read_bytes()
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror}') from None
  try:
    if content[:4] == b'PK\x03\x04':
      found, bytes_of = _zip(path)
      return _tensors(path, found, bytes_of, 'zip')
    found, bytes_of = _legacy(path, content)
    return _tensors(path, found, bytes_of, 'legacy')
  except UserError:
    raise
  # Whatever a damaged file makes the unpickler or zipfile do: no foreign code runs.
  except Exception as error:
    why = f'{type(error).__name__}: {" ".join(str(error).split())[:160]}'
    raise UserError(
      f'{path}: no PyTorch checkpoint, or a damaged or truncated one ({why})'
    ) from None


def _zip(path):
  archive = zipfile.ZipFile(path)
  members = archive.infolist()
  names = [m.filename for m in members]
  if len(names) > _MEMBERS or len(set(names)) != len(names):
    raise ValueError('members of the archive are there twice, or too many')
  # PyTorch stores without compressing: anything else could unpack to any size.
  if any(m.compress_type != zipfile.ZIP_STORED for m in members):
    raise ValueError('the archive is compressed')
  if sum(m.file_size for m in members) > path.stat().st_size:
    raise ValueError('the archive claims more bytes than it has')
  pickled = [n for n in names if n.endswith('/data.pkl') and n.count('/') == 1]
  if not pickled:
    raise UserError(f'{path}: a zip archive, but not one that torch.save wrote')
  (pickled,) = pickled
  folder = pickled.removesuffix('data.pkl')
  if f'{folder}constants.pkl' in names:
    raise UserError(
      f'{path}: a TorchScript program; save its state_dict() with torch.save'
    )
  order = f'{folder}byteorder'
  if order in names and archive.read(order) != b'little':
    raise ValueError('the numbers are not little-endian')
  found, *_ = torch_pickle.load(archive.read(pickled), str(path))
  return found, lambda storage: archive.read(f'{folder}data/{storage.key}')


def _legacy(path, content):
  magic, at, _ = torch_pickle.load(content, str(path))
  if magic != _MAGIC:
    raise UserError(f'{path}: a pickle, but not one that torch.save wrote')
  rest = memoryview(content)

  def follow():
    nonlocal at
    found, end, storages = torch_pickle.load(bytes(rest[at:]), str(path))
    at += end
    return found, storages

  _, (system, _), (found, storages), (keys, _) = (follow() for _ in range(4))
  if not isinstance(system, dict) or not system.get('little_endian', True):
    raise ValueError('the numbers are not little-endian')
  places = {}
  for key in keys:
    if not isinstance(key, str | int):
      raise ValueError('a storage without a name')
    storage = storages[str(key)]
    (count,) = struct.unpack_from('<q', rest, at)
    size = _itemsize(storage.dtype) * count
    if count != storage.length or at + 8 + size > len(rest):
      raise ValueError(f'storage {str(key)[:20]} is cut off or of another size')
    places[str(key)] = rest[at + 8 : at + 8 + size]
    at += 8 + size
  return found, lambda storage: places[storage.key]


def _itemsize(dtype):
  return 2 if dtype == 'bf16' else np.dtype(dtype).itemsize


def _tensors(path, found, bytes_of, container):
  form = 'state dict'
  if isinstance(found, dict) and isinstance(found.get('state_dict'), dict | Module):
    found = found['state_dict']
  if isinstance(found, Module):
    form, found = 'whole module', dict(_walk(found))
  if not isinstance(found, dict):
    raise UserError(f'{path}: holds neither a state dict nor a module')
  views = {}
  for name, value in found.items():
    if not isinstance(value, Tensor):
      raise UserError(
        f'{path}: holds no state dict: {str(name)[:60]!r} is no tensor; expected '
        "names and tensors, alone or under 'state_dict'"
      )
    views[str(name)] = value
  if not views:
    raise UserError(f'{path}: holds no tensors')
  if all(name.startswith('module.') for name in views):
    views = {name.removeprefix('module.'): view for name, view in views.items()}
  arrays = {}
  for name, view in views.items():
    content = bytes_of(view.storage)
    if len(content) != view.storage.length * _itemsize(view.storage.dtype):
      raise ValueError(f'{name}: its storage is not of the size that it should be')
    arrays[name] = torch_pickle.array(view, content)
  return TorchFile(arrays, f'{form}, {container}')


def _walk(module):
  """(name, tensor) of a module and those within it, as state_dict() names them."""
  waiting, seen = [('', module)], 0
  while waiting:
    prefix, module = waiting.pop()
    seen += 1
    # One module may be in many places, and so in more than can ever be visited.
    if seen > _MEMBERS or prefix.count('.') > _DEPTH:
      raise ValueError('modules within modules without end')
    for kind in ('_parameters', '_buffers'):
      for name, value in (module.state.get(kind) or {}).items():
        if value is not None:
          yield f'{prefix}{name}', value
    children = (module.state.get('_modules') or {}).items()
    waiting += [
      (f'{prefix}{name}.', child)
      for name, child in reversed(children)
      if isinstance(child, Module)
    ]
