"""MPI-INF-3DHP's test set: 3D PCK and AUC, the official way and Zhou et al.'s."""

from typing import Any

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.protocols import alignment, columns
from wild3d.protocols.protocol import Measure, Protocol
from wild3d.protocols.samples import Predictions, Truth

PCK_MM = 150.0
AUC_MM = np.arange(0.0, 151.0, 5.0)
SCENARIOS = {
  'TS1': 'GS',
  'TS2': 'GS',
  'TS3': 'noGS',
  'TS4': 'noGS',
  'TS5': 'outdoor',
  'TS6': 'outdoor',
}
JOINTS = tuple(
  name
  for name in skeleton.JOINT_SETS['mpi_inf_3dhp17']
  if name not in ('pelvis', 'spine', 'head')
)
RAISED = ('pelvis', 'right_hip', 'left_hip')
RAISED_SHARE = 0.2


def is_test(truth: Truth) -> np.ndarray:
  """[N] bool: valid frames of TS1 ... TS6."""
  return np.isin(np.asarray(truth.subject, str), list(SCENARIOS)) & truth.valid


def scenario_of(truth: Truth) -> np.ndarray:
  """[N] str: 'GS' (green screen), 'noGS', 'outdoor'; '' for other subjects."""
  return np.array([SCENARIOS.get(str(name), '') for name in truth.subject], str)


def activity_of(truth: Truth) -> np.ndarray:
  """[N] str: the dataset's seven activities."""
  return np.asarray(truth.action, str)


def auc(errors: Float[np.ndarray, 'N K']) -> Float[np.ndarray, 'N K']:
  """Share of the thresholds 0, 5, ..., 150 mm that are above, strictly, the error."""
  return 1 - np.searchsorted(AUC_MM, errors, side='right') / len(AUC_MM)


def _scores(pred, true, names, counted):
  """PCK, AUC and MPJPE of JOINTS; `pred` and `true` are root-aligned."""
  take = [names.index(name) for name in JOINTS]
  errors = alignment.distances(pred[:, take], true[:, take])
  counted = counted[:, take]
  figures = (
    ('PCK@150mm', '%', True, 100.0 * (errors < PCK_MM)),
    ('AUC', '%', True, 100.0 * auc(errors)),
    ('MPJPE', 'mm', False, errors),
  )
  return [
    Measure(name, unit, better, JOINTS, values, counted, 'pooled')
    for name, unit, better, values in figures
  ]


def _official(predictions: Predictions, truth: Truth) -> list[Measure]:
  if truth.annotation == 'metric':
    raise UserError(
      'mpi_inf_3dhp compares with the universal annotation, and the truth holds the '
      'metric one: score mpi_inf_3dhp/universal:test, or mpi_inf_3dhp_zhou2017'
    )
  found = columns.rooted('mpi_inf_3dhp', predictions, truth, (*JOINTS, 'pelvis'))
  return _scores(found.pred, found.true, found.names, found.known)


def _zhou2017(predictions: Predictions, truth: Truth) -> list[Measure]:
  names = (*JOINTS, 'pelvis')
  found = columns.matched('mpi_inf_3dhp_zhou2017', predictions, truth, 3, names)
  root, neck = found.at('pelvis', 'upper_neck')
  pred = raise_hips(found.pred, found.at(*RAISED), root, neck)
  bones = columns.bones(names)
  sizes = [alignment.skeleton_size(x, bones) for x in (pred, found.true)]
  # A truth that lacks an end of a bone has no size to scale to.
  counted = found.known & np.isfinite(sizes[1])[:, None]
  factor = alignment.ratio(sizes[1], sizes[0])
  pred = alignment.scaled(alignment.root_align(pred, root), factor)
  return _scores(pred, alignment.root_align(found.true, root), names, counted)


def raise_hips(
  joints: Float[np.ndarray, 'N K 3'], hips: list[int], pelvis: int, neck: int
) -> Float[np.ndarray, 'N K 3']:
  """Moves the columns `hips` by 0.2 of (neck - pelvis)."""
  raised = joints.copy()
  raised[:, hips] += RAISED_SHARE * (joints[:, neck] - joints[:, pelvis])[:, None]
  return raised


_MEASURES = (
  'PCK: share of errors strictly below 150 mm. AUC: mean of that share over the '
  'thresholds 0, 5, ..., 150 mm (31 of them, strictly below, so at most 96.8 %). Mean '
  'over all joints of all frames; per scenario (GS TS1-2, noGS TS3-4, outdoor TS5-6) '
  'and per activity too. A joint without truth is not counted. The official truth is '
  'the "universal" annotation (the dataset mpi_inf_3dhp/universal); a truth that does '
  'not say which it holds is taken to be that.'
)
_COMMON: dict[str, Any] = {
  'needs': '3d',
  'select': is_test,
  'groups': {'scenario': scenario_of, 'activity': activity_of},
}

OFFICIAL = Protocol(
  name='mpi_inf_3dhp',
  text='Valid frames of TS1-TS6. The pelvis (index 14 of the 17) of prediction and '
  'truth is moved to the origin; no scaling. 14 joints: head top, neck, shoulders, '
  'elbows, wrists, hips, knees, ankles (not pelvis, spine, head; an older variant of '
  f'the official code counts all 17). {_MEASURES}',
  source="Mehta et al. 2017 (3DV), section 6, and the test set's MATLAB evaluation",
  measure=_official,
  **_COMMON,
)
ZHOU2017 = Protocol(
  name='mpi_inf_3dhp_zhou2017',
  text='Valid frames of TS1-TS6. Predicted pelvis and hips are moved by 0.2 of '
  '(neck - pelvis), because Human3.6M has them lower; then the prediction is scaled so '
  "that its 14 bones (skeleton.BONES) sum to the true skeleton's of the same frame (an "
  'oracle); then the pelvis of both is moved to the origin. 14 joints: the 16 of MPII '
  f'without pelvis and thorax (6, 7). A frame whose truth lacks an end of a bone is '
  f'not counted. {_MEASURES}',
  source='Zhou et al. 2017, section 4.3, and the evaluation released with it',
  measure=_zhou2017,
  **_COMMON,
)
PROTOCOLS = (OFFICIAL, ZHOU2017)
