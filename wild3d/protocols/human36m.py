"""Human3.6M: S9 and S11, MPJPE in the variants that papers report."""

import dataclasses
import re
from typing import Any

import numpy as np

from wild3d import skeleton
from wild3d.data import action_names
from wild3d.errors import UserError
from wild3d.protocols import alignment, columns
from wild3d.protocols.protocol import Measure, Protocol
from wild3d.protocols.samples import Predictions, Truth

TEST_SUBJECTS = ('9', '11')
FRAMES_PER_SECOND = 50.0

_ALL_JOINTS = (
  'Joints: all of the truth that the source predicts (17 for h36m17, 16 for mpii16), '
  'the root among them; a joint without truth is not counted. '
)
_MEAN = (
  'Mean over the joints of a frame, then over all frames; per action too, and the '
  'unweighted mean over actions.'
)
_SUBSET = 'Human3.6M subjects S9 and S11, all frames that the truth holds. '


def is_test(truth: Truth) -> np.ndarray:
  """[N] bool: subject 9 or 11 ('S9', 's_09', '9'), and valid."""
  subject = re.compile(f'[Ss]?_?0*({"|".join(TEST_SUBJECTS)})')
  chosen = [bool(subject.fullmatch(str(name))) for name in truth.subject]
  return np.array(chosen, bool) & truth.valid


def action_of(truth: Truth) -> np.ndarray:
  """[N] str: the action without the number of the take, in one spelling."""
  return np.array([action_names.normalised(str(name)) for name in truth.action], str)


def every(protocol: Protocol, stride: int) -> Protocol:
  """The protocol on the frames 0, stride, 2 stride, ... of each sequence.

  They are counted in the original video, 50 frames a second, from 0. Frame numbers at
  another rate (truth.frames_per_second) are converted.

  Raises:
    UserError: (when it selects) the truth is itself sampled, or counted, so that a
      sequence lacks over a quarter of these frames.
  """
  name = f'{protocol.name}@{stride}'

  def select(truth):
    chosen = protocol.select(truth)
    rate = truth.frames_per_second
    frame = truth.frame * (1 if np.isnan(rate) else FRAMES_PER_SECOND / rate)
    frame = np.round(frame).astype(np.int64)
    _refuse_sampled(name, protocol.name, truth.sequence[chosen], frame[chosen], stride)
    return chosen & (frame % stride == 0)

  text = f'{protocol.text} Of these frames every {stride}th of the original 50 fps.'
  return dataclasses.replace(protocol, name=name, text=text, select=select)


def _refuse_sampled(name, plain, sequence, frame, stride):
  """Raises UserError where the frames of the sequences are not those of the stride."""
  apart, lacking = 0, ''
  names, which = np.unique(sequence, return_inverse=True)
  for i, one in enumerate(names):
    held = np.unique(frame[which == i])
    # Of differences: numbers that count from 1 have no common divisor of their own.
    apart = int(np.gcd.reduce(np.diff(held), initial=apart))
    due = held[-1] // stride - (held[0] - 1) // stride
    # 30 frames a second, rounded to 50, still meet 60 % of them.
    if 4 * np.count_nonzero(held % stride == 0) < 3 * due:
      lacking = lacking or str(one)
  advice = f'score all of it by {plain}, or build a truth with every frame'
  if apart and stride % apart:
    raise UserError(
      f'{name}: the truth holds every {apart}th frame of the original video, which '
      f'leaves out most of every {stride}th; {advice}'
    )
  if lacking:
    raise UserError(
      f'{name}: the truth lacks many of the frames 0, {stride}, {2 * stride}, ... of the '
      f'original 50 fps in sequence {lacking:.100}; check that frame counts from 0 and '
      f'frames_per_second, {advice}'
    )


def _errors(measure, pred, true, names, counted):
  errors = alignment.distances(pred, true)
  return [Measure(measure, 'mm', False, names, errors, counted, 'samples')]


def _p1(predictions: Predictions, truth: Truth) -> list[Measure]:
  found = columns.rooted('h36m_p1', predictions, truth)
  return _errors('MPJPE', found.pred, found.true, found.names, found.known)


def _p2(predictions: Predictions, truth: Truth) -> list[Measure]:
  found = columns.matched('h36m_p2', predictions, truth, 3)
  pred = alignment.procrustes(found.pred, found.true, found.known)
  return _errors('PA-MPJPE', pred, found.true, found.names, found.known)


