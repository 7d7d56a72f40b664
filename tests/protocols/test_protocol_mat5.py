"""MATLAB files: the same as SciPy reads, and no damaged byte that ends the process."""

import io
import pathlib
import struct

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from wild3d.errors import UserError
from wild3d.protocols.formats import arrays, mat5


def _variables():
  rng = np.random.default_rng(0)
  kinds = ('f4', 'f8', 'i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8')
  return {
    f'of_{kind}': rng.uniform(0, 99, (3, 4, 2)).astype(kind) for kind in kinds
  } | {
    'joints3d': rng.normal(size=(6, 16, 3)),
    'row': np.arange(5.0)[None],
    'one': np.array([[7.5]]),
    'none': np.zeros((0, 3)),
    'valid': np.array([[True, False]]),
    'units': 'mm',
    'rows': np.array(['left', 'right']),
    'empty': '',
    'accents': 'Ärmel',
    'ids': np.array(['a/1', 'bb/22', ''], object)[None],
  }


def _written(variables, **options):
  buffer = io.BytesIO()
  scipy.io.savemat(buffer, variables, **options)
  return buffer.getvalue()


@pytest.mark.parametrize('packed', [False, True])
def test_reads_what_scipy_writes(packed):
  """Catches axes in C's order, a width misread, and padding taken for an element."""
  variables = _variables()
  others = {
    'pair': {'x': 1.0, 'y': 'text'},
    'complex': np.array([[1 + 2j]]),
    'sparse': scipy.sparse.csc_matrix(np.eye(3)),
    'cells': np.array([np.ones(2), 'text'], object),
  }
  texts = {
    'units': ['mm'],
    'rows': ['left', 'right'],
    'empty': [],
    'accents': ['Ärmel'],
  }
  texts['ids'] = ['a/1', 'bb/22', '']
  found = mat5.read(_written(others | variables, do_compression=packed))
  assert set(found) == set(variables)
  for name, array in variables.items():
    if name in texts:
      assert [text.rstrip() for text in found[name].tolist()] == texts[name]
    else:
      np.testing.assert_array_equal(found[name], array, err_msg=name)
      # Logical values are stored as bytes.
      assert found[name].dtype == (np.uint8 if name == 'valid' else array.dtype)


def test_files_of_matlab_itself():
  """Catches what SciPy never writes: other versions, byte orders, kinds of text."""
  folder = pathlib.Path(scipy.io.__file__).parent / 'matlab' / 'tests' / 'data'
  if not folder.is_dir():
    pytest.skip("SciPy's own tests are not installed")
  seen = 0
  for path in sorted(folder.glob('*.mat')):
    content = path.read_bytes()
    if content[126:128] not in (b'IM', b'MI') or b'HDF' in content[:600]:
      continue
    if any(word in path.name for word in ('corrupt', 'malformed', 'bad_', 'broken')):
      continue
    found, wanted = mat5.read(content), scipy.io.loadmat(path)
    for name, array in found.items():
      if array.dtype.kind != 'U':
        np.testing.assert_array_equal(
          array, wanted[name], err_msg=f'{path.name} {name}'
        )
        seen += 1
  assert seen > 20


def test_big_endian():
  """Catches a byte order that is the machine's and not the file's."""
  elements = (
    (6, struct.pack('>2I', 6, 0)),  # of class double
    (5, struct.pack('>2i', 2, 2)),
    (1, b'longname'),
    (9, struct.pack('>4d', 1.0, 2.0, 3.0, 4.0)),
  )
  body = b''.join(struct.pack('>2I', kind, len(d)) + d for kind, d in elements)
  head = b'MATLAB 5.0'.ljust(124) + b'\x01\x00MI'
  content = head + struct.pack('>2I', 14, len(body)) + body
  for found in (mat5.read(content), scipy.io.loadmat(io.BytesIO(content))):
    np.testing.assert_array_equal(found['longname'], [[1, 3], [2, 4]])
  assert mat5.read(content)['longname'].dtype.isnative


def test_a_negative_size():
  """Catches a damaged size that NumPy takes for 'whatever fits'."""
  content = bytearray(_written({'longname': np.arange(6.0).reshape(2, 3)}))
  at = content.index(struct.pack('<2i', 2, 3))
  content[at : at + 4] = struct.pack('<i', -1)
  with pytest.raises(ValueError, match='longname has the shape'):
    mat5.read(bytes(content))


@pytest.mark.parametrize('packed', [False, True])
def test_damaged_bytes(packed, tmp_path):
  """Catches a crash, a hang, or several lines; SciPy crashes on some of these."""
  small = {k: v for k, v in _variables().items() if k != 'joints3d'}
  whole = _written(small, do_compression=packed)
  rng, path, refused = np.random.default_rng(1), tmp_path / 'p.mat', []
  for _ in range(250):
    content = bytearray(whole)
    for at in rng.integers(128, len(content), rng.integers(1, 4)):
      content[at] = rng.integers(256)
    if rng.random() < 0.1:
      content = content[: rng.integers(len(content))]
    path.write_bytes(content)
    try:
      assert all(isinstance(array, np.ndarray) for array in arrays.load(path).values())
    except UserError as error:
      refused.append(str(error))
  assert len(refused) > 30
  assert all(said.startswith(f'{path}: damaged') for said in refused)
  assert not any('\n' in said for said in refused)


def test_matlab_4(tmp_path):
  """Catches an old file refused."""
  joints = np.arange(6.0).reshape(2, 3)
  scipy.io.savemat(tmp_path / 'old.mat', {'joints': joints, 'units': 'mm'}, format='4')
  found = arrays.load(tmp_path / 'old.mat')
  np.testing.assert_array_equal(found['joints'], joints)
  assert found['units'].tolist() == ['mm']
