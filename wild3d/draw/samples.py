"""Predictions of an evaluation set as one picture: each crop with its pose beside it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8

from wild3d.draw import pixels

_EDGE = 4  # px of paper round each part


def sheet(
  samples: Sequence[dict[str, Any]],
  *,
  columns: int = 2,
  labels: bool = False,
  in_3d: bool = True,
) -> UInt8[np.ndarray, 'H W 3']:
  """Draws samples in rows.

  Args:
    samples: of Evaluator.samples; at least one.
    columns: samples of a row.
    labels: show the crop again with the labels over it.
    in_3d: show the predicted pose from the camera and from the side, the true one in
      grey.
  """
  tiles = [np.hstack(_parts(sample, labels, in_3d)) for sample in samples]
  rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
  widest = max(row.shape[1] for row in rows)
  return np.vstack([_paper(row, right=widest - row.shape[1]) for row in rows])


def _parts(sample, labels, in_3d):
  parts = [pixels.overlay(sample['image'], sample['predicted2d'])]
  if labels:
    known = np.where(sample['visible'][:, None], sample['true2d'], np.nan)
    parts.append(pixels.overlay(sample['image'], known))
  if in_3d:
    # One scale, and one width: the samples of a column stand under each other.
    parts.append(
      pixels.views(
        sample['predicted3d'],
        sample['true3d'],
        limits=_LIMITS,
        height=parts[0].shape[0],
        name=f'grid {pixels.GRID_MM} mm',
      )
    )
  return [_paper(part, edge=_EDGE) for part in parts]


def _paper(image, edge=0, right=0):
  sides = ((edge, edge), (edge, edge + right), (0, 0))
  return np.pad(image, sides, constant_values=255)


# mm about the pelvis: who stands with an arm raised fits.
_LIMITS = np.array([[-1000.0, 1000.0], [-1100.0, 1100.0], [-1000.0, 1000.0]])
