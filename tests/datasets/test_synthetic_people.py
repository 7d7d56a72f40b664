"""The builder of procedural people: counts, records, clips, repeatability."""

import io

import numpy as np
import PIL.Image
import pytest

from wild3d import skeleton
from wild3d.data.batch import RECORD_KEYS
from wild3d.datasets import make_record
from wild3d.datasets.synthetic_people import (
  synthetic_people_dataset_builder as people,
)
from wild3d.errors import UserError

COUNTS = {
  'lab_train': 24,
  'wild_train': 24,
  'wild_clips': 2 * 4,
  'lab_test': 24,
  'wild_test': 24,
}


@pytest.fixture(scope='module')
def built(people_dir):
  return people.Builder(config='tiny', data_dir=str(people_dir))


@pytest.fixture(scope='module')
def records(built):
  # Encoded bytes show what is stored.
  import tensorflow_datasets as tfds

  skip = {'image': tfds.decode.SkipDecoding()}
  return {
    split: list(built.as_dataset(split=split, decoders=skip).as_numpy_iterator())
    for split in COUNTS
  }


def test_counts(built):
  """Would catch padding of the last batch that is written, or a clip cut short."""
  assert {k: v.num_examples for k, v in built.info.splits.items()} == COUNTS


def test_ids_are_unique(records):
  """Would catch ids that repeat between splits or frames."""
  ids = [r['id'].decode() for split in records.values() for r in split]
  assert len(set(ids)) == len(ids) == sum(COUNTS.values())
  assert records['wild_test'][17]['id'] == b'synthetic_people/wild_test/000017'


def test_records_keep_the_contract(records):
  """Would catch a shape, type or unit that differs from data/batch.py."""
  for split in records.values():
    for stored in split:
      assert set(stored) == set(RECORD_KEYS)
      for key, (shape, dtype, _) in RECORD_KEYS.items():
        if dtype is not str and key != 'image':
          assert stored[key].shape == shape, key
          assert stored[key].dtype == dtype, key
          assert np.isfinite(stored[key]).all(), key
      image = np.asarray(PIL.Image.open(io.BytesIO(stored['image'])))
      assert image.shape == (64, 64, 3)
      assert image.std() > 3  # a picture, not a plain colour
      assert stored['has3d']
      assert stored['original_size'].tolist() == [64, 64]
      assert 0 < stored['side'] <= 64
      assert stored['head_size'] > 0


def test_3d_projects_onto_2d(records):
  """Would catch world axes in joints3d, a mirrored image axis, or wrong pixels."""
  for split in records.values():
    for stored in split:
      fx, fy, cx, cy = stored['camera']
      x, y, z = stored['joints3d'].T
      assert z.min() > 300
      projected = np.stack([fx * x / z + cx, fy * y / z + cy], axis=-1)
      np.testing.assert_allclose(projected, stored['joints2d'], atol=0.05)
      affine = stored['to_original']
      original = stored['joints2d'] @ affine[:, :2].T + affine[:, 2]
      np.testing.assert_allclose(original, stored['joints2d'])


def test_most_joints_of_the_lab_are_in_the_picture(records):
  """Would catch boxes that miss the person, and labels outside the picture."""
  for split in ('lab_train', 'lab_test'):
    assert np.mean([r['labelled'] for r in records[split]]) > 0.99
  for split in records.values():
    for stored in split:
      inside = stored['joints2d'][stored['labelled']]
      assert (inside >= 0).all()
      assert (inside <= 64).all()


