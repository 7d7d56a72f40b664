"""The bounds: what a tally must satisfy, and how it is said."""

import dataclasses

import numpy as np

from wild3d.datasets.verify.tally import Tally
from wild3d.skeleton import BONES, SYMMETRIC_BONES

_ENOUGH = 20  # from so many on, a share is judged
SKELETON_MM = (3300.0, 5200.0)  # sum of the 14 bones; motion capture: 3800 to 4400
_UNITS = {'metres': 1000.0, 'centimetres': 10.0, 'inches': 25.4}
# Limbs are stiff; spine and neck are not one bone.
_PAIRS = np.array(
  [
    [next(i for i, bone in enumerate(BONES) if set(bone) == set(side)) for side in pair]
    for pair in SYMMETRIC_BONES.values()
  ]
)
_LIMBS = _PAIRS.ravel()


@dataclasses.dataclass(frozen=True)
class Check:
  """One property of some records.

  Attributes:
    name: what was looked at.
    bound: what must hold, in words; '' if it is only shown.
    shown: what was found; '–' where nothing was to be looked at.
    failed: whether what was found breaks the bound.
  """

  name: str
  bound: str
  shown: str
  failed: bool = False


def of_split(tally: Tally, *, projects: bool = True) -> list[Check]:
  """The checks of all records of a split together; always the same names.

  Args:
    tally: of the split.
    projects: whether the 3D labels are meant to project onto the 2D ones.
  """
  return [
    _share('joints in the picture', tally.inside, 0.8),
    _share('boxes in the picture', tally.box_inside, 0.99),
    _head(tally.head),
    _share('hips ordered as shoulders, 2D', tally.hips_as_shoulders, 0.8),
    _share('chest to the camera, 2D', tally.faces_camera, None),
    _projection(tally, projects),
    _share('sides agree in 2D and 3D', tally.sides_agree, 0.95),
  ]


def of_subject(tally: Tally, *, known: bool) -> list[Check]:
  """The checks of one subject's 3D poses; always the same names.

  Args:
    tally: of the subject.
    known: whether it is one person; of many, bones differ in length.
  """
  return [
    _skeleton(tally.bones),
    _spread(tally.bones, known),
    _symmetry(tally.bones),
    _share('knees bend forwards', tally.knees, 0.8),
    _share('elbows bend forwards', tally.elbows, 0.6),
  ]


def _share(name, share, least):
  if not share.count:
    return Check(name, '' if least is None else _at_least(least), '–')
  value = float(share.value)
  # 99.96 % is not 100 %: rounding must not hide the one that is wrong.
  shown = '100 %' if value == 1 else f'{min(value, 0.999):.1%}'.replace('%', ' %')
  if least is None:
    return Check(name, '', shown)
  few = share.count < _ENOUGH
  return Check(
    name, _at_least(least), shown + ' (few)' * int(few), bool(value < least and not few)
  )


def _at_least(share):
  return f'≥ {100 * share:.0f} %'


def _head(histogram):
  name, bound = 'head size / box, median', '0.03 to 0.5'
  median = histogram.quantile(0.5)
  if np.isnan(median):
    return Check(name, bound, '–')
  return Check(name, bound, f'{median:.2f}', not 0.03 <= median <= 0.5)


def _projection(tally, judged):
  name, bound = (
    '3D onto 2D, px: median, 99 %, most',
    'median ≤ 0.5 %, 99 % ≤ 5 % of box',
  )
  px, box = tally.residual_px, tally.residual_box
  if np.isnan(box.quantile(0.5)):
    return Check(name, bound, '–')
  numbers = [px.quantile(0.5), px.quantile(0.99), px.maximum]
  shown = ' / '.join(f'{n:.2f}' if n < 9.995 else f'{n:.0f}' for n in numbers)
  failed = box.quantile(0.5) > 0.005 or box.quantile(0.99) > 0.05
  if np.isinf(px.maximum):
    shown = shown.rsplit(' / ', 1)[0] + ' / behind the camera'
    failed = True
  if not judged:
    return Check(name, bound, f'{shown} (not meant to)')
  return Check(name, bound, shown, failed)


def _skeleton(bones):
  low, high = SKELETON_MM
  name, bound = 'skeleton mm', f'{low:.0f} to {high:.0f}'
  if not bones.count:
    return Check(name, bound, '–')
  total = float(bones.mean.sum())
  units = [unit for unit, mm in _UNITS.items() if low <= total * mm <= high]
  if units:
    return Check(name, bound, f'{total:.4g}, which looks like {units[0]}', True)
  return Check(name, bound, f'{total:.0f}', not low <= total <= high)


def _spread(bones, known):
  name, bound = 'limb spread', '≤ 20 %'
  if bones.count < 2 or not known:
    return Check(name, bound, '–')
  worst = float(np.max(bones.spread[_LIMBS] / np.maximum(bones.mean[_LIMBS], 1e-9)))
  return Check(name, bound, f'{100 * worst:.1f} %', worst > 0.2)


def _symmetry(bones):
  name, bound = 'left/right limbs', '≤ 15 %'
  if not bones.count:
    return Check(name, bound, '–')
  sides = bones.mean[_PAIRS]
  means = np.maximum(sides.mean(axis=-1), 1e-9)
  worst = float(np.max(np.abs(sides[:, 0] - sides[:, 1]) / means))
  return Check(name, bound, f'{100 * worst:.1f} %', worst > 0.15)
