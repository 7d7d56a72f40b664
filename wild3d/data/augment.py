"""From one stored record to one example: augment, transform the labels.

Cropping, scaling, rotating, flipping and resampling are one affine sampling of
the decoded picture (`pixels.cut`), so that nothing is interpolated twice. Training and
evaluation share this code; evaluation draws nothing.
"""

import dataclasses
import math

import tensorflow as tf

from wild3d import skeleton

_FLIP_INDEX = skeleton.FLIP_INDEX.tolist()
_UPPER_BODY = list(range(6, 16))  # pelvis, trunk, head and arms
_ROOM = 1.6  # side of a box of the upper body over the extent of its joints


@dataclasses.dataclass(frozen=True)
class Augment:
  """What is drawn for each example; config.augment has the released values."""

  scale: float  # the box side is multiplied by 2^clip(N(0, scale), +-scale_limit)
  scale_limit: float  # see `scale`
  rotation: float  # degrees; the angle is clip(N(0, rotation), +-rotation_limit)
  rotation_limit: float  # degrees
  rotation_probability: float  # share of the examples that are rotated at all
  flip_probability: float  # share mirrored, left and right joints swapped
  color: float  # each colour channel is multiplied by U(1 - color, 1 + color)
  augment_3d: bool  # whether examples that carry 3D truth are augmented too
  shift: float  # the window is moved by U(-shift, shift) of its side, in x and in y
  half_body: (
    float  # share cut round head, trunk and arms alone, where these are labelled
  )
  cover: float  # share with a rectangle laid over them, of up to half the side
  # Share cut where nobody is centred: beside the person, or a part of the body. They
  # have no labels, and teach the presence head alone.
  away: float


@dataclasses.dataclass(frozen=True)
class Draw:
  """Augmentations of one example, or of rows of them: any leading axes."""

  scale: tf.Tensor  # [] factor on the side of the box
  # [2] cosine and sine of the angle by which the sampled square is turned in the picture,
  # from x towards y; the person turns the other way in the crop.
  turn: tf.Tensor
  flip: tf.Tensor  # [] -1 mirrored, else 1
  gain: tf.Tensor  # [3] factor of each colour channel
  shift: tf.Tensor  # [2] of the window, in its sides
  half_body: tf.Tensor  # bool []
  # [4] left, top, right, bottom in the crop frame, nothing where right is not above left;
  # and [3] its colour, 0 to 255.
  cover: tf.Tensor
  cover_color: tf.Tensor
  away: tf.Tensor  # bool []


def no_draw(*rows):
  """The augmentation that changes nothing, of so many rows; of one without any."""
  return Draw(
    scale=tf.ones(rows),
    turn=tf.stack([tf.ones(rows), tf.zeros(rows)], -1),
    flip=tf.ones(rows),
    gain=tf.ones([*rows, 3]),
    shift=tf.zeros([*rows, 2]),
    half_body=tf.zeros(rows, tf.bool),
    cover=tf.zeros([*rows, 4]),
    cover_color=tf.zeros([*rows, 3]),
    away=tf.zeros(rows, tf.bool),
  )


