"""wild3d predict on videos, with an untrained network."""

import json
import pathlib
import sys
import types

import jax
import numpy as np
import pytest
from fakes import video as fake_video
from PIL import Image

from wild3d import __main__, network, settings
from wild3d.configs import base
from wild3d.media import bvh, video_file
from wild3d.models import initial
from wild3d.poses import poses_json
from wild3d.poses.pose import Camera
from wild3d.training import checkpoints

pytest.importorskip('av')


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  """A run folder of a small untrained network."""
  config = base.get_config()
  config.model.update({'stacks': 1, 'residuals': 1, 'features': 8, 'stem': 4})
  config.model.depth_residuals = 1
  config.input_size = 64
  folder = tmp_path_factory.mktemp('run') / 'run'
  variables = initial.variables(network.make_model(config), jax.random.key(3), 64)
  checkpoints.save_model(folder, variables, {'config': settings.as_json(config)})
  return str(folder)


def _command(run, tmp_path, *arguments):
  out = tmp_path / 'out'
  flags = [f'--checkpoint={run}', f'--out={out}']
  return __main__.main(['predict', *map(str, arguments), *flags]), out


def test_everything_of_a_video(run, tmp_path, capsys):
  """Catches a file that was asked for and is not there, or frames that are lost."""
  path = fake_video.write(tmp_path / 'walk.mp4', np.arange(12) / 25)
  page, flags = tmp_path / 'page.html', ['--box=30,10,40,50', '--smooth']
  flags += ['--intrinsics=90,91,47,31', '--distortion=-0.1,0.02,0,0.001']
  status, out = _command(
    run, tmp_path, path, *flags, '--formats=json,npz,csv,bvh,trc', f'--html={page}'
  )
  assert status == 0
  assert 'walk.mp4: 12 frames, 1 person at once at most' in capsys.readouterr().out
  found = poses_json.read(out / 'poses.json')
  assert [p.frame for p in found.pictures] == list(range(12))
  np.testing.assert_allclose([p.time for p in found.pictures], np.arange(12) / 25)
  header = found.header
  assert (header.fps, header.smooth, header.detector) == (25.0, True, 'given')
  said = 'given: fx, fy, cx, cy 90,91,47,31, distortion -0.1,0.02,0,0.001'
  assert header.camera == said
  lens = Camera(90.0, 91.0, 47.5, 31.5, (-0.1, 0.02, 0.0, 0.001))
  assert {picture.camera for picture in found.pictures} == {lens}
  data = json.loads((out / 'poses.json').read_text())
  text = (pathlib.Path(poses_json.__file__).parent / 'poses.schema.json').read_text()
  pytest.importorskip('jsonschema').validate(data, json.loads(text))
  names = {str(p.relative_to(out)) for p in out.rglob('*') if p.is_file()}
  assert {'poses.json', 'poses.npz', 'poses.csv', 'pictures/walk.mp4'} <= names
  assert {'bvh/walk-person0.bvh', 'trc/walk-person0.trc'} <= names
  with video_file.opened(out / 'pictures' / 'walk.mp4') as video:
    frames = list(video)
  assert (video.fps, len(frames)) == (25, 12)
  assert 'walk.mp4' in page.read_text()


def test_some_of_a_video_and_a_bad_one(run, tmp_path, capsys):
  """Catches one bad video that ends the others, or frames beyond --frames."""
  folder = tmp_path / 'in'
  folder.mkdir()
  fake_video.write(folder / 'a.mp4', np.arange(12) / 25)
  (folder / 'b.mp4').write_bytes(b'no video')
  Image.fromarray(fake_video.frame(0)).save(folder / 'c.png')
  flags = ['--detector=whole', '--frames=3', '--no_pictures']
  status, out = _command(run, tmp_path, folder, *flags)
  assert status == 2
  said = capsys.readouterr().err
  assert '1 of 3 inputs' in said
  assert 'b.mp4' in said
  assert 'Traceback' not in said
  found = poses_json.read(out / 'poses.json')
  assert [p.frame for p in found.pictures] == [0, 1, 2, None]
  assert found.header.fps is None
  assert not (out / 'pictures').exists()


def test_turned_photograph_has_the_same_pose(run, tmp_path):
  """Catches EXIF's turn made twice, or for the picture and not for the pose."""
  image = Image.effect_noise((90, 60), 80).convert('RGB')
  image.save(tmp_path / 'up.png')
  exif = Image.Exif()
  exif[0x0112] = 6  # shown, it must be turned by a quarter clockwise
  image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / 'turned.png', exif=exif)
  status, out = _command(run, tmp_path, tmp_path / '*.png')
  assert status == 0
  turned, up = poses_json.read(out / 'poses.json').pictures
  assert (turned.width, turned.height) == (90, 60)
  for one, other in zip(turned.poses, up.poses, strict=True):
    np.testing.assert_array_equal(one.joints2d, other.joints2d)
    np.testing.assert_array_equal(one.joints_mm, other.joints_mm)


def test_boxes_of_a_file(run, tmp_path, capsys):
  """Catches boxes given to another picture, or a picture without any passed over."""
  for name in 'ab':
    Image.fromarray(fake_video.frame(1)).save(tmp_path / f'{name}.png')
  (tmp_path / 'boxes.json').write_text('{"a.png": [[1, 2, 30, 40], [40, 9, 20, 30]]}')
  boxes = f'--boxes={tmp_path / "boxes.json"}'
  status, out = _command(run, tmp_path, tmp_path / '*.png', boxes)
  assert status == 2
  assert 'b.png' in capsys.readouterr().err
  (picture,) = poses_json.read(out / 'poses.json').pictures
  assert [p.box.xywh for p in picture.poses] == [(1, 2, 30, 40), (40, 9, 20, 30)]
  _command(run, tmp_path, tmp_path / 'a.png', boxes, '--people=1')
  (picture,) = poses_json.read(out / 'poses.json').pictures
  assert len(picture.poses) == 1


