"""Geometry that needs no truth: are the predicted bodies possible, and steady?"""

import numpy as np
from jaxtyping import Bool, Float

from wild3d import skeleton
from wild3d.protocols import alignment, columns
from wild3d.protocols.protocol import Measure, Protocol
from wild3d.protocols.samples import Predictions, Truth

JOINTS = tuple(name for name in skeleton.JOINTS if name != 'thorax')
SIZE_MM = skeleton.ZHOU2017_SKELETON_MM


def person_of(truth: Truth) -> np.ndarray:
  """[N] str: the subject, or the sequence where no subject is known; '' for nobody."""
  subject, sequence = (np.asarray(x, str) for x in (truth.subject, truth.sequence))
  return np.where(subject != '', subject, sequence)


def left_right(lengths: Float[np.ndarray, 'N E']) -> Float[np.ndarray, 'N 4']:
  """Absolute difference of left and right, of `skeleton.SYMMETRIC_BONES`."""
  pairs = np.array([_bone_rows(p) for p in skeleton.SYMMETRIC_BONES.values()])
  return np.abs(lengths[:, pairs[:, 0]] - lengths[:, pairs[:, 1]])


def ratio_variance(lengths: Float[np.ndarray, 'N E']) -> Float[np.ndarray, 'N G']:
  """Variance within each bone group of length over average length (equation 5)."""
  shares = (
    lengths[:, _bone_rows(group)] / skeleton.GROUP_MEAN_MM[name]
    for name, group in skeleton.BONE_GROUPS.items()
  )
  return np.stack([np.var(share, axis=1) for share in shares], axis=1)


def spread(
  lengths: Float[np.ndarray, 'N E'], person: np.ndarray
) -> tuple[Float[np.ndarray, 'N E'], Bool[np.ndarray, ' N']]:
  """Standard deviation of each length over the frames of the sample's person.

  Returns:
    (of the person of each sample, [N] whether there are two or more such frames).
    A person of name '' is nobody.
  """
  names, who = np.unique(np.asarray(person, str), return_inverse=True)
  frames = np.bincount(who, minlength=len(names)).astype(float)[:, None]

  def mean(values):
    totals = [np.bincount(who, column, len(names)) for column in values.T]
    return np.stack(totals, axis=1) / frames

  deviation = np.sqrt(mean((lengths - mean(lengths)[who]) ** 2))
  usable = (frames[:, 0] > 1) & (names != '')
  return deviation[who], usable[who]


def is_illegal(
  joints: Float[np.ndarray, 'N K 3'], names: tuple[str, ...]
) -> Bool[np.ndarray, 'N 4']:
  """Of each of skeleton.BENDS, whether no body bends so.

  With u and w the directions of upper and lower bone and a that of the axis from the
  right hip (shoulder) to the left: the angle of u and w is above the limit, or
  a . (u x w) is beyond sin 20 degrees on the side of over-extension. In camera axes
  this is positive for a knee that bends, negative for an elbow.
  """
  at = {name: joints[:, names.index(name)] for name in names}
  wrong = []
  for middle, upper, lower, sign, limit in skeleton.BENDS:
    end = upper.partition('_')[2]  # hip or shoulder
    u, w = _unit(at[middle] - at[upper]), _unit(at[lower] - at[middle])
    axis = _unit(at[f'left_{end}'] - at[f'right_{end}'])
    turn = sign * np.einsum('nd,nd->n', axis, np.cross(u, w))
    cosine = np.einsum('nd,nd->n', u, w)
    backwards = turn < -np.sin(np.radians(skeleton.WRONG_WAY_DEGREES))
    wrong.append(backwards | (cosine < np.cos(np.radians(limit))))
  return np.stack(wrong, axis=1)


