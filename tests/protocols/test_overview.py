"""The overview of a network and its baselines, and the baselines themselves."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from fakes import scored as fake

from wild3d import network, skeleton
from wild3d.protocols import baselines, overview


def _pair():
  truth, predictions = fake.random_pair('mpii16', count=30, seed=3)
  return truth, dataclasses.replace(
    predictions, joints2d=np.nan_to_num(truth.joints2d) + 3.0
  )


def test_every_entry_has_a_value():
  """Catches an entry whose measure was renamed, and so is left out for ever."""
  truth, predictions = _pair()
  truth = dataclasses.replace(
    truth,
    joints2d=np.nan_to_num(fake.person()[None, :, :2] + np.zeros((30, 1, 1))),
    head_size=np.full(30, 10.0),
  )
  assert set(overview.figures(predictions, truth)) == set(overview.ENTRIES)


def test_what_cannot_be_counted_is_left_out():
  """Catches a 0 or NaN in the table for a set without 3D truth or head sizes."""
  truth, predictions = _pair()
  flat = dataclasses.replace(
    truth,
    joints3d=np.full_like(truth.joints3d, np.nan),
    head_size=np.full(30, np.nan),
  )
  found = overview.figures(predictions, flat)
  assert set(found) <= {'pck_torso_0.2', 'pck_torso_0.2_upright', 'left_right'}
  assert all(np.isfinite(value) for value in found.values())


def test_table_and_flat_names():
  """Catches a score that the report or TensorBoard does not get."""
  scores = {'set': {'examples': 3, 'network': {'mpjpe': 61.26}, 'mean depth': {}}}
  assert overview.flat(scores) == {'eval/set/network/mpjpe': 61.26}
  table = overview.table(scores)
  assert 'set: 3 examples' in table
  assert '61.3' in table
  assert table.splitlines()[-1].rstrip().endswith('-')


def _batches():
  rng = np.random.default_rng(0)
  for has_depth in (True, False):
    joints3d = rng.normal(0, 300, (4, 16, 3)).astype(np.float32)
    joints3d -= joints3d[:, skeleton.ROOT, None]
    batch = {
      'joints2d': rng.uniform(-1, 1, (4, 16, 2)).astype(np.float32),
      'joints3d': joints3d if has_depth else np.full_like(joints3d, np.nan),
      'visible': rng.random((4, 16)) < 0.8,
      'weight': np.array([1, 1, 1, 0], np.float32),
    }
    yield batch, has_depth


def test_means_of_the_labels_that_count():
  """Catches padding, unlabelled joints or 2D-only rows that move a mean."""
  (one, _), (two, _) = batches = list(_batches())
  found = baselines.means(batches)
  for joint in range(16):
    rows = [b['joints2d'][:3, joint][b['visible'][:3, joint]] for b in (one, two)]
    np.testing.assert_allclose(
      found.joints2d[joint], np.concatenate(rows).mean(0), rtol=1e-6
    )
  ends = np.array(skeleton.BONES)
  length = lambda x: np.linalg.norm(x[:, ends[:, 0]] - x[:, ends[:, 1]], axis=-1).sum(1)  # noqa: E731
  flat, space = one['joints2d'][:3], one['joints3d'][:3]
  scale = length(flat) / length(space[..., :2])
  np.testing.assert_allclose(
    found.depth, (space[..., 2] * scale[:, None]).mean(0), rtol=1e-4
  )
  assert (baselines.means(batches[1:]).depth == 0).all()


def test_what_each_baseline_looks_at():
  """Catches a baseline that sees the network's depth, or another pose than the mean."""
  joints = np.random.default_rng(1).normal(size=(3, 16, 3))
  means = baselines.Means(np.full((16, 2), 0.25), np.arange(16.0))
  found = baselines.applied(joints, means)
  assert tuple(found) == baselines.NAMES
  np.testing.assert_array_equal(found['mean depth'][..., :2], joints[..., :2])
  np.testing.assert_array_equal(
    found['mean depth'][..., 2], np.tile(np.arange(16), (3, 1))
  )
  np.testing.assert_array_equal(found['zero depth'][..., 2], 0)
  assert (found['mean pose'][..., :2] == 0.25).all()


def test_original_pixels_and_millimetres():
  """Catches x and y swapped, an affine left out, a skeleton of another size."""
  joints = np.random.default_rng(0).uniform(-1, 1, (3, 16, 3))
  affine = np.array([[100.0, 0, 320], [0, 100, 240]], np.float32)[None].repeat(3, 0)
  np.testing.assert_allclose(
    network.original_pixels(joints, affine), joints[..., :2] * 100 + (320, 240)
  )
  sized = np.asarray(network.millimetres(jnp.asarray(joints[0]), 4000.0))
  bones = np.array(skeleton.BONES)
  lengths = np.linalg.norm(sized[bones[:, 0]] - sized[bones[:, 1]], axis=-1)
  assert lengths.sum() == pytest.approx(4000, rel=1e-5)
  np.testing.assert_allclose(sized[skeleton.ROOT], 0, atol=1e-3)
