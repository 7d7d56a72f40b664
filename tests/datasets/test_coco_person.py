"""COCO and one's own data: joints by name, exact positions, faults in one line."""

import dataclasses
import io
import json
import os
import pathlib
import tempfile

import numpy as np
import pytest
import tensorflow_datasets as tfds
from fakes.coco_person import (
  FOCAL,
  HEIGHT,
  OWN_NAMES,
  WIDTH,
  annotation,
  color,
  draw,
  images,
  official,
  own,
  pixels,
  pose,
  write,
)
from PIL import Image

from wild3d import skeleton
from wild3d.datasets import make_record
from wild3d.datasets.coco_person import coco_person_dataset_builder as coco
from wild3d.errors import UserError

JOINTS = skeleton.JOINTS


class CocoTest(tfds.testing.DatasetBuilderTestCase):
  """Catches a split, a count or a record that TFDS does not accept."""

  DATASET_CLASS = coco.Builder
  BUILDER_CONFIG_NAMES_TO_TEST = ('default',)
  SPLITS = {'train': 2, 'validation': 1}  # noqa: RUF012
  SKIP_CHECKSUMS = True
  SKIP_TF1_GRAPH_MODE = True

  @classmethod
  def setUpClass(cls):
    cls.EXAMPLE_DIR = official(pathlib.Path(tempfile.mkdtemp()))
    super().setUpClass()


def read(folder, **changes):
  """Split -> its records, checked; and the builder."""
  config = dataclasses.replace(coco.Builder.BUILDER_CONFIGS[0], name='mine', **changes)
  builder = coco.Builder(config=config, data_dir=str(folder / 'unused'))
  splits = {}
  for split, units in builder.units(folder).items():
    items = [item for unit in units for item in builder.records(unit)]
    splits[split] = [
      make_record.checked(item) if isinstance(item, dict) else item for item in items
    ]
  return splits, builder


def in_original(one):
  affine = one['to_original'].astype(np.float64)
  return one['joints2d'] @ affine[:, :2].T + affine[:, 2]


def edit(path, change):
  data = json.loads(path.read_text())
  change(data)
  path.write_text(json.dumps(data))


def test_official_layout(tmp_path):
  """Catches half a pixel, hidden and unlabelled mixed up, crowds dropped silently."""
  folder = official(tmp_path)
  file = folder / 'annotations' / 'person_keypoints_val2017.json'

  def change(data):
    data['annotations'][0]['keypoints'][2 + 3 * 7] = 1  # left_elbow
    data['annotations'][0]['keypoints'][3 * 10 : 3 * 11] = [0, 0, 0]  # right_wrist

  edit(file, change)
  splits, builder = read(folder)
  (one,) = (r for r in splits['validation'] if isinstance(r, dict))
  left_out = [r.reason for r in splits['validation'] if not isinstance(r, dict)]
  assert left_out == ['a crowd (iscrowd)', 'no joint of ours is labelled']
  unknown = ['upper_neck', 'head_top', 'right_wrist']
  assert [n for n, known in zip(JOINTS, one['labelled'], strict=True) if not known] == [
    n for n in JOINTS if n in unknown
  ]
  known = one['labelled']
  np.testing.assert_allclose(
    in_original(one)[known], pixels(pose(-500))[known], atol=1e-3
  )
  assert [JOINTS[i] for i in np.flatnonzero(one['occluded'])] == ['left_elbow']
  box = pixels(pose(-500))
  low, high = box.min(0), box.max(0)
  np.testing.assert_allclose(one['side'], 1.25 * (high - low).max(), rtol=1e-5)
  assert not one['has3d']
  used = builder.info.metadata['keypoints']['person_keypoints_val2017.json']
  assert used['nose'] == ''
  assert used['left_hip'] == 'left_hip'


