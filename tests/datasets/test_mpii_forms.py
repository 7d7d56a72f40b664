"""MPII as published, its split, and the h5 files: the same people from every form."""

import collections
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds
from fakes import mpii as fake_mpii
from PIL import Image

from wild3d.datasets.mpii import (
  hrnet_json,
  mpii_dataset_builder,
  newell_h5,
  official_mat,
)
from wild3d.datasets.units import Skipped
from wild3d.errors import UserError

TRAIN = [(0, 0), (1, 0), (1, 1), (1, 2), (2, 1), (5, 0)]  # with box and labels


@pytest.fixture
def folder(tmp_path):
  return fake_mpii.official(tmp_path / 'manual')


def reasons(entries):
  return dict(collections.Counter(e for e in entries if isinstance(e, str)))


def test_official_file_is_read_with_its_quirks(folder):
  """Catches each way in which the .mat says 'not known' read as something known."""
  train, test = official_mat.read(folder / 'mpii_human_pose_v1_u12_2' / fake_mpii.MAT)
  known = fake_mpii.persons(train)
  assert sorted(known) == TRAIN
  assert reasons(train) == {
    'training picture: no joint is annotated': 2,
    'training picture: no position or scale (objpos, scale)': 1,
    'picture without annotated people': 1,
  }
  one = known[0, 0]
  assert np.flatnonzero(~one.labelled).tolist() == [0, 5]
  assert np.flatnonzero(one.occluded).tolist() == [2, 3]  # '0' and 0
  np.testing.assert_allclose(one.joints2d[8], [42.1531, 35.7519])
  np.testing.assert_array_equal(one.joints2d[5], 0)
  np.testing.assert_allclose(one.center, [44.5, 30.5 + 15 * 0.16])
  np.testing.assert_allclose(one.side, 250 * 0.16)
  np.testing.assert_allclose(one.head_size, 0.6 * 20)
  assert known[2, 1].head_size == 0
  assert (one.action, known[2, 1].action) == ('curling', '')
  assert sorted(fake_mpii.persons(test)) == [(3, 0), (6, 0)]
  assert reasons(test) == {'test picture: no position or scale (objpos, scale)': 1}
  assert not any(
    p.labelled.any() or p.head_size for p in fake_mpii.persons(test).values()
  )


def test_occlusion_is_not_invented_where_the_field_is_absent(tmp_path):
  """Catches a struct without is_visible read as a crash or as all hidden."""
  one = fake_mpii.someone(said=False)
  fake_mpii.write_mat(tmp_path / 'a.mat', [('1.jpg', True, '', [one])])
  (read,), _ = official_mat.read(tmp_path / 'a.mat')
  assert read.labelled.all()
  assert not read.occluded.any()


def test_every_form_gives_the_same_people(folder):
  """Catches a form's own count of pixels, box, or mark of the unlabelled misread."""
  train, _ = official_mat.read(folder / 'mpii_human_pose_v1_u12_2' / fake_mpii.MAT)
  known = fake_mpii.persons(train)
  fake_mpii.write_json(folder / 'all.json', TRAIN)
  entries = hrnet_json.people(folder / 'all.json')
  for key, entry in zip(TRAIN, entries, strict=True):
    fake_mpii.assert_same(known[key], entry, occlusion=False)
  forms = [
    {},
    {'codes': True},
    {'adjusted': False},
    {'train': np.ones(6)},
    {'adjusted': False, 'train': np.ones(6)},
    {'adjusted': False, 'train': np.ones(6), 'first': 0, 'codes': True},
  ]
  for form in forms:
    fake_mpii.write_h5(folder / 'one.h5', TRAIN, **form)
    people = fake_mpii.persons(newell_h5.read(folder / 'one.h5'))
    assert list(people) == TRAIN
    for key, one in people.items():
      fake_mpii.assert_same(known[key], one, floor=True)
      np.testing.assert_allclose(known[key].head_size, one.head_size)


@pytest.mark.parametrize('place', ['', 'annot'])
@pytest.mark.parametrize('name', ['valid.h5', 'valid.json', 'detections.mat'])
def test_each_list_gives_the_usual_split(folder, name, place):
  """Catches 0-based and 1-based lists confused, and pictures on both sides."""
  (folder / 'detections.mat').unlink()
  path = folder / place / name
  if name == 'valid.h5':
    fake_mpii.write_h5(path, fake_mpii.VALIDATION)
  elif name == 'valid.json':
    fake_mpii.write_json(path, fake_mpii.VALIDATION[::-1])
  else:
    path.parent.mkdir(exist_ok=True)
    fake_mpii.write_detections(path)
  splits = mpii_dataset_builder.read_splits(folder)
  assert list(fake_mpii.persons(splits['validation'])) == fake_mpii.VALIDATION
  assert list(fake_mpii.persons(splits['train'])) == [(0, 0)]
  assert list(fake_mpii.persons(splits['test'])) == [(3, 0), (6, 0)]
  found = reasons(splits['train'])
  assert found['in a picture of the validation set, but not on its list'] == 2
  assert found['picture missing from the release'] == 1


