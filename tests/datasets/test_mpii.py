"""The MPII builder: positions, boxes and crops exact; faulty input in one line."""

import json
import os
import pathlib

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from wild3d.datasets.mpii import hrnet_json, mpii_dataset_builder
from wild3d.errors import UserError

WIDTH, HEIGHT = 90, 70
DOT = (38.3, 27.6)  # continuous px


def person(image='a.jpg', **changes):
  joints = [[10.0 + 4 * i, 60.0 - 3 * i] for i in range(16)]
  joints[5] = [-1.0, -1.0]
  entry = {
    'image': image,
    'joints': joints,
    'joints_vis': [int(i != 5) for i in range(16)],
    'center': [45.5, 30.5],
    'scale': 0.16,
    **changes,
  }
  return {key: value for key, value in entry.items() if value is not None}


@pytest.fixture
def folder(tmp_path):
  """manual_dir with three pictures: a blot at DOT, a cut-off file, no picture."""
  images = tmp_path / 'images'
  images.mkdir()
  y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
  blot = np.exp(-((x - DOT[0]) ** 2 + (y - DOT[1]) ** 2) / (2 * 6.0**2))
  pixels = np.uint8(np.round(255 * blot))[..., None].repeat(3, 2)
  Image.fromarray(pixels).save(images / 'a.jpg', quality=98, subsampling=0)
  (images / 'cut.jpg').write_bytes((images / 'a.jpg').read_bytes()[:700])
  (images / 'text.jpg').write_text('not a picture')
  return tmp_path


def write(folder, entries, name='annotations.json'):
  path = folder / name
  path.parent.mkdir(exist_ok=True)
  path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
  return path


def build(folder, data_dir, config='small'):
  builder = mpii_dataset_builder.Builder(config=config, data_dir=data_dir)
  builder.download_and_prepare(
    download_config=tfds.download.DownloadConfig(manual_dir=folder)
  )
  return builder


def test_positions_and_box_follow_mpii(folder):
  """Catches 1-based positions off by half a pixel, a box without the +15, x1.25."""
  entry = person(visible=[int(i > 2) for i in range(16)], head_box=[11, 21, 14, 25])
  (read,) = hrnet_json.read(write(folder, [entry]), folder / 'images')
  np.testing.assert_allclose(read.joints2d[0], [9.5, 59.5])
  np.testing.assert_array_equal(read.joints2d[5], 0)
  assert not read.labelled[5]
  assert read.labelled.sum() == 15
  assert np.flatnonzero(read.occluded).tolist() == [0, 1, 2]
  np.testing.assert_allclose(read.center, [45, 30 + 15 * 0.16])
  np.testing.assert_allclose(read.side, 200 * 0.16 * 1.25)
  np.testing.assert_allclose(read.head_size, 0.6 * 5)


@pytest.mark.parametrize(('scale', 'pitch'), [(0.16, 1.0), (1.6, 600 / 192)])
def test_stored_crop_maps_back_to_the_picture(folder, tmp_path, scale, pitch):
  """Catches an affine, a label or a picture that disagrees with the other two."""
  known = {'head_box': [11, 21, 14, 25], 'visible': [int(i > 2) for i in range(16)]}
  write(folder, [person(scale=scale, **known), person(center=[50.5, 30.5])])
  builder = build(folder, tmp_path / 'tfds')
  stored = {r['id'].decode(): r for r in tfds.as_numpy(builder.as_dataset()['train'])}
  got = stored['mpii/train/0000#a.jpg:0']
  affine = got['to_original']
  np.testing.assert_allclose(affine[0, 0], pitch)
  assert got['image'].shape[:2] == ((60, 60) if pitch == 1 else (192, 192))
  np.testing.assert_allclose(
    got['joints2d'][0] @ affine[:, :2].T + affine[:, 2], [9.5, 59.5], atol=1e-4
  )
  np.testing.assert_allclose(
    got['center'] @ affine[:, :2].T + affine[:, 2], [45, 30 + 15 * scale], atol=1e-4
  )
  np.testing.assert_allclose(got['side'] * pitch, 250 * scale, rtol=1e-6)
  np.testing.assert_allclose(got['head_size'] * pitch, 3, rtol=1e-6)
  assert np.flatnonzero(got['occluded']).tolist() == [0, 1, 2]
  assert got['original_size'].tolist() == [WIDTH, HEIGHT]
  y, x = np.mgrid[: len(got['image']), : len(got['image'])] + 0.5
  x, y = x * pitch + affine[0, 2], y * pitch + affine[1, 2]
  bright = got['image'].sum(-1, dtype=np.float64)
  bright[bright < 60] = 0
  centroid = (bright * x).sum() / bright.sum(), (bright * y).sum() / bright.sum()
  np.testing.assert_allclose(centroid, DOT, atol=0.1 * pitch)
  outside = (x < -5) | (x > WIDTH + 5) | (y < -5) | (y > HEIGHT + 5)
  if outside.any():
    assert got['image'][outside].max() < 12