def jitter(
  joints: Float[np.ndarray, 'N K 3'], sequence: np.ndarray, frame: np.ndarray
) -> tuple[Float[np.ndarray, 'N K'], Bool[np.ndarray, ' N']]:
  """Length of the second difference over three successive frames, at the middle one.

  Returns:
    (in the joints' unit per frame squared, [N] whether a sample is such a middle: its
    neighbours in the sequence are at the smallest distance of frames that the sequence
    has). A sequence of name '' is a still; a frame that a sequence has twice, as of
    two cameras, is no neighbour.
  """
  names, which = np.unique(np.asarray(sequence, str), return_inverse=True)
  order = np.lexsort((frame, which))
  gap = np.diff(np.asarray(frame, np.int64)[order])
  same = np.diff(which[order]) == 0
  twice = same & (gap == 0)
  once = ~(np.append(twice, False) | np.append(False, twice))
  inside = same & (gap > 0)
  smallest = np.full(len(names), np.iinfo(np.int64).max)
  np.minimum.at(smallest, which[order][1:][inside], gap[inside])
  regular = inside & (gap == smallest[which[order]][1:]) & once[1:] & once[:-1]
  values, counted = np.zeros(joints.shape[:2]), np.zeros(len(joints), bool)
  (start,) = np.nonzero(regular[:-1] & regular[1:])
  before, middle, after = (order[start + step] for step in range(3))
  bend = joints[before] - 2 * joints[middle] + joints[after]
  values[middle] = alignment.length(bend)
  counted[middle] = names[which[middle]] != ''
  return values, counted


def _bone_rows(bones):
  """Rows of skeleton.BONES that are these bones, either way round."""
  rows = {frozenset(bone): row for row, bone in enumerate(skeleton.BONES)}
  return [rows[frozenset(bone)] for bone in bones]


def _unit(vectors):
  return vectors * alignment.ratio(1.0, alignment.length(vectors))[:, None]


def _measure(predictions: Predictions, truth: Truth) -> list[Measure]:
  found = columns.matched('geometry', predictions, truth, 3, JOINTS)
  bones = columns.bones(JOINTS)
  joints = alignment.root_align(found.pred, JOINTS.index('pelvis'))
  size = alignment.skeleton_size(joints, bones)
  joints = alignment.scaled(joints, alignment.ratio(SIZE_MM, size))
  lengths = alignment.bone_lengths(joints, bones)
  bone_names = tuple('-'.join(JOINTS[end] for end in bone) for bone in bones)
  person = person_of(truth)
  deviation, in_spread = spread(lengths, person)
  bend, in_jitter = jitter(joints, truth.sequence, truth.frame)
  illegal = 100.0 * is_illegal(joints, JOINTS)
  sides = tuple(skeleton.SYMMETRIC_BONES)
  bending = tuple(bend[0] for bend in skeleton.BENDS)
  every = np.ones(len(truth), bool)
  groups, variance = tuple(skeleton.BONE_GROUPS), ratio_variance(lengths)
  figures = (
    ('left-right difference', 'mm', sides, left_right(lengths), every),
    ('bone-length spread', 'mm', bone_names, deviation, in_spread),
    ('group ratio variance', 'ratio^2', groups, variance, every),
    ('illegal angles', '%', bending, illegal, every),
    ('jitter', 'mm/frame^2', JOINTS, bend, in_jitter),
  )
  return [
    Measure(
      name, unit, False, names, values, rows[:, None].repeat(len(names), 1), 'pooled'
    )
    for name, unit, names, values, rows in figures
  ]


GEOMETRY = Protocol(
  name='geometry',
  text='No truth is needed; of predictions only. Each skeleton is scaled so that its 14 '
  f'bones (skeleton.BONES) sum to {SIZE_MM} mm. Left-right difference: absolute, of '
  'upper arm, lower arm, upper leg, lower leg. Bone-length spread: standard deviation '
  "of each bone over a person's frames (the subject's; the sequence's where no subject "
  'is known), mean over bones and frames; samples of an unknown person, or a single '
  'one, are not counted. Group ratio variance: variance of length over average length '
  'within arms, legs, shoulders, hips; mean over groups. Illegal angles: share of knees '
  'and elbows that bend the wrong way by more than 20 degrees, as seen along the axis '
  'of hips or shoulders, or by more than 165 (knee) or 160 degrees (elbow) from '
  'straight. Jitter: length of the second difference of pelvis-aligned joints over '
  'three successive frames of a sequence as stored (at its smallest distance of '
  'frames); stills, and frames that a sequence has twice, are not counted.',
  source='Zhou et al. 2017, equation 5 and table 4; illegal angles in the spirit of '
  "Dabral et al. 2018, limits wild3d's own",
  needs='3d',
  select=lambda truth: np.asarray(truth.valid, bool),
  measure=_measure,
  independent=person_of,
  unit='persons',
)
PROTOCOLS = (GEOMETRY,)
