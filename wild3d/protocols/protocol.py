"""A protocol: what is compared, how it is aligned, and how the mean is taken."""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from wild3d.protocols.samples import Predictions, Truth


@dataclasses.dataclass(frozen=True)
class Measure:
  """One figure before its mean is taken.

  Attributes:
    name: such as 'MPJPE'.
    unit: 'mm', '%', 'mm/frame^2', ...
    higher_is_better: whether it is.
    columns: names of the C columns: joints, limbs, ...
    values: [N, C]; anything where not counted.
    counted: [N, C].
    average: 'samples': mean over a sample's columns, then over samples (each sample
      weighs 1); 'pooled': mean over all that is counted; 'columns': mean over the
      samples for each column, then over columns, unweighted.
  """

  name: str
  unit: str
  higher_is_better: bool
  columns: tuple[str, ...]
  values: Float[np.ndarray, 'N C']
  counted: Bool[np.ndarray, 'N C']
  average: str


def sequence_of(truth: Truth) -> np.ndarray:
  """[N] str: the sequence of each sample, '' of a still."""
  return np.asarray(truth.sequence, str)


@dataclasses.dataclass(frozen=True)
class Protocol:
  """A definition with a name, as papers refer to it.

  Attributes:
    name: 'h36m_p1'.
    text: what it is, completely: subset, stride, joints, root, alignment, scale rule,
      thresholds, mean. One paragraph for the result file.
    source: where it is defined: paper, section, or code of the dataset.
    needs: '2d' or '3d': which predictions it compares.
    select: Truth -> [N] bool: the samples that it scores (subjects, frames, valid).
    measure: (Predictions, Truth) of the selected samples -> its figures, the main
      one first.
    groups: name of a grouping -> function of the truth giving [N] labels, such as
      {'action': ...}; '' leaves a sample out of the grouping.
    group_mean: whether papers report the mean over the first grouping's groups beside
      the mean over samples.
    independent: function of the truth giving [N] names of what intervals resample as
      a whole; '' makes a sample its own unit.
    unit: what these are, in the plural.
    note: Truth -> what its figures are of that the text leaves open; '' for nothing.
  """

  name: str
  text: str
  source: str
  needs: str
  select: Callable[[Truth], np.ndarray]
  measure: Callable[[Predictions, Truth], list[Measure]]
  groups: dict[str, Callable[[Truth], np.ndarray]] = dataclasses.field(
    default_factory=dict
  )
  group_mean: bool = False
  independent: Callable[[Truth], np.ndarray] = sequence_of
  unit: str = 'sequences'
  note: Callable[[Truth], str] = lambda _: ''
