"""From one stored record to one crop: decode, crop, augment, transform the labels.

Cropping, scaling, rotating, flipping and resampling are one affine sampling of
the decoded picture, so that nothing is interpolated twice. Training and
evaluation share this code; evaluation draws nothing.

TensorFlow draws, decodes and moves the labels. The pixels are OpenCV's, in 8 bits: its
warp places them to 1/32 px and takes a sixth of the time of TensorFlow's.
"""

import dataclasses
import functools
import math

import cv2
import numpy as np
import tensorflow as tf

from wild3d import skeleton

cv2.setNumThreads(0)  # tf.data crops several at a time already

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
  """One example's augmentation."""

  scale: tf.Tensor  # factor on the side of the box
  # Angle by which the sampled square is turned in the picture, from x towards y; the
  # person turns the other way in the crop.
  radians: tf.Tensor
  flip: tf.Tensor  # -1 mirrored, else 1
  gain: tf.Tensor  # [3] factor of each colour channel
  shift: tf.Tensor  # [2] of the window, in its sides
  half_body: tf.Tensor  # bool []
  # [4] left, top, right, bottom in the crop frame, nothing where right is not above left;
  # and [3] its colour, 0 to 255.
  cover: tf.Tensor
  cover_color: tf.Tensor
  away: tf.Tensor  # bool []


def no_draw():
  """The augmentation that changes nothing."""
  one, no = tf.constant(1.0), tf.constant(False)
  return Draw(
    scale=one,
    radians=tf.constant(0.0),
    flip=one,
    gain=tf.ones(3),
    shift=tf.zeros(2),
    half_body=no,
    cover=tf.zeros(4),
    cover_color=tf.zeros(3),
    away=no,
  )


def draw(augment, seed, has3d):
  """Draws one example's augmentation; a function of its arguments alone.

  Args:
    augment: Augment.
    seed: int64 [2].
    has3d: bool []; whether `augment_3d` decides.
  """
  seeds = tf.random.split(seed, 2)
  normal = tf.random.stateless_normal([2], seeds[0])
  uniform = tf.random.stateless_uniform([5], seeds[1])
  # From a seed of their own: what came before them stays as it was.
  later = tf.random.stateless_uniform([16], tf.random.fold_in(seed, 1))
  middle, extent = 2.0 * later[4:6] - 1.0, later[6:8] / 2
  covered = tf.cast(later[3] < augment.cover, tf.float32)
  away = later[1] < augment.away
  scale, shift = _aside(later[8:13])
  limited = tf.clip_by_value(
    normal * [augment.scale, math.radians(augment.rotation)],
    [-augment.scale_limit, -math.radians(augment.rotation_limit)],
    [augment.scale_limit, math.radians(augment.rotation_limit)],
  )
  drawn = Draw(
    scale=2.0 ** limited[0] * tf.where(away, scale, 1.0),
    radians=tf.where(uniform[0] < augment.rotation_probability, limited[1], 0.0),
    flip=tf.where(uniform[1] < augment.flip_probability, -1.0, 1.0),
    gain=1.0 + augment.color * (2.0 * uniform[2:] - 1.0),
    shift=tf.where(away, shift, augment.shift * (2.0 * later[13:15] - 1.0)),
    half_body=(later[2] < augment.half_body) & ~away,
    cover=covered * tf.concat([middle - extent, middle + extent], 0),
    cover_color=255.0 * tf.random.stateless_uniform([3], tf.random.fold_in(seed, 2)),
    away=away,
  )
  if augment.augment_3d:
    return drawn
  keep = no_draw()
  return Draw(
    **{
      field.name: tf.where(has3d, getattr(keep, field.name), getattr(drawn, field.name))
      for field in dataclasses.fields(Draw)
    }
  )


def _aside(uniform):
  """Where nobody is centred: factor on the side of the box, and shift in sides.

  Half of them show a part of the body, a half to a quarter as large as the box; the
  others lie beside the person, by half to a whole side.
  """
  part = 2.0 ** (-1.0 - uniform[1])
  within = (uniform[2:4] - 0.5) * (1 / part - 1)
  angle = 2 * math.pi * uniform[2]
  beside = (0.5 + 0.5 * uniform[3]) * tf.stack([tf.cos(angle), tf.sin(angle)])
  of_part = uniform[0] < 0.5
  return tf.where(of_part, part, 1.0), tf.where(of_part, within, beside)


