"""From a photograph to poses.json, with an untrained network."""

import json
import pathlib

import jax
import numpy as np
import pytest
from fakes.pictures import photo
from fakes.predict_command import command
from PIL import Image

from wild3d import __main__, geometry, network, skeleton
from wild3d.errors import UserError
from wild3d.poses import poses_json
from wild3d.poses.pose import Box, Camera
from wild3d.predict import camera_space
from wild3d.predict.predictor import Predictor


def test_pose_of_a_box(run):
  """Catches units or a frame that are not those that Pose says."""
  predictor = Predictor.from_checkpoint(run)
  image, box = photo(), Box((30.0, 10.0, 40.0, 60.0))
  (pose,) = predictor.predict(image, [box])
  affine = pose.to_original
  xy = pose.joints_crop[:, :2]
  np.testing.assert_allclose(pose.joints2d, xy @ affine[:, :2].T + affine[:, 2])
  np.testing.assert_allclose(affine @ [0, 0, 1], [50, 40])
  assert affine[0, 0] == 37.5
  lengths = [
    np.linalg.norm(pose.joints_mm[a] - pose.joints_mm[b]) for a, b in skeleton.BONES
  ]
  assert sum(lengths) == pytest.approx(predictor.skeleton_mm, rel=1e-4)
  np.testing.assert_allclose(pose.joints_mm[6], 0, atol=1e-3)
  ratio = pose.joints_mm[:, 2] / np.where(
    pose.joints_crop[:, 2], pose.joints_crop[:, 2], 1
  )
  assert np.ptp(ratio[np.abs(pose.joints_crop[:, 2]) > 1e-3]) < 1e-2 * ratio.max()
  assert ((pose.scores >= 0) & (pose.scores <= 1)).all()


def test_batches_do_not_matter(run):
  """Catches padding rows that reach a result, or people exchanged."""
  predictor = Predictor.from_checkpoint(run)
  image = photo()
  boxes = [Box((10.0 * i, 5.0, 40.0, 60.0)) for i in range(5)]
  together = predictor.predict(image, boxes)
  assert [p.person for p in together] == list(range(5))
  for box, pose in zip(boxes, together, strict=True):
    (alone,) = predictor.predict(image, [box])
    np.testing.assert_allclose(alone.joints2d, pose.joints2d, atol=1e-3)
    np.testing.assert_allclose(alone.joints_mm, pose.joints_mm, atol=0.5)
  other = photo(50, 80, seed=1)
  many = predictor.predict_many([other, image, other], [[boxes[0]], boxes, []])
  assert [len(poses) for poses in many] == [1, 5, 0]
  np.testing.assert_allclose(many[1][4].joints2d, together[4].joints2d, atol=1e-3)
  (alone,) = predictor.predict(other, [boxes[0]])
  np.testing.assert_allclose(many[0][0].joints2d, alone.joints2d, atol=1e-3)
  assert list(predictor.predict(image, [])) == []


def test_network_honours_its_pixels(run):
  """Catches RGB given to a network of BGR."""
  predictor = Predictor.from_checkpoint(run)
  images = np.stack([photo(64, 64, seed) for seed in range(2)])
  net = network.load(run)
  turned = jax.numpy.asarray(images[..., ::-1].astype(np.float32) / 255)
  want, depth, _ = jax.jit(net.model.apply)(jax.device_get(net.variables), turned)
  maps, got, _ = predictor.network(images)
  np.testing.assert_allclose(maps, want, atol=1e-4)
  np.testing.assert_allclose(got, depth, atol=1e-4)


def test_place_before_a_camera():
  """Catches a sign, or depth scaled wrongly: a known camera must be found again."""
  rng = np.random.default_rng(0)
  camera = Camera(900.0, 950.0, 320.0, 240.0)
  true = rng.normal(0, 300, (16, 3)) + np.array([200, -100, 4000])
  xy = true[:, :2] / true[:, 2:] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
  got = camera_space.before_camera(true - true[6], xy, camera, np.ones(16))
  np.testing.assert_allclose(got, true, atol=1e-6)


def test_heights_and_cameras():
  """Catches centimetres taken for metres, and a field of view of half its angle."""
  assert camera_space.skeleton_of_height(1.75) == pytest.approx(
    1750 * geometry.REFERENCE_BONES_MM.sum() / 1670.15, rel=1e-3
  )
  with pytest.raises(UserError, match='metres'):
    camera_space.skeleton_of_height(175.0)
  assert camera_space.camera_of(200, 100, None, 90.0).fx == pytest.approx(100)
  assumed = camera_space.camera_of(100, 200)
  assert assumed.fx == pytest.approx(100 / np.tan(np.radians(55 / 2)))
  for focal, fov in ((5.0, 60.0), (-1.0, None), (None, 180.0)):
    with pytest.raises(UserError, match='--f'):
      camera_space.camera_of(200, 100, focal, fov)


def test_command(run, tmp_path, capsys):
  """Catches one bad file that ends the others, or an exit of 0 all the same."""
  for i in range(3):
    Image.fromarray(photo(seed=i)).save(tmp_path / f'{i}.png')
  (tmp_path / '1.png').write_bytes(b'no picture')
  status, out = command(run, tmp_path, tmp_path, '--fov=60', '--height=1.7')
  assert status == 2
  said = capsys.readouterr().err
  assert '1 of 3 inputs' in said
  assert '1.png' in said
  assert 'Traceback' not in said
  found = poses_json.read(out / 'poses.json')
  assert [pathlib.Path(p.source).name for p in found.pictures] == ['0.png', '2.png']
  assert found.header.scale == 'height'
  pose = found.pictures[0].poses[0]
  assert pose.box.source == 'search'
  assert pose.joints_camera is not None
  assert (pose.joints_camera[:, 2] > 0).any()
  assert sorted(p.name for p in (out / 'pictures').iterdir()) == ['0.jpg', '2.jpg']


