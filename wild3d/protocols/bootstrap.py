"""95 % intervals of means, by resampling what is independent.

The frames of one video resemble each other: to resample them one by one would make
an interval several times too narrow. So whole sequences are resampled where the truth
names any, and samples where it does not; whole persons where a figure is of a person's
frames together. The interval says how much the figure would
vary with other sequences (or samples) like these. It cannot say more: not what other
subjects than the two or six of a test set would change.
"""

import dataclasses
import functools
import warnings

import numpy as np
from jaxtyping import Float, Int, Shaped

LEVEL = 0.95
RESAMPLES = 2000
# More units than this are first joined at random in so many bags, equal to within
# one. A mean over independent bags has the variance of the mean over their units,
# so the interval's expected width stays; 110,000 samples then take as long as 2048.
_MAX_UNITS = 2048


@dataclasses.dataclass(frozen=True)
class Bootstrap:
  """Which unit each of N samples belongs to, and how often each resample has it.

  Attributes:
    kind: of the units, such as 'sequences'; 'samples' where each stands alone.
    units: how many there are.
    bag: [N], 0 to U - 1; the unit itself where there are few.
    weights: [R, U], times that a resample has a bag.
  """

  kind: str
  units: int
  bag: Int[np.ndarray, ' N']
  weights: Float[np.ndarray, 'R U']

  @classmethod
  def of(
    cls, names: Shaped[np.ndarray, ' N'], kind: str = 'sequences', seed: int = 0
  ) -> 'Bootstrap':
    """Units of samples with these names; '' makes a sample its own unit."""
    sample = np.asarray(names).astype(str)
    names, unit = np.unique(sample, return_inverse=True)
    alone = sample == ''
    kind = 'samples' if alone.all() else kind
    unit = np.where(alone, len(names) + np.arange(len(unit)), unit)
    unit = np.unique(unit, return_inverse=True)[1]
    number = int(unit.max()) + 1
    if number > _MAX_UNITS:
      unit = (np.random.default_rng(seed).permutation(number) % _MAX_UNITS)[unit]
    return cls(kind, number, unit, _weights(min(number, _MAX_UNITS), seed))

  def means(
    self,
    values: Float[np.ndarray, 'N K'],
    weights: Shaped[np.ndarray, 'N K'],
    group: Int[np.ndarray, ' N'] | None = None,
    groups: int = 1,
  ) -> Float[np.ndarray, 'R G K']:
    """Weighted mean of each column in each resample, for each group of samples.

    Args:
      values: finite where weighted.
      weights: 0 or more.
      group: 0 to groups - 1; -1 leaves a sample out. None: one group of all.
      groups: their number, G.

    Returns:
      The means, NaN where a resample has nothing of a group; NaN throughout where
      fewer than two units have something of it, for then nothing can be resampled.
    """
    bags = self.weights.shape[1]
    group = np.zeros(len(self.bag), int) if group is None else group
    place = (self.bag * groups + group)[group >= 0]

    def sums(columns):
      columns = columns[group >= 0]
      cells = [
        np.bincount(place, columns[:, k], minlength=bags * groups)
        for k in range(columns.shape[1])
      ]
      return np.stack(cells, axis=-1).reshape(bags, -1)

    weight = sums(np.asarray(weights, np.float64))
    total = sums(np.where(weights > 0, values, 0.0) * weights)
    shape = (-1, groups, values.shape[1])
    enough = np.count_nonzero(weight, axis=0).reshape(shape) >= 2
    weight, total = ((self.weights @ x).reshape(shape) for x in (weight, total))
    means = np.full(total.shape, np.nan)
    return np.divide(total, weight, out=means, where=(weight > 0) & enough)


def interval(resampled: Float[np.ndarray, 'R ...']) -> Float[np.ndarray, '2 ...']:
  """Lower and upper end of the percentile interval; NaN where all is NaN."""
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # of what is NaN throughout
    return np.nanpercentile(resampled, [50 * (1 - LEVEL), 50 * (1 + LEVEL)], axis=0)


@functools.lru_cache(maxsize=2)
def _weights(units, seed):
  rng = np.random.default_rng([seed, units])
  drawn = rng.integers(units, size=(RESAMPLES, units))
  drawn += units * np.arange(RESAMPLES)[:, None]
  counts = np.bincount(drawn.ravel(), minlength=RESAMPLES * units)
  counts = counts.reshape(RESAMPLES, units).astype(np.float64)
  counts.flags.writeable = False  # the cache lends one array to all
  return counts
