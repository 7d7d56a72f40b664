"""What a table says, in one plain sentence, for who has never heard of its measures."""

import math
from collections.abc import Mapping, Sequence

from wild3d.protocols import columns
from wild3d.protocols.result import Result


def of_stage(rows: Mapping[str, Mapping[str, float]]) -> str:
  """Of a run's table: how many joints are right, and how far off they are in 3D.

  Args:
    rows: of report.write; the first is the network's.
  """
  first, *_ = rows.values()
  parts = []
  share, error = first.get('pck_torso_0.2'), first.get('mpjpe')
  if _finite(share):
    parts.append(
      f'in the picture, {100 * share:.0f} of 100 joints lie near their true place '
      '(within a fifth of the length of the torso)'
    )
  if _finite(error):
    text = f'in 3D, joints are on average {length(error)} off'
    constant = rows.get('mean depth', {}).get('mpjpe')
    if _finite(constant):
      text += f'; with one and the same depth for every picture, {length(constant)}'
    parts.append(text)
  if not parts:
    return ''
  return _sentence('. '.join(part[0].upper() + part[1:] for part in parts))


def of_claim(off: Mapping[str, float], sides: Mapping[str, float]) -> list[str]:
  """Of the four rows: what the 2D labels and the geometric loss change on wild people.

  Args:
    off: each of ablation.CLAIM -> mean error of the joints in 3D, mm.
    sides: likewise -> mean difference of left and right limbs, mm.
  """
  # Tenths of a cm: what the loss gives is less than a whole one.
  lab, both, full = (
    f'{off[row] / 10:.1f} cm' for row in ('3d', '3d_2d', '3d_2d_geometric')
  )
  return [
    f'In 3D, joints of people in the wild are on average {lab} off if the network has '
    f'seen the lab alone, {both} if it has seen wild pictures with 2D labels too, and '
    f'{full} if the loss on bone ratios is added for these.',
    f'Left and right limbs differ by {sides["3d_2d"]:.0f} mm without that loss and by '
    f'{sides["3d_2d_geometric"]:.0f} mm with it. In the second table a difference whose '
    'interval does not hold 0 is more than other people would change; another seed may '
    'change more.',
  ]


def of_result(result: Result) -> str:
  """Of a protocol's main measure."""
  main = result.main
  value, name = main.overall.value, result.protocol.name
  if not _finite(value):
    return f'{name}: nothing could be scored.'
  if main.unit == 'mm' and columns.are_joints(tuple(main.columns)):
    return f'{name}: joints are on average {length(value)} off.'
  if main.unit == '%' and main.higher_is_better:
    return f'{name}: {value:.0f} of 100 joints are right ({main.name}).'
  unit = '' if main.unit == 'ratio^2' else f' {main.unit}'
  better = 'more' if main.higher_is_better else 'less'
  return f'{name}: {main.name} is {value:.3g}{unit}; {better} is better.'


def of_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
  """Of a table by group or joint: where each row is lowest and highest."""
  said = []
  for name, *texts in rows:
    known = [
      (float(text), text, label)
      for label, text in zip(head[1:], texts, strict=True)
      if label not in ('mean of these', 'all samples', 'all') and _number(text)
    ]
    if len(known) > 1:
      (_, low, where), (_, high, there) = min(known), max(known)
      name = head[0] if name in ('%', 'mm') else name
      said.append(f'{name} goes from {low} ({where}) to {high} ({there}).')
  return said


def length(mm: float) -> str:
  """12.3 as '1.2 cm', 123.4 as '12 cm'."""
  return f'{mm / 10:.{0 if mm >= 100 else 1}f} cm'


def _sentence(text):
  return text + '.' * bool(text)


def _finite(value):
  return value is not None and math.isfinite(value)


def _number(text):
  try:
    return math.isfinite(float(text))
  except ValueError:
    return False
