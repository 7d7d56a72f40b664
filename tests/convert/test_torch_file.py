"""PyTorch's files: all their forms are read, and nothing in them is run."""

import io
import os
import pathlib
import pickle
import struct
import sys
import types
import zipfile

import numpy as np
import pytest

from wild3d.convert import torch_file
from wild3d.errors import UserError

MAGIC = 0x1950A86A20F9469CFC6C


def _tensors():
  torch = pytest.importorskip('torch')
  rng = np.random.default_rng(0)
  return {
    'conv.weight': torch.from_numpy(rng.normal(size=(4, 3, 2, 2)).astype(np.float32)),
    'conv.turned': torch.from_numpy(rng.normal(size=(4, 3))).T,
    'bn.num_batches_tracked': torch.tensor(7),
    'half': torch.ones(3, dtype=torch.bfloat16) * 1.5,
    'part': torch.arange(20.0)[3:9:2],
  }


def _same(found, tensors):
  assert set(found) == set(tensors)
  for name, tensor in tensors.items():
    want = tensor.double().numpy()
    np.testing.assert_array_equal(found[name], want, err_msg=name)


@pytest.mark.parametrize('new', [True, False])
@pytest.mark.parametrize('wrap', ['plain', 'state_dict', 'module.'])
def test_state_dicts(new, wrap, tmp_path):
  """Catches a container, a stride, an offset or a prefix that is not understood."""
  torch = pytest.importorskip('torch')
  tensors = _tensors()
  saved = tensors
  if wrap == 'state_dict':
    saved = {'epoch': 3, 'best': np.float64(2), 'state_dict': tensors, 'optimizer': {}}
  elif wrap == 'module.':
    saved = {f'module.{name}': tensor for name, tensor in tensors.items()}
  torch.save(saved, tmp_path / 'x.pth', _use_new_zipfile_serialization=new)
  found = torch_file.read(tmp_path / 'x.pth')
  _same(found.tensors, tensors)
  assert found.form == f'state dict, {"zip" if new else "legacy"}'


@pytest.mark.parametrize('new', [True, False])
def test_whole_module(new, tmp_path, monkeypatch):
  """Catches a class that is looked for, or its nested parts lost."""
  torch = pytest.importorskip('torch')

  class HourglassNet3D(torch.nn.Module):
    def __init__(self):
      super().__init__()
      self.r1 = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2))

  HourglassNet3D.__module__ = 'models.hg_3d'
  HourglassNet3D.__qualname__ = 'HourglassNet3D'
  fake = types.ModuleType('models.hg_3d')
  fake.HourglassNet3D = HourglassNet3D
  with monkeypatch.context() as patch:
    patch.setitem(sys.modules, 'models', types.ModuleType('models'))
    patch.setitem(sys.modules, 'models.hg_3d', fake)
    net = HourglassNet3D()
    torch.save(net, tmp_path / 'x.tar', _use_new_zipfile_serialization=new)
  found = torch_file.read(tmp_path / 'x.tar')
  _same(found.tensors, net.state_dict())
  assert found.form.startswith('whole module')


class _Old:
  """Writes one pickle as Python 2 and PyTorch 0.1 to 0.4 did, opcode by opcode."""

  def __init__(self):
    self.out = io.BytesIO()
    self.out.write(b'\x80\x02')

  def text(self, value):
    raw = value.encode()
    self.out.write(b'U' + bytes([len(raw)]) + raw)
    return self

  def op(self, raw):
    self.out.write(raw)
    return self

  def name(self, module, name):
    return self.op(b'c' + module.encode() + b'\n' + name.encode() + b'\n')

  def number(self, value):
    return self.op(b'J' + struct.pack('<i', value))

  def pairs(self, **items):
    self.op(b'ccollections\nOrderedDict\n]\x85R(')
    for name, write in items.items():
      self.text(name)
      write()
    return self.op(b'u')

  def module(self, module, name, **state):
    self.name(module, name).op(b')\x81}(')
    for key, write in state.items():
      self.text(key)
      write()
    return self.op(b'ub')


