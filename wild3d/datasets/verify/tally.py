"""Sums over records from which the verdict follows; their size does not grow."""

import numpy as np
from jaxtyping import Num

from wild3d.datasets.verify import measures
from wild3d.skeleton import BONES, JOINTS, bone_lengths


class Share:
  """A share of those to which a question applies (the others are NaN).

  Attributes:
    hits, count: arrays of `shape`.
  """

  def __init__(self, shape: tuple[int, ...] = ()):
    self.hits, self.count = np.zeros(shape), np.zeros(shape)

  def add(self, values: Num[np.ndarray, '...']) -> None:
    """Adds along the first axis, and along all others that `shape` lacks."""
    axes = (0, *range(1 + self.hits.ndim, values.ndim))
    self.hits = self.hits + np.nansum(values, axis=axes)
    self.count = self.count + np.sum(~np.isnan(values), axis=axes)

  def __iadd__(self, other: 'Share') -> 'Share':
    self.hits, self.count = self.hits + other.hits, self.count + other.count
    return self

  @property
  def value(self) -> np.ndarray:
    """NaN where there was nothing to count."""
    return np.asarray(self.hits / np.where(self.count > 0, self.count, np.nan))


class Histogram:
  """Quantiles of positive numbers within 1 %, in the memory of 1,600 counters.

  Attributes:
    maximum: the largest number added; exact.
  """

  _LOW, _HIGH, _BINS = -5.0, 11.0, 1600  # powers of ten

  def __init__(self):
    self.counts, self.maximum = np.zeros(self._BINS, np.int64), np.nan

  def add(self, values: Num[np.ndarray, '...']) -> None:
    """Adds all numbers that are not NaN."""
    values = values[~np.isnan(values)]
    if not values.size:
      return
    self.maximum = float(np.fmax(self.maximum, values.max()))
    power = np.log10(np.clip(values, 10.0**self._LOW, 10.0 ** (self._HIGH - 1)))
    place = (power - self._LOW) / (self._HIGH - self._LOW) * self._BINS
    self.counts += np.bincount(place.astype(int), minlength=self._BINS)

  def __iadd__(self, other: 'Histogram') -> 'Histogram':
    self.counts = self.counts + other.counts
    self.maximum = float(np.fmax(self.maximum, other.maximum))
    return self

  def quantile(self, share: float) -> float:
    """The number that `share` of all do not exceed; NaN if there are none."""
    total = self.counts.sum()
    if not total:
      return float('nan')
    place = int(np.searchsorted(np.cumsum(self.counts), share * total))
    power = self._LOW + (place + 0.5) / self._BINS * (self._HIGH - self._LOW)
    return min(10.0**power, self.maximum)


class Moments:
  """Mean and standard deviation of `size` numbers at once (Chan et al. 1979)."""

  def __init__(self, size: int):
    self.count, self.mean, self._squares = 0, np.zeros(size), np.zeros(size)

  def add(self, values: Num[np.ndarray, 'N K']) -> None:
    """Adds N rows."""
    if len(values):
      mean = values.mean(axis=0)
      self._merge(len(values), mean, np.sum((values - mean[None]) ** 2, axis=0))

  def __iadd__(self, other: 'Moments') -> 'Moments':
    if other.count:
      self._merge(other.count, other.mean, other._squares)
    return self

  def _merge(self, count, mean, squares):
    total = self.count + count
    apart = mean - self.mean
    self._squares = self._squares + squares + apart**2 * self.count * count / total
    self.mean = self.mean + apart * count / total
    self.count = total

  @property
  def spread(self) -> np.ndarray:
    """Standard deviations; 0 for a single row."""
    return np.sqrt(self._squares / max(self.count, 1))


class Tally:
  """All sums of the records of one subject in one split."""

  def __init__(self):
    self.records = self.with2d = self.with3d = self.not_finite = 0
    self.labelled, self.occluded = Share((len(JOINTS),)), Share((len(JOINTS),))
    self.inside, self.box_inside = Share(), Share()
    self.hips_as_shoulders, self.faces_camera = Share(), Share()
    self.uncrossed2d, self.uncrossed3d = (
      Share((len(measures.UNCROSSED),)) for _ in range(2)
    )
    self.sides_agree, self.knees, self.elbows = Share(), Share(), Share()
    self.residual_px, self.residual_box = Histogram(), Histogram()
    self.head = Histogram()
    self.bones = Moments(len(BONES))

  def add(self, record: dict[str, np.ndarray], size: Num[np.ndarray, 'N 2']) -> None:
    """Adds N records.

    Args:
      record: columns of RECORD_KEYS.
      size: width and height of the stored pictures, px; NaN if undecodable.
    """
    self.records += len(size)
    finite = np.all(
      [
        np.isfinite(record[key]).reshape(len(size), -1).all(axis=-1)
        for key in ('joints2d', 'joints3d', 'center', 'side', 'camera', 'to_original')
      ],
      axis=0,
    )
    self.not_finite += int(np.sum(~finite))
    record = {key: column[finite] for key, column in record.items()}
    labelled, size = record['labelled'], size[finite]
    self.with2d += int(labelled.any(axis=-1).sum())
    self.with3d += int(record['has3d'].sum())
    self.labelled.add(labelled.astype(float))
    self.occluded.add(np.where(labelled, record['occluded'], np.nan))
    decoded = np.isfinite(size).all(axis=-1)
    inside = measures.joints_inside(record, size)
    self.inside.add(np.where(decoded[:, None], inside, np.nan))
    self.box_inside.add(np.where(decoded, measures.box_inside(record, size), np.nan))
    self.hips_as_shoulders.add(measures.hips_as_shoulders(record))
    self.uncrossed2d.add(measures.uncrossed(record['joints2d'], labelled))
    # Where there is 3D, knees and elbows tell left from right, and better.
    faces = measures.faces_camera(record)
    self.faces_camera.add(np.where(record['has3d'], np.nan, faces))
    head = record['head_size'] / record['side']
    self.head.add(np.where(head > 0, head, np.nan))
    self._add3d(record)

  def _add3d(self, record):
    self.sides_agree.add(measures.sides_agree(record))
    residual = measures.residuals(record)
    pitch = np.sqrt(np.abs(np.linalg.det(record['to_original'][..., :2])))
    self.residual_px.add(residual)
    self.residual_box.add(residual / (pitch * record['side'])[:, None])
    joints = record['joints3d'][record['has3d']]
    self.bones.add(bone_lengths(joints.astype(np.float64)))
    every = np.ones(joints.shape[:2], bool)
    self.uncrossed3d.add(measures.uncrossed(joints, every))
    self.knees.add(measures.knees_forwards(joints))
    self.elbows.add(measures.elbows_forwards(joints))

  def __iadd__(self, other: 'Tally') -> 'Tally':
    for name, value in vars(other).items():
      mine = getattr(self, name)
      mine += value
      setattr(self, name, mine)
    return self
