"""Faulty and hostile files in the preprocessed forms of Human3.6M."""

import os
import pathlib
import pickle
import shutil

import h5py
import numpy as np
import pytest
import scipy.io
from fakes import human36m as fake
from fakes import human36m_forms as forms
from fakes.human36m_forms import MAKE, ONE, config, read

from wild3d.datasets.human36m import mmpose, zhou2017
from wild3d.errors import UserError

GREETING = ((9, 'Greeting', fake.CAMERAS[1:2]),)


class Hostile:
  def __init__(self, path):
    self.path = str(path)

  def __reduce__(self):
    return os.mkdir, (self.path,)


def test_hostile_files_run_nothing(tmp_path):
  """Catches code of a stranger's cameras.pkl or .npz run on the user's machine."""
  made = tmp_path / 'made'
  folder = forms.mmpose(tmp_path / 'a', takes=ONE)
  (folder / 'annotation_body3d/cameras.pkl').write_bytes(pickle.dumps(Hostile(made)))
  with pytest.raises(UserError, match=r'cameras\.pkl: refused.*mkdir'):
    mmpose.units(folder, config())
  folder = forms.mmpose(tmp_path / 'b', takes=ONE)
  names = np.array([Hostile(made)] * 3, object)
  np.savez(folder / 'annotation_body3d/fps10/h36m_train.npz', imgname=names)
  with pytest.raises(UserError, match=r'h36m_train\.npz, imgname: refused.*mkdir'):
    mmpose.units(folder, config())
  assert not made.exists()


def cut(path, part=0.6):
  content = path.read_bytes()
  path.write_bytes(content[: int(part * len(content))])


def edit_npz(path, change):
  with np.load(path) as file:
    arrays = dict(file)
  change(arrays)
  np.savez(path, **arrays)


def edit_mat(path, change):
  arrays = {k: v for k, v in scipy.io.loadmat(path).items() if k[:2] != '__'}
  change(arrays)
  scipy.io.savemat(path, arrays)


def edit_h5(path, change):
  with h5py.File(path, 'r+') as file:
    arrays = {k: file[k][()] for k in file if isinstance(file[k], h5py.Dataset)}
    change(arrays)
    for key in list(file):
      if isinstance(file[key], h5py.Dataset):
        del file[key]
        if key in arrays:
          file[key] = arrays[key]


def nan(key, index):
  def change(arrays):
    arrays[key][index] = np.nan

  return change


def repeat(arrays):
  for key in arrays:
    arrays[key] = np.concatenate([arrays[key], arrays[key][:1]])


def drop(key):
  return lambda arrays: arrays.pop(key)


def behind(arrays):
  arrays['S'][1, 3, 2] *= -1


def rename(arrays):
  arrays['imgname'] = np.array(['person.jpg'] * 3)


NPZ = 'annotation_body3d/fps10/h36m_train.npz'
PICTURE = 'images/S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000006.jpg'
CROPS = 'images/s_01_act_02_subact_01_ca_01'
CROP = f'{CROPS}/s_01_act_02_subact_01_ca_01_000006.jpg'
MAT = f'{CROPS}/matlab_meta.mat'
H5 = 'annotSampleTrain.h5'
ANNOT = 'processed/S1/Directions-1/annot.h5'
FRAME = 'processed/S1/Directions-1/imageSequence/54138969/img_000006.jpg'
REMOVE = pathlib.Path.unlink


