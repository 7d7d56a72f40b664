"""A network on named sets, scored: the command and what it checks first."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import __main__ as command_line
from wild3d import evaluate, network, skeleton
from wild3d.configs import base
from wild3d.errors import UserError
from wild3d.models import initial
from wild3d.models.pose3d import Pose3D
from wild3d.protocols import read_truth
from wild3d.training import mesh, sources

SPLIT = 'wild_test'
MODEL = {'stacks': 1, 'residuals': 1, 'features': 8, 'depth_residuals': 1, 'stem': 8}


def test_flip_test_treats_both_sides_alike():
  """Catches mirrored maps not mirrored back, or sides not exchanged."""
  model = Pose3D(**MODEL)
  variables = initial.variables(model, jax.random.key(0), 64)
  images = jax.random.randint(jax.random.key(1), (2, 64, 64, 3), 0, 255, jnp.uint8)
  see = functools.partial(
    network.forward, variables, model=model, probabilities=False, flip_test=True
  )
  (maps, depth, _), (mirrored_maps, mirrored, _) = (
    see(images),
    see(images[:, :, ::-1]),
  )
  other = skeleton.FLIP_INDEX
  np.testing.assert_allclose(depth, mirrored[:, other], atol=1e-5)
  mirrored_maps = mirrored_maps[:, :, :, ::-1][..., other]
  np.testing.assert_allclose(maps, mirrored_maps, atol=1e-5)


def configuration(people_dir):
  config = base.get_config()
  config.model.update(MODEL)
  config.input_size = 64
  config.data_dir = str(people_dir)
  config.datasets.people = base.dataset('synthetic_people/tiny')
  config.evaluation.main = 'wild'
  config.evaluation.sets.wild = base.evaluation_set('people', SPLIT)
  config.evaluation.batch_size = 8
  return config


def test_a_checkpoint_is_scored_by_protocols(people_dir, tmp_path, monkeypatch, capsys):
  """Catches predictions of other samples, or in another order, than the truth."""
  config = configuration(people_dir)
  variables = initial.variables(network.make_model(config), jax.random.key(0), 64)
  net = network.make(config, variables, mesh.make(jax.devices()[:1]), step=7)
  monkeypatch.setattr(network, 'load', lambda *_: net)
  out = tmp_path / 'scores.json'
  evaluate.main('run', 'best', 'pck_torso,mpii_pckh', '', str(out), None, [])
  assert '24 samples of synthetic_people/tiny:wild_test' in capsys.readouterr().out
  written = json.loads(out.read_text())
  assert list(written['protocols']) == ['pck_torso', 'mpii_pckh']
  truth = read_truth.read('synthetic_people/tiny:wild_test', str(people_dir))
  found = evaluate.Evaluator(config, net.mesh).predict(net, 'wild')
  assert found.truth.ids.tolist() == truth.ids.tolist()
  torso = np.linalg.norm(truth.joints2d[:, 13] - truth.joints2d[:, 2], axis=-1)
  ours = found.predictions
  error = np.linalg.norm(ours.joints2d - truth.joints2d, axis=-1)
  counted = np.isfinite(error) & np.isfinite(torso)[:, None]
  counted[:, [6, 7]] = False
  hits = (error <= 0.2 * torso[:, None])[counted]
  measure = written['protocols']['pck_torso']['measures'][0]
  assert measure['count'] == hits.size
  assert measure['value'] == pytest.approx(100 * hits.mean())
  with pytest.raises(UserError, match="has no 'lab'"):
    evaluate.main('run', 'best', 'pck_torso', 'lab', None, None, [])
  with pytest.raises(UserError, match='unknown protocol'):
    evaluate.main('run', 'best', 'pck', '', None, None, [])


def test_what_is_seen_along_the_crops_axis_is_scored_in_the_cameras(people_dir):
  """Catches joints of sight axes that are compared with those of camera axes."""
  config = configuration(people_dir)
  config.perspective_correction = True
  evaluator = evaluate.Evaluator(config, mesh.make(jax.devices()[:1]))
  seen = [
    batch['joints3d'] for batch in sources.for_evaluation(config, 'people', SPLIT, 0)
  ]

  def predict(images):
    return {'joints_crop': np.zeros((len(images), 16, 3)), 'joints_mm': seen.pop(0)}

  variables = initial.variables(network.make_model(config), jax.random.key(0), 64)
  knows = network.make(config, variables, mesh.make(jax.devices()[:1]))
  knows.predict = predict
  found = evaluator.predict(knows, 'wild')
  truth = found.truth.joints3d - found.truth.joints3d[:, skeleton.ROOT :][:, :1]
  np.testing.assert_allclose(found.joints_mm, truth, atol=0.02)
  assert np.median(found.sight[:, 2]) < 0.999  # there is something to turn


@pytest.mark.parametrize('flag', ['--out', '--report'])
@pytest.mark.parametrize('protocol', [[], ['--protocol=geometry']])
def test_outputs_are_checked_before_the_network_runs(
  protocol, flag, tmp_path, monkeypatch, capsys
):
  """Catches scores of an hour that cannot be written at its end."""
  monkeypatch.setattr(network, 'load', lambda *_: pytest.fail('it was restored'))
  for path, said in (
    (tmp_path, 'is a folder'),
    (tmp_path / 'absent' / 'x', 'its folder does not exist'),
    (tmp_path / ('x' * 300), 'cannot be written: File name too long'),
    ('/dev/null', 'is no regular file'),
  ):
    arguments = ['evaluate', '--workdir=run', *protocol, f'{flag}={path}']
    assert command_line.main(arguments) == 2
    assert f'{flag}={path}: {said}' in capsys.readouterr().err
  same = [f'--out={tmp_path}/x', f'--report={tmp_path}/./x']
  assert command_line.main(['evaluate', '--workdir=run', *protocol, *same]) == 2
  assert 'is --out too' in capsys.readouterr().err
  assert list(tmp_path.iterdir()) == []
