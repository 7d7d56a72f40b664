"""A network's own predictions scored by protocols."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import __main__ as command_line
from wild3d import evaluate, evaluate_protocols, network, skeleton
from wild3d.configs import base
from wild3d.errors import UserError
from wild3d.models import initial
from wild3d.models.pose3d import Pose3D
from wild3d.protocols import of_model, read_truth
from wild3d.training import mesh, step

MODEL = {'stacks': 1, 'residuals': 1, 'features': 8, 'depth_residuals': 1, 'stem': 8}


def test_predictions_in_pixels_and_millimetres():
  """Catches x and y swapped, an affine left out, a skeleton of another size."""
  rng = np.random.default_rng(0)
  joints2d = rng.uniform(-1, 1, (3, 16, 2)).astype(np.float32)
  depth = rng.uniform(-1, 1, (3, 16)).astype(np.float32)
  affine = np.array([[100.0, 0, 320], [0, 100, 240]], np.float32)[None].repeat(3, 0)
  found = of_model.to_units(joints2d, depth, affine, 4000.0)
  np.testing.assert_allclose(found.joints2d, joints2d * 100 + (320, 240), rtol=1e-5)
  bones = np.array(skeleton.BONES)
  ends = found.joints3d[:, bones]
  lengths = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1)
  np.testing.assert_allclose(lengths.sum(1), 4000, rtol=1e-5)
  np.testing.assert_allclose(found.joints3d[:, skeleton.ROOT], 0, atol=1e-3)
  raw = np.concatenate([joints2d, depth[..., None]], -1)
  raw = raw - raw[:, skeleton.ROOT, None]
  scale = found.joints3d[:, 9] / raw[:, 9]
  np.testing.assert_allclose(scale, scale[:, :1].repeat(3, 1), rtol=1e-4)


def test_flip_test_treats_both_sides_alike():
  """Catches mirrored maps not mirrored back, or sides not exchanged."""
  model = Pose3D(**MODEL)
  variables = initial.variables(model, jax.random.key(0), 64)
  images = jax.random.randint(jax.random.key(1), (2, 64, 64, 3), 0, 255, jnp.uint8)
  see = lambda x: step.predict(variables, x, model=model, flip_test=True)  # noqa: E731
  plain, mirrored = see(images), see(images[:, :, ::-1])
  other = skeleton.FLIP_INDEX
  np.testing.assert_allclose(plain['depth'], mirrored['depth'][:, other], atol=1e-5)
  maps = mirrored['heatmaps'][:, :, :, ::-1][..., other]
  np.testing.assert_allclose(plain['heatmaps'], maps, atol=1e-5)


def configuration(people_dir):
  config = base.get_config()
  config.model.update(MODEL)
  config.input_size = 64
  config.data_dir = str(people_dir)
  config.datasets.people = base.dataset('synthetic_people/tiny')
  config.evaluation.main = 'wild'
  config.evaluation.sets.wild = base.evaluation_set('people', 'wild_test')
  config.evaluation.batch_size = 8
  return config


def test_a_checkpoint_is_scored_by_protocols(people_dir, tmp_path, monkeypatch, capsys):
  """Catches predictions of other samples, or in another order, than the truth."""
  config = configuration(people_dir)
  model = network.make_model(config)
  variables = initial.variables(model, jax.random.key(0), 64)
  restored = (config, 7, model, variables, mesh.make(jax.devices()[:1]))
  monkeypatch.setattr(network, 'restore', lambda *_: restored)
  out = tmp_path / 'scores.json'
  evaluate_protocols.main(
    'run', 'best', ['pck_torso', 'mpii_pckh'], '', str(out), None, []
  )
  assert '24 samples of synthetic_people/tiny:wild_test' in capsys.readouterr().out
  written = json.loads(out.read_text())
  assert list(written['protocols']) == ['pck_torso', 'mpii_pckh']
  truth = read_truth.read('synthetic_people/tiny:wild_test', str(people_dir))
  single = jax.devices()[:1]
  found = evaluate.Evaluator(config, model, mesh.make(single)).predictions(
    variables, 'wild'
  )
  assert [id.decode() for id in found['id']] == truth.ids.tolist()
  torso = np.linalg.norm(truth.joints2d[:, 13] - truth.joints2d[:, 2], axis=-1)
  ours = of_model.to_units(
    found['joints2d'], found['depth'], found['to_original'], 4000.0
  )
  error = np.linalg.norm(ours.joints2d - truth.joints2d, axis=-1)
  counted = np.isfinite(error) & np.isfinite(torso)[:, None]
  counted[:, [6, 7]] = False
  hits = (error <= 0.2 * torso[:, None])[counted]
  measure = written['protocols']['pck_torso']['measures'][0]
  assert measure['count'] == hits.size
  assert measure['value'] == pytest.approx(100 * hits.mean())
  with pytest.raises(UserError, match="has no 'lab'"):
    evaluate_protocols.main('run', 'best', ['pck_torso'], 'lab', None, None, [])
  with pytest.raises(UserError, match='unknown protocol'):
    evaluate_protocols.main('run', 'best', ['pck'], '', None, None, [])


@pytest.mark.parametrize('flag', ['--out', '--report'])
@pytest.mark.parametrize('protocol', [[], ['--protocol=geometry']])
def test_outputs_are_checked_before_the_network_runs(
  protocol, flag, tmp_path, monkeypatch, capsys
):
  """Catches scores of an hour that cannot be written at its end."""
  monkeypatch.setattr(network, 'restore', lambda *_: pytest.fail('it was restored'))
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
