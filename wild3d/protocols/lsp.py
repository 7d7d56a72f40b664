"""PCK in torso lengths, for LSP and sets like it."""

import numpy as np

from wild3d.protocols import alignment, columns
from wild3d.protocols.protocol import Measure, Protocol
from wild3d.protocols.samples import Predictions, Truth

SHARE = 0.2
UPRIGHT_DEGREES = 30.0
TORSO = ('left_shoulder', 'right_hip')
_HALVES = {
  'pelvis': ('right_hip', 'left_hip'),
  'upper_neck': ('right_shoulder', 'left_shoulder'),
}


def torso_length(truth: Truth) -> np.ndarray:
  """[N] px, left shoulder to right hip; NaN where one of them is not labelled."""
  ends = [_position(truth, name) for name in TORSO]
  return np.linalg.norm(ends[0] - ends[1], axis=-1)


def is_upright(truth: Truth) -> np.ndarray:
  """[N] bool: pelvis to neck is less than 30 degrees from upright in the picture.

  The middle of the hips stands for a pelvis that is not labelled, that of the
  shoulders for a neck. False where neither is.
  """
  pelvis, neck = (_or_middle(truth, name) for name in _HALVES)
  x, y = np.moveaxis(neck - pelvis, -1, 0)
  angle = np.degrees(np.abs(np.arctan2(x, -y)))
  return (angle < UPRIGHT_DEGREES) & (np.hypot(x, y) > 0)


def select(truth: Truth) -> np.ndarray:
  """[N] bool: valid, with both ends of the torso labelled and apart."""
  return truth.valid & (torso_length(truth) > 0)


def _position(truth, name):
  if name not in truth.joints:
    return np.full((len(truth), 2), np.nan)
  return np.asarray(truth.joints2d[:, truth.joints.index(name)], float)


def _or_middle(truth, name):
  given = _position(truth, name)
  middle = np.mean([_position(truth, half) for half in _HALVES[name]], axis=0)
  return np.where(np.isfinite(given), given, middle)


def _measure(predictions: Predictions, truth: Truth) -> list[Measure]:
  without = ('pelvis', 'thorax')
  found = columns.matched('pck_torso', predictions, truth, 2, without=without)
  torso = torso_length(truth)[:, None]
  counted = found.known & (torso > 0)
  distance = alignment.distances(found.pred, found.true)
  hits = 100.0 * (distance <= SHARE * torso)
  upright = counted & is_upright(truth)[:, None]
  return [
    Measure('PCK@0.2', '%', True, found.names, hits, counted, 'pooled'),
    Measure('PCK@0.2 upright', '%', True, found.names, hits, upright, 'pooled'),
  ]


PCK_TORSO = Protocol(
  name='pck_torso',
  text='PCK@0.2: share of 2D joints whose distance from the label is at most (<=) 0.2 '
  'torso lengths, the torso being the true left shoulder to right hip; persons without '
  'both, or with both in one place, are left out. Joints: all labelled ones, hidden '
  'ones too, that the source predicts, except pelvis and thorax, which are middles of '
  'others. Mean over all joints of all persons. Beside it the upright subset: pelvis '
  'to neck (or middle of hips to middle of shoulders, where those are not labelled) '
  'less than 30 degrees from upright in the picture.',
  source='Yang and Ramanan 2013 (PCK), with the threshold usual on LSP',
  needs='2d',
  select=select,
  measure=_measure,
)
PROTOCOLS = (PCK_TORSO,)
