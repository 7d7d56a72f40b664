"""BVH files: forward kinematics by matrices, names, axes, units, faulty files."""

import numpy as np
import pytest
from fakes import mocap as fake_mocap

from wild3d import skeleton
from wild3d.datasets.mocap_people import body, captures, joint_columns
from wild3d.errors import UserError
from wild3d.media import bvh

READING = captures.Reading('auto', 0.0, 12.0)


def reference(path):
  """Joint name -> [T, 3] by a recursive reader of its own, with matrices."""
  words = path.read_text().split()
  at = words.index('MOTION')
  count = int(words[at + 2])
  numbers = np.array(words[at + 6 :], float).reshape(count, -1)
  found, cursor, column = {}, 1, 0

  def node(parent, place, turn):
    nonlocal cursor, column
    name = f'{parent}.End' if words[cursor] == 'End' else words[cursor + 1]
    offset = np.array(words[cursor + 4 : cursor + 7], float)
    cursor += 7
    own = []
    if words[cursor] == 'CHANNELS':
      own = words[cursor + 2 : cursor + 2 + int(words[cursor + 1])]
      cursor += 2 + len(own)
    values = dict(zip(own, numbers[:, column : column + len(own)].T, strict=True))
    column += len(own)
    local = np.tile(offset, (count, 1))
    if 'Xposition' in values:
      local = np.stack([values[f'{axis}position'] for axis in 'XYZ'], axis=1)
    here = place + np.einsum('tij,tj->ti', turn, local)
    for word in own:
      if word.endswith('rotation'):
        turn = turn @ about(word[0], np.radians(values[word]))
    found[name] = here
    while words[cursor] != '}':
      node(name, here, turn)
    cursor += 1

  node(None, np.zeros(3), np.tile(np.eye(3), (count, 1, 1)))
  return found


def about(axis, angle):
  """[T, 3, 3]: counter-clockwise about a coordinate axis, seen from its tip."""
  one, two = {'X': (1, 2), 'Y': (2, 0), 'Z': (0, 1)}[axis]
  turn = np.tile(np.eye(3), (len(angle), 1, 1))
  turn[:, one, one] = turn[:, two, two] = np.cos(angle)
  turn[:, one, two], turn[:, two, one] = -np.sin(angle), np.sin(angle)
  return turn


@pytest.mark.parametrize('order', ['ZXY', 'XYZ', 'YZX'])
def test_forward_kinematics_agrees_with_matrices(tmp_path, order):
  """Catches rotations in the wrong order, transposed, or from the wrong joint."""
  path = fake_mocap.write_bvh(
    tmp_path / 'a.bvh', order=order, placed=('left_knee', 'head')
  )
  # Angles of all sizes, so that order matters everywhere.
  head, rows = path.read_text().split('Frame Time: ')
  first, *lines = rows.splitlines()
  rng = np.random.default_rng(0)
  spun = [' '.join(f'{v:.6f}' for v in rng.uniform(-180, 180, len(line.split())))
          for line in lines]  # fmt: skip
  path.write_text(f'{head}Frame Time: {first}\n' + '\n'.join(spun))
  motion = bvh.read(path)
  places = bvh.positions(motion)
  wanted = reference(path)
  assert set(wanted) == set(motion.names)
  for joint, name in enumerate(motion.names):
    np.testing.assert_allclose(places[:, joint], wanted[name], atol=1e-9, err_msg=name)


def test_zero_position_channels_leave_the_offset(tmp_path):
  """Catches knees that fall onto hips where a program lists channels it never fills."""
  path = fake_mocap.write_bvh(tmp_path / 'a.bvh', placed=('left_knee',))
  motion = bvh.read(path)
  wanted = bvh.positions(motion)
  start = sum(len(c) for c in motion.channels[: motion.names.index('LeftLeg')])
  motion.values[:, start : start + 3] = 0
  np.testing.assert_allclose(bvh.positions(motion), wanted, atol=1e-6)


@pytest.mark.parametrize('naming', sorted(fake_mocap.NAMINGS))
def test_every_naming_gives_the_same_person(tmp_path, naming):
  """Catches a collar bone taken for a shoulder, a shin for a thigh, left for right."""
  load = lambda naming: captures.load(  # noqa: E731
    fake_mocap.write_bvh(tmp_path / f'{naming}.bvh', naming=naming), READING
  )
  got, wanted = load(naming).clips[0].joints, load('cmu').clips[0].joints
  np.testing.assert_allclose(got, wanted, atol=1e-3)
  bones = [np.linalg.norm(got[0, a] - got[0, b]) for a, b in skeleton.BONES]
  np.testing.assert_allclose(bones[0:2] + bones[4:6], [410, 420, 420, 410], atol=0.5)
  np.testing.assert_allclose(bones[6:8] + bones[10:12], [250, 280, 280, 250], atol=0.5)


@pytest.mark.parametrize('up', ['y', 'z'])
@pytest.mark.parametrize('unit', body.UNITS_MM)
def test_axes_and_units_are_found(tmp_path, up, unit):
  """Catches a mirrored or lying person, and a wrong unit."""
  path = fake_mocap.write_bvh(tmp_path / 'a.bvh', up=up, unit_mm=unit, heading=0.0)
  capture = captures.load(path, READING)
  assert capture.up_axis == up
  np.testing.assert_allclose(capture.millimetres_per_unit, unit)
  joints = capture.clips[0].joints
  assert (joints[:, 9, 2] - joints[:, 0, 2]).min() > 1200
  # Toes point along the file's z with y up, which is -y here: left is at +x.
  assert (joints[:, 3, 0] - joints[:, 2, 0]).min() > 150
  assert (joints[:, 4, 1] < joints[:, 3, 1]).any()  # the knee goes forward
  # It walks 1 m a second along x.
  np.testing.assert_allclose(np.diff(joints[:, 6, 0]), 1000 / 12, rtol=1e-3)


