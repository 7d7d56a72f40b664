"""Human3.6M's official form: frames, labels, cameras and faults of the release."""

import dataclasses
import io
import os
import pathlib
import pickle
import shutil
import tempfile
import types

import cdflib
import numpy as np
import pytest
import tensorflow_datasets as tfds
from fakes import human36m as fake
from PIL import Image

from wild3d import skeleton
from wild3d.datasets import make_record
from wild3d.datasets.camera import project
from wild3d.datasets.human36m import cdf, joints, metadata_xml, official
from wild3d.datasets.human36m import human36m_dataset_builder as h36m
from wild3d.datasets.units import Skipped
from wild3d.errors import UserError

S1 = pathlib.Path('S1')
MONO = S1 / 'MyPoseFeatures' / 'D3_Positions_mono' / 'Directions 1.54138969.cdf'
FLAT = S1 / 'MyPoseFeatures' / 'D2_Positions' / 'Directions 1.54138969.cdf'
VIDEO = S1 / 'Videos' / 'Directions 1.54138969.mp4'
NAMES = {name: i for i, name in enumerate(skeleton.JOINTS)}


def config(**changes):
  fields = {
    'size': 384,
    'margin': 1.5,
    'subjects': (),
    'cameras': (),
    'stride': 5,
    'validation_stride': 4,
    'projection': 'true',
    'shifted': 'keep',
    'clip_frames': 1,
  }
  return types.SimpleNamespace(**{**fields, **changes})


@pytest.fixture(scope='module')
def intact(tmp_path_factory):
  return fake.make(tmp_path_factory.mktemp('h36m') / 'tree')


@pytest.fixture
def folder(intact, tmp_path):
  """A copy of the tree to damage."""
  return shutil.copytree(intact, tmp_path / 'tree')


def read(folder, settings, name='S1/Directions 1.54138969'):
  """(unit, its records) of one video; the unit goes to another process and back."""
  for unit in (u for us in official.units(folder, settings).values() for u in us):
    if unit.name == f'human36m/{name}':
      return unit, list(h36m.records(pickle.loads(pickle.dumps(unit)), settings))
  raise AssertionError(name)


def in_original(made):
  affine = made['to_original']
  return made['joints2d'] @ affine[:, :2].T + affine[:, 2]


# Would catch: _ALL read, the order or the split of takes wrong, a stride mixed up.
def test_units(intact):
  splits = official.units(intact, config())
  names = {split: [unit.name for unit in units] for split, units in splits.items()}
  assert names == {
    'train': [
      'human36m/S1/Directions 1.54138969',
      'human36m/S1/Directions 1.55011271',
      'human36m/S1/TakingPhoto.58860488',
    ],
    'validation': [
      'human36m/S9/Greeting.55011271',
      'human36m/S11/Directions.54138969',
      'human36m/S11/Directions.55011271',
    ],
  }
  assert [units[0].count for units in splits.values()] == [3, 3]


# Would catch: a filter of the configuration that is not applied, or silently empty.
def test_subjects_and_cameras(intact):
  some = official.units(intact, config(subjects=(1, 11), cameras=('54138969',)))
  assert [u.name for us in some.values() for u in us] == [
    'human36m/S1/Directions 1.54138969',
    'human36m/S11/Directions.54138969',
  ]
  with pytest.raises(UserError, match=r'no labelled pictures of S5'):
    official.units(intact, config(subjects=(1, 5)))
  with pytest.raises(UserError, match='no labelled pictures'):
    official.units(intact, config(subjects=(1,), cameras=('60457274',)))


