"""Whether joints have a person's size: metres taken for millimetres have not."""

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.errors import UserError

# Sum of the 14 bones in mm: 3800-4400 in motion capture of adults. The box of all
# joints: from a child that crouches to somebody who stretches.
_BONES_MM, _EXTENT_MM = (1500.0, 8000.0), (300.0, 4000.0)
_FEW, _EXTENT_OF_FEW_MM = 10, (20.0, 4000.0)  # the hips alone, say
_FACTOR = 3.0  # against the truth's own size; networks shrink people, not so far
_FACTOR_2D = 30.0  # positions in shares of the picture are further off than that
_UNITS = {'m': 1000.0, 'cm': 10.0, 'mm': 1.0, 'um': 0.001}


def size(
  joints3d: Float[np.ndarray, 'N J 3'], names: tuple[str, ...]
) -> tuple[float, str]:
  """Median over people of (sum of 14 bones, or else diagonal of the box, its name)."""
  if all(name in names for name in skeleton.JOINTS):
    of = [names.index(name) for name in skeleton.JOINTS]
    ends = joints3d[:, of][:, np.array(skeleton.BONES)]  # [N, 14, 2, 3]
    sums = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1).sum(-1)
    if np.isfinite(sums).any():
      return float(np.nanmedian(sums)), 'sum of 14 bones'
  return _extent(joints3d), 'diagonal of the box of all joints'


def check3d(
  joints3d: Float[np.ndarray, 'N J 3'],
  names: tuple[str, ...],
  what: str,
  truth3d: Float[np.ndarray, 'N J 3'] | None = None,
  option: str = '--units=',
) -> None:
  """Refuses joints, in what should be mm (NaN where unknown), of no person's size.

  They are compared with `truth3d` of the same people where there is one. The message
  names the file `what`, and how its unit is stated, the `option`.

  Raises:
    UserError: the median person is too large or too small; names the likely unit.
  """
  measured, how = size(joints3d, names)
  if np.isnan(measured):
    return
  known = np.isfinite(joints3d).all(-1).any(0).sum()
  extent = _EXTENT_OF_FEW_MM if known < _FEW else _EXTENT_MM
  low, high = _BONES_MM if 'bones' in how else extent
  usual = np.sqrt(low * high)
  told = f'a person has {low:.0f} to {high:.0f}'
  if truth3d is not None:
    both = np.isfinite(joints3d) & np.isfinite(truth3d)
    true, _ = size(np.where(both, truth3d, np.nan), names)
    mine, how_both = size(np.where(both, joints3d, np.nan), names)
    if np.isfinite(true) and true > 0:
      measured, how, usual = mine, how_both, true
      low, high = true / _FACTOR, true * _FACTOR
      told = f'the truth has {true:.0f} mm'
  if low <= measured <= high:
    return
  likely = min(
    _UNITS, key=lambda u: abs(np.log(max(measured, 1e-12) * _UNITS[u] / usual))
  )
  near = 1 / _FACTOR < measured * _UNITS[likely] / usual < _FACTOR
  advice = (
    f'these look like {likely}: state {option}{likely}'
    if near and likely in ('m', 'cm')
    else f'state the unit ({option}m, cm or mm), or scale them to a person first'
  )
  raise UserError(
    f'{what}: as mm its people are of the wrong size: median {how} is {measured:.4g}, '
    f'{told}; {advice}'
  )


def check2d(
  joints2d: Float[np.ndarray, 'N J 2'], truth2d: Float[np.ndarray, 'N J 2'], what: str
) -> None:
  """Refuses positions that cannot be px of the original pictures, by their spread.

  Raises:
    UserError: the median person is 30 times smaller or larger than the truth's.
  """
  both = np.isfinite(joints2d) & np.isfinite(truth2d)
  mine = _extent(np.where(both, joints2d, np.nan))
  true = _extent(np.where(both, truth2d, np.nan))
  if np.isnan(mine) or not true > 0 or 1 / _FACTOR_2D < mine / true < _FACTOR_2D:
    return
  raise UserError(
    f'{what}: 2D must be in px of the original pictures: the median person measures '
    f'{mine:.4g} across, {true:.4g} px in the truth'
  )


def _extent(joints):
  """Median over people of the diagonal of their joints' box; NaN joints left out."""
  known = np.isfinite(joints).all(-1)
  joints = joints[known.sum(1) > 1]
  if not len(joints):
    return float('nan')
  low, high = np.nanmin(joints, axis=1), np.nanmax(joints, axis=1)
  return float(np.median(np.linalg.norm(high - low, axis=-1)))
