"""The builder of people in recorded poses: files, splits, pictures, faulty input."""

import dataclasses
import io
import os
import pathlib
import tempfile

import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds
from fakes import mocap as fake_mocap

from wild3d import skeleton
from wild3d.data.batch import RECORD_KEYS
from wild3d.datasets.mocap_people import body, captures, joints_npz
from wild3d.datasets.mocap_people import mocap_people_dataset_builder as mocap
from wild3d.datasets.units import Skipped
from wild3d.errors import UserError
from wild3d.synthetic import person as person_lib

READING = captures.Reading('auto', 0.0, 12.0)
TINY = mocap.MocapPeopleConfig(name='mine', size=64, every=4, domains=('lab',))


def builder(tmp_path, **changes):
  return mocap.Builder(
    config=dataclasses.replace(TINY, **changes), data_dir=str(tmp_path / 'tfds')
  )


def fill(folder, files=2):
  """A BVH in a folder of its own, and npz files of one motion each."""
  (folder / 'walks').mkdir(parents=True)
  fake_mocap.write_bvh(folder / 'walks' / '07_01.bvh', frames=17)
  for number in range(files - 1):
    joints = fake_mocap.standing(8, height=1 + 0.005 * number)
    np.savez(
      folder / f'{number:02d}.npz',
      joints3d=joints,
      start=[0],
      length=[8],
      fps=12,
      subject=[f's{number:02d}'],
      action=['lean'],
    )
  return folder


def drawn(made, units):
  return [record for unit in units for record in made.records(unit)]


@pytest.fixture(scope='module')
def stills(tmp_path_factory):
  folder = tmp_path_factory.mktemp('mocap')
  made = builder(folder, views=2)
  units = made.units(fill(folder / 'manual'))
  return made, units, {split: drawn(made, some) for split, some in units.items()}


def test_counts_ids_and_what_is_known(stills):
  """Catches views left out, a count that misleads the progress bar, lost names."""
  _, units, records = stills
  assert set(records) == {'lab_train', 'lab_test'}
  # 17 frames at 24 a second are 9 at 12; every 4th: 3. The other file: 2 of 8.
  assert {split: len(some) for split, some in records.items()} == {
    'lab_train': 3 * 2,
    'lab_test': 2 * 2,
  }
  for split, some in units.items():
    assert sum(unit.count for unit in some) == len(records[split])
    assert all(r['id'].startswith(f'{some[0].name}#') for r in records[split])
  first, last = records['lab_train'][0], records['lab_test'][-1]
  assert first['id'] == 'mocap_people/lab_train/00000#walks/07_01.bvh:0:0'
  assert (first['subject'], first['sequence'], first['frame']) == ('07', '', 0)
  assert (last['subject'], last['action']) == ('s00', 'lean')
  ids = [r['id'] for some in records.values() for r in some]
  assert len(set(ids)) == len(ids)


def test_records_keep_the_contract_and_their_poses(stills):
  """Catches axes that are not the camera's, a mirrored person, another pose's label."""
  made, units, records = stills
  for split, some in records.items():
    poses = list(made._poses(units[split][0].payload))
    for stored, (_, _, joints) in zip(some, poses, strict=True):
      assert set(stored) == set(RECORD_KEYS)
      assert stored['has3d']
      assert stored['labelled'].all()
      fx, fy, cx, cy = stored['camera']
      x, y, z = stored['joints3d'].T
      projected = np.stack([fx * x / z + cx, fy * y / z + cy], axis=-1)
      np.testing.assert_allclose(projected, stored['joints2d'], atol=0.05)
      # The recorded pose, turned: a rotation without a mirror maps one to the other.
      ours = (stored['joints3d'] - stored['joints3d'][6]).astype(np.float64)
      wanted = joints[0] - joints[0, 6]
      u, _, vt = np.linalg.svd(wanted.T @ ours)
      assert np.linalg.det(u @ vt) > 0
      np.testing.assert_allclose(wanted @ (u @ vt), ours, atol=0.5)
      image = np.asarray(PIL.Image.open(io.BytesIO(stored['image'])))
      assert image.shape == (64, 64, 3)


