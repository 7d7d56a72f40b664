"""Alignments of N skeletons at once, in float64 NumPy; no loop over samples."""

import numpy as np
from jaxtyping import Bool, Float

Joints = Float[np.ndarray, 'N J D']
Counted = Bool[np.ndarray, 'N J']
PerSample = Float[np.ndarray, ' N']


def root_align(joints: Joints, root: int) -> Joints:
  """Moves joint `root` to the origin."""
  return joints - joints[:, root, None]


def length(vectors: Float[np.ndarray, '*N D']) -> Float[np.ndarray, '*N']:
  """Length of each vector."""
  return np.sqrt(np.einsum('...d,...d->...', vectors, vectors))


def distances(pred: Joints, true: Joints) -> Float[np.ndarray, 'N J']:
  """Distance of each joint from its true place, in the joints' unit."""
  return length(pred - true)


def bone_lengths(joints: Joints, bones) -> Float[np.ndarray, 'N E']:
  """Length of each of the bones, E pairs of columns of `joints`."""
  ends = np.asarray(bones)
  return distances(joints[:, ends[:, 0]], joints[:, ends[:, 1]])


def skeleton_size(joints: Joints, bones) -> PerSample:
  """Sum of the lengths of the bones; NaN if an end of one is."""
  return bone_lengths(joints, bones).sum(axis=1)


def scaled(joints: Joints, factor: PerSample) -> Joints:
  """Scales each skeleton about the origin by its own factor."""
  return joints * factor[:, None, None]


def ratio(wanted: PerSample | float, present: PerSample) -> PerSample:
  """Returns wanted / present, and 0 where nothing is present.

  So a prediction without extent stays one, and its error is the truth's extent.
  """
  wanted = np.broadcast_to(np.asarray(wanted, float), present.shape)
  return np.divide(wanted, present, out=np.zeros(present.shape), where=present != 0)


def least_squares_scale(pred: Joints, true: Joints, counted: Counted) -> PerSample:
  """The factor of `pred` with the least squared distance over the counted joints.

  0 for a prediction without extent. Source: Rhodin et al. 2018, section 4.
  """
  pred, true = (np.where(counted[..., None], joints, 0.0) for joints in (pred, true))
  return ratio(np.einsum('njd,njd->n', pred, true), np.einsum('njd,njd->n', pred, pred))


def procrustes(pred: Joints, true: Joints, counted: Counted) -> Joints:
  """Moves `pred` onto `true` by the best rotation, scale and translation.

  Never by a reflection. Only counted joints align, in least squares; the others are
  moved along. A prediction without extent goes to the centre of the truth.

  Source: Umeyama 1991, equations 40 to 42.
  """
  weights = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
  safe = (np.where(counted[..., None], joints, 0.0) for joints in (pred, true))
  centre_pred, centre_true = (np.einsum('nj,njd->nd', weights, j) for j in safe)
  pred, target = pred - centre_pred[:, None], true - centre_true[:, None]
  target = np.where(counted[..., None], target, 0.0)
  covariance = np.matmul(target.swapaxes(1, 2), weights[..., None] * pred)
  u, stretch, vt = np.linalg.svd(covariance)
  sign = np.ones_like(stretch)
  sign[:, -1] = np.where(np.linalg.det(u) * np.linalg.det(vt) < 0, -1.0, 1.0)
  rotation = np.matmul(u * sign[:, None], vt)
  spread = np.einsum('nj,njd,njd->n', weights, pred, pred)
  scale = ratio((stretch * sign).sum(axis=1), spread)
  turned = np.matmul(pred, rotation.swapaxes(1, 2))
  return scaled(turned, scale) + centre_true[:, None]
