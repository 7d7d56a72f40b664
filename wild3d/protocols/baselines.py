"""Predictors that do not look: what a network's scores must be read against."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

NAMES = ('mean depth', 'zero depth', 'mean pose')


class Guess(NamedTuple):
  """A constant in place of a part of the network's prediction; None keeps it.

  Attributes:
    joints2d: [J,2], crop frame.
    depth: [J], crop units.
  """

  joints2d: np.ndarray | None
  depth: np.ndarray | None

  def applied_to(self, joints2d, depth):
    """Puts the constants in place of predictions [B,J,2] and [B,J]."""
    if self.joints2d is not None:
      joints2d = jnp.broadcast_to(self.joints2d[None], joints2d.shape)
    if self.depth is not None:
      depth = jnp.broadcast_to(self.depth[None], depth.shape)
    return joints2d, depth


def from_means(mean_pose: np.ndarray, mean_depth: np.ndarray) -> dict[str, Guess]:
  """The baselines by name.

  Args:
    mean_pose: [J,2] mean of the training labels, crop frame.
    mean_depth: [J] mean of the depth targets of 3D training examples, crop units.

  Returns:
    'mean pose' looks at nothing; 'mean depth' and 'zero depth' take the network's
    own 2D and a constant depth, so that they show what its depth is worth.
  """
  guesses = (
    Guess(None, mean_depth),
    Guess(None, np.zeros_like(mean_depth)),
    Guess(mean_pose, mean_depth),
  )
  return dict(zip(NAMES, guesses, strict=True))