def test_people_are_drawn_where_the_labels_are(stills):
  """Catches pictures of other poses than the labels': bodies differ from the wall."""
  _, _, records = stills
  for stored in records['lab_train']:
    image = np.asarray(PIL.Image.open(io.BytesIO(stored['image'])), np.float64)
    hips, shoulders = stored['joints2d'][6], stored['joints2d'][7]
    x, y = (0.5 * (hips + shoulders)).astype(int)
    far = x + (20 if x < 32 else -20)
    on, off = (
      image[y - 2 : y + 3, x - 1 : x + 2],
      image[y - 2 : y + 3, far - 1 : far + 2],
    )
    assert np.abs(on.mean((0, 1)) - off.mean((0, 1))).max() > 8


def test_a_record_depends_on_its_pose_alone(stills, tmp_path):
  """Catches a dataset that changes when a file is added, or from call to call."""
  made, units, records = stills
  again = drawn(made, units['lab_train'])
  unit = units['lab_train'][0]
  some = dataclasses.replace(unit.payload, picks=unit.payload.picks[1:2])
  (one, _) = drawn(made, [dataclasses.replace(unit, payload=some)])
  for key, value in records['lab_train'][2].items():
    np.testing.assert_array_equal(again[2][key], value)
    np.testing.assert_array_equal(one[key], value)
  joints = [r['joints3d'] for r in records['lab_train'][:2]]
  assert np.abs(joints[0] - joints[1]).max() > 50  # two views


def test_clips_have_one_camera_and_consecutive_frames(tmp_path):
  """Catches frames out of order, a camera that follows, clips that overlap."""
  made = builder(tmp_path, clip_frames=4, every=1)
  units = made.units(fill(tmp_path / 'manual'))
  records = drawn(made, units['lab_train'])
  assert [r['frame'] for r in records] == [0, 1, 2, 3] * 2
  assert len({r['sequence'] for r in records}) == 2
  for first in (0, 4):
    clip = records[first : first + 4]
    assert all(r['sequence'] == clip[0]['sequence'] for r in clip)
    for key in ('camera', 'center', 'side'):
      assert all((r[key] == clip[0][key]).all() for r in clip)
    moved = np.diff([r['joints3d'][6] for r in clip], axis=0)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1000 / 12, rtol=0.01)


def test_every_tenth_person_is_for_testing(tmp_path):
  """Catches a person on both sides, or none held out."""
  folder = fill(tmp_path / 'manual', files=21)
  splits = builder(tmp_path, domains=('lab', 'wild')).units(folder)
  files = {
    split: {pick[0] for unit in units for pick in unit.payload.picks}
    for split, units in splits.items()
  }
  assert files['lab_train'] == files['wild_train']
  assert files['lab_test'] == files['wild_test'] == {'08.npz', '18.npz'}
  assert not files['lab_train'] & files['lab_test']
  assert len(files['lab_train']) == 19


def test_joints_of_files_are_told_apart(tmp_path):
  """Catches single poses taken for a motion, and numbers for names."""
  np.savez(
    tmp_path / 'a.npz',
    joints3d=fake_mocap.standing(4) / 1000,
    subject=np.array([0, 0, 1, 1]),
    subject_names=['anna', 'bert'],
    clip=np.array([0, 0, 1, 1]),
    clip_names=['one', 'two'],
    clip_actions=['walk', 'run'],
    units='m',
    joint_names=[n.replace('right_', 'r_') for n in skeleton.JOINTS],
  )
  capture = captures.load(tmp_path / 'a.npz', READING)
  assert [(c.subject, c.action, len(c.joints)) for c in capture.clips] == [
    ('anna', 'walk', 2),
    ('bert', 'run', 2),
  ]
  assert capture.millimetres_per_unit == 1000
  np.testing.assert_allclose(capture.clips[0].joints[0, 2], [-90, 0, 900], atol=0.01)


