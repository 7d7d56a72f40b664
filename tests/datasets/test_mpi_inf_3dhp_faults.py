"""The MPI-INF-3DHP builder: files that are missing, damaged, or do not fit."""

import dataclasses

import numpy as np
import pytest
import scipy.io
from fakes import mpi_inf_3dhp as fake
from fakes.mpi_inf_3dhp import builder, read

from wild3d.datasets.mpi_inf_3dhp import mpi_inf_3dhp_dataset_builder as dataset
from wild3d.datasets.mpi_inf_3dhp import views
from wild3d.errors import UserError


def break_training(case, root):
  folder = fake.training(root)
  images, annot = folder / 'imageSequence', folder / 'annot.mat'
  film = images / 'video_0.avi'
  if case == 'no annot':
    annot.unlink()
  elif case == 'cut annot':
    annot.write_bytes(annot.read_bytes()[:9000])
  elif case == 'empty annot':
    annot.write_bytes(b'')
  elif case == 'no calibration':
    (folder / 'camera.calibration').unlink()
  elif case == 'odd calibration':
    text = fake.calibration().replace(f'intrinsic   {fake.FX}', 'intrinsic   x')
    (folder / 'camera.calibration').write_text(text)
  elif case == 'few cameras':
    (folder / 'camera.calibration').write_text(fake.calibration(0))
  elif case == 'no video':
    film.unlink()
  elif case == 'cut video':
    film.write_bytes(film.read_bytes()[:400])
  elif case == 'short video':
    fake.video(film, [fake.picture((5, 5))] * 4)
  elif case == 'no sequence':
    folder.rename(root / 'elsewhere')
  elif case in (
    'missing frame',
    'late frames',
    'too many frames',
    'cut frame',
    'small frames',
  ):
    film.unlink()
    for row in range(6):
      fake.save(images / f'img_0_{row + 1:06d}.jpg', fake.picture((5, 5)))
    first, third = images / 'img_0_000001.jpg', images / 'img_0_000003.jpg'
    if case == 'missing frame':
      third.unlink()
    elif case == 'late frames':
      first.unlink()
    elif case == 'too many frames':
      fake.save(images / 'img_0_000007.jpg', fake.picture((5, 5)))
    elif case == 'cut frame':
      third.write_bytes(third.read_bytes()[:900])
    else:
      fake.save(third, fake.picture((5, 5), (64, 48)))
  else:
    variables = fake.labels(6)
    if case == 'NaN':
      variables['annot3'][0, 0][4, 7] = np.nan
    elif case == 'rows':
      variables['annot3'][0, 0] = variables['annot3'][0, 0][:5]
    elif case == 'width':
      variables['annot2'][0, 0] = variables['annot2'][0, 0][:, :34]
    elif case == 'variable':
      del variables['annot3']
    scipy.io.savemat(annot, variables)


@pytest.mark.parametrize(
  ('case', 'said'),
  [
    ('no annot', r'annot\.mat: does not exist.*3dhp-dataset'),
    ('cut annot', r'annot\.mat: (damaged|holds no)'),
    ('empty annot', r'annot\.mat: damaged'),
    ('no calibration', r'camera\.calibration is missing'),
    ('odd calibration', r'camera\.calibration, line 6'),
    ('few cameras', 'has no camera 0'),
    ('no video', r'video_0\.avi is missing.*--set cameras'),
    ('cut video', r'video_0\.avi'),
    ('short video', 'has 4 frames, but .* has 6 rows'),
    ('no sequence', 'there is no Seq1 or Seq2'),
    ('missing frame', r'img_0_000003\.jpg is missing, the picture of row 2'),
    ('late frames', 'has the number 2'),
    ('too many frames', '1 pictures more'),
    ('cut frame', r'img_0_000003\.jpg: the picture cannot be decoded'),
    ('small frames', r'img_0_000003\.jpg: is 64 x 48 px'),
    ('NaN', 'annot3, camera 0, row 4 holds NaN'),
    ('rows', 'numbers of rows disagree'),
    ('width', r'annot2 of camera 0 is of shape \(6, 34\)'),
    ('variable', 'holds no annot3'),
  ],
)
def test_faulty_training_files_are_named(tmp_path, case, said):
  """Catches a traceback, or records made of files that do not fit each other."""
  break_training(case, tmp_path)
  with pytest.raises(UserError, match=said) as raised:
    read(tmp_path, tmp_path)
  assert '\n' not in str(raised.value)
  assert str(tmp_path) in str(raised.value)


