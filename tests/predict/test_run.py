"""`wild3d predict` with nothing said but a photograph, and what fails before the work."""

import importlib.util
import pathlib
import sys

import numpy as np
import pytest
from PIL import Image

from wild3d import __main__, network, weights
from wild3d.poses import poses_json
from wild3d.predict import detect


@pytest.fixture
def photo(tmp_path, monkeypatch):
  """A photograph in the folder where the user stands."""
  monkeypatch.chdir(tmp_path)
  noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
  Image.fromarray(noise).save('my photo.jpg')
  return 'my photo.jpg'


@pytest.fixture
def shipped(run, tmp_path_factory, monkeypatch):
  """A small untrained network in place of the one that comes with wild3d."""
  path = tmp_path_factory.mktemp('shipped') / 'net.npz'
  assert __main__.main(['export', f'--checkpoint={run}', f'--out={path}']) == 0
  monkeypatch.setattr(weights, 'SHIPPED', str(path))
  return network.load(run)


def test_a_photograph_is_all_that_is_needed(photo, shipped, tmp_path, capsys):
  """Catches a flag that must be given, a folder elsewhere, another network."""
  assert __main__.main(['predict', photo, '--detector=whole']) == 0
  folder = tmp_path / 'my photo-poses'
  assert str(folder.name) in capsys.readouterr().out
  assert (folder / 'pictures' / 'my photo.jpg').exists()
  header = poses_json.read(folder / 'poses.json').header
  assert header.fingerprint == shipped.fingerprint
  assert header.checkpoint == f'{network.SHIPPED}, step 0'
  assert __main__.main(['predict', photo, photo, '--detector=whole']) == 0


def test_several_inputs_have_one_folder(photo, shipped, tmp_path, capsys):
  """Catches a folder named after one of several inputs, and a line for each file."""
  Image.open(photo).save('other.png')
  assert __main__.main(['predict', photo, 'other.png', '--detector=whole']) == 0
  assert (tmp_path / 'poses' / 'poses.json').exists()
  assert 'written: poses/pictures (2 files)' in capsys.readouterr().out


def test_people_of_low_scores_are_left_out(photo, shipped, capsys):
  """Catches a flag without effect, an empty picture as a fault or without a word."""
  path = pathlib.Path('my photo-poses/poses.json')
  assert __main__.main(['predict', photo, '--detector=whole', '--min_score=0']) == 0
  assert '1 picture, 1 person\n' in capsys.readouterr().out
  ((pose,),) = (picture.poses for picture in poses_json.read(path).pictures)
  least = float(pose.scores.mean()) + 1e-3
  flags = ['--detector=whole', f'--min_score={least}']
  assert __main__.main(['predict', photo, *flags]) == 0
  said = capsys.readouterr().out
  assert f'{photo}: nobody found\n1 picture, 0 people\n' in said
  assert [picture.poses for picture in poses_json.read(path).pictures] == [()]


def test_an_input_is_not_drawn_over(shipped, tmp_path, monkeypatch, capsys):
  """Catches a photograph replaced by its drawing."""
  monkeypatch.chdir(tmp_path)
  pathlib.Path('pictures').mkdir()
  Image.new('RGB', (40, 30)).save('pictures/a.jpg')
  before = pathlib.Path('pictures/a.jpg').read_bytes()
  arguments = ['predict', 'pictures', '--out=.', '--detector=whole']
  assert __main__.main(arguments) == 2
  assert '--out=.' in capsys.readouterr().err
  assert __main__.main([*arguments, '--no_pictures']) == 0
  assert pathlib.Path('pictures/a.jpg').read_bytes() == before


def test_drawn_people_alone_are_told(photo, shipped, monkeypatch, capsys):
  """Catches a network of drawn people whose poses of photographs look trustworthy."""
  sets = ('mocap_people/x', 'synthetic_people/quickstart')
  monkeypatch.setattr(network.Network, 'trained_on', sets)
  assert __main__.main(['predict', photo, '--detector=whole']) == 0
  assert 'drawn people alone' in capsys.readouterr().out
  header = poses_json.read('my photo-poses/poses.json').header
  assert header.trained_on == 'mocap_people/x, synthetic_people/quickstart'
  monkeypatch.setattr(network.Network, 'trained_on', ('mpii/small', *sets))
  assert __main__.main(['predict', photo, '--detector=whole']) == 0
  assert 'drawn people alone' not in capsys.readouterr().out


def test_the_detector_is_the_best_that_is_here(monkeypatch, tmp_path):
  """Catches a download that nobody asked for, or a detector that is not there."""
  monkeypatch.setenv('TORCH_HOME', str(tmp_path))
  monkeypatch.setattr(importlib.util, 'find_spec', lambda name: name)
  assert detect.chosen('auto') == 'search'
  folder = tmp_path / 'hub' / 'checkpoints'
  folder.mkdir(parents=True)
  (folder / 'fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth').touch()
  assert detect.chosen('auto') == 'torchvision'
  monkeypatch.setattr(
    importlib.util, 'find_spec', lambda name: None if name == 'torchvision' else name
  )
  assert detect.chosen('auto') == 'search'
  assert detect.chosen('hog') == 'hog'


@pytest.mark.parametrize(
  ('arguments', 'said'),
  [
    (['--min_score=1.5'], '--min_score=1.5: give 0 to 1'),
    (['--min_score=nan'], '--min_score=nan: give 0 to 1'),
    (['--rerun=a.rrd'], '--rerun needs rerun-sdk: pip install rerun-sdk'),
    (['https://example.org/a.jpg'], 'an address is not read'),
    (['gs://bucket/a.jpg'], 'an address is not read'),
  ],
)
def test_what_cannot_be_is_said_at_once(
  photo, shipped, arguments, said, monkeypatch, tmp_path, capsys
):
  """Catches minutes of work before a flag turns out to be impossible."""
  monkeypatch.setitem(sys.modules, 'rerun', None)
  monkeypatch.setattr(network, 'load', lambda *_: pytest.fail('it was loaded'))
  assert __main__.main(['predict', photo, *arguments]) == 2
  assert said in capsys.readouterr().err
  assert [path.name for path in tmp_path.iterdir()] == [photo]
