"""wild3d describe: what is told of our own files, and of those of others."""

import numpy as np
import pytest
from fakes import mocap as fake_mocap
from fakes.pose_files import make

from wild3d import __main__, skeleton
from wild3d.errors import UserError
from wild3d.poses import bvh, npz, poses_json, trc
from wild3d.poses.describe import describe


def _rows(text):
  return dict(
    line.split(None, 1) for line in text.replace('  by  ', ' by ').split('\n')
  )


def test_command(tmp_path, capsys):
  """Catches a file described by another's numbers, or without its units."""
  poses = make()
  poses_json.write(poses, tmp_path / 'p.json')
  npz.write(poses, tmp_path / 'p.npz')
  files = [tmp_path / 'p.json', tmp_path / 'p.npz']
  files += [next(iter(bvh.write(poses, tmp_path))), trc.write(poses, tmp_path)[0]]
  assert __main__.main(['describe', *map(str, files)]) == 0
  said = capsys.readouterr().out
  for words in (
    '1, 20 frames',
    '31, of 3 people',
    'float64 [31, 16, 3]',
    'run, step 3',
  ):
    assert words in said
  assert said.count('right_ankle') == 6  # twice where the bones are told too
  assert 'right_hip-pelvis, pelvis-left_hip' in said
  assert said.count('mm') > 8


@pytest.mark.parametrize(('camera', 'origin'), [(True, 'camera'), (False, 'pelvis')])
def test_origin_of_ours(camera, origin, tmp_path):
  """Catches an origin that is left open where the numbers tell it."""
  poses = make(camera=camera, missing=(3,))
  for path in (next(iter(bvh.write(poses, tmp_path))), trc.write(poses, tmp_path)[0]):
    rows = _rows(describe(str(path)))
    assert rows['units'].startswith('mm')
    assert rows['axes'] == 'x right, y up, z towards the camera'
    assert origin in rows['origin']
    assert rows['written'].startswith('by')
    assert 'wild3d predict' in rows['written']
    assert '20, ' in rows['frames']
    assert '25 a second' in rows['frames']
  assert '1 without any marker' in rows['frames']
  (picture,) = [p for p in trc.write(poses, tmp_path) if p.name == 'b-2-person0.trc']
  assert 'second' not in _rows(describe(str(picture)))['frames']


def test_bvh_of_others(tmp_path):
  """Catches our units and axes told of a file that another program wrote."""
  path = fake_mocap.write_bvh(tmp_path / 'walk.BVH')
  said = describe(str(path))
  rows = _rows(said)
  assert 'another program' in rows['written']
  assert 'mm' not in said
  for name in ('units', 'axes', 'origin'):
    assert 'the format does not say' in rows[name]
  assert 'Hips: Xposition Yposition Zposition' in rows['channels']


def _trc(tmp_path, units='m', names=('A', 'B'), rows=('1\t0\t1\t2\t3\t\t\t',)):
  head = [
    'PathFileType\t4\t(X/Y/Z)\tx.trc',
    'DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits',
    f'100\t100\t{len(rows)}\t{len(names)}\t{units}',
    'Frame#\tTime\t' + '\t\t\t'.join(names),
    '\t\tX1\tY1\tZ1',
  ]
  path = tmp_path / 'x.trc'
  path.write_text('\n'.join([*head, '', *rows]) + '\n')
  return path


def test_trc_of_others(tmp_path):
  """Catches metres called mm, axes that nobody gave, or a frame that is not counted."""
  frames = ('1\t0\t1\t2\t3\t4\t9\t3.5', '2\t0.01\t1\t2\t3\t\t\t\t', '3\t0.02')
  rows = _rows(describe(str(_trc(tmp_path, rows=frames))))
  assert rows['units'] == 'm'
  assert 'another program' in rows['written']
  assert rows['frames'] == '3, 100 a second; 1 without any marker'
  assert rows['reach'] == '3 along x, 7 along y, 0.5 along z, in the first frame'
  assert rows['places'] == '3 of 6 empty; within x 1 to 4, y 2 to 9, z 3 to 3.5'
  assert rows['axes'] == rows['origin'] == 'the format does not say'
  # Our own names in metres are not what we write.
  path = _trc(tmp_path, names=skeleton.JOINTS)
  assert 'another program' in _rows(describe(str(path)))['written']


@pytest.mark.parametrize(
  ('rows', 'said'),
  [
    (('1\t0\t1\t2\tx',), 'line 7 holds what is no number'),
    (('1\t0' + '\t1' * 7,), 'line 7: expected its number'),
    (('\t0\t1\t2\t3',), 'line 7: expected its number'),
    (('1\t0',), 'no frame with a marker'),
    ((), 'no frame with a marker'),
  ],
)
def test_faulty_trc(rows, said, tmp_path):
  """Catches columns that are taken for another marker's, or a traceback."""
  with pytest.raises(UserError, match=f'x.trc: {said}'):
    describe(str(_trc(tmp_path, rows=rows)))


def test_trc_cut_off(tmp_path):
  """Catches a file that lost its end told as whole."""
  path = trc.write(make(), tmp_path)[0]
  lines = path.read_text().splitlines(keepends=True)
  path.write_text(''.join(lines[:-4]))
  with pytest.raises(UserError, match='says 20 frames and holds 16'):
    describe(str(path))


@pytest.mark.parametrize(
  'name', ['x.txt', 'x.json', 'x.npz', 'x.bvh', 'x.trc', 'no.bvh']
)
def test_other_files(name, tmp_path):
  """Catches a traceback for a file that is none of ours."""
  if name != 'no.bvh':
    (tmp_path / name).write_text('hello\nworld\n')
  with pytest.raises(UserError, match=name):
    describe(str(tmp_path / name))


@pytest.mark.parametrize('kind', ['json', 'npz', 'bvh', 'trc'])
def test_damaged_files(kind, tmp_path):
  """Catches a traceback of zlib, zip or NumPy for whatever bytes."""
  poses = make(times=np.arange(2) / 25)
  poses_json.write(poses, tmp_path / 'p.json')
  npz.write(poses, tmp_path / 'p.npz')
  path = {
    'json': tmp_path / 'p.json',
    'npz': tmp_path / 'p.npz',
    'bvh': next(iter(bvh.write(poses, tmp_path))),
    'trc': trc.write(poses, tmp_path)[0],
  }[kind]
  whole = path.read_bytes()
  rng = np.random.default_rng(0)
  said = []
  for _ in range(150):
    data = bytearray(whole)
    for at in rng.integers(0, len(data), rng.integers(1, 20)):
      data[at] = rng.integers(0, 256)
    path.write_bytes(data)
    try:
      describe(str(path))
    except UserError as error:
      said.append(str(error))
  assert len(said) > 30
  assert all(path.name in line and '\n' not in line for line in said)
