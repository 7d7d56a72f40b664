"""Damage on disk: the file is named, in one line, by whatever reads it."""

import itertools
import re
import shutil

import pytest
from fakes import records

from wild3d.configs import base
from wild3d.data import augment, pipeline
from wild3d.datasets import verify
from wild3d.errors import UserError
from wild3d.protocols.formats import dataset


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
  return records.store_all(tmp_path_factory.mktemp('tfds'))


def batches(data_dir, **sources):
  """Batches of the datasets, each as what is said."""
  return pipeline.train(
    [pipeline.Source(name, name, 'train', role, 1.0) for name, role in sources.items()],
    data_dir=data_dir,
    shares={role: 1 / len(sources) for role in sources.values()},
    batch_size=8,
    input_size=16,
    augment=augment.Augment(**base.get_config().augment),
    shuffle_buffer=5,
    seed=3,
  )


def _flipped(path):
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)


def _halved(path):
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
  ('harm', 'said'),
  [
    (_flipped, 'corrupted record at byte'),
    (_halved, 'truncated record at byte'),
    (lambda path: path.unlink(), 'is missing'),
    (lambda path: path.write_bytes(b''), 'holds 0 records, not 9'),
  ],
  ids=['bit', 'half', 'missing', 'empty'],
)
def test_a_damaged_shard_is_named(data_dir, tmp_path, harm, said):
  """Catches a traceback, or a message from which the file cannot be told."""
  folder = tmp_path / 'tfds'
  shutil.copytree(data_dir, folder)
  (shard,) = folder.glob('lab/1.0.0/*.tfrecord*')
  harm(shard)
  count, faults = verify.damaged('lab', folder)
  assert count == 1
  assert len(faults) == 1
  named = f'{shard}, split train: {said}'
  assert faults[0].startswith(named)
  with pytest.raises(UserError, match=re.escape(named)) as error:
    list(itertools.islice(batches(folder, photos='2d', lab='3d'), 4))
  assert '\n' not in str(error.value)
  with pytest.raises(UserError, match=re.escape(named)):
    dataset.read('lab:train', folder)


@pytest.mark.parametrize('harm', [lambda path: path.unlink(), _halved])
def test_a_damaged_description_is_named(data_dir, tmp_path, harm):
  """Catches TFDS's traceback where dataset_info.json is missing, or cut off."""
  folder = tmp_path / 'tfds'
  shutil.copytree(data_dir, folder)
  harm(folder / 'lab' / '1.0.0' / 'dataset_info.json')
  with pytest.raises(UserError, match=r'dataset_info\.json of lab is missing or damag'):
    batches(folder, lab='3d')
