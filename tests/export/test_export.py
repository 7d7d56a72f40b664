"""Exported networks, run by their own runtimes, against the network itself."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import __main__, settings
from wild3d import network as networks
from wild3d.configs import base
from wild3d.errors import UserError
from wild3d.export import formats, network, onnx_graph, run
from wild3d.models import initial
from wild3d.training import checkpoints

KINDS = {
  'released': {},
  'lift': {'head': 'lift', 'loss': 'cross_entropy', 'presence': True},
  'bfloat16': {'dtype': 'bfloat16'},
  'integral': {'head': 'integral'},
  'bones': {'head': 'bones'},
}


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
  """Name -> folder of a small untrained network."""
  made = {}
  for name, fields in KINDS.items():
    config = base.get_config()
    sizes = {'stacks': 1, 'residuals': 1, 'features': 8, 'stem': 8}
    config.model.update(sizes | {'depth_residuals': 1})
    config.model.depth_head = fields.get('head', 'regression')
    config.model.dtype = fields.get('dtype', 'float32')
    config.model.presence = fields.get('presence', False)
    config.target.loss = fields.get('loss', 'squared')
    config.input_size = 64
    config.pixels.update({'order': 'bgr', 'divisor': 256.0})
    variables = initial.variables(networks.make_model(config), jax.random.key(1), 64)
    # Fresh statistics would hide a batch norm that is left out.
    variables['batch_stats'] = jax.tree.map(
      lambda x: x + 0.3 + 0.1 * jnp.arange(x.size).reshape(x.shape) / x.size,
      variables['batch_stats'],
    )
    folder = tmp_path_factory.mktemp('runs') / name
    checkpoints.save_model(folder, variables, {'config': settings.as_json(config)})
    made[name] = str(folder)
  return made


def _apply(folder, images):
  """The module itself in float32, on BGR / 256: nothing that is exported is used."""
  net = networks.load(folder)
  seen = images[..., ::-1].astype(np.float32) / 256
  apply = jax.jit(net.model.clone(dtype=jnp.float32).apply)
  maps, depth, present = jax.device_get(apply(jax.device_get(net.variables), seen))
  if net.config.target.loss == 'cross_entropy':
    power = np.exp(maps - np.max(maps, axis=(2, 3), keepdims=True))
    maps = power / power.sum((2, 3), keepdims=True)
  outputs = (np.asarray(maps), np.asarray(depth))
  return outputs if present is None else (*outputs, 1 / (1 + np.exp(-present)))


@pytest.mark.parametrize(
  ('kind', 'out'),
  [
    ('released', 'net.onnx'),
    ('lift', 'net.onnx'),
    ('bfloat16', 'net.onnx'),
    ('integral', 'net.onnx'),
    ('bones', 'net.onnx'),
    ('released', 'net.stablehlo'),
    ('lift', 'net.stablehlo'),
    ('released', 'folder'),
    ('lift', 'folder'),
  ],
)
def test_outputs_are_the_networks(kind, out, runs, tmp_path, capsys):
  """Catches a layout, a lost batch norm, or a batch size that is fixed."""
  if out == 'net.onnx':
    pytest.importorskip('onnxruntime')
  if out == 'folder':
    pytest.importorskip('tensorflow')
  path = tmp_path / out
  flags = [f'--checkpoint={runs[kind]}', f'--out={path}']
  assert __main__.main(['export', *flags]) == 0
  said = capsys.readouterr().out
  about = json.loads((tmp_path / f'{out}.json').read_text())
  assert about['format'] in said
  assert about['largest_difference'] < run.TOLERANCE
  assert len(about['joints']) == 16
  assert sorted(p.name for p in tmp_path.iterdir()) == sorted([out, f'{out}.json'])
  images = network.probe(64, 5)
  run_it = run.FORMATS[about['format']][1]
  for got, want in zip(run_it(path, images), _apply(runs[kind], images), strict=True):
    np.testing.assert_allclose(got, want, atol=1e-4 * np.abs(want).max(), rtol=0)


def test_the_network_that_comes_along(tmp_path):
  """Catches a comparison that rounding fails where presence is all but zero."""
  said = run.export('', str(tmp_path / 'net.onnx'))
  assert 'outputs differ' in said


def test_mirror_image_too(runs, tmp_path):
  """Catches a flip test that is asked for and left out, in ONNX's own operations."""
  pytest.importorskip('onnxruntime')
  run.export(runs['lift'], str(tmp_path / 'a.onnx'), flip_test=True)
  run.export(runs['lift'], str(tmp_path / 'b.onnx'))
  images = network.probe(64, 2)
  both, one = (formats.run_onnx(tmp_path / f'{n}.onnx', images) for n in 'ab')
  assert np.abs(both[1] - one[1]).max() > 1e-3
  mirrored = formats.run_onnx(tmp_path / 'a.onnx', images[:, :, ::-1].copy())
  np.testing.assert_allclose(
    mirrored[0].max((2, 3)), both[0].max((2, 3))[..., [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10]],
    rtol=1e-4,
  )  # fmt: skip


