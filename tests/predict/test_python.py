"""wild3d from Python: pictures in whatever form, and what is done with their poses."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
from fakes.pictures import photo
from PIL import Image

import wild3d
from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.poses import formats, poses_json
from wild3d.predict import detect


@pytest.fixture(scope='module')
def predictor(run):
  return wild3d.Predictor.from_checkpoint(run)


@pytest.fixture(scope='module')
def two(predictor):
  """Poses of two people."""
  return predictor.predict(photo(), boxes=[(30, 10, 40, 60), (5, 5, 50, 40)])


def test_import_is_cheap():
  """Catches seconds at `import wild3d`, and a name that is said and not there."""
  code = (
    'import sys, wild3d; assert not {"jax", "numpy"} & set(sys.modules); '
    '[getattr(wild3d, name) for name in wild3d.__all__]'
  )
  done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
  assert done.returncode == 0, done.stderr


def test_every_form_of_a_picture(predictor, tmp_path):
  """Catches a turn by EXIF that one form makes and another does not, or BGR."""
  path, image = tmp_path / 'a.png', Image.fromarray(photo())
  exif = Image.Exif()
  exif[0x0112] = 6  # shown, it must be turned by a quarter clockwise
  image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
  forms = [str(path), path, Image.open(path), photo()]
  together = predictor.predict(forms, detector='whole')
  assert [type(poses) for poses in together] == [wild3d.Poses] * 4
  for form, poses in zip(forms, together, strict=True):
    alone = predictor.predict(form, detector='whole')
    for found in (alone, poses):
      assert found.image.shape == photo().shape
      np.testing.assert_allclose(found[0].joints2d, together[3][0].joints2d, atol=1e-3)
  assert together[0].picture.source == str(path)
  assert predictor.predict([]) == []
  with pytest.raises(UserError, match='no such file'):
    predictor.predict('none.jpg')


def test_the_detector_is_the_commands(predictor, monkeypatch):
  """Catches people of a group taken for one, as without a detector."""
  asked = []

  def make(name, _):
    asked.append(name)
    return lambda image: [wild3d.predict.boxes.Box((5.0, 5.0, 30.0, 30.0), 0.5, name)]

  monkeypatch.setattr(detect, 'chosen', lambda name: {'auto': 'hog'}[name])
  monkeypatch.setattr(detect, 'make', make)
  monkeypatch.setattr(predictor, '_detectors', {})
  first, second = predictor.predict([photo(), photo(seed=1)])
  assert asked == ['hog']
  assert first.header.detector == second[0].box.source == 'hog'


def test_joints_by_name(two):
  """Catches px called mm, and the right wrist called the left."""
  joint = two.joints('left_wrist')
  assert (joint.px.shape, joint.mm.shape, joint.scores.shape) == ((2, 2), (2, 3), (2,))
  for row, pose in enumerate(two):
    np.testing.assert_array_equal(joint.px[row], pose.joints2d[skeleton.LEFT_WRIST])
    np.testing.assert_array_equal(joint.mm[row], pose.joints_mm[skeleton.LEFT_WRIST])
    at = pose.joints_camera[skeleton.LEFT_WRIST]
    np.testing.assert_array_equal(joint.camera_mm[row], at)
  with pytest.raises(UserError, match="joint 'nose': choose from right_ankle"):
    two.joints('nose')


def test_nobody(predictor, tmp_path):
  """Catches a shape that is lost where nobody is found."""
  poses = predictor.predict(photo(), boxes=[])
  assert len(poses) == 0
  assert poses.joints('pelvis').px.shape == (0, 2)
  assert poses.joints('pelvis').camera_mm.shape == (0, 3)
  assert poses.save(tmp_path / 'a.json') == [tmp_path / 'a.json']
  assert poses.save(tmp_path / 'a.bvh') == []
  assert repr(poses) == '<Poses of picture: 0 people>'


def test_camera(predictor):
  """Catches poses without a place before the camera, and an assumption unsaid."""
  box = [(30, 10, 40, 60)]
  assumed = predictor.predict(photo(), box)
  assert assumed.header.camera == 'assumed: 55 degrees across the longer side'
  assert (assumed[0].joints_camera[:, 2] > 0).any()
  camera = wild3d.Camera(500.0, 500.0, 40.0, 30.0)
  given = predictor.predict(photo(), box, camera)
  assert (given.header.camera, given.picture.camera) == ('given', camera)
  assert given[0].joints_camera[6, 2] > 1.5 * assumed[0].joints_camera[6, 2]


@pytest.mark.parametrize('kind', formats.KINDS)
def test_saved(kind, two, tmp_path):
  """Catches a format that the command has and Python has not, or a file elsewhere."""
  if kind == 'c3d':
    pytest.importorskip('ezc3d')
  written = two.save(tmp_path / f'a.{kind}')
  names = [f'a.{kind}']
  if kind in formats.MOTIONS:
    names = [f'a-person{i}.{kind}' for i in range(2)]
  assert [path.name for path in written] == names
  assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_saved_by_name(two, tmp_path):
  """Catches a choice of joints without effect."""
  two.save(tmp_path / 'a.json', joints='coco17')
  found = poses_json.read(tmp_path / 'a.json')
  assert found.header.joints == 'coco17'
  at = skeleton.JOINT_SETS['coco17'].index('left_knee')
  np.testing.assert_allclose(
    found.pictures[0].poses[1].joints_mm[at],
    two[1].joints_mm[skeleton.LEFT_KNEE],
    atol=0.06,
  )
  for wrong in ('a.fbx', 'a'):
    with pytest.raises(UserError, match=r'end it in \.json, \.npz'):
      two.save(tmp_path / wrong)


def test_drawn(two, tmp_path):
  """Catches a drawing that is returned and not written, or written as another form."""
  drawn = two.draw(tmp_path / 'a.png')
  np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / 'a.png')), drawn)
  assert drawn.shape[1] > photo().shape[1]
  np.testing.assert_array_equal(two.draw(), drawn)
  with pytest.raises(UserError, match=r'a\.gif: end it in \.png'):
    two.draw(tmp_path / 'a.gif')
  assert [path.name for path in pathlib.Path(tmp_path).iterdir()] == ['a.png']
