"""Predictors that do not look: what a network's scores must be read against."""

from collections.abc import Iterable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from wild3d import geometry

NAMES = ('mean depth', 'zero depth', 'mean pose')


class Means(NamedTuple):
  """Of the training labels, crop frame: joints2d [J, 2], and depth [J] of 3D ones."""

  joints2d: Float[np.ndarray, 'J 2']
  depth: Float[np.ndarray, ' J']


def means(batches: Iterable[tuple[dict, bool]]) -> Means:
  """The mean pose and the mean depth of the labels.

  Args:
    batches: (batch of data/batch.py, whether its source has 3D labels).

  Returns:
    0 for a joint that is labelled nowhere, and for all depths without 3D labels.
  """
  target = jax.jit(jax.vmap(geometry.depth_target))
  xy, seen, depth, known = 0.0, 0.0, np.zeros(1), 0.0
  for batch, has_depth in batches:
    weight = batch['weight'].astype(np.float64)
    visible = (batch['visible'] * weight[:, None])[..., None]
    xy = xy + (batch['joints2d'] * visible).sum(0)
    seen = seen + visible.sum(0)
    if has_depth:
      depths = np.asarray(target(batch['joints2d'], batch['joints3d']), np.float64)
      # where: what pads a batch may be not finite.
      rows = np.where(weight[:, None] > 0, depths * weight[:, None], 0.0)
      depth, known = depth + rows.sum(0), known + weight.sum()
  joints2d = xy / np.maximum(seen, 1e-9)
  return Means(joints2d, np.broadcast_to(depth / max(known, 1e-9), len(joints2d)))


def applied(
  joints_crop: Float[np.ndarray, 'N J 3'], means: Means
) -> dict[str, Float[np.ndarray, 'N J 3']]:
  """The baselines' predictions beside a network's, crop frame.

  'mean pose' looks at nothing; 'mean depth' and 'zero depth' take the network's own 2D
  and a constant depth, so that they show what its depth is worth.
  """
  xy, depth = joints_crop[..., :2], np.broadcast_to(means.depth, joints_crop.shape[:2])
  pose = np.broadcast_to(means.joints2d, xy.shape)
  rows = ((xy, depth), (xy, np.zeros_like(depth)), (pose, depth))
  joined = (np.concatenate([xy, z[..., None]], axis=-1) for xy, z in rows)
  return dict(zip(NAMES, joined, strict=True))
