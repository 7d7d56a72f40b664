"""From one stored record to one crop: decode, crop, augment, transform the labels.

Cropping, scaling, rotating, flipping and resampling are one affine sampling of
the decoded picture, so that nothing is interpolated twice. Training and
evaluation share this code; evaluation draws nothing.
"""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from wild3d import skeleton

_FLIP_INDEX = skeleton.FLIP_INDEX.tolist()


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


@dataclasses.dataclass(frozen=True)
class Draw:
  """One example's augmentation."""

  scale: tf.Tensor  # factor on the side of the box
  # Angle by which the sampled square is turned in the picture, from x towards y; the
  # person turns the other way in the crop.
  radians: tf.Tensor
  flip: tf.Tensor  # -1 mirrored, else 1
  gain: tf.Tensor  # [3] factor of each colour channel


def no_draw():
  """The augmentation that changes nothing."""
  one = tf.constant(1.0)
  return Draw(scale=one, radians=tf.constant(0.0), flip=one, gain=tf.ones(3))


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
  limited = tf.clip_by_value(
    normal * [augment.scale, math.radians(augment.rotation)],
    [-augment.scale_limit, -math.radians(augment.rotation_limit)],
    [augment.scale_limit, math.radians(augment.rotation_limit)],
  )
  drawn = Draw(
    scale=2.0 ** limited[0],
    radians=tf.where(uniform[0] < augment.rotation_probability, limited[1], 0.0),
    flip=tf.where(uniform[1] < augment.flip_probability, -1.0, 1.0),
    gain=1.0 + augment.color * (2.0 * uniform[2:] - 1.0),
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


def crop_example(record, input_size, drawn):
  """Cuts the person out of the stored picture and moves the labels along.

  The 3D joints turn and mirror with the picture; a turn of the crop is taken as
  a turn about the optical axis, as the crop frame's weak perspective has it.

  Args:
    record: dict of RECORD_KEYS' tensors, `image` still JPEG bytes.
    input_size: px, side of the crop returned.
    drawn: Draw.

  Returns:
    dict with image, joints2d, visible, joints3d, head_size and to_original of
    BATCH_KEYS; joints3d minus the root whatever has3d says.
  """
  half = record['side'] * drawn.scale / 2
  cos, sin = tf.cos(drawn.radians), tf.sin(drawn.radians)
  # An orthogonal matrix: stored px = center + half * turn @ (crop frame).
  turn = tf.stack([[cos * drawn.flip, -sin], [sin * drawn.flip, cos]])
  to_stored = tf.concat([half * turn, record['center'][:, None]], 1)

  pixels = _sample(record['image'], to_stored, input_size)
  pixels = tf.clip_by_value(tf.round(pixels * drawn.gain), 0.0, 255.0)

  joints2d = (record['joints2d'] - record['center']) @ turn / half
  joints3d = record['joints3d'] - record['joints3d'][skeleton.ROOT]
  joints3d = tf.concat([joints3d[:, :2] @ turn, joints3d[:, 2:]], 1)
  labelled = record['labelled']

  def swap(joints):
    return tf.where(drawn.flip < 0, tf.gather(joints, _FLIP_INDEX), joints)

  joints2d, joints3d, labelled = swap(joints2d), swap(joints3d), swap(labelled)
  return {
    'image': tf.cast(pixels, tf.uint8),
    # 3D truth tells where all joints are, those outside the picture too.
    'joints2d': tf.where(labelled[:, None] | record['has3d'], joints2d, 0.0),
    'visible': labelled & tf.reduce_all(tf.abs(joints2d) < 1.0, axis=1),
    'joints3d': joints3d,
    'head_size': record['head_size'] / half,
    'to_original': _compose(record['to_original'], to_stored),
  }


def _sample(jpeg, to_stored, input_size):
  """Float RGB [input_size, input_size, 3]; black outside the stored picture."""
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
  return tf.raw_ops.ImageProjectiveTransformV3(
    images=tf.cast(image, tf.float32)[None],
    transforms=tf.concat([tf.reshape(affine, [6]), [0.0, 0.0]], 0)[None],
    output_shape=[input_size, input_size],
    fill_value=0.0,
    interpolation='BILINEAR',
    fill_mode='CONSTANT',
  )[0]


def _decode(jpeg, ratio):
  return tf.io.decode_jpeg(jpeg, channels=3, ratio=ratio, dct_method='INTEGER_ACCURATE')


def _compose(outer, inner):
  """Affine [2, 3] after affine [2, 3]."""
  last = tf.constant(np.float32([[0.0, 0.0, 1.0]]))
  return outer @ tf.concat([inner, last], 0)