@pytest.mark.parametrize('said', [{}, {'up_axis': 'y'}])
def test_what_is_up_is_found_in_npz_too(tmp_path, said):
  """Catches people drawn floating on their backs where the file has y up."""
  joints = fake_mocap.standing(4)
  x, y, z = np.moveaxis(joints, -1, 0)
  np.savez(tmp_path / 'a.npz', joints3d=np.stack([x, z, -y], axis=-1), **said)
  capture = captures.load(tmp_path / 'a.npz', READING)
  assert capture.up_axis == 'y'
  np.testing.assert_allclose(capture.clips[0].joints[:, :9], joints[:, :9], atol=1e-3)
  np.savez(tmp_path / 'b.npz', joints3d=joints[..., [2, 0, 1]])  # lies along x
  with pytest.raises(UserError, match=r"b\.npz: .* set up_axis to 'y' or 'z'"):
    captures.load(tmp_path / 'b.npz', READING)


def npz(**arrays):
  def write(folder):
    kept = {'joints3d': fake_mocap.standing(4), **arrays}
    np.savez(folder / 'a.npz', **{k: v for k, v in kept.items() if v is not None})

  return write


def spoiled(value):
  joints = fake_mocap.standing(4)
  joints[2, 3, 1] = value
  return joints


@pytest.mark.parametrize(
  ('make', 'said'),
  [
    (lambda folder: None, r'no \*\.bvh and no \*\.npz'),
    (npz(joints3d=None), 'joints3d must be of shape'),
    (npz(joints3d=np.zeros((4, 17, 3))), r'and is \(4, 17, 3\)'),
    (npz(joints3d=np.zeros((4, 16, 3))), 'the legs have no length|which axis'),
    (npz(joints3d=spoiled(np.nan)), 'joints3d, row 2: NaN'),
    (npz(joints3d=fake_mocap.standing(4) / 7), 'set millimetres_per_unit'),
    (npz(start=[0]), 'start, length and fps go together'),
    (npz(start=[0], length=[9], fps=30), 'sequence 0: rows 0 to 9'),
    (npz(subject=np.array(['a', 'b'])), 'subject has 2 entries, and not 4'),
    (
      npz(subject=np.full(4, 7), subject_names=['a']),
      'subject must hold numbers below',
    ),
    (npz(joint_names=skeleton.JOINTS[::-1]), 'joint_names must be right_ankle'),
    (npz(units='furlong'), 'units must be one of'),
    (npz(action=np.array([{}] * 4, object)), 'holds object arrays'),
    (
      lambda folder: (folder / 'a.npz').write_bytes(b'PK\x03\x04 cut'),
      'a.npz: damaged',
    ),
    (lambda folder: (folder / 'a.npz').write_text('text'), 'a.npz'),
  ],
)
def test_faulty_files_are_refused_in_one_line(tmp_path, make, said):
  """Catches giants and heaps of limbs drawn without a word, code run from a file."""
  folder = tmp_path / 'manual'
  folder.mkdir()
  make(folder)
  with pytest.raises(UserError, match=said) as told:
    builder(tmp_path).units(folder)
  assert '\n' not in str(told.value)
  assert str(folder) in str(told.value)


def test_truncated_archive_is_refused(tmp_path):
  """Catches a traceback of zipfile or zlib."""
  npz()(tmp_path)
  path = tmp_path / 'a.npz'
  whole = path.read_bytes()
  for share in (0.2, 0.6, 0.97):
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match=r'a\.npz: damaged'):
      joints_npz.read(path)


def test_single_poses_are_no_clips(tmp_path):
  """Catches clips that jump from person to person."""
  npz()(tmp_path)
  with pytest.raises(UserError, match='holds single poses: clip_frames must be 1'):
    builder(tmp_path, clip_frames=2).units(tmp_path)


