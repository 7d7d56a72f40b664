"""Leeds Sports Pose and LSPET in their published form, by way of the mpii builder."""

import numpy as np
import pytest
import scipy.io
from PIL import Image

from wild3d.datasets.mpii import leeds_mat, mpii_dataset_builder, person
from wild3d.errors import UserError

# MPII's 16 for each of the file's 14, by number.
MPII = [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 8, 9]


def leeds(folder, count, *, extended):
  """(folder, rows [count, 14, 3]): joints.mat and grey pictures."""
  rng = np.random.default_rng(0)
  rows = np.concatenate(
    [rng.uniform(5, 60, (count, 14, 2)), rng.integers(0, 2, (count, 14, 1))], axis=-1
  )
  (folder / 'images').mkdir(parents=True)
  for i in range(count):
    name = f'im{i + 1:05d}.jpg' if extended else f'im{i + 1:04d}.jpg'
    Image.new('RGB', (70, 64)).save(folder / 'images' / name)
  axes = (1, 2, 0) if extended else (2, 1, 0)
  scipy.io.savemat(folder / 'joints.mat', {'joints': np.transpose(rows, axes)})
  return folder, rows


@pytest.mark.parametrize('extended', [False, True])
def test_people_are_those_of_the_file(tmp_path, extended):
  """Catches LSP's flag, which says occluded, read as LSPET's, which says labelled; left
  for right; pixels counted from 0; a picture of another row."""
  folder, rows = leeds(tmp_path / 'a', 12, extended=extended)
  people, is_lsp = leeds_mat.read(folder / 'joints.mat', folder / 'images')
  assert is_lsp != extended
  for i, (one, row) in enumerate(zip(people, rows, strict=True)):
    assert one.image == (f'im{i + 1:05d}.jpg' if extended else f'im{i + 1:04d}.jpg')
    flag = row[:, 2] == 1
    known = flag if extended else np.ones(14, bool)
    np.testing.assert_array_equal(one.labelled[MPII], known)
    np.testing.assert_array_equal(one.occluded[MPII], flag & (not extended))
    np.testing.assert_allclose(one.joints2d[MPII][known], row[known, :2] - 0.5)
    for middle, sides in ((6, (2, 3)), (7, (12, 13))):
      both = one.labelled[list(sides)].all()
      assert one.labelled[middle] == both
      if both:
        expected = one.joints2d[list(sides)].mean(axis=0)
        np.testing.assert_allclose(one.joints2d[middle], expected)
    at = one.joints2d[one.labelled]
    assert (abs(at - one.center) <= one.side / 2).all()
    assert not person.misfit(one, (70, 64))


def test_splits_and_who_is_left_out(tmp_path, monkeypatch):
  """Catches LSP's test set trained on, and somebody without labels lost in silence."""
  monkeypatch.setattr(leeds_mat, 'LSP_TRAIN', 7)
  folder, rows = leeds(tmp_path / 'a', 12, extended=False)
  splits = mpii_dataset_builder.read_splits(folder)
  assert {name: len(people) for name, people in splits.items()} == {
    'train': 7,
    'validation': 5,
  }
  folder, rows = leeds(tmp_path / 'b', 20, extended=True)
  rows[4, :, 2] = 0
  joints = np.transpose(rows, (1, 2, 0))
  scipy.io.savemat(folder / 'joints.mat', {'joints': joints})
  splits = mpii_dataset_builder.read_splits(folder)
  assert 'no joint is labelled' in splits['train']
  assert sum(map(len, splits.values())) == 20
  assert len(splits['validation']) == 1
  builder = mpii_dataset_builder.Builder(config='small', data_dir=str(tmp_path))
  (unit,) = builder.units(folder)['validation']
  (record,) = builder.records(unit)
  assert record['id'].startswith('mpii/validation/0000#im000')


def test_faults_are_named(tmp_path):
  """Catches rows put on other pictures where one is missing, and a wrong file."""
  folder, _ = leeds(tmp_path / 'a', 3, extended=True)
  (folder / 'images/im00002.jpg').unlink()
  with pytest.raises(UserError, match=r'no picture im00002\.jpg .* the row 2 of'):
    mpii_dataset_builder.read_splits(folder)
  scipy.io.savemat(folder / 'joints.mat', {'joints': np.zeros((16, 3, 2))})
  with pytest.raises(UserError, match=r'of shape \(16, 3, 2\), not 3 x 14 x n'):
    mpii_dataset_builder.read_splits(folder)