def test_head_is_extended_and_resampling_keeps_bones(tmp_path):
  """Catches a head that ends at the eyes, and limbs that shrink between frames."""
  path = fake_mocap.write_bvh(tmp_path / 'a.bvh', fps=25, frames=26)
  joints = captures.load(path, READING).clips[0].joints
  assert len(joints) == 13
  ends = joints[:, np.array(skeleton.BONES)]
  lengths = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1)
  limbs = [0, 1, 4, 5, 6, 7, 10, 11, 13]
  assert np.ptp(lengths[:, limbs], axis=0).max() < 1e-3
  np.testing.assert_allclose(lengths[:, 13], body.HEAD_OVER_LEG * 830, rtol=1e-6)
  np.testing.assert_allclose((joints[:, 2] + joints[:, 3]) / 2, joints[:, 6], atol=1e-9)


def test_resampling_takes_the_right_moments():
  """Catches a rate turned upside down, and a last frame beyond the end."""
  joints = fake_mocap.standing(61).astype(np.float64)
  joints[..., 0] += np.linspace(0, 600, 61)[:, None]  # 10 mm a frame
  for fps, wanted, count in ((30, 12, 25), (120, 12, 7), (8, 12, 91), (12, 12, 61)):
    got = body.resample(joints, float(fps), float(wanted))
    assert len(got) == count
    np.testing.assert_allclose(np.diff(got[:, 6, 0]), 10 * fps / wanted, rtol=1e-9)
    assert got[-1, 6, 0] <= 600 + 1e-9


def test_explicit_names_go_before_matched_ones(tmp_path):
  """Catches a mapping that is read and ignored."""
  odd = dict(fake_mocap.NAMINGS['cmu'], left_knee='Bone 7')
  path = fake_mocap.write_bvh(tmp_path / 'a.bvh', naming=odd)
  with pytest.raises(UserError, match=r'no joint found for left_knee.*Bone 7') as told:
    captures.load(path, READING)
  assert '\n' not in str(told.value)
  (tmp_path / 'joint_names.json').write_text('{"left_knee": "Bone 7"}')
  mapping = tuple(joint_columns.told(tmp_path).items())
  reading = captures.Reading('auto', 0.0, 12.0, mapping)
  assert np.isfinite(captures.load(path, reading).clips[0].joints).all()


@pytest.mark.parametrize(
  ('text', 'said'),
  [
    ('[1]', 'must hold one object'),
    ('{"left_knee": 3}', 'must hold one object'),
    ('{"pelvis": "Hips"}', "'pelvis' is none of"),
    ('{"left', 'no JSON, or an incomplete one'),
  ],
)
def test_faulty_mappings_are_refused(tmp_path, text, said):
  """Catches a typing error in the mapping that changes nothing, without a word."""
  (tmp_path / 'joint_names.json').write_text(text)
  with pytest.raises(UserError, match=said):
    joint_columns.told(tmp_path)


def change(old, new):
  return lambda text: text.replace(old, new, 1)


@pytest.mark.parametrize(
  ('edit', 'said'),
  [
    (lambda text: text[: len(text) // 2 + 400], 'cut off'),
    (lambda text: '\n'.join(text.splitlines()[:12]), 'ends before its last brace'),
    (lambda text: text.split('MOTION')[0], 'no MOTION section'),
    (lambda text: '\x00\x01', 'not expected here'),
    (lambda text: '', 'no ROOT'),
    (change('Frames: 24', 'Frames: 25'), 'says 25 frames'),
    (change('Frames: 24', 'Frames: many'), "must come 'Frames: N'"),
    (change('Frame Time: 0.04166667', 'Frame Time: 0'), 'Frame Time of 0 seconds'),
    (change('93.000000', 'nan'), 'frame 0: NaN'),
    (change('93.000000', 'x'), "frame 0: 'x' is no number"),
    (change('93.000000 ', ''), r'frame 0 has \d+ numbers, the skeleton'),
    (change('CHANNELS 3', 'CHANNELS 4'), r'line \d+: CHANNELS wants'),
    (change('OFFSET 9.0', 'OFFSET a'), r'line \d+: OFFSET wants'),
    (change('JOINT LeftLeg', 'JOINT Hips'), 'a second joint'),
  ],
)
def test_faulty_files_are_refused_in_one_line(tmp_path, edit, said):
  """Catches garbage poses from a damaged file, or a traceback."""
  path = fake_mocap.write_bvh(tmp_path / 'a.bvh')
  text = edit(path.read_text())
  assert text != path.read_text()
  path.write_text(text)
  with pytest.raises(UserError, match=said) as told:
    captures.load(path, READING)
  assert '\n' not in str(told.value)
  assert str(path) in str(told.value)


def test_axes_and_units_that_cannot_be_told(tmp_path):
  """Catches a giant, or a person drawn lying down, where the file is unclear."""
  path = fake_mocap.write_bvh(tmp_path / 'a.bvh', unit_mm=3.0)
  with pytest.raises(UserError, match='set millimetres_per_unit'):
    captures.load(path, READING)
  given = captures.Reading('auto', 3.0, 12.0)
  np.testing.assert_allclose(captures.load(path, given).leg_mm, 830, rtol=1e-3)
  with pytest.raises(UserError, match='a leg is 8300 mm long'):
    captures.load(path, captures.Reading('auto', 30.0, 12.0))