def draw(augment, seed, row, of, has3d):
  """Draws augmentations of rows of a batch; a function of its arguments alone.

  Args:
    augment: Augment.
    seed: int64 [2], of the batch.
    row: int [N], places in the batch; those of one place have one augmentation.
    of: rows of the batch. All are drawn: a call for each would take longer, and the last
      bit of a cosine is another among other numbers of rows.
    has3d: bool [N]; whether `augment_3d` decides.
  """
  seeds = tf.random.split(seed, 2)
  normal = tf.random.stateless_normal([of, 2], seeds[0])
  uniform = tf.random.stateless_uniform([of, 23], seeds[1])
  turned, mirrored, away, half_body, covered = tf.unstack(uniform[:, :5], axis=1)
  gain, color, moved = uniform[:, 5:8], uniform[:, 8:11], uniform[:, 11:13]
  middle, extent = 2.0 * uniform[:, 13:15] - 1.0, uniform[:, 15:17] / 2
  away = away < augment.away
  covered = tf.cast(covered < augment.cover, tf.float32)[:, None]
  limited = tf.clip_by_value(
    normal * [augment.scale, math.radians(augment.rotation)],
    [-augment.scale_limit, -math.radians(augment.rotation_limit)],
    [augment.scale_limit, math.radians(augment.rotation_limit)],
  )
  radians = tf.where(turned < augment.rotation_probability, limited[:, 1], 0.0)
  scale, shift = _aside(uniform[:, 17:])
  drawn = Draw(
    scale=2.0 ** limited[:, 0] * tf.where(away, scale, 1.0),
    turn=tf.stack([tf.cos(radians), tf.sin(radians)], 1),
    flip=tf.where(mirrored < augment.flip_probability, -1.0, 1.0),
    gain=1.0 + augment.color * (2.0 * gain - 1.0),
    shift=tf.where(away[:, None], shift, augment.shift * (2.0 * moved - 1.0)),
    half_body=(half_body < augment.half_body) & ~away,
    cover=covered * tf.concat([middle - extent, middle + extent], 1),
    cover_color=255.0 * color,
    away=away,
  )
  drawn = {key: tf.gather(value, row) for key, value in vars(drawn).items()}
  if not augment.augment_3d:
    for key, still in vars(no_draw(1)).items():
      as_stored = has3d if still.shape.rank == 1 else has3d[:, None]
      drawn[key] = tf.where(as_stored, still, drawn[key])
  return Draw(**drawn)


def _aside(uniform):
  """Where nobody is centred: factor on the side of the box, and shift in sides.

  Half of them show a part of the body, a half to a quarter as large as the box; the
  others lie beside the person, by half to a whole side. Of numbers [N, 4] in [0, 1).
  """
  part = 2.0 ** (-1.0 - uniform[:, 1:2])
  within = (uniform[:, 2:4] - 0.5) * (1 / part - 1)
  angle = 2 * math.pi * uniform[:, 2:3]
  far = 0.5 + 0.5 * uniform[:, 3:4]
  beside = far * tf.concat([tf.cos(angle), tf.sin(angle)], 1)
  of_part = uniform[:, :1] < 0.5
  return tf.where(of_part, part, 1.0)[:, 0], tf.where(of_part, within, beside)


def place(record, drawn):
  """The square that is cut out of the stored picture.

  Args:
    record: dict of RECORD_KEYS' tensors, with any leading axes, as the others.
    drawn: Draw.

  Returns:
    [2, 3], the affine from the crop frame to px of the stored picture.
  """
  center, side = _box(record, drawn)
  half = (side * drawn.scale / 2)[..., None]
  center += 2 * half * drawn.shift
  cos, sin = tf.unstack(drawn.turn, axis=-1)
  # The columns of an orthogonal matrix: stored px = center + half * turn @ (crop frame).
  right = tf.stack([cos * drawn.flip, sin * drawn.flip], -1)
  down = tf.stack([-sin, cos], -1)
  return tf.stack([half * right, half * down, center], -1)