def test_clip_frames_are_consecutive_with_one_camera(records):
  """Would catch shuffled frames, clips that run into each other, a moving camera."""
  clips = records['wild_clips']
  assert [r['frame'].item() for r in clips] == [0, 1, 2, 3] * 2
  names = [r['sequence'] for r in clips]
  assert len(set(names[:4])) == len(set(names[4:])) == 1
  assert names[0] != names[4]
  for first in (0, 4):
    for key in ('camera', 'center', 'side', 'to_original'):
      for stored in clips[first : first + 4]:
        np.testing.assert_array_equal(stored[key], clips[first][key])
    joints = np.stack([r['joints3d'] for r in clips[first : first + 4]])
    ends = joints[:, np.array(skeleton.BONES)]
    lengths = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1)
    assert np.ptp(lengths, axis=0).max() < 0.1
    assert np.abs(np.diff(joints, axis=0)).max() > 1
  assert all(r['sequence'] == b'' for r in records['wild_train'])


def test_samples_differ_within_and_between_splits(records):
  """Would catch a key used twice: test people equal to training people."""
  stills = [r for name, split in records.items() if 'clips' not in name for r in split]
  joints = np.stack([r['joints3d'] - r['joints3d'][6] for r in stills])
  apart = np.abs(joints[:, None] - joints[None]).max(axis=(2, 3))
  np.fill_diagonal(apart, np.inf)
  assert apart.min() > 20


def test_a_sample_does_not_depend_on_its_batch(records):
  """Would catch random numbers drawn per batch, and state from one run to the next."""
  order = np.arange(people.BATCH)[::-1] % 24
  labels = people.draw(seed=0, split='wild_test', people=order, frames=1, size=64)
  for row, person in ((0, order[0]), (20, order[20])):
    stored = records['wild_test'][person]
    for key in ('joints2d', 'joints3d', 'camera'):
      np.testing.assert_allclose(labels[key][row, 0], stored[key], rtol=1e-4, atol=0.05)
    image = np.asarray(PIL.Image.open(io.BytesIO(stored['image'])), np.float32)
    assert np.abs(image - np.asarray(labels['image'][row, 0], np.float32)).mean() < 12


def test_metadata_tells_how_it_was_made(built, records):
  """Would catch a skeleton size in metres, or of other splits."""
  joints = np.stack([r['joints3d'] for r in records['lab_train']])
  ends = joints[:, np.array(skeleton.BONES)]
  mean = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1).sum(-1).mean()
  again = people.Builder(
    config='tiny', data_dir=built.data_dir.rsplit('/synthetic_people/', 1)[0]
  )
  assert again.info.metadata['skeleton_mm'] == pytest.approx(mean, abs=0.1)
  assert again.info.metadata['seed'] == 0
  assert again.info.metadata['size'] == 64


def test_a_wrong_configuration_is_refused():
  """Would catch sizes of zero that fail late, inside XLA."""
  with pytest.raises(UserError, match='clip_frames must be a whole number, 1 to'):
    people.PeopleConfig(name='mine', clip_frames=0)


def good_record(**changes):
  jpeg = io.BytesIO()
  PIL.Image.new('RGB', (8, 8)).save(jpeg, 'JPEG')
  return make_record.from_jpeg(
    id='a/1', image=jpeg.getvalue(), **{'side': 8.0, **changes}
  )


def test_a_record_is_checked():
  """Would catch faulty annotations that reach the disk."""
  assert good_record()['joints2d'].dtype == np.float32
  with pytest.raises(UserError, match='a/1: joints2d must be finite'):
    good_record(joints2d=np.full((16, 2), np.nan))
  with pytest.raises(UserError, match='a/1: labelled must be bool'):
    good_record(labelled=np.ones(16))
  with pytest.raises(UserError, match="a/1: 'visible' is not a key"):
    good_record(visible=np.ones(16, bool))
  with pytest.raises(UserError, match='a/1: side'):
    good_record(side=0.0)
  with pytest.raises(UserError, match='must be the bytes of a JPEG'):
    make_record.from_jpeg(id='a/1', image=b'GIF89a', side=8.0)
  with pytest.raises(UserError, match="a/1: 'has3d' is missing"):
    make_record.checked({k: v for k, v in good_record().items() if k != 'has3d'})
