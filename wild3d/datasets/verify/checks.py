"""The bounds: what a tally must satisfy, and how it is said."""

import dataclasses

import numpy as np

from wild3d.datasets.verify import measures
from wild3d.datasets.verify.tally import Tally
from wild3d.skeleton import BONES, SYMMETRIC_BONES

_ENOUGH = 20  # from so many on, a share is judged
# Of the chests in photographs, so many face the camera at least: 72 to 75 % do in MPII and
# LSPET, 25 to 28 % with left and right swapped.
FACING = 0.4
ASYMMETRY = 0.15  # by which a left limb may differ from the right one
SKELETON_MM = (3300.0, 5200.0)  # sum of the 14 bones; motion capture: 3800 to 4400
_OWN_LIMB = 0.8  # of the knees, ankles, elbows, wrists that are clearly on one limb
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
  """One property of some records."""

  name: str  # what was looked at
  bound: str  # what must hold, in words; '' if it is only shown
  shown: str  # what was found; '–' where nothing was to be looked at
  failed: bool = False  # whether what was found breaks the bound


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
    _uncrossed('limbs not crossed, 2D', tally.uncrossed2d),
    _uncrossed('limbs not crossed, 3D', tally.uncrossed3d),
    _share('chest to the camera, without 3D', tally.faces_camera, FACING),
    _projection(tally, projects),
    _share('sides agree in 2D and 3D', tally.sides_agree, 0.95),
  ]


def sides_untold(tally: Tally) -> list[str]:
  """Why nothing here could tell whether all left and right are swapped; [] if it could.

  Args:
    tally: of a split.
  """
  reasons = []
  hinges = int(tally.knees.count + tally.elbows.count)
  if tally.with3d and hinges < _ENOUGH:
    reasons.append(f'too few bent knees and elbows with 3D ({hinges})')
  chests, facing = int(tally.faces_camera.count), float(tally.faces_camera.value)
  if tally.with2d > tally.with3d:
    if chests < _ENOUGH:
      reasons.append(f'too few people seen from the front or behind ({chests})')
    elif FACING <= facing < 1 - FACING:
      reasons.append(f'{facing:.0%} of the chests face the camera'.replace('%', ' %'))
  return reasons


def of_subject(
  tally: Tally, *, known: bool, asymmetry: float = ASYMMETRY
) -> list[Check]:
  """The checks of one subject's 3D poses; always the same names.

  Args:
    tally: of the subject.
    known: whether it is one person; of many, bones differ in length.
    asymmetry: by which a left limb may differ from the right one, over their mean.
  """
  return [
    _skeleton(tally.bones),
    _spread(tally.bones, known),
    _symmetry(tally.bones, asymmetry),
    _share('knees bend forwards', tally.knees, 0.8),
    _share('elbows bend forwards', tally.elbows, 0.6),
  ]


def _share(name, share, least):
  if not share.count:
    return Check(name, '' if least is None else _at_least(least), '–')
  value = float(share.value)
  shown = _percent(value)
  if least is None:
    return Check(name, '', shown)
  few = share.count < _ENOUGH
  return Check(
    name, _at_least(least), shown + ' (few)' * int(few), bool(value < least and not few)
  )


def _uncrossed(name, share):
  """Of the kinds of joints the one with the lowest share, named."""
  if not (share.count >= _ENOUGH).any():
    return Check(name, _at_least(_OWN_LIMB), '–')
  value = np.where(share.count >= _ENOUGH, share.value, np.inf)
  worst = int(np.argmin(value))
  low = float(value[worst])
  shown = f'{_percent(low)} ({measures.UNCROSSED[worst]})'
  return Check(name, _at_least(_OWN_LIMB), shown, low < _OWN_LIMB)


def _percent(share):
  # 99.96 % is not 100 %: rounding must not hide the one that is wrong.
  return '100 %' if share == 1 else f'{min(share, 0.999):.1%}'.replace('%', ' %')


def _at_least(share):
  return f'≥ {100 * share:.0f} %'


def _head(histogram):
  median = histogram.quantile(0.5)
  return _judged('head size / box, median', '0.03 to 0.5', median, '{:.2f}', 0.03, 0.5)


def _judged(name, bound, value, form, least, most):
  """The check of one number, which is NaN where there is nothing to look at."""
  if np.isnan(value):
    return Check(name, bound, '–')
  return Check(name, bound, form.format(value), not least <= value <= most)


def _projection(tally, judged):
  name = '3D onto 2D, px: median, 99 %, most'
  bound = 'median ≤ 0.5 %, 99 % ≤ 5 % of box'
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
  total = float(bones.mean.sum()) if bones.count else np.nan
  units = [unit for unit, mm in _UNITS.items() if low <= total * mm <= high]
  form = f'{{:.4g}}, which looks like {units[0]}' if units else '{:.0f}'
  return _judged('skeleton mm', f'{low:.0f} to {high:.0f}', total, form, low, high)


def _spread(bones, known):
  worst = np.nan
  if bones.count > 1 and known:
    worst = np.max(bones.spread[_LIMBS] / np.maximum(bones.mean[_LIMBS], 1e-9))
  return _judged('limb spread', '≤ 20 %', 100 * worst, '{:.1f} %', 0, 20)


def _symmetry(bones, most):
  worst = np.nan
  if bones.count:
    sides = bones.mean[_PAIRS]
    means = np.maximum(sides.mean(axis=-1), 1e-9)
    worst = np.max(np.abs(sides[:, 0] - sides[:, 1]) / means)
  most = round(100 * most)
  return _judged('left/right limbs', f'≤ {most} %', 100 * worst, '{:.1f} %', 0, most)