def test_long_video_that_breaks_off_is_found(tmp_path, monkeypatch):
  """Catches a cut-off download stored as a short sequence."""
  monkeypatch.setitem(views.FRAMES, ('S1', 'Seq1'), 6)
  folder = fake.training(tmp_path)
  fake.video(folder / 'imageSequence' / 'video_0.avi', [fake.picture((5, 5))] * 4)
  with pytest.raises(UserError, match=r'video_0\.avi.* ends after 4 frames'):
    read(tmp_path, tmp_path)


NAN = np.full((4, 1, 17, 3), np.nan)


@pytest.mark.parametrize(
  ('changes', 'said'),
  [
    ({'annot3': None}, 'holds no annot3'),
    ({'valid_frame': None}, 'holds no valid_frame'),
    ({'valid_frame': np.ones((3, 1))}, r'valid_frame is of shape \(3, 1\)'),
    ({'annot3': NAN}, 'annot3, row 1 holds NaN'),
    ({'activity_annotation': np.full((4, 1), 8.0)}, 'row 1: no activity has .* 8'),
    ({'pictures': 2}, r'img_000003\.jpg is missing'),
    ({'pictures': 5}, '1 pictures more'),
    ({'pictures': 0}, 'imageSequence is missing'),
  ],
)
def test_faulty_test_files_are_named(tmp_path, changes, said):
  """Catches labels put on other pictures, NaN in the truth, a KeyError for the user."""
  fake.make_test_set(tmp_path, **changes)
  with pytest.raises(UserError, match=said):
    builder(tmp_path).units(tmp_path)


@pytest.mark.parametrize('kind', ['v5', 'cut'])
def test_test_labels_of_another_format_are_named(tmp_path, kind):
  """Catches an HDF5 traceback for a cut-off download."""
  path = fake.make_test_set(tmp_path) / 'annot_data.mat'
  if kind == 'v5':
    scipy.io.savemat(path, {'annot2': np.zeros(3)})
  else:
    path.write_bytes(path.read_bytes()[:2000])
  with pytest.raises(
    UserError, match=r'annot_data\.mat: damaged, truncated or no HDF5'
  ):
    builder(tmp_path).units(tmp_path)


@pytest.mark.parametrize(
  ('changes', 'said'),
  [
    ({'stride': 0}, 'stride must be'),
    ({'size': 0}, 'size must be'),
    ({'clip_frames': 0}, 'clip_frames must be'),
    ({'margin': 0.5}, 'margin must be'),
    ({'annotation': 'univ'}, 'annotation must be one of'),
    ({'cameras': (14,)}, 'cameras must be some of'),
    ({'cameras': ()}, 'cameras names none'),
    ({'cameras': (1, 1)}, 'cameras must be some of'),
    ({'subjects': ('S9',)}, 'subjects must be some of'),
  ],
)
def test_options_that_cannot_be_meant_are_refused(changes, said):
  """Catches an option that is wrong and does nothing."""
  default = dataset.Builder.BUILDER_CONFIGS[0]
  with pytest.raises(UserError, match=said):
    dataclasses.replace(default, name='mine', **changes)


def test_what_is_not_there_is_said(tmp_path):
  """Catches an empty dataset, or a named subject left out without a word."""
  with pytest.raises(UserError, match=r'no S1 \.\.\. S8 and no TS1'):
    builder(tmp_path).units(tmp_path)
  fake.training(tmp_path)
  with pytest.raises(UserError, match='S2 is missing'):
    builder(tmp_path, subjects=('S1', 'S2')).units(tmp_path)
  with pytest.raises(UserError, match='TS1 is missing'):
    builder(tmp_path, subjects=('TS1',)).units(tmp_path)
