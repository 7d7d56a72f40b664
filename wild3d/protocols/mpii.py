"""MPII: PCKh, in each of the averages in circulation, by its name."""

import numpy as np

from wild3d import skeleton
from wild3d.protocols import alignment, columns
from wild3d.protocols.protocol import Measure, Protocol
from wild3d.protocols.samples import Predictions, Truth

JOINTS = tuple(name for name in skeleton.JOINTS if name not in ('pelvis', 'thorax'))
# The parts of the tables; all but the head are the mean of right and left.
LIMBS = ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')


def select(truth: Truth) -> np.ndarray:
  """[N] bool: valid, with a head size and a label."""
  scored = [truth.joints.index(name) for name in JOINTS if name in truth.joints]
  labelled = np.isfinite(truth.joints2d[:, scored]).all(axis=-1).any(axis=-1)
  return truth.valid & (truth.head_size > 0) & labelled


def _measure(predictions: Predictions, truth: Truth) -> list[Measure]:
  found = columns.matched('mpii_pckh', predictions, truth, 2, JOINTS)
  head = np.asarray(truth.head_size, float)[:, None]
  counted = found.known & (head > 0)
  distance = alignment.distances(found.pred, found.true)
  # In head sizes, as the originals divide before they compare.
  distance = np.divide(
    distance, head, out=np.full_like(distance, np.nan), where=head > 0
  )

  def figure(name, threshold, average, joints=JOINTS):
    at = found.at(*joints)
    hits = 100.0 * (distance[:, at] <= threshold)
    return Measure(name, '%', True, joints, hits, counted[:, at], average)

  return [
    figure('PCKh@0.5 total (official MATLAB)', 0.5, 'pooled'),
    figure('PCKh@0.5 mean (bearpaw)', 0.5, 'columns'),
    figure('PCKh@0.5 mean (HRNet)', 0.5, 'pooled'),
    figure('PCKh@0.1', 0.1, 'pooled'),
    figure('PCKh@0.11 (printed as Mean@0.1 by HRNet)', 0.11, 'pooled'),
    figure('head@0.5 (official MATLAB)', 0.5, 'columns', ('upper_neck', 'head_top')),
    figure('head@0.5 (bearpaw, HRNet)', 0.5, 'columns', ('head_top',)),
    *(
      figure(f'{limb}@0.5', 0.5, 'columns', (f'right_{limb}', f'left_{limb}'))
      for limb in LIMBS
    ),
  ]


PCKH = Protocol(
  name='mpii_pckh',
  text='PCKh: share of 2D joints whose distance from the label is at most (<=) 0.5 head '
  'sizes, a head size being 0.6 of the diagonal of the head box. Persons with a head '
  'box; labelled joints, hidden ones too; 14 joints, pelvis and thorax excluded. Three '
  'averages are in circulation: "official MATLAB": Head is the mean of joints 8 and 9 '
  '(upper neck, head top), Total all joints of all persons alike; "bearpaw": Head is '
  'joint 9, Mean the unweighted mean of the 14 joint values; "HRNet": Head is joint 9, '
  'Mean as the official Total. Other parts: unweighted mean of right and left. HRNet '
  'prints as "Mean@0.1" what is the share within 0.11.',
  source="Andriluka et al. 2014 and MPII's evaluation; bearpaw/pytorch-pose; "
  'HRNet (leoxiaobin/deep-high-resolution-net.pytorch)',
  needs='2d',
  select=select,
  measure=_measure,
)
PROTOCOLS = (PCKH,)
