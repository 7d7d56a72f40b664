"""Crops: the label follows the pixel; flips, turns and scales are exact."""

import dataclasses
import io

import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from wild3d import geometry, skeleton
from wild3d.configs import base
from wild3d.data import augment, pixels


def jpeg(picture):
  buffer = io.BytesIO()
  Image.fromarray(picture).save(buffer, 'JPEG', quality=98, subsampling=0)
  return buffer.getvalue()


def record(picture, joints2d, center, side, joints3d=None):
  return {
    'image': tf.constant(jpeg(picture)),
    'joints2d': tf.constant(np.float32(joints2d)),
    'labelled': tf.constant(np.ones(16, bool)),
    'joints3d': tf.constant(
      np.float32(np.zeros((16, 3)) if joints3d is None else joints3d)
    ),
    'has3d': tf.constant(joints3d is not None),
    'center': tf.constant(np.float32(center)),
    'side': tf.constant(np.float32(side)),
    'head_size': tf.constant(np.float32(20.0)),
    'to_original': tf.constant(np.float32([[2.0, 0.0, 30.0], [0.0, 2.0, -7.0]])),
    'camera': tf.constant(np.float32([500.0, 510.0, 320.0, 240.0])),
  }


def drawn(scale=1.0, degrees=0.0, flip=1.0, gain=(1.0, 1.0, 1.0), **changed):
  return dataclasses.replace(
    augment.no_draw(),
    scale=tf.constant(scale),
    turn=tf.constant(
      np.float32([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    ),
    flip=tf.constant(flip),
    gain=tf.constant(gain),
    **changed,
  )


def crop_example(record, input_size, drawn):
  to_stored = augment.place(record, drawn)
  one = (to_stored, drawn.gain, drawn.cover, drawn.cover_color)
  batch = (np.asarray(x)[None] for x in one)
  (image,) = pixels.cut([b''], [record['image'].numpy()], *batch, input_size)
  moved = augment.move_labels(record, to_stored, drawn)
  return {'image': tf.constant(image), **moved}


def dot(size, at):
  """A white Gaussian blot whose centroid is at the continuous px `at`."""
  y, x = np.mgrid[:size, :size] + 0.5
  blot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * 4.0**2))
  return np.uint8(np.round(255 * blot))[..., None].repeat(3, 2)


def centroid(image):
  """Centroid in the crop frame of what is bright."""
  weight = image.astype(np.float64).sum(-1)
  weight[weight < 90] = 0
  y, x = np.mgrid[: len(image), : len(image)] + 0.5
  at = np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()
  return at / (len(image) / 2) - 1


@pytest.mark.parametrize('input_size', [128, 96, 40, 24])  # 1x, 1x, 1/2, 1/4 decoded
@pytest.mark.parametrize(
  ('scale', 'degrees', 'flip'),
  [(1.0, 0.0, 1.0), (0.9, 37.0, 1.0), (1.2, -50.0, -1.0), (1.0, 0.0, -1.0)],
)
def test_label_lands_on_painted_dot(input_size, scale, degrees, flip):
  """Catches half-pixel shifts, a turn the wrong way, a flip that moves only labels."""
  at = np.array([88.3, 61.9])
  joints = np.tile(at, (16, 1))
  crop = crop_example(
    record(dot(151, at), joints, center=(75.2, 70.9), side=100.0),
    input_size,
    drawn(scale, degrees, flip),
  )
  label = crop['joints2d'].numpy()[0]
  found = centroid(crop['image'].numpy())
  error_px = np.abs(found - label).max() * input_size / 2
  assert error_px < (0.3 if input_size > 40 else 0.15)
  # The composed affine leads from the crop frame back to the original picture.
  original = crop['to_original'].numpy() @ [*label, 1.0]
  np.testing.assert_allclose(original, 2 * at + [30, -7], atol=1e-3)


def test_box_corners_are_the_crop_frame_and_head_size_scales():
  """Catches a box taken for its radius, or sizes left in stored pixels."""
  joints = np.zeros((16, 2))
  joints[:3] = (50, 50), (90, 10), (91, 50)  # centre, corner, just outside
  crop = crop_example(
    record(np.zeros((100, 100, 3), np.uint8), joints, (50, 50), 80.0), 64, drawn()
  )
  np.testing.assert_allclose(
    crop['joints2d'].numpy()[:3], [[0, 0], [1, -1], [1.025, 0]], atol=1e-6
  )
  assert crop['visible'].numpy()[:3].tolist() == [True, False, False]
  np.testing.assert_allclose(crop['head_size'].numpy(), 20 / 40)