def test_broken_limbs_are_left_out_and_counted(tmp_path):
  """Catches tracking faults that are drawn, or dropped without a word."""
  folder = tmp_path / 'manual'
  folder.mkdir()
  joints = fake_mocap.standing(4)
  joints[1, 10] += (3000, 0, 0)  # a wrist lost
  np.savez(folder / 'a.npz', joints3d=joints)
  made = builder(tmp_path, every=1)
  (unit,) = made.units(folder)['lab_train']
  poses = list(made._poses(unit.payload))
  assert [isinstance(pose, Skipped) for pose in poses] == [False, True, False, False]


@pytest.mark.parametrize(
  'changes',
  [
    {'size': 8},
    {'every': 0},
    {'views': 0},
    {'clip_frames': 0},
    {'domains': ('lab', 'moon')},
    {'domains': ()},
    {'up_axis': 'x'},
    {'quality': 100},
    {'frames_per_second': 0.0},
  ],
)
def test_faulty_options_name_the_field(changes):
  """Catches a typing error found out after an hour of drawing."""
  with pytest.raises(UserError, match=f'mocap_people/mine: {next(iter(changes))} must'):
    dataclasses.replace(TINY, **changes)


def test_people_stand_on_the_floor():
  """Catches feet in the floor, people in the air, and feet of another length."""
  joints = fake_mocap.standing(3).astype(np.float64)
  joints += (500, 300, 777)
  joints[:, 0] += (0, 300, 0)  # a shin that leans forward: toes would go down
  stood = body.stand(joints)
  person = person_lib.from_joints(jnp.asarray(stood[0], jnp.float32))
  above = person_lib.above_floor(person)
  assert person.toes[0, 2] < 20
  np.testing.assert_allclose(above.toes[0, 2], person_lib.TOE_FLESH_MM, atol=1e-3)
  lengths = [np.linalg.norm(p.toes[0] - p.joints[0]) for p in (person, above)]
  np.testing.assert_allclose(*lengths, rtol=1e-4)
  np.testing.assert_array_equal(above.hands, person.hands)
  np.testing.assert_allclose(stood[0, 6, :2], 0, atol=1e-9)
  assert 60 < stood[..., 2].min() < 90


class MocapPeopleTest(tfds.testing.DatasetBuilderTestCase):
  """Catches records that TFDS cannot write or read back."""

  DATASET_CLASS = mocap.Builder
  BUILDER_CONFIG_NAMES_TO_TEST = ('tiny',)
  SPLITS = {'lab_train': 3, 'lab_test': 2}  # noqa: RUF012
  SKIP_TF1_GRAPH_MODE = True
  SKIP_CHECKSUMS = True

  @classmethod
  def setUpClass(cls):
    cls._folder = tempfile.TemporaryDirectory()
    cls.EXAMPLE_DIR = str(fill(pathlib.Path(cls._folder.name) / 'manual'))
    super().setUpClass()

  @classmethod
  def tearDownClass(cls):
    super().tearDownClass()
    cls._folder.cleanup()


@pytest.mark.skipif('WILD3D_SAMPLES' not in os.environ, reason='no samples at hand')
def test_real_recordings_are_read():
  """Catches checks too strict for real motion, and heads that end too low."""
  folder = pathlib.Path(os.environ['WILD3D_SAMPLES']) / 'mocap'
  poses, motion = (captures.load(path, READING) for path in captures.find(folder))
  assert sum(len(clip.joints) for clip in poses.clips) == 17_879
  assert len({clip.subject for clip in poses.clips}) == 26
  assert {clip.fps for clip in motion.clips} == {30.0}
  for capture in (poses, motion):
    joints = np.concatenate([clip.joints for clip in capture.clips])
    assert body.plausible(joints).mean() > 0.99
    head = np.linalg.norm(joints[:, 9] - joints[:, 8], axis=-1)
    assert np.percentile(head, 5) > 230