@pytest.mark.parametrize(
  ('name', 'file', 'fault', 'said'),
  [
    ('mmpose', NPZ, cut, 'damaged or truncated'),
    ('mmpose', NPZ, (edit_npz, drop('S')), 'holds no array S'),
    ('mmpose', NPZ, (edit_npz, rename), "row 0: 'person.jpg' is no picture"),
    ('mmpose', NPZ, (edit_npz, repeat), 'frame 0 .* twice or out of order'),
    ('mmpose', NPZ, (edit_npz, nan('S', (1, 3, 0))), r'row 1 .*frame 5\): the 3D'),
    ('mmpose', NPZ, (edit_npz, nan('part', (2, 3, 0))), r'row 2 .*frame 10\): the 2D'),
    ('mmpose', NPZ, (edit_npz, nan('scale', 0)), 'row 0 .* the box'),
    ('mmpose', NPZ, (edit_npz, behind), 'row 1 .* behind the camera'),
    ('mmpose', PICTURE, REMOVE, 'missing, and 0 more'),
    ('mmpose', PICTURE, cut, 'cannot be decoded'),
    ('mmpose', 'annotation_body3d/cameras.pkl', cut, 'truncated'),
    ('mmpose', 'annotation_body3d/cameras.pkl', REMOVE, 'cannot be read'),
    ('zhou2017', MAT, cut, 'damaged, truncated'),
    ('zhou2017', MAT, (edit_mat, drop('bbox')), 'no bbox'),
    ('zhou2017', MAT, (edit_mat, nan('Y2d', (4, 2))), 'row 2 .* the 2D'),
    ('zhou2017', MAT, (edit_mat, nan('bbox', (0, 1))), 'row 1 .* the box'),
    ('zhou2017', CROP, REMOVE, 'labels of 3 pictures, .* holds 2 pictures'),
    ('zhou2017', CROP, cut, 'cannot be decoded'),
    ('h5', H5, cut, 'damaged, truncated'),
    ('h5', H5, (edit_h5, drop('subaction')), 'subaction'),
    ('h5', H5, (edit_h5, nan('joint_3d_mono', (1, 0, 0))), 'row 1 .* the 3D'),
    ('h5', H5, (edit_h5, repeat), 'frame 0 .* twice or out of order'),
    ('h5', CROP, REMOVE, 'missing, and 0 more'),
    ('h36m_fetch', ANNOT, cut, 'damaged, truncated'),
    ('h36m_fetch', ANNOT, (edit_h5, drop('subaction')), 'early version'),
    ('h36m_fetch', ANNOT, (edit_h5, drop('frame')), 'early version'),
    ('h36m_fetch', FRAME, REMOVE, 'missing, and 0 more'),
    ('h36m_fetch', FRAME, cut, 'cannot be decoded'),
  ],
)
def test_faulty_files_are_named_in_one_line(tmp_path, name, file, fault, said):
  """Catches tracebacks, and wrong labels built without a word."""
  kind = {'labels': 'h5'} if name == 'h5' else {}
  name = 'zhou2017' if name == 'h5' else name
  folder = getattr(forms, name)(tmp_path, takes=ONE, **kind)
  if isinstance(fault, tuple):
    fault[0](folder / file, fault[1])
  else:
    fault(folder / file)
  with pytest.raises(UserError, match=said) as raised:
    read(MAKE[name], folder)
  assert '\n' not in str(raised.value)
  assert pathlib.Path(file).parent.name in str(raised.value) or file in str(
    raised.value
  )


def test_two_files_of_one_take(tmp_path):
  """Catches people counted twice where a subset lies beside the whole."""
  folder = forms.mmpose(tmp_path, takes=ONE)
  shutil.copy(folder / NPZ, folder / NPZ.replace('train', 'subset'))
  with pytest.raises(UserError, match=r'is also in .*h36m_subset\.npz'):
    mmpose.units(folder, config())


def test_pictures_without_labels_are_counted(tmp_path):
  """Catches folders of pictures that vanish from the counts without a word."""
  folder = forms.zhou2017(tmp_path, labels='h5', takes=ONE + GREETING)
  (folder / 'annotSampleTest.h5').unlink()
  records, left_out = read(zhou2017, folder)
  assert len(records) == 3
  assert left_out == ['no labels for the folder'] * 3
  (folder / H5).unlink()
  with pytest.raises(UserError, match='annotSampleTrain'):
    zhou2017.units(folder, config())