def test_flip_swaps_sides_and_twice_is_identity():
  """Catches a mirrored picture whose left and right joints keep their names."""
  rng = np.random.default_rng(0)
  joints2d = rng.uniform(20, 80, (16, 2))
  joints3d = rng.normal(size=(16, 3)) * 300
  sample = record(np.zeros((100, 100, 3), np.uint8), joints2d, (50, 50), 80, joints3d)
  sample['labelled'] = tf.constant(np.arange(16) != 3)
  plain = crop_example(sample, 32, drawn())
  mirrored = crop_example(sample, 32, drawn(flip=-1.0))
  relative = joints3d - joints3d[skeleton.ROOT]
  np.testing.assert_allclose(plain['joints3d'], relative, atol=1e-4)
  swapped = relative[skeleton.FLIP_INDEX] * [-1, 1, 1]
  np.testing.assert_allclose(mirrored['joints3d'], swapped, atol=1e-4)
  back = mirrored['joints2d'].numpy()[skeleton.FLIP_INDEX] * [-1, 1]
  np.testing.assert_allclose(back, plain['joints2d'], atol=1e-6)
  assert not mirrored['visible'].numpy()[skeleton.FLIP_INDEX[3]]
  assert mirrored['visible'].numpy()[3]


@pytest.mark.parametrize('flip', [1.0, -1.0])
def test_2d_and_3d_labels_turn_together(flip):
  """Catches 3D joints that turn against, or not with, the picture.

  The stored 2D joints are the 3D joints under weak perspective; so must be those
  of the crop, with the scale of the crop.
  """
  rng = np.random.default_rng(1)
  joints3d = rng.normal(size=(16, 3)) * 300
  joints2d = joints3d[:, :2] * 0.05 + 50
  sample = record(np.zeros((100, 100, 3), np.uint8), joints2d, (48, 53), 90, joints3d)
  crop = crop_example(sample, 32, drawn(1.3, 41.0, flip))
  in_crop = crop['joints2d'].numpy() - crop['joints2d'].numpy()[skeleton.ROOT]
  expected = crop['joints3d'].numpy()[:, :2] * 0.05 / (90 * 1.3 / 2)
  np.testing.assert_allclose(in_crop, expected, atol=1e-5)
  angle = np.radians(41.0)  # the square turns clockwise, the person the other way
  turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
  if flip > 0:
    relative = joints3d - joints3d[skeleton.ROOT]
    np.testing.assert_allclose(
      crop['joints3d'].numpy()[:, :2], relative[:, :2] @ turned.T, atol=1e-3
    )


def test_outside_is_black_and_colour_is_clipped_and_rounded():
  """Catches reflected borders, uint8 overflow in the gain, truncation to darker."""
  grey = np.full((64, 64, 3), 101, np.uint8)
  sample = record(grey, np.zeros((16, 2)), (32, 32), 128.0)
  image = crop_example(sample, 64, drawn(gain=(3.0, 0.5, 1.0)))['image'].numpy()
  assert (image[:14] == 0).all()
  assert (image[:, -14:] == 0).all()
  np.testing.assert_array_equal(image[32, 32], [255, 50, 101])


def test_draws_follow_their_distribution_and_switches():
  """Catches wrong units, a missing clip, a switch that does nothing."""
  settings = augment.Augment(**base.get_config().augment)

  def draws(settings, has3d=False):
    return _stacked(_draw(settings, 4000, has3d)).numpy()

  scale, cos, sin, flip, *gain = draws(settings).T
  radians = np.arctan2(sin, cos)
  log2 = np.log2(scale)
  np.testing.assert_allclose(np.abs(log2).max(), 0.5, atol=1e-6)
  assert abs(np.mean(np.abs(log2) >= 0.4999) - 0.0455) < 0.012  # two sigmas
  turned = radians != 0
  assert abs(turned.mean() - 0.4) < 0.03
  np.testing.assert_allclose(np.abs(radians).max(), np.radians(60), atol=1e-6)
  assert abs(np.degrees(np.median(np.abs(radians[turned]))) - 0.6745 * 30) < 1.5
  assert abs((flip < 0).mean() - 0.5) < 0.03
  gain = np.stack(gain)
  assert gain.min() >= 0.6
  assert gain.max() <= 1.4
  assert abs(np.corrcoef(gain)[0, 1]) < 0.06  # each channel on its own
  np.testing.assert_allclose(gain.mean(1), 1.0, atol=0.015)

  off = dataclasses.replace(
    settings, scale=0.0, rotation_probability=0.0, flip_probability=0.0, color=0.0
  )
  plain = [1, 1, 0, 1, 1, 1, 1]
  np.testing.assert_array_equal(np.unique(draws(off), axis=0), [plain])
  only_2d = dataclasses.replace(settings, augment_3d=False)
  np.testing.assert_array_equal(np.unique(draws(only_2d, True), axis=0), [plain])
  assert len(np.unique(draws(only_2d, False), axis=0)) > 3000


