"""The sheet of an evaluation set's samples."""

import numpy as np

from wild3d.draw import pixels, samples, style


def _sample(shift, **changes):
  joints2d = np.array([[10.0 + 2 * i, 50.0 - 2 * i] for i in range(16)]) + shift
  return {
    'id': 'a',
    'image': np.full((64, 64, 3), 120, np.uint8),
    'predicted2d': joints2d,
    'true2d': joints2d,
    'visible': np.zeros(16, bool),
    'predicted3d': np.random.default_rng(0).normal(0, 300, (16, 3)),
    'true3d': None,
  } | changes


def test_each_sample_has_its_own_place():
  """Catches samples in another order, labels drawn that are not given, a last row
  that is shorter than the others, a size that changes from evaluation to evaluation.
  """
  three = [_sample(shift) for shift in (0.0, 6.0, -6.0)]
  drawn = samples.sheet(three, labels=True)
  again = samples.sheet([_sample(0.0, predicted3d=s['predicted3d'] * 2) for s in three])
  views = pixels.views_width(samples._LIMITS, 256) + 8
  assert drawn.shape == (2 * 264, 2 * (2 * 264 + views), 3)
  assert again.shape == (2 * 264, 2 * (264 + views), 3)
  for i, sample in enumerate(three):
    top, left = 264 * (i // 2), (drawn.shape[1] // 2) * (i % 2)
    tile = drawn[top + 4 : top + 260, left + 4 : left + 260]
    np.testing.assert_array_equal(
      tile, pixels.overlay(sample['image'], sample['predicted2d'])
    )
    # No joint is labelled: the picture alone.
    assert (drawn[top + 4 : top + 260, left + 268 : left + 524] == 120).all()
  assert (drawn[264:, drawn.shape[1] // 2 :] == 255).all()
  grey = samples.sheet([_sample(0.0, true3d=three[0]['predicted3d'])])
  assert (grey == style.TRUTH).all(axis=-1).any()
  flat = samples.sheet(three, columns=1, in_3d=False)
  assert flat.shape == (3 * 264, 264, 3)