def move_labels(record, to_stored, drawn, perspective=False):
  """Moves the labels of a record, or of a batch of them, along with the picture.

  The 3D joints turn and mirror with the picture; a turn of the crop is taken as
  a turn about the optical axis, as the crop frame's weak perspective has it.

  Args:
    record: dict of RECORD_KEYS' tensors, with any leading axes, as the others.
    to_stored: [2, 3], see `place`.
    drawn: Draw; `flip` and `away` count.
    perspective: whether joints3d are to be in sight axes, see data/batch.py.

  Returns:
    dict with joints2d, visible, joints3d, has3d, present, head_size and
    to_original of BATCH_KEYS, and sight; joints3d minus the root, 0 without 3D truth.
  """
  center = tf.linalg.matrix_transpose(to_stored[..., 2:])
  half = tf.norm(to_stored[..., 0], axis=-1)
  sides = half[..., None, None]
  turn = to_stored[..., :2] / sides
  joints2d = _times(record['joints2d'] - center, turn) / sides
  to_original = _compose(record['to_original'], to_stored)
  sight = _sight(record['camera'], to_original)
  joints3d = record['joints3d']
  if perspective:
    joints3d = _in_sight_axes(joints3d, sight)
  joints3d -= joints3d[..., skeleton.ROOT : skeleton.ROOT + 1, :]
  joints3d = tf.concat([_times(joints3d[..., :2], turn), joints3d[..., 2:]], -1)
  labelled = record['labelled'] & ~drawn.away[..., None]
  has3d = record['has3d'] & ~drawn.away
  mirrored, all3d = drawn.flip[..., None] < 0, has3d[..., None]

  def swap(joints, axis):
    flipped = tf.gather(joints, _FLIP_INDEX, axis=axis)
    return tf.where(mirrored[..., None] if axis == -2 else mirrored, flipped, joints)

  joints2d, joints3d = swap(joints2d, -2), swap(joints3d, -2)
  labelled = swap(labelled, -1)
  return {
    # 3D truth tells where all joints are, those outside the picture too.
    'joints2d': tf.where((labelled | all3d)[..., None], joints2d, 0.0),
    'visible': labelled & tf.reduce_all(tf.abs(joints2d) < 1.0, -1),
    'joints3d': tf.where(all3d[..., None], joints3d, 0.0),
    'has3d': has3d,
    'present': tf.reduce_any(labelled, -1),
    'head_size': record['head_size'] / half,
    'to_original': to_original,
    'sight': sight,
  }


def _sight(camera, to_original):
  """The unit vector through the crop's centre; (0, 0, 1) of an unknown camera."""
  focal, centre = camera[..., :2], camera[..., 2:]
  aside = tf.math.divide_no_nan(to_original[..., 2] - centre, focal)
  ray = tf.concat([aside, tf.ones_like(aside[..., :1])], -1)
  return ray / tf.norm(ray, axis=-1, keepdims=True)


def _in_sight_axes(joints, sight):
  """geometry.to_sight_axes, of any leading axes."""
  aside, ahead = sight[..., None, :2], sight[..., None, 2:]
  xy, z = joints[..., :2], joints[..., 2:]
  along = tf.reduce_sum(aside * xy, -1, keepdims=True)
  return tf.concat([xy - aside * (along / (1 + ahead) + z), along + ahead * z], -1)


def _box(record, drawn):
  """Centre and side, stored px, of the person's box, or of its upper half."""
  upper = tf.gather(record['joints2d'], _UPPER_BODY, axis=-2)
  labelled = tf.gather(record['labelled'], _UPPER_BODY, axis=-1)
  high = tf.reduce_max(tf.where(labelled[..., None], upper, -tf.float32.max), -2)
  low = tf.reduce_min(tf.where(labelled[..., None], upper, tf.float32.max), -2)
  side = _ROOM * tf.reduce_max(high - low, -1)
  # Of few joints it is no upper body, and of all on one place it has no size.
  enough = tf.reduce_sum(tf.cast(labelled, tf.int32), -1) >= 6
  use = drawn.half_body & enough & (side > record['side'] / 8)
  center = tf.where(use[..., None], (low + high) / 2, record['center'])
  return center, tf.where(use, side, record['side'])


def _compose(outer, inner):
  """Affine [..., 2, 3] after affine [..., 2, 3]."""
  both = _times(outer[..., :2], inner)
  return tf.concat([both[..., :2], both[..., 2:] + outer[..., 2:]], -1)


def _times(rows, matrix):
  """Rows [..., N, 2] @ matrix [..., 2, M], rounded alike however many there are.

  TensorFlow's product of one matrix and of several differ in the last bit, and with it
  would the labels of a job's processes.
  """
  return rows[..., :1] * matrix[..., :1, :] + rows[..., 1:] * matrix[..., 1:, :]