def test_part_of_a_video(run, tmp_path, capsys):
  """Catches frames that count from the part's start, or a drawing of black until then."""
  path = fake_video.write(tmp_path / 'walk.mp4', np.arange(30) / 25)
  flags = ['--box=30,10,40,50', '--from=0:0.4', '--to=0.8', '--every=3', '--smooth']
  status, out = _command(
    run, tmp_path, path, *flags, '--joints=coco17', '--formats=trc,bvh,csv'
  )
  assert status == 0
  assert 'walk.mp4: 4 frames' in (said := capsys.readouterr().out)
  assert 'not found: nose, left_eye' in said
  found = poses_json.read(out / 'poses.json')
  assert [p.frame for p in found.pictures] == [10, 13, 16, 19]
  np.testing.assert_allclose([p.time for p in found.pictures], [0.4, 0.52, 0.64, 0.76])
  (pose,) = found.pictures[2].poses
  assert np.isfinite(pose.joints_camera[5:]).all()
  assert np.isfinite(pose.angles).sum() > 6
  rows = (out / 'trc' / 'walk-person0.trc').read_text().split('\n')[6:-1]
  assert [row.split('\t')[0] for row in rows] == ['11', '14', '17', '20']
  motion = bvh.read(out / 'bvh' / 'walk-person0.bvh')
  assert len(motion.values) == 4
  assert motion.frame_time == pytest.approx(0.12)
  with video_file.opened(out / 'pictures' / 'walk.mp4') as video:
    assert [seconds for _, seconds, _ in video] == pytest.approx([0, 0.12, 0.24, 0.36])
  status, _ = _command(run, tmp_path, path, '--box=30,10,40,50', '--from=60')
  assert status == 2
  assert 'walk.mp4: no frame between --from and --to; it has 30' in (
    capsys.readouterr().err
  )


class _Tk(types.ModuleType):
  """Stands for tkinter on a machine with a display; closed by hand after two frames."""

  TclError = RuntimeError
  shown, closed = 0, False

  def Tk(self):  # noqa: N802
    return self

  def Label(self, root):  # noqa: N802
    return self

  def update(self):
    self.shown += 1
    if self.shown == 2:
      self.close()

  def protocol(self, name, close):
    self.close = close

  def destroy(self):
    self.closed = True

  title = pack = configure = lambda self, *_, **__: None


def test_shown(run, tmp_path, monkeypatch):
  """Catches a closed window that ends the work, or that is drawn to."""
  tk = _Tk('tkinter')
  monkeypatch.setitem(sys.modules, 'tkinter', tk)
  image_tk = types.ModuleType('PIL.ImageTk')
  image_tk.PhotoImage = lambda image, master: image
  monkeypatch.setitem(sys.modules, 'PIL.ImageTk', image_tk)
  monkeypatch.setattr('PIL.ImageTk', image_tk, raising=False)
  path = fake_video.write(tmp_path / 'walk.mp4', np.arange(4) / 25)
  flags = ['--box=30,10,40,50', '--show', '--no_pictures']
  status, out = _command(run, tmp_path, path, *flags)
  assert (status, tk.shown, tk.closed) == (0, 2, True)
  assert len(poses_json.read(out / 'poses.json').pictures) == 4


def test_no_display(run, tmp_path, monkeypatch, capsys):
  """Catches a traceback, or a window found impossible after an hour."""
  monkeypatch.delenv('DISPLAY', raising=False)
  path = fake_video.write(tmp_path / 'walk.mp4', np.arange(4) / 25)
  monkeypatch.setattr(network, 'load', lambda *_: pytest.fail('it was loaded'))
  status, out = _command(run, tmp_path, path, '--show')
  assert status == 2
  (line,) = capsys.readouterr().err.splitlines()
  assert line.startswith('wild3d: error: --show')
  monkeypatch.setitem(sys.modules, 'tkinter', None)
  status, out = _command(run, tmp_path, path, '--show')
  assert 'python3-tk' in capsys.readouterr().err
  assert not out.exists()


@pytest.mark.parametrize(
  ('flags', 'said'),
  [
    (['--from=x'], '--from=x: give seconds'),
    (['--from=1:-2'], '--from=1:-2: give seconds'),
    (['--from=1:00', '--to=59'], '--to=59: lies before --from=60'),
    (['--every=0'], '--every=0'),
    (['--box=1,2,3,4', '--boxes=x.json'], 'one of the two'),
    (['--people=0'], '--people=0'),
    (['--frames=0'], '--frames=0'),
    (['--formats=json,fbx'], 'fbx'),
    (['--boxes=none.json'], 'none.json'),
  ],
)
def test_wrong_flags(flags, said, run, tmp_path, capsys):
  """Catches a wrong flag found after an hour, or passed over."""
  path = fake_video.write(tmp_path / 'x.mp4', np.arange(3) / 25)
  status, out = _command(run, tmp_path, path, *flags)
  assert status == 2
  assert said in capsys.readouterr().err
  assert not (out / 'poses.json').exists()
