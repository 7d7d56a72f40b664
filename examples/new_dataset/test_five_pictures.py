"""The made-up format is read as it is meant; left is not right."""

import pathlib

import five_pictures
import numpy as np
import pytest
from PIL import Image

from wild3d.errors import UserError
from wild3d.skeleton import JOINTS

PICTURES = pathlib.Path(__file__).parent / 'pictures'


def read(folder, tmp_path):
  """Split -> its records."""
  builder = five_pictures.FivePictures(data_dir=str(tmp_path / 'tfds'))
  return {
    split: [record for unit in units for record in builder.records(unit)]
    for split, units in builder.units(folder).items()
  }


def test_joints_are_where_the_file_says(tmp_path):
  """Catches pixels counted from another place, left for right, a lost `hidden`."""
  Image.new('RGB', (60, 80)).save(tmp_path / 'a.jpg')
  lines = ['left_wrist 10 20 hidden', 'RWrist 30 21', 'l_hip 12 50', 'pelvis 20 50']
  (tmp_path / 'a.txt').write_text('\n'.join(lines))
  ((one,),) = read(tmp_path, tmp_path).values()
  affine = one['to_original']
  at = one['joints2d'] @ affine[:, :2].T + affine[:, 2]
  left, right = JOINTS.index('left_wrist'), JOINTS.index('right_wrist')
  np.testing.assert_allclose(at[[left, right]], [[10.5, 20.5], [30.5, 21.5]], atol=1e-3)
  assert one['labelled'].sum() == 4
  assert one['occluded'][left]
  assert not one['occluded'][right]


def test_the_five(tmp_path):
  """Catches a picture that is lost, or trained on and validated with."""
  found = read(PICTURES, tmp_path)
  assert {split: len(records) for split, records in found.items()} == {
    'train': 4,
    'validation': 1,
  }


def test_a_faulty_line_is_named(tmp_path):
  """Catches a traceback in place of what to correct."""
  Image.new('RGB', (60, 80)).save(tmp_path / 'a.jpg')
  (tmp_path / 'a.txt').write_text('left_wrist ten 20')
  with pytest.raises(UserError, match=r'a\.txt: lines must be NAME X Y'):
    read(tmp_path, tmp_path)