# Would catch: off by one between labels and frames, a wrong joint, swapped sides, a
# wrong crop transform, labels of another camera.
def test_records(intact):
  unit, made = read(intact, config())
  mono, px = fake.seen(fake.world(1, 'Directions 1', 12), 1, '54138969')
  assert unit.count == len(made) == 3
  for row, (index, one) in enumerate(zip((0, 5, 10), made, strict=True)):
    one = make_record.checked(one)
    assert one['id'] == f'human36m/S1/Directions 1.54138969#{index}'
    assert (one['sequence'], one['frame']) == (unit.name, row)
    assert (one['subject'], one['action']) == ('S1', 'Directions')
    assert one['has3d']
    assert one['labelled'].all()
    assert one['original_size'].tolist() == [fake.SIDE, fake.SIDE]
    for joint, source in (('right_wrist', 27), ('left_knee', 7), ('head_top', 15)):
      place = NAMES[joint]
      np.testing.assert_allclose(one['joints3d'][place], mono[index, source], atol=1e-3)
      np.testing.assert_allclose(in_original(one)[place], px[index, source], atol=1e-3)
    middle = (mono[index, 17] + mono[index, 25]) / 2
    np.testing.assert_allclose(one['joints3d'][NAMES['thorax']], middle, atol=1e-3)
    again = project(one['joints3d'], one['camera'], one['distortion'])
    np.testing.assert_allclose(again, in_original(one), atol=1e-3)
    picture = np.asarray(Image.open(io.BytesIO(one['image'])).convert('L'), float)
    assert abs(np.median(picture[picture > 20]) - fake.level(index)) < 4
    bright = np.maximum(picture - fake.level(index) - 30, 0)
    y, x = np.mgrid[: len(picture), : len(picture)] + 0.5
    blot = np.array([(bright * x).sum(), (bright * y).sum()]) / bright.sum()
    np.testing.assert_allclose(blot, one['joints2d'][NAMES['right_wrist']], atol=0.5)


# Would catch: a spelling that is found but read from elsewhere; 2D labels that are not
# what the camera sees; metadata.xml only looked for in one place.
def test_spellings_and_missing_2d(intact, tmp_path):
  take = fake.TAKES[:1]
  other = fake.make(tmp_path, spelling='h36m_fetch', flat=False, takes=take)
  for root in (other, other / 'extracted'):
    for one, two in zip(
      read(intact, config())[1], read(root, config())[1], strict=True
    ):
      assert one.keys() == two.keys()
      for key in one:
        if isinstance(one[key], str | bytes):
          assert one[key] == two[key]
        else:
          np.testing.assert_allclose(one[key], two[key], atol=1e-3, err_msg=key)


# Would catch: the authors' labels pinned at another joint, scaled by other bones, or
# used for the crop too.
def test_zhou2017_projection(intact):
  true = read(intact, config())[1][1]
  flat = read(intact, config(projection='zhou2017'))[1][1]
  mono, px = fake.seen(fake.world(1, 'Directions 1', 12)[5], 1, '54138969')
  order = [3, 2, 1, 6, 7, 8, 0, 12, 13, 15, 27, 26, 25, 17, 18, 19]
  ends = np.array(skeleton.BONES)

  def total(points):
    points = points[order]
    return np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=1).sum()

  scale = total(px) / total(mono[:, :2])
  expected = px[12] + scale * (mono[:, :2] - mono[12, :2])
  for joint in ('right_ankle', 'left_wrist', 'upper_neck', 'pelvis'):
    source = order[NAMES[joint]]
    np.testing.assert_allclose(
      in_original(flat)[NAMES[joint]], expected[source], atol=1e-3
    )
  assert np.abs(flat['joints2d'] - true['joints2d']).max() > 0.3
  assert flat['image'] == true['image']
  np.testing.assert_array_equal(flat['joints3d'], true['joints3d'])


# Would catch: a crop that moves within a clip, or clips that run over two crops.
def test_clip_frames_share_a_crop(intact):
  made = read(intact, config(stride=2, clip_frames=4))[1]
  assert [one['frame'] for one in made] == list(range(6))
  boxes = [(one['to_original'].tolist(), one['center'].tolist()) for one in made]
  assert boxes[:4] == boxes[:1] * 4
  assert boxes[4:] == boxes[4:5] * 2 != boxes[:1] * 2
  assert made[3]['sequence'] != made[4]['sequence'] == made[5]['sequence']
  for one in made:
    inside = np.abs(one['joints2d'] - one['center']) <= one['side'] / 2
    assert inside.all()


# Would catch: faults of the release that stop the build, or are dropped uncounted.
def test_corrupt_video_is_counted(intact):
  unit, made = read(intact, config(), 'S11/Directions.54138969')
  assert made == [Skipped('S11 Directions 54138969: corrupt in the release')] * 3
  assert unit.count == 3
  assert len(read(intact, config(), 'S11/Directions.55011271')[1]) == 3