@pytest.mark.parametrize(
  ('flags', 'said'),
  [
    (['--box=1,2,3'], '--box=1,2,3'),
    (['--box=900,0,10,10'], 'outside'),
    (['--focal=900', '--fov=60'], 'one of the three'),
    (['--intrinsics=900,900,320'], '--intrinsics=900,900,320: give fx,fy,cx,cy'),
    (['--intrinsics=900,a'], '--intrinsics=900,a: give numbers'),
    (['--intrinsics=90,90,50,4000'], 'of another size?'),
    (['--distortion=0,0,0,0'], '--distortion: give --intrinsics'),
    (['--intrinsics=9,9,5,5', '--distortion=1'], '--distortion=1: give k1,k2,p1,p2'),
    (['--intrinsics=90,90,50,40', '--distortion=-9,0,0,0'], 'does not reach the sides'),
    (['--joints=coco'], "--joints: no joint set 'coco': choose from mpii16, h36m17"),
    (['--height=170'], 'metres'),
    (['--step=7'], '--step=7'),
    (['--batch=0'], '--batch=0'),
  ],
)
def test_wrong_flags(flags, said, run, tmp_path, capsys):
  """Catches a wrong flag found late, or passed over."""
  Image.fromarray(photo()).save(tmp_path / 'x.png')
  status, out = command(run, tmp_path, tmp_path / 'x.png', *flags)
  assert status == 2
  assert said in capsys.readouterr().err
  assert not (out / 'poses.json').exists()


@pytest.mark.parametrize(
  ('command', 'flag', 'said'),
  [
    ('predict', '--refine=foo', "--refine: invalid choice: 'foo' (choose from"),
    ('predict', '--people=x', "--people: invalid int value: 'x'"),
    ('predict', '--fovv=3', 'unknown: --fovv=3'),
    ('export', '--format=pb', "--format: invalid choice: 'pb' (choose from"),
    ('describe', '', 'the following arguments are required: FILE'),
  ],
)
def test_wrong_choices_get_one_line(command, flag, said, capsys):
  """Catches the lines of usage, among which the mistake is not seen."""
  needed = {'predict': ['x.png', '--checkpoint=r', '--out=o'], 'describe': []}
  needed['export'] = needed['predict'][1:]
  status = __main__.main([command, *needed[command], *filter(None, [flag])])
  assert status == 2
  (line,) = capsys.readouterr().err.splitlines()
  assert line.startswith(f'wild3d: error: {said}')
  assert line.endswith(f'see wild3d {command} --help')


def test_out_and_checkpoint(run, tmp_path, capsys):
  """Catches a traceback for a folder that is a file, or that holds no run."""
  Image.fromarray(photo()).save(tmp_path / 'x.png')
  (tmp_path / 'out').write_text('a file')
  assert command(run, tmp_path, tmp_path / 'x.png')[0] == 2
  (tmp_path / 'out').unlink()
  assert command(str(tmp_path), tmp_path, tmp_path / 'x.png')[0] == 2
  assert 'holds no checkpoints' in capsys.readouterr().err


@pytest.fixture
def written(run, tmp_path):
  """A poses.json."""
  Image.fromarray(photo()).save(tmp_path / 'x.png')
  _, out = command(run, tmp_path, tmp_path / 'x.png', '--fov=50')
  return out / 'poses.json'


def test_poses_json_comes_back(written, tmp_path):
  """Catches a field lost, or rounded away."""
  found = poses_json.read(written)
  data = json.loads(written.read_text())
  poses_json.write(found, tmp_path / 'again.json', data['written'])
  assert (tmp_path / 'again.json').read_text() == written.read_text()
  assert data['conventions']['joints'] == list(skeleton.JOINTS)
  text = (pathlib.Path(poses_json.__file__).parent / 'poses.schema.json').read_text()
  jsonschema = pytest.importorskip('jsonschema')
  jsonschema.validate(data, json.loads(text))
  del data['pictures'][0]['poses'][0]['scores'][3]
  with pytest.raises(jsonschema.ValidationError):
    jsonschema.validate(data, json.loads(text))


def _change(data, kind):
  pose = data['pictures'][0]['poses'][0]
  if kind == 'short':
    pose['joints2d'] = pose['joints2d'][:15]
  elif kind == 'text':
    pose['joints_mm'][2][1] = 'x'
  elif kind == 'missing':
    del pose['scores']
  elif kind == 'unknown':
    data['header']['colour'] = 1
  elif kind == 'version':
    data['schema_version'] = 2
  return data


@pytest.mark.parametrize(
  ('kind', 'said'),
  [
    ('short', r'pictures\[0\]\.poses\[0\]\.joints2d'),
    ('text', r'pictures\[0\]\.poses\[0\]\.joints_mm'),
    ('missing', r'pictures\[0\]\.poses\[0\].*scores'),
    ('unknown', 'header.*colour'),
    ('version', 'schema_version 2'),
  ],
)
def test_other_poses_json(kind, said, written):
  """Catches a file of another form read as if it were ours."""
  written.write_text(json.dumps(_change(json.loads(written.read_text()), kind)))
  with pytest.raises(UserError, match=said):
    poses_json.read(written)
  written.write_text('{"schema":')
  with pytest.raises(UserError, match='no JSON'):
    poses_json.read(written)