def test_json_tells_people_of_one_place_by_their_joints(folder):
  """Catches the first person with the same centre taken for the other."""
  two = [
    fake_mpii.someone(joints=fake_mpii.joints(2.0, without=(0, 5))),
    fake_mpii.someone(without=(0, 5)),
  ]
  _mat(folder, [('1.jpg', True, '', two)])
  _remove_split(folder)
  fake_mpii.write_json(folder / 'valid.json', [(0, 0)])
  splits = mpii_dataset_builder.read_splits(folder)
  assert list(fake_mpii.persons(splits['validation'])) == [(0, 1)]


@pytest.mark.parametrize('combined', [True, False])
def test_h5_files_suffice_without_the_mat(folder, combined):
  """Catches the h5 forms depending on the .mat, or test people without a split."""
  shutil.rmtree(folder / 'mpii_human_pose_v1_u12_2')
  (folder / 'detections.mat').unlink()
  fake_mpii.write_h5(folder / 'annot/valid.h5', fake_mpii.VALIDATION)
  test = fake_mpii.everybody(train=False)
  if combined:
    train = [key for key in fake_mpii.everybody(train=True) if key[0] < 5]
    flags = np.repeat([1, 0], [len(train), len(test)])
    fake_mpii.write_h5(
      folder / 'annot/annot.h5', train + test, train=flags, adjusted=False
    )
  else:
    fake_mpii.write_h5(folder / 'annot/train.h5', [(0, 0)])
    fake_mpii.write_h5(folder / 'annot/test.h5', test)
  splits = mpii_dataset_builder.read_splits(folder)
  assert {
    name: list(fake_mpii.persons(entries)) for name, entries in splits.items()
  } == {
    'train': [(0, 0)],
    'validation': fake_mpii.VALIDATION,
    'test': [(3, 0), (6, 0)],
  }
  assert not any(p.labelled.any() for p in fake_mpii.persons(splits['test']).values())


def _remove_split(folder):
  (folder / 'detections.mat').unlink()


def _remove_pictures(folder):
  for path in (folder / 'images').iterdir():
    path.unlink()


def _halve_pictures(folder):
  for path in (folder / 'images').iterdir():
    Image.open(path).resize((22, 17)).save(path)


def _mat(folder, pictures=fake_mpii.PICTURES, **changes):
  path = folder / 'mpii_human_pose_v1_u12_2' / fake_mpii.MAT
  fake_mpii.write_mat(path, pictures, **changes)
  return path


def _nan_picture(where):
  one = fake_mpii.someone()
  if where == 'joint':
    one['joints'][3] = (float('nan'), 3.0, '1')
  elif where == 'box':
    one['scale'] = float('nan')
  else:
    one['joints'][16] = (3.0, 3.0, '1')
  return [('1.jpg', True, '', [fake_mpii.someone(1), one])]


def _h5(folder, keys=fake_mpii.VALIDATION, **changes):
  _remove_split(folder)
  fake_mpii.write_h5(folder / 'valid.h5', keys, **changes)


def _cut(path, share=0.6):
  content = path.read_bytes()
  path.write_bytes(content[: int(len(content) * share)])


