"""3D errors on any set with 3D truth: each size that papers scale to, by its name."""

import numpy as np

from wild3d import skeleton
from wild3d.protocols import alignment, columns, mpi_inf_3dhp
from wild3d.protocols.protocol import Measure, Protocol
from wild3d.protocols.samples import Predictions, Truth

_SIZE_MM = skeleton.ZHOU2017_SKELETON_MM
_MEASURED = tuple(name for name in skeleton.JOINTS if name != 'thorax')  # ends of bones


def select(truth: Truth) -> np.ndarray:
  """[N] bool: valid, with a pelvis and more to count."""
  counted = _counted(truth)
  if 'pelvis' not in truth.joints:
    return np.zeros(len(truth), bool)
  root = counted[:, truth.joints.index('pelvis')]
  return truth.valid & root & (counted.sum(axis=1) > 1)


def _counted(truth):
  """[N, J]: known in 3D, and labelled in 2D where the sample has 2D labels.

  What the picture's edge cuts off a network can only guess.
  """
  known = np.isfinite(truth.joints3d).all(axis=-1)
  seen = np.isfinite(truth.joints2d).all(axis=-1)
  return known & (seen | ~seen.any(axis=1, keepdims=True))


def _measure(predictions: Predictions, truth: Truth) -> list[Measure]:
  found = columns.rooted('pose3d', predictions, truth)
  pred, true = found.pred, found.true
  counted = _counted(truth)[:, [truth.joints.index(name) for name in found.names]]

  def errors(name, pred):
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
  size = alignment.skeleton_size(pred, bones)
  sized = alignment.scaled(pred, alignment.ratio(_SIZE_MM, size))
  measured = counted[:, bones].all(axis=-1)
  lengths, true_lengths = (
    np.where(measured, alignment.bone_lengths(x, bones), 0.0).sum(axis=1)
    for x in (pred, true)
  )
  oracle = alignment.scaled(pred, alignment.ratio(true_lengths, lengths))
  oracle = errors('MPJPE at the true size', oracle)

  def shares(name, values):
    return Measure(name, '%', True, found.names, 100.0 * values, counted, 'pooled')

  return [
    *measures,
    errors('MPJPE at 4297 mm', sized),
    oracle,
    shares('PCK@150mm at the true size', oracle.values < mpi_inf_3dhp.PCK_MM),
    shares('AUC at the true size', mpi_inf_3dhp.auc(oracle.values)),
  ]


POSE3D = Protocol(
  name='pose3d',
  text='3D errors on any set with 3D truth. Joints: all of the truth that the source '
  'predicts; a joint without truth is not counted, nor one that is not labelled in the '
  'picture (cut off by its edge) where others are. MPJPE: the pelvis of prediction and '
  'truth is moved to the origin; no rotation, no scaling: the size is the one that the '
  'predictions have (ours: the average training skeleton, config.evaluation.'
  'skeleton_mm). PA-MPJPE: after the best rotation, scale and translation, never a '
  'reflection. N-MPJPE: after the scale of least squared error. MPJPE at 4297 mm: the '
  f'14 bones (skeleton.BONES) scaled to sum to {_SIZE_MM} mm, as Zhou et al. do on '
  'Human3.6M. At the true size: scaled so that the bones counted at both ends sum to '
  'what they truly do (an oracle); PCK: share of errors strictly below 150 mm; AUC: '
  'mean of that share over 0, 5, ..., 150 mm. Mean over all joints of all samples.',
  source='Ionescu et al. 2014, Rhodin et al. 2018, Mehta et al. 2017, Zhou et al. 2017, '
  'each on its own set; here on whatever set is scored',
  needs='3d',
  select=select,
  measure=_measure,
)
PROTOCOLS = (POSE3D,)