# Would catch: the correction applied the wrong way, in camera axes, or to 3D alone.
def test_shifted_takes(intact):
  name = 'S9/Greeting.55011271'
  kept = read(intact, config(), name)[1]
  skipped = read(intact, config(shifted='skip'), name)[1]
  assert skipped == [Skipped('S9 Greeting: labels shifted by 200 mm')] * 3
  points = fake.world(9, 'Greeting', 12) - (200.0, 0, 0)
  mono, px = fake.seen(points[4], 9, '55011271')
  mended = read(intact, config(shifted='correct'), name)[1][1]
  knee = NAMES['left_knee']
  np.testing.assert_allclose(mended['joints3d'][knee], mono[7], atol=1e-3)
  np.testing.assert_allclose(in_original(mended)[knee], px[7], atol=1e-3)
  gap = np.linalg.norm(mended['joints3d'] - kept[1]['joints3d'], axis=1)
  np.testing.assert_allclose(gap, 200, atol=1e-3)
  others = [
    read(intact, config(shifted=s))[1][0]['joints3d'] for s in ('keep', 'correct')
  ]
  np.testing.assert_array_equal(*others)


# Would catch: surplus frames that get the labels of others, or vanish uncounted.
def test_surplus_frames_are_counted(tmp_path):
  fake.make(tmp_path, frames=9, surplus=4, takes=fake.TAKES[:1])
  made = read(tmp_path, config(stride=3))[1]
  assert [one['id'][-2:] for one in made[:3]] == ['#0', '#3', '#6']
  assert made[3:] == [Skipped('frames of a video after its last label')] * 2


def no_metadata(folder):
  (folder / 'metadata.xml').unlink()


def short_w0(folder):
  text = (folder / 'metadata.xml').read_text()
  (folder / 'metadata.xml').write_text(text.replace('<w0>[', '<w0>[1.0 '))


def cut(name, share=0.5):
  def damage(folder):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(len(data) * share)])

  return damage


def remove(name):
  return lambda folder: (folder / name).unlink()


def poses(name, values):
  return lambda folder: fake.write_cdf(folder / name, values)


def frames(number):
  return lambda folder: fake.write_video(folder / VIDEO, np.full((number, 2), 50.0))


def renamed(folder):
  (folder / VIDEO).rename(folder / S1 / 'Videos' / 'Directions 3.54138969.mp4')


# Would catch: a traceback, or a message that does not name the file, for each of these.
@pytest.mark.parametrize(
  ('damage', 'message'),
  [
    (no_metadata, r'metadata\.xml is missing'),
    (short_w0, r'metadata\.xml: .*w0 holds 301 numbers'),
    (cut('metadata.xml'), r'metadata\.xml: not the metadata'),
    (cut('metadata.xml', 0), r'metadata\.xml: not the metadata'),
    (remove(VIDEO), r'1\.54138969\.mp4: missing; it is in Videos_S'),
    (remove(MONO), r'1\.54138969\.cdf: missing; it is in Poses_D3_Positions_mono'),
    (cut(MONO, 0.05), r'1\.54138969\.cdf: cannot be read as CDF'),
    (poses(MONO, np.ones((12, 64))), r'cdf: Pose is of shape \[12, 64\]'),
    (poses(MONO, np.ones((13, 96))), r'mono/.*cdf has 13 frames, .*D2_.*cdf has 12'),
    (frames(11), r'cdf has 12 frames, .*mp4 has 11'),
    (frames(80), r'cdf has 12 frames, .*mp4 has 80'),
    (cut(VIDEO), r'54138969\.mp4: the video cannot be decoded'),
    (cut(VIDEO, 0), r'54138969\.mp4: the video cannot be decoded'),
    (renamed, r"S1: metadata\.xml names no take 'Directions 3' of S1"),
  ],
)
def test_faulty_files_are_found_first(folder, damage, message):
  damage(folder)
  with pytest.raises(UserError, match=message) as error:
    official.units(folder, config())
  assert '\n' not in str(error.value)