def _draw(settings, count, has3d=False):
  rows = tf.range(count)
  return augment.draw(
    settings, tf.constant([0, 1]), rows, count, tf.fill([count], has3d)
  )


def _stacked(drawn):
  scale, flip = drawn.scale[:, None], drawn.flip[:, None]
  return tf.concat([scale, drawn.turn, flip, drawn.gain], 1)


def test_3d_truth_keeps_joints_outside_the_picture():
  """Catches a depth scale computed from joints put at the origin."""
  joints = np.full((16, 2), 32.0)
  joints[3] = [-10.0, 32.0]
  for joints3d, expected in ((np.zeros((16, 3)), -42 / 32), (None, 0.0)):
    made = record(np.zeros((64, 64, 3), np.uint8), joints, (32, 32), 64, joints3d)
    made['labelled'] = tf.constant(np.arange(16) != 3)
    crop = crop_example(made, 64, augment.no_draw())
    assert crop['joints2d'].numpy()[3, 0] == pytest.approx(expected)
    assert not crop['visible'].numpy()[3]


def windows(count=2000, **changed):
  """`count` draws of a configuration that changes nothing but `changed`."""
  still = dict.fromkeys(base.get_config().augment, 0.0) | {'augment_3d': True}
  settings = augment.Augment(**still | changed)
  drawn = _draw(settings, count)
  return drawn.scale, drawn.shift, drawn.away, drawn.cover, drawn.half_body


def test_nobody_is_centred_in_what_is_cut_away():
  """Catches a negative that shows the person centred, at their own size."""
  scale, shift, away, *_ = (x.numpy() for x in windows(away=0.3))
  assert 0.26 < away.mean() < 0.34
  assert (scale[~away] == 1).all()
  assert (shift[~away] == 0).all()
  scale, shift = scale[away], np.abs(shift[away]).max(1)
  part = scale < 1
  assert 0.4 < part.mean() < 0.6
  assert (scale[part] <= 0.5).all()
  assert (scale[part] >= 0.25).all()
  # Within the box: not beyond half of what the window leaves of it.
  assert (shift[part] <= (1 / scale[part] - 1) / 2 + 1e-6).all()
  assert (shift[~part] >= 0.5 / np.sqrt(2) - 1e-6).all()


def test_what_is_cut_away_has_no_labels():
  """Catches a negative that teaches joints or depth."""
  joints = np.tile([[60.0, 60.0]], (16, 1))
  picture = np.full((120, 120, 3), 200, np.uint8)
  one = record(picture, joints, (60, 60), 80, joints3d=np.ones((16, 3)))
  cut = crop_example(one, 64, drawn(away=tf.constant(True)))
  for key in ('visible', 'has3d', 'present'):
    assert not cut[key].numpy().any(), key
  assert not cut['joints2d'].numpy().any()
  kept = crop_example(one, 64, drawn())
  assert kept['present'].numpy()
  assert kept['has3d'].numpy()


def test_shift_moves_the_window_and_the_labels():
  """Catches labels left behind, or moved the wrong way."""
  joints = np.tile([[60.0, 60.0]], (16, 1))
  one = record(np.zeros((120, 120, 3), np.uint8), joints, (60, 60), 80)
  cut = crop_example(one, 64, drawn(shift=tf.constant([0.25, -0.1])))
  # A quarter of the side to the right: half a unit of the crop frame to the left.
  np.testing.assert_allclose(cut['joints2d'][0], [-0.5, 0.2], atol=1e-6)
  _, shift, *_ = windows(shift=0.2)
  assert 0.19 < np.abs(shift.numpy()).max() <= 0.2


def test_half_body_is_cut_round_the_upper_joints():
  """Catches a window round the legs, or of people whose arms nobody labelled."""
  joints = np.stack([np.linspace(10, 110, 16), np.linspace(110, 10, 16)], 1)
  one = record(np.zeros((120, 120, 3), np.uint8), joints, (60, 60), 120)
  cut = crop_example(one, 64, drawn(half_body=tf.constant(True)))
  xy = cut['joints2d'].numpy()
  np.testing.assert_allclose(xy[6:].min(0), -xy[6:].max(0), atol=1e-5)
  np.testing.assert_allclose(xy[6:].max(), 1 / 1.6, atol=1e-5)
  assert not cut['visible'].numpy()[0]  # an ankle is outside
  few = one | {'labelled': tf.constant(np.arange(16) < 11)}
  same = crop_example(few, 64, drawn(half_body=tf.constant(True)))
  np.testing.assert_allclose(
    same['to_original'], crop_example(few, 64, drawn())['to_original']
  )


