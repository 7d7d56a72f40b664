import errno
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_datasets.core import dataset_builder

from wild3d.datasets import prepare
from wild3d.errors import UserError


@pytest.fixture
def photographs(tmp_path):
  """Two folders of three annotated pictures each."""
  rng = np.random.default_rng(0)
  for name in ('one', 'two'):
    images = tmp_path / name / 'images'
    images.mkdir(parents=True)
    people = []
    for row in range(3):
      pixels = rng.integers(0, 255, (60, 50, 3)).astype(np.uint8)
      Image.fromarray(pixels).save(images / f'{row}.jpg')
      people.append(
        {
          'image': f'{row}.jpg',
          'joints': rng.uniform(10, 40, (16, 2)).tolist(),
          'joints_vis': [1] * 16,
          'center': [25, 30],
          'scale': 0.2,
        }
      )
    (tmp_path / name / 'annotations.json').write_text(json.dumps(people))
  return tmp_path


def test_built_once_and_found_again(photographs):
  """Catches a second build over the first, or a dataset of another folder reused."""
  data = str(photographs / 'tfds')
  first = prepare.prepare('mpii/small', data, str(photographs / 'one'))
  assert first.info.splits['train'].num_examples == 3
  prepare.prepare('mpii/small', data, str(photographs / 'one'))
  prepare.prepare('mpii/small', data)
  with pytest.raises(UserError, match=r'built from .*one, not from .*two'):
    prepare.prepare('mpii/small', data, str(photographs / 'two'))


def test_failed_build_leaves_nothing_that_passes_for_whole(photographs):
  """Catches a half-built dataset that the next run takes for the whole."""
  (photographs / 'one/images/2.jpg').write_bytes(b'no picture')
  data = photographs / 'tfds'
  for _ in range(2):
    with pytest.raises(UserError, match=r'2\.jpg'):
      prepare.prepare('mpii/small', str(data), str(photographs / 'one'))
  assert not list(data.rglob('*.tfrecord*'))


def test_failed_build_leaves_nothing(photographs, capsys):
  """Catches folders and TFDS's notes of a dataset that is not there, on a user's disk."""
  data = photographs / 'new/tfds'
  (photographs / 'one/images/2.jpg').write_bytes(b'no picture')
  (photographs / 'empty').mkdir()
  for folder in ('one', 'empty'):
    with pytest.raises(UserError):
      prepare.prepare('mpii/small', str(data), str(photographs / folder))
    assert not data.exists()
  prepare.prepare('mpii/small', str(data), str(photographs / 'two'))
  with pytest.raises(UserError):
    prepare.prepare('mpii', str(data), str(photographs / 'one'))
  assert [path.name for path in data.iterdir()] == ['mpii']
  assert {path.name for path in (data / 'mpii').iterdir()} == {'.config', 'small'}
  told = capsys.readouterr().out
  assert 'ownload' not in told
  assert f' in {data}' in told


@pytest.mark.parametrize(
  ('name', 'manual_dir', 'said'),
  [
    ('mpi', '', 'unknown dataset'),
    ('mpii/huge', '', "no configuration 'huge'"),
    ('mpii/small', '', 'manual_dir'),
    ('mpii/small', 'nowhere', 'manual_dir'),
  ],
)
def test_mistakes_are_named(name, manual_dir, said, tmp_path):
  """Catches a traceback of tensorflow-datasets in place of what to do."""
  folder = str(tmp_path / manual_dir) if manual_dir else ''
  with pytest.raises(UserError, match=said) as error:
    prepare.prepare(name, str(tmp_path / 'tfds'), folder)
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
  'full',
  [OSError(errno.ENOSPC, 'No space'), tf.errors.ResourceExhaustedError(None, None, '')],
)
def test_a_full_disk_is_named(full, tmp_path, monkeypatch):
  """Catches hundreds of lines where one would do; other faults must still be seen."""

  def download_and_prepare(*_, **__):
    try:
      raise full
    except Exception as error:
      raise RuntimeError('writing failed') from error

  monkeypatch.setattr(
    dataset_builder.DatasetBuilder, 'download_and_prepare', download_and_prepare
  )
  with pytest.raises(UserError, match='tfds: the disk is full: make room'):
    prepare.prepare('synthetic_people/tiny', str(tmp_path / 'tfds'))
  full = OSError(errno.EIO, 'broken')
  with pytest.raises(RuntimeError, match='writing failed'):
    prepare.prepare('synthetic_people/tiny', str(tmp_path / 'tfds'))