# Would catch: NaN labels stored, or found without saying where.
@pytest.mark.parametrize(('name', 'dims'), [(MONO, 3), (FLAT, 2)])
def test_labels_that_are_no_numbers(folder, name, dims):
  values = fake.seen(fake.world(1, 'Directions 1', 12), 1, '54138969')[dims == 2]
  values[10, 27] = np.nan
  fake.write_cdf(folder / name, values)
  with pytest.raises(
    UserError, match=r'54138969\.cdf: row 10 .*frame 10\): the .D labels'
  ):
    read(folder, config())


# Would catch: Fortran order of the file (MATLAB) read as C order.
def test_column_major_cdf(tmp_path):
  mono = fake.seen(fake.world(1, 'Directions 1', 7), 1, '54138969')[0]
  fake.write_cdf(tmp_path / 'a.cdf', mono, majority='column_major')
  assert cdf.length(tmp_path / 'a.cdf', 3) == 7
  np.testing.assert_allclose(
    cdf.poses(tmp_path / 'a.cdf', 3), mono[:, list(joints.FROM_32)]
  )


# Would catch: an action of the files that is not that of the tables.
def test_actions():
  assert joints.action_of('Photo 1') == joints.action_of('TakingPhoto') == 'TakingPhoto'
  assert joints.action_of('WalkDog-1') == 'WalkingDog'
  assert joints.action_of('SittingDown 2') == 'SittingDown'
  with pytest.raises(UserError, match='Juggling'):
    joints.action_of('Juggling 1')


# Would catch: a folder of something else taken for a form, or no help for its owner.
def test_no_form(tmp_path):
  builder = h36m.Builder(data_dir=tmp_path / 'data')
  (tmp_path / 'S1').mkdir()
  with pytest.raises(UserError, match=r'no form of Human3\.6M') as error:
    builder.units(tmp_path)
  for form in h36m.FORMS:
    assert f'({form.NAME}) {form.LAYOUT}' in str(error.value)


class DatasetTest(tfds.testing.DatasetBuilderTestCase):
  """Would catch: a record that TFDS cannot write or read; splits, ids, skips."""

  DATASET_CLASS = h36m.Builder
  BUILDER_CONFIG_NAMES_TO_TEST = ('default', 'zhou2017')
  SPLITS = {'train': 9, 'validation': 6}  # noqa: RUF012
  SKIP_CHECKSUMS = True

  @classmethod
  def setUpClass(cls):
    cls.EXAMPLE_DIR = fake.make(pathlib.Path(cls.enter_temporary()) / 'tree')
    super().setUpClass()

  @classmethod
  def enter_temporary(cls):
    return cls.enterClassContext(tempfile.TemporaryDirectory())


# Would catch: any fault of cameras, names or decoding that the dummy tree shares.
@pytest.mark.skipif('WILD3D_SAMPLES' not in os.environ, reason='needs WILD3D_SAMPLES')
def test_samples():
  root = pathlib.Path(os.environ['WILD3D_SAMPLES']) / 'fixtures' / 'h36m' / 'official'
  units = official.units(root, config())['train']
  assert [u.name for u in units] == [
    'human36m/S1/Directions 1.54138969',
    'human36m/S5/SittingDown.54138969',
  ]
  metadata = metadata_xml.read(root / 'metadata.xml')
  assert sum(len(takes) for takes in metadata.takes.values()) == 11 * 30
  for unit in units:
    take = unit.payload['take']
    mono, px = cdf.poses(take.labels, 3), cdf.poses(take.labels2d, 2)
    assert np.abs(take.camera.project(mono) - px).max() < 1e-3
    path = take.labels.parents[1] / 'D3_Positions' / f'{take.name}.cdf'
    world = cdflib.CDF(path).varget('Pose').reshape(-1, 32, 3)[:, list(joints.FROM_32)]
    seen = (world - take.camera.position) @ take.camera.rotation.T
    assert np.abs(seen - mono).max() < 3e-4
    without = dataclasses.replace(take, labels2d=None)
    both = [official.labels(t, config())[1] for t in (take, without)]
    assert np.abs(both[0] - both[1]).max() < 1e-3
    assert sum(1 for _ in h36m.records(unit, config(stride=1))) == 2
