"""3D errors on any set with 3D truth: each size that papers scale to, by its name."""

import numpy as np

from wild3d import skeleton
from wild3d.protocols import alignment, columns, mpi_inf_3dhp
from wild3d.protocols.protocol import Measure, Protocol
from wild3d.protocols.samples import Predictions, Truth

_SIZE_MM = skeleton.ZHOU2017_SKELETON_MM
_MEASURED = tuple(name for name in skeleton.JOINTS if name != 'thorax')  # ends of bones


def select(truth: Truth) -> np.ndarray:
  """[N] bool: valid, with a pelvis and more in 3D."""
  known = np.isfinite(truth.joints3d).all(axis=-1)
  if 'pelvis' not in truth.joints:
    return np.zeros(len(truth), bool)
  root = known[:, truth.joints.index('pelvis')]
  return truth.valid & root & (known.sum(axis=1) > 1)


def _measure(predictions: Predictions, truth: Truth) -> list[Measure]:
  found = columns.rooted('pose3d', predictions, truth)
  pred, true, counted = found.pred, found.true, found.known

  def errors(name, pred, counted=counted):
    distances = alignment.distances(pred, true)
    return Measure(name, 'mm', False, found.names, distances, counted, 'pooled')

  fitted = alignment.least_squares_scale(pred, true, counted)
  measures = [
    errors('MPJPE', pred),
    errors('PA-MPJPE', alignment.procrustes(pred, true, counted)),
    errors('N-MPJPE', alignment.scaled(pred, fitted)),
  ]
  if not all(name in found.names for name in _MEASURED):
    return measures
  bones = columns.bones(found.names)
  size, true_size = (alignment.skeleton_size(x, bones) for x in (pred, true))
  sized = alignment.scaled(pred, alignment.ratio(_SIZE_MM, size))
  # A truth that lacks an end of a bone has no size to scale to.
  sure = counted & np.isfinite(true_size)[:, None]
  sized_truly = alignment.scaled(pred, alignment.ratio(true_size, size))
  oracle = errors('MPJPE at the true size', sized_truly, sure)
  hits = 100.0 * (oracle.values < mpi_inf_3dhp.PCK_MM)
  area = 100.0 * mpi_inf_3dhp.auc(oracle.values)
  return [
    *measures,
    errors('MPJPE at 4297 mm', sized),
    oracle,
    Measure('PCK@150mm at the true size', '%', True, found.names, hits, sure, 'pooled'),
    Measure('AUC at the true size', '%', True, found.names, area, sure, 'pooled'),
  ]


POSE3D = Protocol(
  name='pose3d',
  text='3D errors on any set with 3D truth. Joints: all of the truth that the source '
  'predicts; a joint without truth is not counted. MPJPE: the pelvis of prediction and '
  'truth is moved to the origin; no rotation, no scaling: the size is the one that the '
  'predictions have (ours: the average training skeleton, config.evaluation.'
  'skeleton_mm). PA-MPJPE: after the best rotation, scale and translation, never a '
  'reflection. N-MPJPE: after the scale of least squared error. MPJPE at 4297 mm: the '
  f'14 bones (skeleton.BONES) scaled to sum to {_SIZE_MM} mm, as Zhou et al. do on '
  'Human3.6M. At the true size: scaled to the sum of the true skeleton (an oracle); '
  'PCK: share of errors strictly below 150 mm; AUC: mean of that share over 0, 5, ..., '
  '150 mm. Mean over all joints of all samples.',
  source='Ionescu et al. 2014, Rhodin et al. 2018, Mehta et al. 2017, Zhou et al. 2017, '
  'each on its own set; here on whatever set is scored',
  needs='3d',
  select=select,
  measure=_measure,
)
PROTOCOLS = (POSE3D,)
