"""Small datasets of noise, written record by record."""

import io

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from wild3d.datasets import make_record

SIZE = 32  # px of the stored pictures
RUNS = (7, 5, 1, 4)  # frames of the four filmed sequences


def make(name, row, has3d=False, **known):
  rng = np.random.default_rng(row)
  buffer = io.BytesIO()
  pixels = rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8)
  Image.fromarray(pixels).save(buffer, 'JPEG', quality=90)
  fields = {
    'id': f'{name}#{row}',
    'image': buffer.getvalue(),
    'joints2d': rng.uniform(4, 28, (16, 2)),
    'labelled': np.ones(16, bool),
    'joints3d': rng.normal(size=(16, 3)) * 300 + 1000 if has3d else np.zeros((16, 3)),
    'has3d': has3d,
    'center': [16, 16],
    'side': 24,
    'to_original': [[1, 0, 0], [0, 1, 0]],
    'original_size': [SIZE, SIZE],
    **known,
  }
  return make_record.from_jpeg(**fields)


def store_all(folder):
  """`photos`, `lab` (with 3D), `film` (clips), `outside` and `broken` in a data folder."""

  def store(name, records):
    tfds.dataset_builders.store_as_tfds_dataset(
      name=name,
      version='1.0.0',
      features=make_record.features(),
      split_datasets={'train': list(enumerate(records))},
      data_dir=folder,
      disable_shuffling=True,
    )

  store('photos', [make('photos', row) for row in range(11)])
  store('lab', [make('lab', row, has3d=True) for row in range(9)])
  film = [
    make('film', 10 * run + frame, has3d=True, sequence=f'run{run}', frame=frame)
    for run, length in enumerate(RUNS)
    for frame in range(length)
  ]
  store('film', film)
  outside = np.tile(np.float32([16, 16]), (16, 1))
  outside[3] = 1, 30  # in the picture; the crop holds 4 to 28
  labelled = np.arange(16) != 5
  store('outside', [make('outside', 0, joints2d=outside, labelled=labelled)])
  cut = make('broken', 1)
  store('broken', [make('broken', 0), {**cut, 'image': cut['image'][:400]}])
  return folder