def _n_mpjpe(predictions: Predictions, truth: Truth) -> list[Measure]:
  found = columns.rooted('h36m_n_mpjpe', predictions, truth)
  scale = alignment.least_squares_scale(found.pred, found.true, found.known)
  pred = alignment.scaled(found.pred, scale)
  return _errors('N-MPJPE', pred, found.true, found.names, found.known)


def _zhou2017(predictions: Predictions, truth: Truth) -> list[Measure]:
  names = tuple(n for n in skeleton.JOINTS if n != 'thorax')
  found = columns.matched('h36m_zhou2017', predictions, truth, 3, names)
  pelvis, neck = found.at('pelvis', 'upper_neck')
  size = alignment.skeleton_size(found.pred, columns.bones(names))
  pred = alignment.root_align(found.pred, pelvis)
  factor = alignment.ratio(skeleton.ZHOU2017_SKELETON_MM, size)
  pred = alignment.scaled(pred, factor)
  true = found.true
  middle = (true[:, pelvis] + true[:, neck]) / 2
  if 'spine' in truth.joints:
    middle = np.asarray(truth.joints3d[:, truth.joints.index('spine')], float)
  slot = 'spine' if 'spine' in truth.joints else columns.MIDDLE
  true = alignment.root_align(np.insert(true, 7, middle, axis=1), skeleton.ROOT)
  pred = np.insert(pred, 7, (pred[:, pelvis] + pred[:, neck]) / 2, axis=1)
  slots = (*names[:7], slot, *names[7:])
  counted = np.isfinite(true).all(axis=-1)
  return _errors('MPJPE', pred, true, slots, counted)


def _slot7(truth):
  has = 'spine' in truth.joints
  return f'slot 7 of the truth is {"its spine" if has else "(pelvis + upper_neck) / 2"}'


_COMMON: dict[str, Any] = {
  'needs': '3d',
  'select': is_test,
  'groups': {'action': action_of},
  'group_mean': True,
}
P1 = Protocol(
  name='h36m_p1',
  text=f'{_SUBSET}MPJPE, "protocol 1": the pelvis of prediction and truth is moved to '
  f'the origin; no rotation, no scaling. {_ALL_JOINTS}{_MEAN}',
  source='Ionescu et al. 2014 (TPAMI), section 3, and the split of Li and Chan 2014; '
  'all frames as in Pavllo et al. 2019, every 64th as in Sun et al. 2018',
  measure=_p1,
  **_COMMON,
)
P2 = Protocol(
  name='h36m_p2',
  text=f'{_SUBSET}PA-MPJPE, "protocol 2": each prediction is moved onto the truth by '
  'the best similarity in least squares over the joints counted: rotation, scale and '
  f'translation, never a reflection. {_ALL_JOINTS}{_MEAN}',
  source='Bogo et al. 2016 and Martinez et al. 2017, section 4; Umeyama 1991',
  measure=_p2,
  **_COMMON,
)
N_MPJPE = Protocol(
  name='h36m_n_mpjpe',
  text=f'{_SUBSET}N-MPJPE: pelvis to the origin, then each prediction is multiplied by '
  f'the factor of least squared error over the joints counted. {_ALL_JOINTS}{_MEAN}',
  source='Rhodin et al. 2018, section 4',
  measure=_n_mpjpe,
  **_COMMON,
)
ZHOU2017 = Protocol(
  name='h36m_zhou2017',
  text=f'{_SUBSET}MPJPE of the 16 joints of MPII after the pelvis is moved to the '
  'origin and the prediction is scaled so that its 14 bones (skeleton.BONES) sum to '
  f'{skeleton.ZHOU2017_SKELETON_MM} mm, whatever the truth. Slot 7: of the prediction '
  '(pelvis + upper_neck) / 2; of the truth the spine of Human3.6M where the truth has '
  'one, else also (pelvis + upper_neck) / 2. A joint without truth is not counted. '
  f'Their own figures are on every 200th frame (h36m_zhou2017@200). {_MEAN}',
  source='Zhou et al. 2017, section 4.2, and the evaluation released with it',
  measure=_zhou2017,
  **_COMMON,
  note=_slot7,
)
PROTOCOLS = (P1, P2, ZHOU2017, N_MPJPE)