def _old_file():
  """A whole module of Python 2: byte strings, Parameter from _rebuild_tensor."""
  p = _Old()

  def parameter():
    p.name('torch.nn.parameter', 'Parameter')
    p.name('torch._utils', '_rebuild_tensor').op(b'((')
    p.text('storage').name('torch', 'FloatStorage').text('94').text('cpu')
    p.number(6).op(b'NtQ').number(0).number(2).number(3).op(b'\x86').number(3)
    p.number(1).op(b'\x86tR\x85R(\x88\x89').pairs().op(b'tb')

  child = lambda: p.module(  # noqa: E731
    'torch.nn.modules.conv',
    'Conv2d',
    _parameters=lambda: p.pairs(weight=parameter),
    _backend=lambda: p.name('torch.nn.backends.thnn', '_get_thnn_function_backend').op(
      b')R'
    ),
    _modules=lambda: p.pairs(),
  )
  p.module(
    'models.hg_3d',
    'HourglassNet3D',
    _parameters=lambda: p.pairs(),
    _modules=lambda: p.pairs(conv1_=child),
  ).op(b'.')
  numbers = np.arange(6, dtype='<f4')
  return b''.join(
    [
      pickle.dumps(MAGIC, 2),
      pickle.dumps(1001, 2),
      pickle.dumps({'little_endian': True}, 2),
      p.out.getvalue(),
      pickle.dumps(['94'], 2),
      struct.pack('<q', 6),
      numbers.tobytes(),
    ]
  )


def test_python_2(tmp_path):
  """Catches byte strings, or parameters that are objects of their own."""
  path = tmp_path / 'hgreg.tar'
  path.write_bytes(_old_file())
  found = torch_file.read(path)
  assert found.form == 'whole module, legacy'
  assert list(found.tensors) == ['conv1_.weight']
  want = np.arange(6, dtype=np.float32).reshape(2, 3)
  np.testing.assert_array_equal(found.tensors['conv1_.weight'], want)


class _Bad:
  """Pickles as a call of `function` with `arguments`."""

  def __init__(self, function, *arguments):
    self.call = function, arguments

  def __reduce__(self):
    return self.call


def _bad_pickles(canary):
  command = f'touch {canary}'
  yield pickle.dumps(_Bad(os.system, command), 2)
  yield pickle.dumps({'state_dict': _Bad(eval, f'open({str(canary)!r}, "w")')}, 2)
  yield f"cposix\nsystem\n(S'{command}'\ntR.".encode()
  # By way of an object's state, of an allowed function's attributes, of a class.
  yield b'cmodels.a\nNet\n)\x81}(U\x0c__setstate__cposix\nsystem\nub.'
  yield b'ctorch._utils\n_rebuild_tensor\nN}U\x0c__defaults__K\x01s\x86b.'
  yield b'cmodels.a\nNet\n}U\x01aK\x01sb.'
  yield b'cmodels.a\nNet\n(K\x01tR.'
  yield b'ccollections\nOrderedDict.fromkeys\n.'
  yield b'cbuiltins\ngetattr\n.'
  yield b'ctorch\nload\n.'
  yield b'ctorch.nn.modules\n__import__("os").system\n.'


def _as_legacy(pickled):
  head = [MAGIC, 1001, {'little_endian': True}]
  return b''.join(pickle.dumps(x, 2) for x in head) + pickled + pickle.dumps([], 2)


def _as_zip(pickled, compression=zipfile.ZIP_STORED, **members):
  buffer = io.BytesIO()
  with zipfile.ZipFile(buffer, 'w', compression) as archive:
    archive.writestr('net/data.pkl', pickled)
    for name, content in members.items():
      archive.writestr(f'net/{name}', content)
  return buffer.getvalue()


def test_nothing_is_run(tmp_path):
  """Catches a file that runs a command, calls a function or sets an attribute."""
  canary = tmp_path / 'canary'
  path = tmp_path / 'x.pth'
  for pickled in _bad_pickles(canary):
    for content in (_as_legacy(pickled), _as_zip(pickled), pickled):
      path.write_bytes(content)
      with pytest.raises(UserError) as error:
        torch_file.read(path)
      assert 'x.pth' in str(error.value)
      assert '\n' not in str(error.value)
  assert not canary.exists()
  path.write_bytes(_as_zip(pickle.dumps(_Bad(os.system, 'true'), 2)))
  with pytest.raises(UserError, match=r'refused: it asks for posix\.system'):
    torch_file.read(path)


def _nested(levels):
  """A pickle's code for a tuple within tuples: each holds the one before it twice."""
  code = b')q\x00'
  for level in range(levels):
    code += b'0h%ch%c\x86q%c' % (level, level, level + 1)
  return code


def _endless_pickles():
  """Files of a few hundred bytes that would be read for ever, or crash Python."""
  twice = _nested(60)
  yield b'}' + twice + b'K\x01s.'  # a key
  yield b'}(' + twice + b'K\x01u.'
  yield b'(' + twice + b'K\x01d.'
  yield b'\x8f(' + twice + b'\x90.'  # in sets
  yield b'(' + twice + b'\x91.'
  yield b'cbuiltins\nset\n((' + twice + b'ltR.'
  yield b'ccollections\nOrderedDict\n((' + twice + b'K\x01\x86ltR.'
  yield b'}ctorch\nSize\n((' + twice + b'ltRK\x01s.'
  yield b'}' + b')' + b'\x85' * 100_000 + b'K\x01s.'  # deep
  # The name of a storage, and of a module's part.
  yield b'(U\x07storagectorch\nFloatStorage\n' + twice + b'U\x03cpuK\x06tQ.'
  yield b'(' + twice + b'K\x01tQ.'
  part = b'cmodels.a\nNet\n)\x81q%c}U\x08_modules}(U\x01ah%cU\x01bh%cusb'
  modules = b'cmodels.a\nNet\n)\x81}bq\x00'
  for level in range(60):
    modules += b'0' + part % (level + 1, level, level)
  yield modules + b'.'


