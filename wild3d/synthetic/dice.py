"""Many random numbers from one call: the random generator compiles slowly."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray


class Dice:
  """Deals numbers drawn at once from a key, in order.

  Args:
    key: random key.
    count: how many numbers there are; asking for more raises ValueError.
  """

  def __init__(self, key: PRNGKeyArray, count: int):
    self._numbers = jax.random.uniform(key, (count,))
    self._used = 0

  def unit(self, *shape: int) -> Array:
    """Uniform in [0, 1), of the given shape."""
    start, self._used = self._used, self._used + math.prod(shape)
    if self._used > len(self._numbers):
      raise ValueError(f'{self._used} numbers wanted, {len(self._numbers)} drawn')
    return self._numbers[start : self._used].reshape(shape)

  def uniform(self, low, high, *shape: int) -> Array:
    """Uniform between `low` and `high`, which may be arrays of that shape."""
    return low + (high - low) * self.unit(*shape)

  def chance(self, probability, *shape: int) -> Array:
    """True with the given probability."""
    return self.unit(*shape) < probability

  def bell(self, *shape: int) -> Array:
    """Zero mean, unit variance, bell-shaped, within 3.5 deviations."""
    return (self.unit(4, *shape).sum(axis=0) - 2.0) * jnp.sqrt(3.0)