def test_own_names_3d_and_camera(tmp_path):
  """Catches joints by place, 3D in another order, a picture that is not the label's."""
  splits, builder = read(own(tmp_path))
  records = splits['my_photos']
  assert len(records) == 5
  assert builder.info.metadata['keypoints']['my_photos.json']['foot_r'] == 'right_ankle'
  for i, one in enumerate(records):
    joints3d = pose(200.0 * (i - 2), 4000.0 + 100 * i)
    assert one['has3d']
    # Pelvis and thorax: middles in 3D do not quite project onto middles in 2D.
    np.testing.assert_allclose(one['joints3d'], joints3d, atol=10.1)
    np.testing.assert_allclose(in_original(one), pixels(joints3d), atol=0.5)
    np.testing.assert_allclose(one['camera'], [FOCAL, FOCAL, 100, 80])
    assert one['original_size'].tolist() == [WIDTH, HEIGHT]
    image = np.asarray(Image.open(io.BytesIO(one['image'])), np.int32)
    for joint in ('right_wrist', 'left_elbow', 'head_top', 'left_ankle'):
      x, y = np.int32(one['joints2d'][JOINTS.index(joint)])
      assert np.abs(image[y, x] - color(joint)).max() < 60, joint


def test_sequences(tmp_path):
  """Catches frames out of order, people of a track mixed, boxes that differ in a clip."""
  folder = own(
    tmp_path, sequence=lambda i: 'walk' if i < 4 else '', frame_id=lambda i: 10 - i
  )
  edit(
    folder / 'my_photos.json',
    lambda d: [a.update(track_id=3) for a in d['annotations']],
  )
  records = read(folder)[0]['my_photos']
  assert [r['sequence'] for r in records] == ['walk/3'] * 4 + ['']
  assert [r['frame'] for r in records] == [7, 8, 9, 10, 0]
  clips = read(folder, clip=2)[0]['my_photos']
  assert [r['sequence'] for r in clips[:4]] == ['walk/3@7'] * 2 + ['walk/3@9'] * 2
  for one, other in (clips[:2], clips[2:4]):
    for key in ('center', 'side', 'to_original'):
      np.testing.assert_array_equal(one[key], other[key])
  for old, new in zip(records, clips, strict=True):
    np.testing.assert_allclose(in_original(old), in_original(new), atol=1e-3)
  assert (clips[0]['to_original'] != clips[2]['to_original']).any()
  edit(folder / 'my_photos.json', lambda d: d['images'][0].update(frame_id=9))
  with pytest.raises(UserError, match=r'both in frame 9 of sequence walk: give each'):
    read(folder)


@pytest.mark.parametrize('form', ['rows', 'flat', 'without validity', 'one unknown'])
def test_forms_of_3d(tmp_path, form, capsys):
  """Catches a form misread, and 3D claimed or dropped in silence where one lacks."""
  folder = own(tmp_path, count=1)

  def change(data):
    entry = data['annotations'][0]
    rows = np.array(entry['keypoints_3d'])
    if form == 'one unknown':
      rows[0] = [np.nan, np.nan, np.nan, 0]
    rows = rows[:, :3] if form == 'without validity' else rows
    entry['keypoints_3d'] = (rows.ravel() if form == 'flat' else rows).tolist()

  edit(folder / 'my_photos.json', change)
  (one,) = read(folder)[0]['my_photos']
  assert one['has3d'] == (form != 'one unknown')
  assert one['joints3d'].any() == (form != 'one unknown')
  said = 'keypoints_3d not used: 1 of the people, first annotation 0;'
  told = capsys.readouterr().out
  assert (said in told) == (form == 'one unknown')
  assert told.rstrip().endswith('lack it: head_top') == (form == 'one unknown')


def test_1_based_files_and_pictures_without_camera(tmp_path):
  """Catches `pixels` without effect, and 3D refused where no camera is given."""
  folder = own(tmp_path, count=1)
  edit(folder / 'my_photos.json', lambda d: d['annotations'][0].pop('camera'))
  (zero,) = read(folder)[0]['my_photos']
  (one,) = read(folder, pixels=1)[0]['my_photos']
  np.testing.assert_allclose(in_original(zero) - in_original(one), 1, atol=1e-4)
  assert zero['has3d']
  assert not zero['camera'].any()