def test_cover_lays_its_colour_over_the_rectangle_alone():
  """Catches a rectangle in px of another frame, or one that hides everything."""
  one = record(np.full((64, 64, 3), 200, np.uint8), np.zeros((16, 2)), (32, 32), 64)
  cover = tf.constant([-0.5, 0.0, 0.5, 1.0])
  cut = crop_example(
    one, 64, drawn(cover=cover, cover_color=tf.constant([1.0, 2.0, 3.0]))
  )
  image = cut['image'].numpy()
  inside = np.zeros((64, 64), bool)
  inside[32:, 16:48] = True
  assert (image[inside] == [1, 2, 3]).all()
  assert (np.abs(image[~inside].astype(int) - 200) < 4).all()
  *_, cover, _ = windows(cover=0.5)
  shown = cover.numpy()[:, 2] > cover.numpy()[:, 0]
  assert 0.45 < shown.mean() < 0.55


def test_sight_axes_look_through_the_crops_centre():
  """Catches the line through another point, in other px, or a turn the other way."""
  rng = np.random.default_rng(3)
  joints3d = rng.normal(0, 300, (16, 3)) + np.array([900, -200, 4000])
  black = np.zeros((8, 8, 3), np.uint8)
  one = record(black, np.zeros((16, 2)), (41, 57), 70, joints3d)
  place = augment.place(one, drawn())
  moved = augment.move_labels(one, place, drawn(), perspective=True)
  # Px of the original: 2 x + 30, 2 y - 7, see `record`.
  ray = np.array([(2 * 41 + 30 - 320) / 500, (2 * 57 - 7 - 240) / 510, 1.0])
  ray /= np.linalg.norm(ray)
  np.testing.assert_allclose(moved['sight'], ray, atol=1e-6)
  turned = np.asarray(geometry.to_sight_axes(jnp.asarray(joints3d), jnp.asarray(ray)))
  np.testing.assert_allclose(moved['joints3d'], turned - turned[6], atol=1e-2)
  unknown = one | {'camera': tf.zeros(4)}
  moved = augment.move_labels(unknown, place, drawn(), perspective=True)
  np.testing.assert_array_equal(moved['sight'], [0, 0, 1])
  np.testing.assert_allclose(moved['joints3d'], joints3d - joints3d[6], atol=1e-3)


def test_labels_are_the_same_bits_however_many_rows_are_moved():
  """Catches labels of a job's processes that differ from those of one in the last bit."""
  rng = np.random.default_rng(0)
  rows = []
  for _ in range(16):
    joints3d = rng.normal(0, 400, (16, 3)).astype(np.float32)
    one = record(
      np.zeros((8, 8, 3), np.uint8), rng.uniform(0, 90, (16, 2)), (40, 50), 70
    )
    turned = drawn(
      float(rng.uniform(0.7, 1.4)), rng.uniform(-60, 60), float(rng.choice([-1, 1]))
    )
    one = one | {'joints3d': tf.constant(joints3d), 'has3d': tf.constant(True)}
    rows.append((one, augment.place(one, turned), turned))

  def moved(chosen):
    records, places, draws = zip(*chosen, strict=True)
    stack = lambda *of: tf.stack(of)  # noqa: E731
    return augment.move_labels(
      tf.nest.map_structure(stack, *records),
      tf.stack(places),
      augment.Draw(**tf.nest.map_structure(stack, *map(vars, draws))),
      perspective=True,
    )

  together = moved(rows)
  for i, row in enumerate(rows):
    for key, value in moved([row]).items():
      np.testing.assert_array_equal(value[0], together[key][i], err_msg=key)


def test_draws_of_a_row_are_the_same_bits_whatever_other_rows_are_asked_for():
  """Catches processes whose crops of one row differ, and frames of a clip that do."""
  settings = augment.Augment(**{**base.get_config().augment, 'away': 0.3, 'cover': 0.5})
  seed, every = tf.constant([0, 7]), [False] * 24
  whole = vars(augment.draw(settings, seed, tf.range(24), 24, every))
  for rows in ([5], [2, 2, 2], [20, 3, 11, 8, 1]):
    for key, value in vars(augment.draw(settings, seed, rows, 24, every)).items():
      np.testing.assert_array_equal(value, tf.gather(whole[key], rows), err_msg=key)
