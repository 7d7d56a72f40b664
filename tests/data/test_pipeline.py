"""Batches: exact mixtures, one stream for any process count, exact resumption."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from fakes import records as small

from wild3d.configs import base
from wild3d.data import augment, mixture, pipeline, records
from wild3d.data.batch import BATCH_KEYS, HOST_KEYS
from wild3d.errors import UserError


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
  return small.store_all(tmp_path_factory.mktemp('tfds'))


def source(dataset, role, name=None, weight=1.0):
  return pipeline.Source(name or dataset, dataset, 'train', role, weight)


def batches(data_dir, sources, shares, **changes):
  arguments = {
    'batch_size': 8,
    'input_size': 16,
    'augment': augment.Augment(**base.get_config().augment),
    'shuffle_buffer': 5,
    'seed': 3,
    **changes,
  }
  return pipeline.train(sources, data_dir=data_dir, shares=shares, **arguments)


def take(iterator, count):
  return [next(iterator) for _ in range(count)]


def assert_same(got, wanted):
  for one, other in zip(got, wanted, strict=True):
    for key in other:
      np.testing.assert_array_equal(one[key], other[key], err_msg=key)


HALF = {'2d': 0.5, '3d': 0.5}


@pytest.fixture(scope='module')
def mixed(data_dir):
  """Sources and the first 12 batches, clips included."""
  sources = [
    source('photos', '2d', weight=2.0),
    source('lab', '2d', 'lab_as_2d'),
    source('lab', '3d'),
    source('film', 'clip'),
  ]
  shares = {'2d': 0.25, '3d': 0.25, 'clip': 0.5}

  def start(**changes):
    changes = {'batch_size': 12, 'clip_frames': 3, 'shares': shares, **changes}
    return batches(data_dir, sources, **changes)

  return start, take(start(), 12)


@pytest.mark.parametrize(
  ('name', 'split'),
  [('outside', 'train')]  # one record
  + [
    (name, split)
    for name in ('film', 'photos')
    for split in ('train', 'train[2:7]', 'train[:3]+train[80%:]')
  ],
)
def test_records_are_what_tfds_reads(data_dir, name, split):
  """Catches a type, a shape or a slice that is read otherwise than it was written."""
  builder = records.find(name, data_dir)
  skip = {'image': tfds.decode.SkipDecoding()}
  theirs = list(builder.as_dataset(split=split, decoders=skip).as_numpy_iterator())
  ours = list(records.in_order(builder, split).as_numpy_iterator())
  assert len(ours) == len(theirs) > 0
  assert_same(ours, theirs)
  assert_same(theirs, ours)
  for key, value in theirs[0].items():
    assert np.asarray(ours[0][key]).dtype == np.asarray(value).dtype, key
  every = records.parse(tf.stack(list(records.stored(builder, split))))
  np.testing.assert_array_equal(every['joints3d'], [row['joints3d'] for row in theirs])


def test_batches_keep_the_contract(mixed):
  """Catches a key, shape or dtype that differs from data/batch.py."""
  for batch in mixed[1]:
    assert list(batch) == [*BATCH_KEYS, *HOST_KEYS]
    for key, (shape, dtype, _) in BATCH_KEYS.items():
      shape = tuple(16 if axis in ('H', 'W') else axis for axis in shape)
      assert batch[key].shape == (12, *shape), key
      assert batch[key].dtype == dtype, key
    assert batch['counter'].dtype == np.int64
    assert (batch['weight'] == 1).all()


def test_shares_are_exact_and_roles_decide_about_3d(mixed):
  """Catches shares met only on average, and 3D truth leaking into 2D rows."""
  sources = np.concatenate([batch['source'] for batch in mixed[1]])
  counts = [np.bincount(batch['source'], minlength=4) for batch in mixed[1]]
  for count in counts:
    assert count[:2].sum() == 3
    assert count[2] == 3
    assert count[3] == 6
  assert np.bincount(sources)[:2].tolist() == [24, 12]  # weights 2 : 1
  for batch in mixed[1]:
    np.testing.assert_array_equal(batch['has3d'], batch['source'] == 2)
    assert (batch['joints3d'][~batch['has3d']] == 0).all()
    assert (batch['joints3d'][:, 6] == 0).all()  # the root
    assert (np.abs(batch['joints3d'][batch['has3d']]).max((1, 2)) > 100).all()


def test_clips_are_whole_and_share_one_augmentation(mixed):
  """Catches clips across a cut, out of step, or jittered frame by frame."""
  seen = set()
  for batch in mixed[1]:
    groups = {
      key: value.reshape(4, 3, *value.shape[1:]) for key, value in batch.items()
    }
    for index in range(4):
      if groups['source'][index, 0] != 3:
        assert (groups['clip_frame'][index] == -1).all()
        assert len(np.unique(groups['to_original'][index], axis=0)) == 3
        continue
      assert groups['clip_frame'][index].tolist() == [0, 1, 2]
      assert len(np.unique(groups['to_original'][index], axis=0)) == 1
      rows = [int(name.split(b'#')[1]) for name in groups['id'][index]]
      assert np.diff(rows).tolist() == [1, 1]
      seen.add(tuple(rows))
  # Every run of three, no frame twice: (7, 5, 1, 4) frames hold 2 + 1 + 0 + 1.
  assert seen == {(0, 1, 2), (3, 4, 5), (10, 11, 12), (30, 31, 32)}


def test_each_epoch_holds_each_record_once_in_a_new_order(data_dir):
  """Catches a shuffle with repetition, or the same order every time round."""
  stream = batches(data_dir, [source('photos', '2d')], {'2d': 1.0}, batch_size=11)
  first, second = (list(batch['id']) for batch in take(stream, 2))
  assert sorted(first) == sorted(second) == sorted(set(first))
  assert first != second


def test_any_number_of_processes_sees_one_stream(data_dir):
  """Catches seeds, shuffles or augmentations that depend on the process."""
  sources = [source('photos', '2d'), source('lab', '3d')]
  alone = take(batches(data_dir, sources, HALF), 4)
  parts = [
    take(batches(data_dir, sources, HALF, process_index=i, process_count=2), 4)
    for i in range(2)
  ]
  steps = list(zip(*parts, strict=True))
  joined = [
    {k: np.concatenate([half[k] for half in step]) for k in step[0]} for step in steps
  ]
  assert_same(joined, alone)
  for step in steps:  # the same mix in every process
    assert [int(half['has3d'].sum()) for half in step] == [2, 2]


def test_seed_decides_the_stream(data_dir):
  """Catches a seed that is ignored by the shuffle or the augmentation."""
  start = [
    next(batches(data_dir, [source('photos', '2d')], {'2d': 1.0}, seed=seed))
    for seed in (1, 1, 2)
  ]
  assert_same(start[:1], start[1:2])
  assert (start[0]['id'] != start[2]['id']).any()
  assert (start[0]['to_original'] != start[2]['to_original']).any()


def test_resumes_bit_for_bit(mixed, tmp_path):
  """Catches any state (shuffle, mixture, clips, epoch, counter) left out of it."""
  start, wanted = mixed
  stream = start()
  take(stream, 5)
  stream.save(tmp_path / 'state')
  take(stream, 2)  # must not disturb what was saved
  resumed = start()
  resumed.restore(tmp_path / 'state')
  assert_same(take(resumed, 7), wanted[5:])


@pytest.mark.parametrize('count', [1, 2])
def test_place_found_by_number(mixed, tmp_path, count):
  """Catches a replay that decodes other batches, or whose position cannot be saved."""
  start, wanted = mixed
  parts = []
  for index in range(count):
    one = {'process_index': index, 'process_count': count}
    stream = start(**one)
    stream.skip(5)
    part = take(stream, 2)
    stream.save(tmp_path / str(index))
    again = start(**one)
    again.restore(tmp_path / str(index))
    parts.append(part + take(again, 5))
  steps = zip(*parts, strict=True)
  joined = [{k: np.concatenate([p[k] for p in s]) for k in s[0]} for s in steps]
  assert_same(joined, wanted[5:])


def test_3d_source_without_3d_is_an_error_that_names_the_sample(data_dir):
  """Catches zeros trained on as if they were 3D truth."""
  stream = batches(data_dir, [source('photos', '3d')], {'3d': 1.0})
  with pytest.raises(
    UserError, match=r'^source photos has.*sample photos#\d+ has no 3D$'
  ):
    next(stream)


def test_undecodable_picture_is_an_error_that_names_the_sample(data_dir):
  """Catches a failed read that becomes a black picture with full labels."""
  with pytest.raises(UserError, match=r'^sample broken#1: .*cannot be decoded'):
    take(batches(data_dir, [source('broken', '2d')], {'2d': 1.0}), 2)
  evaluation = pipeline.evaluate(
    'broken', split='train', data_dir=data_dir, batch_size=1, input_size=16
  )
  with pytest.raises(UserError, match='broken#1'):
    list(evaluation)


@pytest.mark.parametrize(
  ('sources', 'shares', 'changes', 'said'),
  [
    ([('photos', '2d')], {'2d': 0.3}, {}, '0.3 of batch_size 8 .* 2.4 rows'),
    ([('photos', '2d')], {'2d': 0.5}, {}, 'add up to 0.5'),
    ([('photos', '2d')], HALF, {}, 'differ'),
    ([('photos', '4d')], {'2d': 1.0}, {}, "'photos': role '4d'"),
    ([('photos', '2d')], {'2d': 1.0}, {'process_count': 3}, '3 processes'),
    ([('film', 'clip')], {'clip': 1.0}, {}, 'clip_frames 1'),
    ([('film', 'clip')], {'clip': 1.0}, {'clip_frames': 8}, 'no 8 consecutive frames'),
    ([('nothing', '2d')], {'2d': 1.0}, {}, "no prepared dataset 'nothing'"),
  ],
)
def test_faulty_settings_are_refused(data_dir, sources, shares, changes, said):
  """Catches settings that hang, loop or train on something else."""
  with pytest.raises(UserError, match=said) as raised:
    batches(data_dir, [source(*s) for s in sources], shares, **changes)
  assert '\n' not in str(raised.value)


def test_unknown_split_is_refused(data_dir):
  """Catches a traceback from TFDS where one line would do."""
  with pytest.raises(UserError, match="no split 'test'; it has train"):
    pipeline.evaluate(
      'photos', split='test', data_dir=data_dir, batch_size=2, input_size=16
    )


def test_labelled_joints_outside_the_crop_are_scored_but_not_learned(data_dir):
  """Catches a score that leaves out the joints which a crop cuts off."""
  (scored,) = pipeline.evaluate(
    'outside', split='train', data_dir=data_dir, batch_size=1, input_size=16
  )
  np.testing.assert_array_equal(scored['visible'][0], np.arange(16) != 5)
  np.testing.assert_allclose(scored['joints2d'][0, 3], [-1.25, 14 / 12], atol=1e-6)
  still = {'scale': 0.0, 'rotation_probability': 0.0, 'flip_probability': 0.0}
  still = augment.Augment(**dict(base.get_config().augment) | still)
  learned = next(
    batches(data_dir, [source('outside', '2d')], {'2d': 1.0}, augment=still)
  )
  assert not learned['visible'][:, 3].any()


def test_pattern_repeats_for_every_process():
  """Catches runs of one role: each half of the rows must hold the same mix."""
  roles = mixture.row_roles(16, {'2d': 0.25, '3d': 0.25, 'clip': 0.5}, 2)
  for count in (2,):
    runs = np.array(roles).reshape(count, -1)
    assert len({tuple(sorted(run)) for run in runs}) == 1
  assert mixture.row_roles(6, HALF) == ['2d', '3d'] * 3


@pytest.mark.parametrize(('limit', 'number'), [(None, 9), (7, 7), (100, 9)])
@pytest.mark.parametrize('processes', [1, 2])
def test_evaluation_counts_each_example_once(data_dir, processes, limit, number):
  """Catches examples lost with the last batch, or counted twice by padding."""
  runs = [
    pipeline.evaluate(
      'lab',
      split='train',
      data_dir=data_dir,
      batch_size=4,
      input_size=16,
      limit=limit,
      process_index=index,
      process_count=processes,
    )
    for index in range(processes)
  ]
  passes = [list(run) for run in runs]
  assert {len(batches) for batches in passes} == {-(-number // 4)} == {len(runs[0])}
  counted = [
    (counter, name)
    for batches in passes
    for batch in batches
    for counter, name, weight in zip(
      batch['counter'], batch['id'], batch['weight'], strict=True
    )
    if weight
  ]
  expected = [(row, f'lab#{row}'.encode()) for row in range(number)]
  assert sorted(counted) == expected
  assert runs[0].num_examples == number
  for batch in passes[0]:
    assert batch['has3d'].all()
    np.testing.assert_array_equal(batch['to_original'][:, 0, 0], 12.0)  # half of 24 px
