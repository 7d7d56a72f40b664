"""What protocols compare: truth and predictions of N samples, joints by name.

Coordinates are those of data/batch.py: 2D in continuous pixels of the original
picture; 3D in mm, camera axes, x right, y down, z away from the camera.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float


@dataclasses.dataclass(frozen=True)
class Truth:
  """The labels of N samples.

  Attributes:
    joints: names of the J joints (`skeleton.JOINTS`, a set of `skeleton.JOINT_SETS`).
    ids: [N] of the samples, all different.
    joints2d: [N, J, 2] px; NaN where not labelled.
    joints3d: [N, J, 3] mm, camera axes, any origin; NaN where unknown.
    occluded: [N, J].
    head_size: [N] px, unit of PCKh; NaN where unknown.
    valid: [N]; samples that a dataset marks as not to be scored are False.
    subject, action, sequence: [N] str; '' where unknown.
    frame: [N] within the sequence, at the dataset's own rate.
    frames_per_second: of the sequences; NaN where unknown.
    annotation: of MPI-INF-3DHP, whose people come in two sizes: 'metric' (annot3) or
      'universal' (univ_annot3); '' where unknown or of another dataset.
  """

  joints: tuple[str, ...]
  ids: np.ndarray
  joints2d: Float[np.ndarray, 'N J 2']
  joints3d: Float[np.ndarray, 'N J 3']
  occluded: Bool[np.ndarray, 'N J']
  head_size: Float[np.ndarray, ' N']
  valid: Bool[np.ndarray, ' N']
  subject: np.ndarray
  action: np.ndarray
  sequence: np.ndarray
  frame: np.ndarray
  frames_per_second: float = float('nan')
  annotation: str = ''

  def __len__(self) -> int:
    return len(self.ids)

  def first(self, count: int) -> 'Truth':
    """Its first `count` samples."""
    return take(self, slice(count))


@dataclasses.dataclass(frozen=True)
class Predictions:
  """Predicted joints of the same N samples, in the truth's order.

  Attributes:
    joints: names of the J joints, the truth's.
    joints2d: [N, J, 2] px of the original; None where the source has none.
    joints3d: [N, J, 3] mm, camera axes, any origin; None where the source has none.
      NaN marks a joint that the source does not predict: never one that it missed.
  """

  joints: tuple[str, ...]
  joints2d: Float[np.ndarray, 'N J 2'] | None
  joints3d: Float[np.ndarray, 'N J 3'] | None


def take(samples: Truth | Predictions, rows: np.ndarray | slice) -> Truth | Predictions:
  """Truth or Predictions of these rows alone."""
  columns = {
    field.name: getattr(samples, field.name)[rows]
    for field in dataclasses.fields(samples)
    if isinstance(getattr(samples, field.name), np.ndarray)
  }
  return dataclasses.replace(samples, **columns)
