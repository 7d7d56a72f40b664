"""Networks as one file, and the one that comes with wild3d."""

import hashlib
import json
import pathlib
import re

import jax
import numpy as np
import pytest

from wild3d import __main__, evaluate, files, network, settings, weights
from wild3d.configs import base
from wild3d.errors import UserError
from wild3d.models import initial
from wild3d.training import checkpoints


@pytest.fixture(scope='module')
def made(tmp_path_factory):
  """(run folder, file of weights exported from it) of a small untrained network."""
  folder = tmp_path_factory.mktemp('weights')
  config = base.get_config()
  config.model.update({'stacks': 1, 'residuals': 1, 'features': 8, 'stem': 8})
  config.model.update({'depth_head': 'lift'})
  config.input_size = 64
  config.data_dir = '/home/someone/tfds'
  config.init_from = '/home/someone/runs/before'
  config.datasets.mine = base.dataset('mpii/small', '/home/someone/photos')
  variables = initial.variables(network.make_model(config), jax.random.key(1), 64)
  run = {'config': settings.as_json(config)}
  checkpoints.save_model(folder / 'run', variables, run)
  path = folder / 'net.npz'
  arguments = ['export', f'--checkpoint={folder / "run"}', f'--out={path}']
  assert __main__.main(arguments) == 0
  return folder / 'run', path


def test_a_file_is_the_run_it_was_made_of(made):
  """Catches a leaf that is lost, rounded or misnamed; a field of the configuration."""
  of_run, of_file = (network.load(source) for source in made)
  assert of_run.fingerprint == of_file.fingerprint
  assert of_file.step == 0
  assert of_file.model == of_run.model
  images = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
  for one, other in zip(of_run.outputs(images), of_file.outputs(images), strict=True):
    np.testing.assert_array_equal(one, other)


def test_a_file_names_no_folder_of_its_maker(made):
  """Catches a home folder in a file that is given to others."""
  text = json.dumps(weights.File(made[1]).run(0))
  assert 'someone' not in text


@pytest.mark.parametrize('step', ['7', 'first'])
def test_a_file_has_one_step(made, step):
  """Catches another step than the one asked for."""
  with pytest.raises(UserError, match='holds step 0 alone'):
    network.load(made[1], step)


def test_a_damaged_file_gets_one_line(made, tmp_path):
  """Catches a traceback of NumPy or zipfile, and arrays of another network."""
  whole = made[1].read_bytes()
  path = tmp_path / 'net.npz'
  rng = np.random.default_rng(0)
  broken = [b'', b'PK', whole[:1000], whole[: len(whole) - 30]]
  for _ in range(40):
    changed = bytearray(whole)
    changed[rng.integers(len(whole))] ^= 1 << rng.integers(8)
    broken.append(bytes(changed))
  said = []
  for content in broken:
    path.write_bytes(content)
    try:
      network.load(path)
    except UserError as error:
      said.append(str(error))
  assert len(said) > 4
  assert all(str(path) in text and '\n' not in text for text in said)
  variables, run = {'params': {'a': np.zeros(3)}}, weights.File(made[1]).run(0)
  weights.write(path, variables, run)
  with pytest.raises(UserError, match='are not those of the network'):
    network.load(path)
  np.savez(path, run=np.array(json.dumps(run)), x=np.array([{}], object))
  with pytest.raises(UserError, match='no weights of wild3d'):
    network.load(path)
  with pytest.raises(UserError, match='no such file'):
    network.load(tmp_path / 'absent.npz')


CARD = pathlib.Path(__file__).parents[1] / 'docs' / 'model-card.md'


def _figure(name):
  """The number that stands in the card's row of this name."""
  row = re.search(
    rf'^\| {re.escape(name)} \| `?([0-9a-f.]+)`? \|', CARD.read_text(), re.M
  )
  return row.group(1)


def test_the_shipped_file_is_the_one_of_its_card():
  """Catches weights changed without their card, too large, or with a maker's folders."""
  content = pathlib.Path(weights.SHIPPED).read_bytes()
  assert hashlib.sha256(content).hexdigest() == _figure('sha256')
  assert len(content) <= 10e6
  net = network.load()
  assert net.fingerprint == _figure('fingerprint')
  assert (net.config.data_dir, net.config.init_from) == (files.DATA_DIR, '')
  assert not any(dataset.manual_dir for dataset in net.config.datasets.values())


def test_the_shipped_network_scores_what_its_card_says(people_dir):
  """Catches a change of decoding, pixels or model that spoils the network."""
  net = network.load()
  config = settings.complete(settings.as_json(net.config))
  with config.unlocked():
    config.data_dir = str(people_dir)
    config.datasets.tiny = base.dataset('synthetic_people/tiny')
    sets = {'tiny': base.evaluation_set('tiny', 'wild_test')}
    config.evaluation.update({'sets': sets, 'main': 'tiny', 'baselines': False})
    config.evaluation.batch_size = 8
  scores = evaluate.Evaluator(config, net.mesh, 'tiny').scores(net)['tiny']['network']
  assert scores['pck_torso_0.2'] == pytest.approx(
    float(_figure('PCK@0.2 of 24 drawn people')), abs=0.02
  )
  assert scores['mpjpe'] == pytest.approx(
    float(_figure('MPJPE of 24 drawn people')), rel=0.03
  )
