"""The predictions of a trained network as protocols want them: px and mm."""

import jax
import numpy as np
from jaxtyping import Float

from wild3d import geometry, skeleton
from wild3d.protocols.samples import Predictions


def to_units(
  joints2d: Float[np.ndarray, 'N 16 2'],
  depth: Float[np.ndarray, 'N 16'],
  to_original: Float[np.ndarray, 'N 2 3'],
  skeleton_mm: float,
) -> Predictions:
  """From the crop frame to px of the original and to mm.

  Args:
    joints2d: crop frame.
    depth: crop units, away from the camera.
    to_original: affine from the crop frame to px of the original.
    skeleton_mm: sum of 14 bone lengths that every predicted skeleton is scaled to
      (the network knows no absolute size); joints3d are relative to the pelvis.
  """
  pixels = jax.vmap(geometry.apply_affine)(to_original, joints2d)

  def millimetres(xy, z):
    lifted = geometry.root_align(geometry.lift(xy, z))
    return geometry.size_normalise(lifted, skeleton_mm)

  joints3d = jax.vmap(millimetres)(joints2d, depth)
  return Predictions(
    joints=skeleton.JOINTS,
    joints2d=np.asarray(pixels, np.float64),
    joints3d=np.asarray(joints3d, np.float64),
  )
