"""What a protocol says of predictions: the result and its table."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from wild3d.errors import UserError
from wild3d.protocols import bootstrap, columns, figures, score_table
from wild3d.protocols.figures import Scored
from wild3d.protocols.protocol import Measure, Protocol
from wild3d.protocols.samples import Predictions, Truth, take


@dataclasses.dataclass(frozen=True)
class Result:
  """What one protocol says of predictions.

  Attributes:
    protocol: the definition.
    given: samples that the truth holds.
    rows: [n] places in the truth of the samples selected.
    ids: [n] of these.
    unit: [n] names of what the intervals resample, '' for a sample alone.
    resampled, units: 'sequences', 'persons' or 'samples', and how many.
    seed: of the intervals.
    measures: the main one first.
    note: what the figures are of that the protocol's text leaves open, or ''.
  """

  protocol: Protocol
  given: int
  rows: Int[np.ndarray, ' n']
  ids: Shaped[np.ndarray, ' n']
  unit: Shaped[np.ndarray, ' n']
  resampled: str
  units: int
  seed: int
  measures: tuple[Scored, ...]
  note: str = ''

  @property
  def main(self) -> Scored:
    """The measure that the protocol is known for."""
    return self.measures[0]

  @property
  def counted(self) -> tuple[int, str]:
    """How many columns of the main measure count anything, and what they are."""
    number = sum(1 for figure in self.main.columns.values() if figure.count)
    joints = columns.are_joints(tuple(self.main.columns))
    return number, 'joints' if joints else 'parts'

  @property
  def scored(self) -> int:
    """Selected samples of which the main measure counts anything."""
    return int(np.count_nonzero(self.main.weights))


class Measured(NamedTuple):
  """What a protocol measures, before any mean is taken.

  Attributes:
    rows: [n] places in the truth of the samples selected.
    truth: of these.
    measures: the main one first.
  """

  rows: Int[np.ndarray, ' n']
  truth: Truth
  measures: list[Measure]


def measured(protocol: Protocol, predictions: Predictions, truth: Truth) -> Measured:
  """Selects and measures predictions of the truth's samples, in its order.

  Raises:
    UserError: the protocol selects no sample; a measure is not finite where it counts.
    ValueError: predictions are not of the truth's samples and joints.
  """
  for joints in (predictions.joints2d, predictions.joints3d):
    if joints is not None and joints.shape[:2] != (len(truth), len(truth.joints)):
      raise ValueError(f'{joints.shape[:2]} predicted joints of {len(truth)} samples')
  selected = np.asarray(protocol.select(truth), bool)
  if not selected.any():
    raise UserError(
      f'{protocol.name} scores none of the {len(truth)} samples of the truth '
      f'({int(truth.valid.sum())} are marked valid, {int((truth.head_size > 0).sum())} '
      'have a head size): check that subjects, sequences, frames and labels are those '
      'that the protocol names'
    )
  rows = np.flatnonzero(selected)
  if not selected.all():
    truth, predictions = (take(samples, rows) for samples in (truth, predictions))
  measures = protocol.measure(predictions, truth)
  _check_finite(protocol, measures, truth)
  return Measured(rows, truth, measures)


def score(
  protocol: Protocol, predictions: Predictions, truth: Truth, *, seed: int = 0
) -> Result:
  """Selects, measures and averages, with the intervals of a bootstrap of this seed.

  Raises:
    UserError: see `measured`; or the protocol can count nothing of what it selects.
    ValueError: see `measured`.
  """
  given = len(truth)
  rows, truth, measures = measured(protocol, predictions, truth)
  if not measures[0].counted.any():
    raise UserError(
      f'{protocol.name} selects {len(truth)} samples and can count nothing of them: '
      'the truth lacks what it compares, such as 3D joints or head sizes'
    )
  groups = {name: np.asarray(of(truth), str) for name, of in protocol.groups.items()}
  unit = np.asarray(protocol.independent(truth), str)
  plan = bootstrap.Bootstrap.of(unit, protocol.unit, seed)
  return Result(
    protocol=protocol,
    given=given,
    rows=rows,
    ids=np.asarray(truth.ids),
    unit=unit,
    resampled=plan.kind,
    units=plan.units,
    seed=seed,
    measures=tuple(figures.scored(m, groups, plan) for m in measures),
    note=protocol.note(truth),
  )


def _check_finite(protocol, measures, truth):
  for m in measures:
    wrong = m.counted & ~np.isfinite(m.values)
    if wrong.any():
      row, column = np.argwhere(wrong)[0]
      raise UserError(
        f'{protocol.name}: {m.name} of {m.columns[column]} is not finite in sample '
        f'{truth.ids[row]!s:.200} (and {int(wrong.sum()) - 1} more values): check the '
        'predictions'
      )


def table(results: Sequence[Result]) -> str:
  """Markdown tables like the papers', see score_table.py."""
  return score_table.table(results)