@pytest.mark.parametrize(
  'function',
  [
    lambda x: jnp.einsum('bhwc,bhwd->bcd', x, 1 + x[..., ::-1]),
    lambda x: jnp.stack([x[:, 1], x[:, 0] * 2], axis=1)[:, :, 1:],
    lambda x: jnp.where(x > 0.5, x, -(x**3)).sum(axis=(1, 2)),
    lambda x: jax.nn.softmax(x[:, jnp.array([2, 0])], axis=-1),
    lambda x: jnp.concatenate([x, jnp.broadcast_to(jnp.ones(3), x.shape)], axis=2),
    lambda x: jax.lax.rsqrt(x + 1).max(axis=3).transpose(0, 2, 1)[:, None],
  ],
)
def test_operations_one_by_one(function):
  """Catches an operation translated to one that only looks like it."""
  onnxruntime = pytest.importorskip('onnxruntime')
  shape = jax.ShapeDtypeStruct((1, 4, 4, 3), jnp.float32)
  model = onnx_graph.translate(lambda x: (function(x),), shape, ('out',))
  session = onnxruntime.InferenceSession(model.SerializeToString())
  images = np.random.default_rng(0).uniform(0, 1, (3, 4, 4, 3)).astype(np.float32)
  (got,) = session.run(['out'], {'images': images})
  np.testing.assert_allclose(got, function(jnp.asarray(images)), rtol=1e-5, atol=1e-6)


def test_an_operation_that_is_not_known():
  """Catches a graph that lacks what could not be translated."""
  pytest.importorskip('onnx')
  shape = jax.ShapeDtypeStruct((1, 4, 4, 3), jnp.float32)
  with pytest.raises(UserError, match='uses sort'):
    onnx_graph.translate(lambda x: (jnp.sort(x),), shape, ('out',))


def test_other_numbers_are_not_written(runs, tmp_path, monkeypatch):
  """Catches a comparison that passes whatever comes."""

  def wrong(path, images):
    maps, depth = formats.run_stablehlo(path, images)
    return maps, depth + 1e-3 * np.abs(depth).max()

  pair = (formats.write_stablehlo, wrong)
  monkeypatch.setitem(run.FORMATS, 'stablehlo', pair)
  with pytest.raises(UserError, match=r'differ by 1\.0e-03'):
    run.export(runs['released'], str(tmp_path / 'x.stablehlo'))
  assert not list(tmp_path.iterdir())


def test_mistakes(runs, tmp_path, capsys):
  """Catches a traceback, or a file overwritten."""
  (tmp_path / 'there.onnx').write_text('mine')
  (tmp_path / 'file').write_text('')
  for out, said in (
    ('there.onnx', 'exists'),
    ('x.pt', 'name it .stablehlo'),
    ('file/x.onnx', 'cannot be written'),
  ):
    flags = [f'--checkpoint={runs["released"]}', f'--out={tmp_path / out}']
    assert __main__.main(['export', *flags]) == 2
    assert said in capsys.readouterr().err
  assert (tmp_path / 'there.onnx').read_text() == 'mine'
  flags = [f'--checkpoint={tmp_path}', f'--out={tmp_path / "x.onnx"}']
  assert __main__.main(['export', *flags]) == 2