def test_turned_photograph(tmp_path):
  """Catches a picture stored on its side under labels of the upright one."""
  folder = own(tmp_path, count=1)
  path = folder / 'images' / '000.jpg'
  upright = Image.open(path)
  exif = upright.getexif()
  exif[0x0112] = 6  # to be turned by 90 degrees clockwise
  upright.rotate(90, expand=True).save(path, exif=exif, quality=98, subsampling=0)
  (one,) = read(folder)[0]['my_photos']
  image = np.asarray(Image.open(io.BytesIO(one['image'])), np.int32)
  x, y = np.int32(one['joints2d'][JOINTS.index('left_wrist')])
  assert np.abs(image[y, x] - color('left_wrist')).max() < 60


def _set(**changes):
  return lambda entry: entry.update(changes)


def _metres(entry):
  rows = np.array(entry['keypoints_3d'])
  entry['keypoints_3d'] = (rows * [0.001, 0.001, 0.001, 1]).tolist()


def _from_pelvis(entry):
  rows = np.array(entry['keypoints_3d'])
  entry['keypoints_3d'] = (rows - [0, 0, 4000, 0]).tolist()


def _upwards(entry):
  rows = np.array(entry['keypoints_3d'])
  entry['keypoints_3d'] = (rows * [1, -1, 1, 1]).tolist()


def _nan(entry):
  entry['keypoints'][4] = float('nan')


@pytest.mark.parametrize(
  ('change', 'said'),
  [
    (_set(keypoints=[1, 2, 2]), 'annotation 0: keypoints must be 16 x 3 numbers'),
    (_set(keypoints=['a'] * 48), 'keypoints must be 16 x 3 numbers'),
    (_set(keypoints=[1.0, 2.0, 0.7] * 16), r'must be 0 \(not labelled\), 1'),
    (_nan, 'annotation 0: keypoints holds NaN'),
    (_set(id=1), 'annotation 1: two annotations have this id'),
    (_set(id=None), 'annotation in row 0: has no id'),
    (_set(image_id=77), 'annotation 0: image_id 77 is not in images'),
    (_set(bbox=[1, 2, 0, 5]), 'width 0 and height 5: both must be above 0'),
    (_set(bbox=[1, 2, 9, -5]), 'height -5'),
    (_set(bbox=[1, 2, float('inf'), 5]), 'bbox must be four numbers'),
    (_set(bbox=[1, 2, 9000, 9000]), 'most joints are far|many times larger'),
    (_set(bbox=[180, 140, 5, 5]), 'most joints are far from bbox'),
    (_set(keypoints_3d=[[1, 2, 3]]), 'keypoints_3d must hold 16 x 3'),
    (_set(keypoints_3d=[[1, 2, float('nan')]] * 16), 'keypoints_3d holds NaN'),
    (_metres, r'add up to 4\.\d+, a person has about 4000: keypoints_3d must be in mm'),
    (_from_pelvis, 'behind the camera'),
    (_upwards, 'annotation 0: the camera projects keypoints_3d .* px from keypoints'),
    (_set(camera={'fx': 3}), 'annotation 0: a camera must be'),
  ],
)
def test_faulty_annotations(tmp_path, change, said):
  """Catches wrong labels built without a word, or a traceback for the user."""
  folder = own(tmp_path)
  edit(folder / 'my_photos.json', lambda d: change(d['annotations'][0]))
  with pytest.raises(UserError, match=said) as raised:
    read(folder)
  assert '\n' not in str(raised.value)
  assert str(tmp_path) in str(raised.value)


def _names(*new):
  return lambda d: d['categories'][0].update(keypoints=list(new))


