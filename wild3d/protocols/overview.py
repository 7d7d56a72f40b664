"""The overview: a network's main measures beside its baselines', in one small table.

Training prints it at each evaluation, and a configuration names one of its entries to
choose the best checkpoint. Every figure is a measure of a protocol.
"""

from typing import NamedTuple

from wild3d.protocols import lsp, mpii, result, validity
from wild3d.protocols.pose3d import POSE3D
from wild3d.protocols.protocol import Protocol
from wild3d.protocols.samples import Predictions, Truth


class Entry(NamedTuple):
  """A measure of a protocol; `unit` is 'share' (of 1, where it says %) or 'mm'."""

  protocol: Protocol
  measure: str
  unit: str
  higher_is_better: bool
  text: str


def _share(protocol, measure, text):
  return Entry(protocol, measure, 'share', True, text)


def _mm(protocol, measure, text):
  return Entry(protocol, measure, 'mm', False, text)


ENTRIES = {
  'pck_torso_0.2': _share(
    lsp.PCK_TORSO, 'PCK@0.2', '2D joints within 0.2 torso lengths'
  ),
  'pck_torso_0.2_upright': _share(
    lsp.PCK_TORSO, 'PCK@0.2 upright', 'the same, torso within 30 degrees of upright'
  ),
  'pckh_0.5': _share(
    mpii.PCKH, 'PCKh@0.5 total (official MATLAB)', '2D joints within half a head size'
  ),
  'mpjpe': _mm(
    POSE3D, 'MPJPE', 'error, skeleton scaled to config.evaluation.skeleton_mm'
  ),
  'mpjpe_4297': _mm(
    POSE3D,
    'MPJPE at 4297 mm',
    'error, skeleton scaled to 4297 mm, as in Zhou et al. 2017',
  ),
  'mpjpe_oracle': _mm(
    POSE3D, 'MPJPE at the true size', "error, skeleton scaled to the true one's size"
  ),
  'pa_mpjpe': _mm(POSE3D, 'PA-MPJPE', 'error after Procrustes alignment'),
  'pck3d_150': _share(
    POSE3D, 'PCK@150mm at the true size', '3D joints within 150 mm, at the true size'
  ),
  'auc3d': _share(
    POSE3D, 'AUC at the true size', 'mean of that share over 0, 5, ..., 150 mm'
  ),
  'left_right': _mm(
    validity.GEOMETRY,
    'left-right difference',
    'difference of left and right limb lengths, skeleton scaled to 4297 mm',
  ),
}
NETWORK = 'network'  # the row of the network's own predictions
PROTOCOLS = {entry.protocol.name: entry.protocol for entry in ENTRIES.values()}


def usable(protocol: Protocol, truth: Truth) -> bool:
  """Whether the truth has what the protocol compares."""
  return bool(protocol.select(truth).any())


def figures(predictions: Predictions, truth: Truth) -> dict[str, float]:
  """Entry -> its value; without those of which nothing can be counted.

  Raises:
    UserError: a joint is not finite.
  """
  measures = {
    (name, measure.name): measure
    for name, protocol in PROTOCOLS.items()
    if usable(protocol, truth)
    for measure in result.measured(protocol, predictions, truth).measures
  }
  values = {}
  for name, entry in ENTRIES.items():
    measure = measures.get((entry.protocol.name, entry.measure))
    if measure is not None and measure.counted.any():
      value, _ = measure.mean()
      values[name] = value / 100 if entry.unit == 'share' else value
  return values


def table(scores: dict) -> str:
  """Text of set -> {'examples': number, row: {entry: value}}: a block a set."""
  lines = []
  for name, rows in scores.items():
    by_row = {row: values for row, values in rows.items() if row != 'examples'}
    lines.append(f'{name}: {rows["examples"]} examples')
    lines.append(f'  {"":29}' + ''.join(f'{row:>14}' for row in by_row))
    for entry, (*_, unit, _, _) in ENTRIES.items():
      if any(entry in values for values in by_row.values()):
        digits = 1 if unit == 'mm' else 3
        cells = (
          f'{values[entry]:14.{digits}f}' if entry in values else f'{"-":>14}'
          for values in by_row.values()
        )
        lines.append(f'  {f"{entry} ({unit})":29}' + ''.join(cells))
  return '\n'.join(lines)


def flat(scores: dict) -> dict[str, float]:
  """The same by names such as 'eval/set/row/entry'."""
  return {
    f'eval/{name}/{row}/{entry}': value
    for name, rows in scores.items()
    for row, values in rows.items()
    if row != 'examples'
    for entry, value in values.items()
  }
