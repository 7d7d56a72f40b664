"""Drawing and decoding against closed forms: half pixels, borders, bias."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import heatmaps

SIZE = 64


def _crop(pixels):
  return jnp.asarray(np.asarray(pixels, np.float64) / (SIZE / 2) - 1, jnp.float32)


def _pixels(crop):
  return (np.asarray(crop, np.float64) + 1) * SIZE / 2


def _random_pixels(number=64, low=4.0, high=60.0):
  return np.random.default_rng(0).uniform(low, high, size=(number, 2))


def test_default_is_seven_by_seven_with_sigma_1_75_at_the_joints_cell():
  # Catches a 6 x 6 drawing, x and y exchanged, and a rounding to the next cell.
  drawn = np.asarray(heatmaps.draw(_crop([20.9, 33.1]), SIZE))
  expected = np.zeros((SIZE, SIZE))
  for dy in range(-3, 4):
    for dx in range(-3, 4):
      expected[33 + dy, 20 + dx] = np.exp(-(dx**2 + dy**2) / (2 * 1.75**2))
  np.testing.assert_allclose(drawn, expected, atol=1e-6)
  assert np.count_nonzero(drawn) == 49
  assert drawn.max() == 1


def test_subpixel_centre_has_no_bias():
  # The released drawing's centroid lies 0.17 pixels off; this one's must not.
  for pixels in _random_pixels(20, 12, 52):
    drawn = np.asarray(
      heatmaps.draw(_crop(pixels), SIZE, truncate=None, subpixel=True), np.float64
    )
    centres = np.arange(SIZE) + 0.5
    x = (drawn.sum(0) * centres).sum() / drawn.sum()
    y = (drawn.sum(1) * centres).sum() / drawn.sum()
    np.testing.assert_allclose([x, y], pixels, atol=1e-3)


def test_sigma_and_truncate():
  drawn = heatmaps.draw(_crop([32.5, 32.5]), SIZE, sigma=2.0, truncate=5)
  np.testing.assert_allclose(drawn[32, 34], np.exp(-0.5), rtol=1e-6)
  assert np.count_nonzero(drawn) == 121
  whole = heatmaps.draw(_crop([32.5, 32.5]), SIZE, truncate=None)
  assert np.count_nonzero(whole) > 1000


@pytest.mark.parametrize('subpixel', [False, True])
def test_outside_is_a_zero_map_and_the_border_is_not(subpixel):
  # Catches a joint clipped to the border, and Python's wrapping negative index.
  for pixels in ([-0.1, 30], [30, 64.1], [200, -50]):
    assert not np.any(heatmaps.draw(_crop(pixels), SIZE, subpixel=subpixel))
  corner = np.asarray(heatmaps.draw(_crop([0.4, 63.6]), SIZE, subpixel=subpixel))
  assert corner.max() > 0.98
  assert np.unravel_index(corner.argmax(), corner.shape) == (63, 0)
  assert not corner[:56].any()
  assert not corner[:, 8:].any()


@pytest.mark.parametrize(
  ('subpixel', 'refine', 'bound'),
  [
    (False, 'quarter', 0.5),
    (False, 'none', 0.5),
    (True, 'quarter', 0.25),
    (True, 'none', 0.5),
    (True, 'parabola', 1e-3),
    (True, 'dark', 1e-2),
    # Half a cell off the middle, the window's mean is 0.386 off.
    (True, 'softargmax', 0.114),
  ],
)
def test_decode_of_a_drawn_map(subpixel, refine, bound):
  # Catches a missing half pixel, and a refinement that reads the map transposed.
  pixels = _random_pixels()
  maps = jax.vmap(lambda xy: heatmaps.draw(xy, SIZE, subpixel=subpixel))(_crop(pixels))
  found, score = jax.jit(jax.vmap(lambda m: heatmaps.decode(m, refine)))(maps)
  assert np.abs(_pixels(found) - pixels).max() <= bound + 1e-5
  assert (np.asarray(score) > 0.9).all()


def test_quarter_pixel_goes_to_the_higher_neighbour():
  # A map that is not symmetric in x and y: transposition would show.
  drawn = np.zeros((8, 8), np.float32)
  drawn[2, 5], drawn[2, 6], drawn[1, 5], drawn[3, 5] = 1.0, 0.5, 0.4, 0.1
  xy, score = heatmaps.decode(jnp.asarray(drawn))
  np.testing.assert_allclose((np.asarray(xy) + 1) * 4, [5.75, 2.25])
  assert score == 1


def test_dark_finds_the_top_of_a_slanting_gaussian():
  # Catches a wrong mixed derivative, or x and y exchanged: a row alone misses the top.
  rng = np.random.default_rng(2)
  line = np.arange(16) + 0.5
  for centre in rng.uniform(5, 11, (20, 2)):
    x, y = np.meshgrid(line - centre[0], line - centre[1])
    drawn = np.exp(-0.5 * (x * x / 4 + y * y / 3 - x * y / 3))
    found = {
      refine: (np.asarray(heatmaps.decode(jnp.float32(drawn), refine)[0]) + 1) * 8
      for refine in ('dark', 'parabola')
    }
    np.testing.assert_allclose(found['dark'], centre, atol=0.02)
  assert np.abs(found['parabola'] - centre).max() > 0.02


def test_softargmax_is_the_centre_of_mass():
  # Catches a window that is off, and negative values that count.
  drawn = -np.ones((12, 12), np.float32)
  drawn[5, 6], drawn[5, 8], drawn[7, 6] = 1.0, 0.5, 0.25
  drawn[5, 11] = 0.9  # beyond the window
  xy, _ = heatmaps.decode(jnp.asarray(drawn), 'softargmax')
  np.testing.assert_allclose(
    (np.asarray(xy) + 1) * 6, [6.5 + 1.0 / 1.75, 5.5 + 0.5 / 1.75], rtol=1e-6
  )


def test_decode_on_the_border_and_of_empty_or_negative_maps():
  # Catches a neighbour read beyond the border, and logarithms of negatives.
  for refine in heatmaps.REFINES:
    corner = jnp.zeros((8, 8)).at[7, 0].set(2.0)
    xy, score = heatmaps.decode(corner, refine)
    np.testing.assert_allclose((np.asarray(xy) + 1) * 4, [0.5, 7.5])
    assert score == 2
    for values in (jnp.zeros((8, 8)), -jnp.ones((8, 8)).at[4, 4].set(0.5)):
      assert np.isfinite(heatmaps.decode(values, refine)[0]).all()
  with pytest.raises(ValueError, match="unknown refine 'best'"):
    heatmaps.decode(jnp.zeros((8, 8)), 'best')
  with pytest.raises(ValueError, match='square'):
    heatmaps.decode(jnp.zeros((8, 4)))


def test_flip_of_the_map_is_the_flip_of_the_joint():
  # Half-pixel exactness in one line: x -> -x must reverse the columns exactly.
  for subpixel in (False, True):
    pixels = _random_pixels(8)
    xy = _crop(pixels)
    flipped = xy * jnp.asarray([[-1.0, 1.0]])
    draw = jax.vmap(lambda p, s=subpixel: heatmaps.draw(p, SIZE, subpixel=s))
    np.testing.assert_allclose(draw(flipped), draw(xy)[:, :, ::-1], atol=1e-5)
    found, _ = jax.vmap(heatmaps.decode)(draw(xy))
    mirrored, _ = jax.vmap(heatmaps.decode)(draw(xy)[:, :, ::-1])
    np.testing.assert_allclose(mirrored, found * jnp.asarray([[-1.0, 1.0]]), atol=1e-6)


@pytest.mark.parametrize(('size', 'reach'), [(8, 1), (16, 1), (32, 2), (64, 4)])
def test_near_the_peak_is_the_same_share_of_maps_of_any_size(size, reach):
  """Catches scores that halve when a network's input is doubled."""
  heatmap = jnp.full((size, size), 1e-3).at[size // 2, size // 2].set(0.5)
  cells = (2 * reach + 1) ** 2
  got = heatmaps.peak_mass(heatmap)
  np.testing.assert_allclose(got, 0.5 + 1e-3 * (cells - 1), rtol=1e-5)