@pytest.mark.parametrize(
  ('change', 'said'),
  [
    (
      _names(*(f'p{i}' for i in range(16))),
      r'none of its keypoints \(p0, p1.*head_top',
    ),
    (lambda d: d['categories'][0].pop('keypoints'), 'no category has keypoints'),
    (_names('l hip', 'left_hip'), 'both mean our left_hip'),
    (lambda d: d.pop('categories'), 'categories is missing'),
    (lambda d: d['images'][1].update(id=0), 'image 0: two images have this id'),
    (lambda d: d['images'][1].update(file_name='../a'), 'must be relative to images/'),
    (lambda d: d['images'][0].update(file_name='no.jpg'), r'no\.jpg does not exist'),
    (lambda d: d['images'][0].update(width=99), 'is 200 x 160 px, .* says 99 x 160'),
  ],
)
def test_faulty_files(tmp_path, change, said):
  """Catches a file of another kind built into nothing."""
  folder = own(tmp_path)
  edit(folder / 'my_photos.json', change)
  with pytest.raises(UserError, match=said) as raised:
    read(folder)
  assert '\n' not in str(raised.value)


def test_unreadable_files(tmp_path):
  """Catches half a file, or grey halves of pictures, taken for whole ones."""
  folder = own(tmp_path)
  path = folder / 'images' / '003.jpg'
  path.write_bytes(path.read_bytes()[:900])
  with pytest.raises(UserError, match=r'003\.jpg: the picture cannot be decoded'):
    read(folder)
  text = (folder / 'my_photos.json').read_text()
  (folder / 'my_photos.json').write_text(text[: len(text) // 2])
  with pytest.raises(UserError, match=r'my_photos\.json: damaged or no JSON'):
    read(folder)
  with pytest.raises(UserError, match=r'no annotations .*cocodataset\.org'):
    read(tmp_path / 'images')


@pytest.mark.parametrize(
  'option',
  [{'size': 3}, {'margin': 0.5}, {'min_joints': 0}, {'pixels': 2}, {'clip': -1}],
)
def test_faulty_options(option):
  """Catches an option taken that cannot work."""
  (field,) = option
  with pytest.raises(UserError, match=f'coco_person: {field} must be'):
    coco.CocoPersonConfig(name='mine', **option)


def test_splits_and_places(tmp_path):
  """Catches files of one folder mixed up, or pictures looked for in one place only."""
  assert coco.split_of('person_keypoints_train2017') == 'train'
  assert coco.split_of('my-val') == 'validation'
  assert coco.split_of('person_keypoints_default') == 'default'
  assert coco.split_of('Valley photos') == 'Valley_photos'
  for i, place in enumerate(['images', 'images/train', '.']):
    draw(tmp_path / place / f'{i:03d}.jpg', pixels(pose()))
  annotations = [annotation(i, i, OWN_NAMES, pose()) for i in range(3)]
  write(tmp_path / 'annotations' / 'train.json', images(3), annotations, OWN_NAMES)
  assert [len(r) for r in read(tmp_path)[0].values()] == [3]


def test_too_few_joints_and_no_box(tmp_path):
  """Catches min_joints without effect, or derived joints counted as labels."""
  folder = own(tmp_path, count=1)

  def change(data):
    rows = np.reshape(data['annotations'][0]['keypoints'], (16, 3))
    for i, ours in enumerate(OWN_NAMES.values()):
      if ours not in ('right_hip', 'left_hip', 'left_knee', 'left_ankle'):
        rows[i] = 0
    data['annotations'][0]['keypoints'] = rows.ravel().tolist()
    del data['annotations'][0]['bbox']

  edit(folder / 'my_photos.json', change)
  (one,) = read(folder)[0]['my_photos']
  assert one['labelled'].sum() == 5
  assert one['labelled'][skeleton.ROOT]
  (left_out,) = read(folder, min_joints=5)[0]['my_photos']
  assert left_out.reason == 'fewer than 5 joints of ours are labelled'


@pytest.mark.skipif('WILD3D_SAMPLES' not in os.environ, reason='no samples at hand')
def test_real_annotation():
  """Catches a reader that knows only files made by these tests."""
  folder = pathlib.Path(os.environ['WILD3D_SAMPLES']) / 'fixtures' / 'coco'
  ((one,),) = read(folder)[0].values()
  left, right = (in_original(one)[JOINTS.index(f'{s}_knee')] for s in ('left', 'right'))
  np.testing.assert_allclose([left, right], [[429.5, 294.5], [367.5, 273.5]], atol=1e-3)
  assert one['labelled'].sum() == 14
