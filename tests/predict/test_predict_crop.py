"""Crops: exact places, and the pixels that training sees."""

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from wild3d.data import pixels
from wild3d.errors import UserError
from wild3d.predict import crop


def _blob(width, height, x, y, sigma):
  rows, columns = np.mgrid[:height, :width] + 0.5
  value = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
  return np.repeat((255 * value)[..., None], 3, -1).round().astype(np.uint8)


def _centre(image):
  value = image[..., 0].astype(float)
  rows, columns = np.mgrid[: value.shape[0], : value.shape[1]] + 0.5
  return np.array([(value * columns).sum(), (value * rows).sum()]) / value.sum()


@pytest.mark.parametrize('seed', range(12))
def test_a_point_is_where_the_affine_says(seed):
  """Catches half a pixel lost by the crop, the shrinking, a turn or a border."""
  rng = np.random.default_rng(seed)
  width, height = rng.integers(150, 500, 2)
  half = rng.uniform(30, 400)
  angle = rng.uniform(-np.pi, np.pi) * (seed % 2)
  turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
  at = rng.uniform([20, 20], [width - 20, height - 20])
  place = rng.uniform(-0.6, 0.6, 2)  # of the point in the crop frame
  affine = np.concatenate([half * turn, (at - half * turn @ place)[:, None]], 1)
  pitch = 2 * half / 96
  image = _blob(width, height, *at, sigma=max(2.0, 2 * pitch))
  cut = crop.cut(image, affine, 96)
  margin = 3 * max(2.0, 2 * pitch)
  if (at - margin < 0).any() or (at + margin > [width, height]).any():
    pytest.skip('the blob is cut by the border')
  np.testing.assert_allclose(_centre(cut) / 48 - 1, place, atol=0.15 / 48)


@pytest.mark.parametrize('half', [40.0, 90.0, 300.0, 700.0])
def test_the_pixels_of_training(half):
  """Catches a crop that looks other than what the network was trained on."""
  rng = np.random.default_rng(0)
  small = rng.integers(0, 255, (40, 50, 3), np.uint8)
  image = np.asarray(
    Image.fromarray(small).resize((800, 640), Image.Resampling.BICUBIC)
  )
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, 'JPEG', quality=98, subsampling=0)
  # Here the blocks that are averaged start at the same px. In training they start at
  # the picture's corner, anywhere as seen from the person; in `cut` at the crop's.
  affine = np.array([[half, 0, 412.3], [0, half, 300.7]], np.float32)
  nothing = (
    np.ones((1, 3), np.float32),
    np.zeros((1, 4), np.float32),
    np.zeros((1, 3), np.float32),
  )
  (want,) = pixels.cut([b''], [buffer.getvalue()], affine[None], *nothing, 128)
  got = crop.cut(np.asarray(Image.open(buffer)), affine.astype(float), 128)
  apart = np.abs(want.astype(float) - got)
  assert apart.mean() < 1.0
  assert np.quantile(apart, 0.99) < 6


def test_squares():
  """Catches a square that does not hold its box."""
  affine = crop.to_original((10.0, 20.0, 30.0, 60.0))
  np.testing.assert_allclose(affine, [[37.5, 0, 25], [0, 37.5, 50]])
  for wrong in (
    (0.0, 0.0, 0.0, 5.0),
    (0.0, 0.0, 5.0, -1.0),
    (np.nan, 0.0, 5.0, 5.0),
    (0.0, 1e12, 5.0, 5.0),
  ):
    with pytest.raises(UserError, match='box'):
      crop.to_original(wrong)
  crop.check_inside((-10.0, -10.0, 11.0, 11.0), 5, 5)
  with pytest.raises(UserError, match='outside'):
    crop.check_inside((5.0, 0.0, 10.0, 10.0), 5, 5)


def test_far_outside_is_black():
  """Catches a crash, or memory, for a box much larger than the picture."""
  image = np.full((20, 30, 3), 200, np.uint8)
  cut = crop.cut(image, np.array([[5000.0, 0, 15], [0, 5000.0, 10]]), 64)
  assert cut.shape == (64, 64, 3)
  assert cut[0].max() == 0


@pytest.mark.parametrize('seed', range(25))
def test_padding_changes_nothing(seed):
  """Catches blocks that start at the picture's corner: a pose that black moves."""
  rng = np.random.default_rng(seed)
  width, height = rng.integers(20, 900, 2)
  image = rng.integers(0, 256, (height, width, 3), np.uint8)
  before, after = rng.integers(0, 90, (2, 2))  # x, y
  padded = np.pad(image, ((before[1], after[1]), (before[0], after[0]), (0, 0)))
  angle = rng.uniform(-np.pi, np.pi) * (seed % 2)
  turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
  at = rng.uniform(-0.2, 1.2, 2) * [width, height]
  affine = np.concatenate([2 ** rng.uniform(4, 12) * turn, at[:, None]], axis=1)
  moved = affine.copy()
  moved[:, 2] += before
  np.testing.assert_array_equal(
    crop.cut(image, affine, 64), crop.cut(padded, moved, 64)
  )


@pytest.mark.parametrize('size', [(1, 300_000), (300_000, 1), (40, 30)])
@pytest.mark.parametrize('side', [1e5, 1e6, 9e8])
def test_memory_grows_with_the_crop_alone(size, side):
  """Catches 68 GiB for a box of a million px, or for a long thin picture."""
  image = np.full((*size, 3), 200, np.uint8)
  tracemalloc.start()
  cut = crop.cut(image, crop.to_original((0.0, 0.0, side, side)), 64)
  _, most = tracemalloc.get_traced_memory()
  tracemalloc.stop()
  assert cut.shape == (64, 64, 3)
  assert most < 30e6


def test_large_blocks_are_means():
  """Catches a sum that overflows, or a border's block taken as a whole one."""
  image = np.full((1024, 1536, 3), 255, np.uint8)
  cut = crop.cut(image, np.array([[32768.0, 0, 32768], [0, 32768.0, 32768]]), 64)
  assert cut[0, :3, 0].tolist() == [255, 128, 0]
  assert cut[1].max() == 0
