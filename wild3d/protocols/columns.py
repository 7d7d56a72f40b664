"""The joints that a protocol compares: by name, and never fewer than it says."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.protocols import alignment
from wild3d.protocols.samples import Predictions, Truth

# Slot 7 of h36m_zhou2017 where the truth has no spine: a column of no joint set.
MIDDLE = 'pelvis_neck_middle'
_JOINTS = frozenset((MIDDLE,)).union(*skeleton.JOINT_SETS.values())


@dataclasses.dataclass(frozen=True)
class Columns:
  """Predicted and true positions of the joints `names`, in this order.

  Attributes:
    names: of the K joints.
    pred: [N, K, D] float64, finite.
    true: [N, K, D] float64; NaN where not known.
    known: [N, K]: the truth has all coordinates.
  """

  names: tuple[str, ...]
  pred: Float[np.ndarray, 'N K D']
  true: Float[np.ndarray, 'N K D']
  known: Bool[np.ndarray, 'N K']

  def at(self, *names: str) -> list[int]:
    """Columns of the joints of these names."""
    return [self.names.index(name) for name in names]


def matched(
  protocol: str,
  predictions: Predictions,
  truth: Truth,
  dimensions: int,
  names: tuple[str, ...] | None = None,
  without: tuple[str, ...] = (),
) -> Columns:
  """Joints to compare, as float64, in 2 (px) or 3 (mm) `dimensions`.

  They are those of `names`; if None, all joints of the truth that the source predicts,
  except those of `without`.

  Raises:
    UserError: the source has no joints of these dimensions, or not one of `names`; or
      a joint that it does predict is not finite somewhere: to leave it out would make
      the denominator smaller.
  """
  assert predictions.joints == truth.joints, 'one joint set for both: see Predictions'
  pred, true = (getattr(x, f'joints{dimensions}d') for x in (predictions, truth))
  if pred is None:
    raise UserError(
      f'{protocol} compares {dimensions}D joints, and the predictions have none'
    )
  assert len(pred) == len(truth), f'{len(pred)} predictions of {len(truth)} samples'
  present = dict(zip(truth.joints, _predicted(pred), strict=True))
  if names is None:
    names = tuple(n for n in truth.joints if present[n] and n not in without)
  lacking = [name for name in names if not present.get(name, False)]
  if lacking or not names:
    raise UserError(
      f'{protocol} compares {", ".join(names) or "joints of the truth"}; '
      f'the predictions lack {", ".join(lacking) or "all of them"}'
    )
  take = [truth.joints.index(name) for name in names]
  pred, true = (np.asarray(joints, np.float64)[:, take] for joints in (pred, true))
  _refuse_gaps(protocol, pred, names, truth.ids)
  return Columns(names, pred, true, np.isfinite(true).all(axis=-1))


def rooted(
  protocol: str,
  predictions: Predictions,
  truth: Truth,
  names: tuple[str, ...] | None = None,
) -> Columns:
  """`matched` in 3D, with both pelvises moved to the origin.

  A sample whose true pelvis is not known has no joint that is.

  Raises:
    UserError: see `matched`; or the predictions have no pelvis.
  """
  found = matched(protocol, predictions, truth, 3, names)
  if 'pelvis' not in found.names:
    raise UserError(f'{protocol} aligns the pelvis, which the predictions do not have')
  root = found.names.index('pelvis')
  pred, true = (alignment.root_align(x, root) for x in (found.pred, found.true))
  return Columns(found.names, pred, true, found.known & found.known[:, root, None])


def bones(names: tuple[str, ...]) -> np.ndarray:
  """The ends of `skeleton.BONES` [E, 2] as columns of `names`."""
  return np.array(
    [[names.index(skeleton.JOINTS[e]) for e in b] for b in skeleton.BONES]
  )


def are_joints(names: tuple[str, ...]) -> bool:
  """Whether columns of these names are joints, and not pairs, groups or limbs."""
  return _JOINTS.issuperset(names)


def _predicted(joints):
  """[J]: False for a joint that is NaN throughout, that is, not predicted."""
  return ~np.isnan(joints).all(axis=(0, 2)) if len(joints) else [True] * joints.shape[1]


def _refuse_gaps(protocol, pred, names, ids):
  bad = ~np.isfinite(pred).all(axis=-1)
  if bad.any():
    row, column = np.argwhere(bad)[0]
    raise UserError(
      f'{protocol}: the predicted {names[column]} of sample {ids[row]} is not finite; '
      f'so are joints of {np.count_nonzero(bad.any(axis=1))} of {len(ids)} samples'
    )
