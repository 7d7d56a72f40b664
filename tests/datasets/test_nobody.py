"""Windows of pictures without people."""

import numpy as np
import pytest
from PIL import Image

from wild3d.data import pipeline
from wild3d.datasets import prepare
from wild3d.datasets.nobody import nobody_dataset_builder
from wild3d.errors import UserError


def test_windows_lie_within_the_picture():
  """Catches windows of black, and ones of a single size."""
  dice, sides = np.random.default_rng(0), []
  for _ in range(500):
    center, side = nobody_dataset_builder.window(dice, 400, 300)
    sides.append(side)
    low, high = center - side / 2, center + side / 2
    assert low[0] >= -1e-6
    assert high[0] <= 400 + 1e-6
    if side <= 300:
      assert low[1] >= -1e-6
      assert high[1] <= 300 + 1e-6
    else:
      assert low[1] + high[1] == pytest.approx(300)
  assert min(sides) < 100
  assert max(sides) > 350


def test_nobody_is_present_in_its_batches(tmp_path):
  """Catches negatives that count as people."""
  folder = tmp_path / 'pictures' / 'more'
  folder.mkdir(parents=True)
  rng = np.random.default_rng(0)
  for i in range(10):
    pixels = rng.integers(0, 255, (90, 120, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f'{i}.png')
  Image.new('RGB', (20, 20)).save(folder / 'tiny.png')
  prepare.prepare('nobody', str(tmp_path), str(tmp_path / 'pictures'))
  batches = pipeline.evaluate(
    'nobody', split='train', data_dir=tmp_path, batch_size=12, input_size=64
  )
  assert batches.num_examples == 9 * 12
  for batch in batches:
    assert not batch['present'].any()
    assert not batch['visible'].any()
    assert not batch['has3d'].any()
    assert batch['image'].std() > 10


def test_a_folder_without_pictures_is_said(tmp_path):
  """Catches an empty dataset."""
  (tmp_path / 'empty').mkdir()
  (tmp_path / 'empty' / 'list.txt').write_text('no picture')
  with pytest.raises(UserError, match='no pictures'):
    prepare.prepare('nobody', str(tmp_path), str(tmp_path / 'empty'))