FAULTS = {
  'no split': (_remove_split, r'put one of these there.*valid\.h5.*detections\.mat'),
  'no pictures': (_remove_pictures, r'6 of the 6 pictures .*, 1\.jpg for one'),
  'no folder': (lambda f: shutil.rmtree(f / 'images'), r'images: cannot be read'),
  'resized': (_halve_pictures, 'not at their original size'),
  'cut mat': (lambda f: _cut(_mat(f)), r'u12_1\.mat: damaged'),
  'text mat': (lambda f: _mat(f).write_text('hello'), r'u12_1\.mat: damaged'),
  'short': (
    lambda f: _mat(f, img_train=np.array([[1, 1, 1]])),
    'annolist, img_train and act differ in length',
  ),
  'NaN joint': (
    lambda f: _mat(f, _nan_picture('joint')),
    r'picture 1 \(1\.jpg\), person 2: joint 3 is at \(nan, 3\.0\)',
  ),
  'NaN box': (lambda f: _mat(f, _nan_picture('box')), 'person 2: objpos .* scale nan'),
  'joint 16': (lambda f: _mat(f, _nan_picture('id')), 'person 2: there is no joint 16'),
  'path': (
    lambda f: _mat(f, [('../1.jpg', True, '', [fake_mpii.someone()])]),
    'must be the name of a file',
  ),
  'other release': (
    lambda f: fake_mpii.write_detections(f / 'detections.mat', [(0, 0), (7, 0)]),
    r'detections\.mat: person 1 of picture 8 .*different releases',
  ),
  'other names': (
    lambda f: _h5(f, imgname=[b'9.jpg', b'3.jpg']),
    r'valid\.h5: person 2 of picture 2 9\.jpg is not among',
  ),
  'cut h5': (
    lambda f: (_h5(f), _cut(f / 'valid.h5')),
    r'valid\.h5: damaged, truncated or no HDF5',
  ),
  'no column': (lambda f: _h5(f, scale=None), r'valid\.h5: holds no scale'),
  'bad column': (lambda f: _h5(f, scale=[1.0]), r'column scale has shape \(1,\)'),
  'NaN column': (
    lambda f: _h5(f, scale=[1.0, float('nan')]),
    r'valid\.h5, row 1 \(3\.jpg\): scale holds NaN',
  ),
  'twice': (lambda f: _h5(f, [(1, 1), (1, 1)]), r'valid\.h5, row 1: repeats row 0'),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_faults_are_one_clear_line(folder, fault):
  """Catches a traceback, or a wrong dataset, in place of what to mend."""
  make, said = FAULTS[fault]
  make(folder)
  with pytest.raises(UserError, match=said) as raised:
    mpii_dataset_builder.read_splits(folder)
  assert '\n' not in str(raised.value)


def test_json_of_another_release_is_refused(folder):
  """Catches people of valid.json who match nobody left out in silence."""
  _remove_split(folder)
  fake_mpii.write_json(folder / 'valid.json', [(1, 1)])
  path = folder / 'mpii_human_pose_v1_u12_2' / fake_mpii.MAT
  fake_mpii.write_mat(path, [('2.jpg', True, '', [fake_mpii.someone(8)])])
  with pytest.raises(UserError, match=r'valid\.json, entry 0: nobody in 2\.jpg has'):
    mpii_dataset_builder.read_splits(folder)


def test_joints_far_outside_are_left_out_and_counted(folder):
  """Catches one bad label of the release stopping the build, or built in."""
  far = fake_mpii.someone()
  far['joints'][0] = (500.0, 20.0, '1')
  ones = [(f'{i}.jpg', True, '', [fake_mpii.someone()]) for i in (1, 2, 3, 4, 5, 7)]
  pictures = [*ones * 2, ('8.jpg', True, '', [far])]
  _mat(folder, pictures)
  fake_mpii.write_detections(folder / 'detections.mat', [(0, 0)])
  builder = mpii_dataset_builder.Builder(config='small', data_dir=folder / 'tfds')
  (unit,) = builder.units(folder)['train']
  left_out = [r.reason for r in builder.records(unit) if isinstance(r, Skipped)]
  assert left_out == ['joints or box far outside the picture']


def test_units_keep_a_picture_together(folder, monkeypatch):
  """Catches ids that depend on more than the unit, and people torn apart."""
  monkeypatch.setattr(mpii_dataset_builder, '_PEOPLE', 2)
  pictures = [
    (f'{i}.jpg', True, '', [fake_mpii.someone(k) for k in range(3)]) for i in (1, 2, 3)
  ]
  _mat(folder, pictures)
  fake_mpii.write_detections(folder / 'detections.mat', [(2, 1)])
  builder = mpii_dataset_builder.Builder(config='small', data_dir=folder / 'tfds')
  units = builder.units(folder)
  assert [unit.name for unit in units['train']] == [
    'mpii/train/0000',
    'mpii/train/0001',
  ]
  assert [unit.count for unit in units['train']] == [3, 3]
  records = [r for unit in units['train'] for r in builder.records(unit)]
  ids = [r['id'] for r in records if isinstance(r, dict)]
  assert ids[2:4] == ['mpii/train/0000#1.jpg:2', 'mpii/train/0001#2.jpg:0']
  assert len(set(ids)) == 6


@pytest.mark.parametrize('field', [{'size': 8}, {'margin': 0.5}])
def test_bad_options_are_named(field):
  """Catches an option of the command line that is wrong and found hours later."""
  with pytest.raises(UserError, match=f'mpii: {next(iter(field))} must be'):
    mpii_dataset_builder.MpiiConfig(name='mine', **field)


class BuilderTest(tfds.testing.DatasetBuilderTestCase):
  """The whole way of TFDS on the official form; catches records it cannot hold."""

  DATASET_CLASS = mpii_dataset_builder.Builder
  BUILDER_CONFIG_NAMES_TO_TEST: tuple[str, ...] = ('small',)
  SPLITS: dict[str, int] = {'train': 1, 'validation': 2, 'test': 2}  # noqa: RUF012
  SKIP_TF1_GRAPH_MODE = True

  @classmethod
  def setUpClass(cls):
    cls.EXAMPLE_DIR = fake_mpii.official(
      pathlib.Path(tfds.testing.make_tmp_dir()) / 'manual'
    )
    super().setUpClass()