def test_splits_keep_pictures_whole(folder):
  """Catches one picture's people on both sides, and a share that is not a tenth."""
  pixels = (folder / 'images' / 'a.jpg').read_bytes()
  entries = []
  for number in range(400):
    name = f'{number:04d}.jpg'
    (folder / 'images' / name).write_bytes(pixels)
    entries += [person(name), person(name, center=[40.0, 30.0])]
  write(folder, entries)
  splits = mpii_dataset_builder.read_splits(folder)
  names = {split: {p.image for p in people} for split, people in splits.items()}
  assert len(names['validation']) == 40
  assert not names['train'] & names['validation']
  assert sum(len(people) for people in splits.values()) == 800
  numbers = sorted(int(name[:4]) for name in names['validation'])
  assert numbers == [*range(180, 200), *range(380, 400)]


def test_annot_folder_gives_the_published_split(folder):
  """Catches train and valid mixed up, or trainval counted again."""
  write(folder, [person()], 'annot/train.json')
  write(folder, [person(center=[40, 30]), person(center=[41, 30])], 'annot/valid.json')
  write(folder, 'unread', 'annot/trainval.json')
  splits = mpii_dataset_builder.read_splits(folder)
  assert {split: len(p) for split, p in splits.items()} == {'train': 1, 'validation': 2}


NAN_JOINTS = [[float('nan'), 3.0], *[[10.0, 10.0]] * 15]


@pytest.mark.parametrize(
  ('entries', 'said'),
  [
    ('[{"image": "a.jpg", "joi', 'annotations.json: no JSON, or an incomplete one'),
    ({'a': 1}, 'must hold a list'),
    ([], 'must hold a list of people, and at least one'),
    ([person(), 3], 'entry 1: must be an object'),
    ([person('gone.jpg')], r'gone\.jpg: no such file'),
    ([person('../a.jpg')], 'must be the name of a file'),
    ([person('text.jpg')], r'text\.jpg: the picture cannot be decoded'),
    ([person(joints=NAN_JOINTS)], 'joints holds NaN'),
    ([person(joints=[[1, 2]])], 'joints must be 16 x 2 numbers'),
    ([person(joints_vis=[0] * 16)], 'no joint is labelled'),
    ([person(center=None)], 'no center or scale, so no person box'),
    ([person(scale=-1)], 'no person box'),
    ([person(scale='big')], 'scale must be one number'),
    ([person(scale=500.0)], 'does not fit'),
    ([person(joints=[[300.0, 20.0]] * 16)], r'joint 0 at \(300, 20\) is far outside'),
    ([person(), person('a.jpg')], 'entry 1: repeats entry 0'),
  ],
)
def test_faulty_annotations_are_refused_in_one_line(folder, entries, said):
  """Catches wrong data built without a word, or a traceback for the user."""
  path = write(folder, entries)
  with pytest.raises(UserError, match=said) as raised:
    hrnet_json.read(path, folder / 'images')
  assert '\n' not in str(raised.value)
  assert str(path) in str(raised.value)


def test_truncated_picture_leaves_nothing_built(folder, tmp_path):
  """Catches grey halves of pictures in the records, or a half-built dataset."""
  write(folder, [person(), person('cut.jpg')])
  with pytest.raises(UserError, match=r'cut\.jpg: the picture cannot be decoded') as e:
    build(folder, tmp_path / 'tfds')
  assert '\n' not in str(e.value)
  assert not list((tmp_path / 'tfds').rglob('dataset_info.json'))


@pytest.mark.parametrize('make', [False, True])
def test_missing_files_say_where_to_get_them(tmp_path, make):
  """Catches a missing folder reported as a TFDS assertion."""
  folder = tmp_path / 'manual'
  if make:
    (folder / 'images').mkdir(parents=True)
  with pytest.raises(UserError, match=r'human-pose\.mpi-inf\.mpg\.de') as raised:
    build(folder, tmp_path / 'tfds')
  assert '\n' not in str(raised.value)


@pytest.mark.skipif('WILD3D_SAMPLES' not in os.environ, reason='no samples at hand')
def test_real_annotations_pass_the_checks():
  """Catches checks too strict for real data, and boxes that miss the person."""
  folder = pathlib.Path(os.environ['WILD3D_SAMPLES']) / 'lspet'
  splits = mpii_dataset_builder.read_splits(folder)
  total = sum(len(people) for people in splits.values())
  assert total == len(json.loads((folder / 'annotations.json').read_text()))
  assert 0.08 < len(splits['validation']) / total < 0.12
  for one in splits['validation']:
    offset = np.abs(one.joints2d[one.labelled] - one.center)
    assert (offset <= one.side / 2 + 0.5).all(), one.image