def crop_example(record, input_size, drawn):
  """Cuts the person out of the stored picture and moves the labels along.

  The 3D joints turn and mirror with the picture; a turn of the crop is taken as
  a turn about the optical axis, as the crop frame's weak perspective has it.

  Args:
    record: dict of RECORD_KEYS' tensors, `image` still JPEG bytes.
    input_size: px, side of the crop returned.
    drawn: Draw.

  Returns:
    dict with image, joints2d, visible, joints3d, has3d, present, head_size and
    to_original of BATCH_KEYS; joints3d minus the root whatever has3d says.
  """
  center, side = _box(record, drawn)
  half = side * drawn.scale / 2
  center += 2 * half * drawn.shift
  cos, sin = tf.cos(drawn.radians), tf.sin(drawn.radians)
  # An orthogonal matrix: stored px = center + half * turn @ (crop frame).
  turn = tf.stack([[cos * drawn.flip, -sin], [sin * drawn.flip, cos]])
  to_stored = tf.concat([half * turn, center[:, None]], 1)

  joints2d = (record['joints2d'] - center) @ turn / half
  joints3d = record['joints3d'] - record['joints3d'][skeleton.ROOT]
  joints3d = tf.concat([joints3d[:, :2] @ turn, joints3d[:, 2:]], 1)
  labelled, has3d = record['labelled'] & ~drawn.away, record['has3d'] & ~drawn.away

  def swap(joints):
    return tf.where(drawn.flip < 0, tf.gather(joints, _FLIP_INDEX), joints)

  joints2d, joints3d, labelled = swap(joints2d), swap(joints3d), swap(labelled)
  return {
    'image': _pixels(record['image'], to_stored, input_size, drawn),
    # 3D truth tells where all joints are, those outside the picture too.
    'joints2d': tf.where(labelled[:, None] | has3d, joints2d, 0.0),
    'visible': labelled & tf.reduce_all(tf.abs(joints2d) < 1.0, axis=1),
    'joints3d': joints3d,
    'has3d': has3d,
    'present': tf.reduce_any(labelled),
    'head_size': record['head_size'] / half,
    'to_original': _compose(record['to_original'], to_stored),
  }


def _box(record, drawn):
  """Centre and side, stored px, of the person's box, or of its upper half."""
  upper = tf.gather(record['joints2d'], _UPPER_BODY)
  labelled = tf.gather(record['labelled'], _UPPER_BODY)[:, None]
  high = tf.reduce_max(tf.where(labelled, upper, -tf.float32.max), 0)
  low = tf.reduce_min(tf.where(labelled, upper, tf.float32.max), 0)
  side = _ROOM * tf.reduce_max(high - low)
  # Of few joints it is no upper body, and of all on one place it has no size.
  enough = (tf.reduce_sum(tf.cast(labelled, tf.int32)) >= 6) & (
    side > record['side'] / 8
  )
  use = drawn.half_body & enough
  center = tf.where(use, (low + high) / 2, record['center'])
  return center, tf.where(use, side, record['side'])


def _pixels(jpeg, to_stored, input_size, drawn):
  """RGB uint8 [input_size, input_size, 3]; black outside the stored picture."""
  # Shrinking to less than half would alias under bilinear sampling: the decoder
  # then averages 2, 4 or 8 px (a scaled inverse cosine transform).
  step = 2.0 * tf.norm(to_stored[:, 0]) / input_size  # stored px per crop px
  level = tf.cast(tf.floor(tf.math.log(step) / math.log(2.0)), tf.int32)
  level = tf.clip_by_value(level, 0, 3)
  image = tf.switch_case(
    level, [lambda ratio=ratio: _decode(jpeg, ratio) for ratio in (1, 2, 4, 8)]
  )
  shrink = 2.0 ** tf.cast(level, tf.float32)
  # From the index of a crop pixel to the crop frame, to stored px, to an index
  # of the decoded picture; centres lie half a pixel from the corners.
  pitch = 2.0 / input_size
  index_to_frame = tf.constant(
    [[pitch, 0.0, pitch / 2 - 1.0], [0.0, pitch, pitch / 2 - 1.0]]
  )
  affine = _compose(to_stored, index_to_frame) / shrink
  affine -= tf.constant([[0.0, 0.0, 0.5], [0.0, 0.0, 0.5]])
  pixels = tf.numpy_function(
    functools.partial(_sampled, size=input_size),
    [image, affine, drawn.gain, drawn.cover, drawn.cover_color],
    tf.uint8,
    stateful=False,  # or a position in the stream could not be saved
  )
  return tf.ensure_shape(pixels, [input_size, input_size, 3])


def _sampled(image, affine, gain, cover, cover_color, size):
  """The crop, its colours, and the rectangle over it; OpenCV lets others run meanwhile."""
  pixels = cv2.warpAffine(
    image, affine, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
  )
  if (gain != 1).any():
    table = np.arange(256, dtype=np.float32)[:, None] * gain
    pixels = cv2.LUT(pixels, np.uint8(np.clip(np.rint(table), 0, 255))[None])
  # The pixels whose centres are inside.
  left, top, right, bottom = np.int64(np.ceil((cover + 1) * (size / 2) - 0.5))
  if left < right and top < bottom:
    pixels[max(top, 0) : bottom, max(left, 0) : right] = np.rint(cover_color)
  return pixels


def _decode(jpeg, ratio):
  return tf.io.decode_jpeg(jpeg, channels=3, ratio=ratio, dct_method='INTEGER_ACCURATE')


def _compose(outer, inner):
  """Affine [2, 3] after affine [2, 3]."""
  last = tf.constant(np.float32([[0.0, 0.0, 1.0]]))
  return outer @ tf.concat([inner, last], 0)