def test_reading_ends(tmp_path):
  """Catches hours of work, or a crash, that a few hundred bytes can ask for."""
  path = tmp_path / 'x.pth'
  for pickled in _endless_pickles():
    for content in (_as_legacy(pickled), _as_zip(pickled)):
      path.write_bytes(content)
      with pytest.raises(UserError, match=r'without end|without a name|than numbers'):
        torch_file.read(path)


def _view(shape, stride, offset=0, count=6):
  p = _Old().op(b'}').text('w').name('torch._utils', '_rebuild_tensor_v2').op(b'((')
  p.text('storage').name('torch', 'FloatStorage').text('0').text('cpu').number(count)
  p.op(b'tQ').number(offset).op(b'(')
  for n in shape:
    p.number(n)
  p.op(b't(')
  for n in stride:
    p.number(n)
  return p.op(b't\x89}tRs.').out.getvalue()


@pytest.mark.parametrize(
  ('view', 'size'),
  [
    (((2, 3), (3, 1), 1), 24),
    (((2, 3), (4, 1)), 24),
    (((2, 3), (-3, 1)), 24),
    (((2, 3), (3, 1), -1), 24),
    (((50000, 50000), (0, 0)), 24),
    (((2, 3), (3, 1)), 20),
    (((2, 3), (3, 1), 0, 2**30), 24),
  ],
)
def test_views_that_lie(view, size, tmp_path):
  """Catches memory read beyond a storage, or asked for by a number in the file."""
  path = tmp_path / 'x.pth'
  path.write_bytes(_as_zip(_view((2, 3), (3, 1)), **{'data/0': bytes(24)}))
  assert torch_file.read(path).tensors['w'].shape == (2, 3)
  path.write_bytes(_as_zip(_view(*view), **{'data/0': bytes(size)}))
  with pytest.raises(UserError, match='damaged'):
    torch_file.read(path)


def test_archives_that_lie(tmp_path):
  """Catches a zip bomb, a file of members there twice, or another kind of zip."""
  path = tmp_path / 'x.pth'
  good = _view((2, 3), (3, 1))
  path.write_bytes(_as_zip(good, zipfile.ZIP_DEFLATED, **{'data/0': bytes(10**7)}))
  with pytest.raises(UserError, match='compressed'):
    torch_file.read(path)
  path.write_bytes(_as_zip(good, **{'constants.pkl': b'', 'data/0': bytes(24)}))
  with pytest.raises(UserError, match='TorchScript'):
    torch_file.read(path)
  buffer = io.BytesIO()
  with zipfile.ZipFile(buffer, 'w') as archive:
    archive.writestr('a.txt', 'hello')
  path.write_bytes(buffer.getvalue())
  with pytest.raises(UserError, match='not one that'):
    torch_file.read(path)


def test_cut_off_and_mutated(tmp_path):
  """Catches an exception of its own for a damaged file: 400 of them."""
  rng = np.random.default_rng(0)
  path = tmp_path / 'x.pth'
  whole = [_old_file(), _as_zip(_view((2, 3), (3, 1)), **{'data/0': bytes(24)})]
  refused = []
  for i in range(400):
    content = bytearray(whole[i % 2])
    if i % 4 < 2:
      content = content[: rng.integers(len(content))]
    else:
      for at in rng.integers(len(content), size=3):
        content[at] = rng.integers(256)
    path.write_bytes(content)
    try:
      torch_file.read(path)
    except UserError as error:
      refused.append(str(error))
  assert len(refused) > 200  # half of them are cut off
  assert all(str(path) in said and '\n' not in said for said in refused)


@pytest.mark.parametrize('content', [b'', b'hello', b'\x89PNG\r\n\x1a\n', bytes(1000)])
def test_no_checkpoint(content, tmp_path):
  """Catches a traceback for a file of another kind."""
  path = pathlib.Path(tmp_path / 'x.pth')
  path.write_bytes(content)
  with pytest.raises(UserError, match='no PyTorch checkpoint'):
    torch_file.read(path)
  with pytest.raises(UserError, match='cannot be read'):
    torch_file.read(tmp_path / 'none.pth')
