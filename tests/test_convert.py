"""The authors' network: a PyTorch twin must give the same numbers as ours."""

import copy
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wild3d import __main__, checkpoints, optimizer, restore, step
from wild3d import config as configs
from wild3d.convert import from_torch, to_torch
from wild3d.errors import UserError
from wild3d.state import TrainState

torch = pytest.importorskip('torch')
import torch_twin  # noqa: E402

SMALL = {
  'stacks': 2,
  'modules': 1,
  'features': 32,
  'depth_modules': 1,
  'size': 128,
  'stem': 8,
}


def _images(size, count=2, seed=0):
  """Smooth and detailed at once, as pictures are: float [B, H, W, 3] in [0, 1)."""
  rng = np.random.default_rng(seed)
  total = np.zeros((count, size, size, 3))
  for cells in (2, 8, 32, size):
    coarse = rng.uniform(0, 1, (count, cells, cells, 3))
    total += np.kron(coarse, np.ones((1, size // cells, size // cells, 1)))
  return (total / 4).astype(np.float32)


def _save(path, twin, **options):
  torch.save(twin.state_dict(), path, **options)
  return str(path)


def _theirs(twin, images):
  with torch.no_grad():
    maps, depth = twin(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
  return maps.permute(0, 1, 3, 4, 2).numpy(), depth.numpy()


@pytest.mark.parametrize(
  'sizes',
  [
    SMALL,
    SMALL | {'stacks': 1, 'modules': 2, 'depth_modules': 2, 'size': 64},
    SMALL | {'stacks': 3, 'features': 16},  # r5 has no skip
  ],
)
def test_every_output_is_the_twins(sizes, tmp_path):
  """Catches a layout, an epsilon, a padding or an order of blocks that differs."""
  twin = torch_twin.randomised(**sizes)
  out = tmp_path / 'run'
  from_torch.convert(_save(tmp_path / 'net.pth', twin), str(out))
  config, at, model, variables, _ = restore.restore(str(out), 'best', [])
  assert (at, config.input_size, config.model.stacks) == (
    0,
    sizes['size'],
    sizes['stacks'],
  )
  assert dict(config.pixels) == {'order': 'bgr', 'divisor': 256.0}
  images = _images(sizes['size'])
  for got, want in zip(
    jax.jit(model.apply)(variables, images), _theirs(twin, images), strict=True
  ):
    np.testing.assert_allclose(got, want, atol=1e-4 * np.abs(want).max())


def test_what_the_network_is_given():
  """Catches RGB fed to a network that wants BGR / 256."""
  image = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
  got = step.to_float(image, step.Pixels('bgr', 256.0))
  np.testing.assert_array_equal(got, image[..., ::-1] / np.float32(256))


def test_one_training_step(tmp_path):
  """Catches another loss, gradient or RMSprop: parameters would part ways.

  Ours must be as near to the float64 gradient as PyTorch's own float32 is.
  Biases before a batch norm have no gradient but rounding noise, which RMSprop blows
  up to full steps; ours have exactly none. They are left out.
  """
  twin = torch_twin.randomised(**SMALL)
  out = tmp_path / 'run'
  from_torch.convert(_save(tmp_path / 'net.pth', twin), str(out))
  config, _, model, variables, _ = restore.restore(str(out), 'best', [])
  images, rng = _images(128, 3), np.random.default_rng(1)
  maps = rng.uniform(0, 1, (3, 32, 32, 16)).astype(np.float32)
  depth = rng.normal(0, 1, (3, 16)).astype(np.float32)

  def loss_fn(params):
    (m, z), new = model.apply(
      {'params': params, 'batch_stats': variables['batch_stats']},
      jnp.asarray(images),
      train=True,
      mutable=['batch_stats'],
    )
    squares = jnp.square(m - maps[:, None]).mean((0, 2, 3, 4)).sum()
    return squares + 0.1 * jnp.square(z - depth).mean(), new['batch_stats']

  rule = optimizer.make(**config.optimizer)
  params = variables['params']
  (ours, stats), gradient = jax.jit(jax.value_and_grad(loss_fn, has_aux=True))(params)
  change, _ = rule.update(gradient, rule.init(params), params)
  after = jax.tree.map(lambda p, u: p - 2.5e-4 * u, params, change)
  state = TrainState(jnp.int32(1), after, stats, ())

  exact, _ = _torch_step(copy.deepcopy(twin).double(), images, maps, depth)
  theirs, after_theirs = _torch_step(twin, images, maps, depth)
  assert float(ours) == pytest.approx(exact.pop('loss'), rel=1e-5)
  theirs.pop('loss')

  got = to_torch.state_dict(state.variables, config)
  grads = to_torch.state_dict(
    {'params': gradient, 'batch_stats': variables['batch_stats']}, config
  )
  compared, ratios = 0, []
  for name, true in exact.items():
    if name.endswith('bias') and np.abs(grads[name]).max() == 0:
      continue
    errors = [np.abs(g[name] - true) for g in (grads, theirs)]
    ratios.append(np.linalg.norm(errors[0]) / np.linalg.norm(errors[1]))
    # A first step of RMSprop is 10 lr times the sign: where the gradient is not noise.
    sure = np.abs(true) > 10 * np.maximum(*errors)
    np.testing.assert_allclose(
      got[name][sure], after_theirs[name][sure], atol=0.01 * 2.5e-3, err_msg=name
    )
    compared += int(sure.sum())
  assert np.median(ratios) < 2
  assert max(ratios) < 20
  assert compared > 0.5 * sum(g.size for g in exact.values())
  for name, value in after_theirs.items():
    if name.endswith('running_mean'):
      np.testing.assert_allclose(got[name], value, atol=1e-4, err_msg=name)


def _torch_step(twin, images, maps, depth):
  """({name: gradient, 'loss': value}, state dict after one step of RMSprop)."""
  twin.train()
  kind = next(twin.parameters()).dtype
  of = lambda array: torch.from_numpy(array.copy()).to(kind)  # noqa: E731
  rule = torch.optim.RMSprop(twin.parameters(), 2.5e-4, alpha=0.99, eps=1e-8)
  got_maps, got_depth = twin(of(images.transpose(0, 3, 1, 2)))
  squares = (got_maps - of(maps.transpose(0, 3, 1, 2))[:, None]) ** 2
  loss = squares.mean((0, 2, 3, 4)).sum() + 0.1 * ((got_depth - of(depth)) ** 2).mean()
  loss.backward()
  found = {name: p.grad.numpy() for name, p in twin.named_parameters()}
  rule.step()
  after = {name: tensor.numpy() for name, tensor in twin.state_dict().items()}
  return found | {'loss': loss.item()}, after


def test_there_and_back_bit_for_bit(tmp_path):
  """Catches a transposition that is not the inverse of the other direction's."""
  twin = torch_twin.randomised(**SMALL)
  source = _save(tmp_path / 'net.pth', twin)
  assert __main__.main(['convert', source, str(tmp_path / 'run')]) == 0
  back = tmp_path / 'back.pth'
  run = str(tmp_path / 'run')
  assert __main__.main(['convert', '--to=torch', run, str(back)]) == 0
  again = torch.load(back, weights_only=True)
  original = twin.state_dict()
  named = {n for n in original if not n.endswith('num_batches_tracked')}
  assert set(again) == named
  for name in named:
    assert torch.equal(again[name], original[name]), name
  fresh = torch_twin.Twin(**SMALL)
  assert not fresh.load_state_dict(again, strict=False).unexpected_keys


def test_network_without_depth(tmp_path, capsys):
  """Catches a 2D-only file refused, or its missing head passed over in silence."""
  twin = torch_twin.randomised(**SMALL)
  lacking = {
    n: t
    for n, t in twin.state_dict().items()
    if not n.startswith(('reg', 'll_.1', 'tmpOut_.1'))
  }
  torch.save({'state_dict': lacking, 'epoch': 3}, tmp_path / 'flat.pth')
  run = str(tmp_path / 'run')
  assert __main__.main(['convert', str(tmp_path / 'flat.pth'), run]) == 0
  assert 'untrained' in capsys.readouterr().out
  config, _, model, variables, _ = restore.restore(run, 'best', [])
  assert config.input_size == 256
  images = _images(128)
  with config.unlocked():
    config.input_size = 128
  maps, _ = model.apply(
    {
      'params': variables['params'] | {'depth': _fresh_depth(config)},
      'batch_stats': variables['batch_stats'],
    },
    jnp.asarray(images),
  )
  want, _ = _theirs(twin, images)
  np.testing.assert_allclose(maps, want, atol=1e-4 * np.abs(want).max())


def _fresh_depth(config):
  from wild3d.models import initial

  model = restore.make_model(config)
  return initial.variables(model, jax.random.key(0), config.input_size)['params'][
    'depth'
  ]


def _wrong(kind, tensors):
  if kind == 'missing':
    return {n: t for n, t in tensors.items() if not n.startswith('r4.')}
  if kind == 'extra':
    return tensors | {'fc.weight': torch.zeros(3)}
  if kind == 'shape':
    return tensors | {'lin_.1.0.weight': torch.zeros(32, 16, 1, 1)}
  if kind == 'nan':
    return tensors | {'r1.bn.weight': tensors['r1.bn.weight'] * float('nan')}
  if kind == 'integers':
    return tensors | {'r1.bn.weight': torch.ones(8, dtype=torch.int64)}
  if kind == 'joints':
    return tensors | {'tmpOut.0.weight': torch.zeros(17, 32, 1, 1)}
  return {'weight': torch.zeros(3)}


@pytest.mark.parametrize(
  ('kind', 'said'),
  [
    ('missing', r'missing: r4\.bn\.\* \(4\)'),
    ('extra', r'unknown: fc\.\* \(1\)'),
    ('shape', r'lin_\.1\.0\.weight has shape \(32, 16, 1, 1\)'),
    ('nan', r'r1\.bn\.weight holds values that are NaN'),
    ('integers', r'r1\.bn\.weight holds int64'),
    ('joints', '17 heatmaps'),
    ('other', 'not the stacked hourglass'),
  ],
)
def test_another_network(kind, said, tmp_path):
  """Catches a half-converted network, or an OUT left behind."""
  twin = torch_twin.randomised(**SMALL)
  torch.save(_wrong(kind, dict(twin.state_dict())), tmp_path / 'net.pth')
  with pytest.raises(UserError, match=said):
    from_torch.convert(str(tmp_path / 'net.pth'), str(tmp_path / 'run'))
  assert [p.name for p in tmp_path.iterdir()] == ['net.pth']


def test_out_that_exists(tmp_path):
  """Catches a run or a file overwritten."""
  source = _save(tmp_path / 'net.pth', torch_twin.randomised(**SMALL))
  run = tmp_path / 'run'
  run.mkdir()
  with pytest.raises(UserError, match='exists'):
    from_torch.convert(source, str(run))
  with pytest.raises(UserError, match='exists'):
    to_torch.convert(str(run), source)


def test_lift_head_has_no_twin(tmp_path):
  """Catches a file without depth written as if it had one."""
  config = from_torch.config_of({'stacks': 1, 'input_size': 64})
  config.model.depth_head = 'lift'
  with pytest.raises(UserError, match='depth_head'):
    to_torch.state_dict({}, config)


def test_saved_run_is_whole(tmp_path):
  """Catches a converted folder that evaluate or init_from cannot open."""
  source = _save(tmp_path / 'net.pth', torch_twin.randomised(**SMALL))
  from_torch.convert(source, str(tmp_path / 'run'))
  saved = checkpoints.open_existing(tmp_path / 'run')
  config = saved.run(0)['config']
  assert json.loads(json.dumps(config)) == config
  assert configs.from_json(config).target.depth_root == 'spine'
  assert pathlib.Path(tmp_path / 'run' / 'checkpoints' / '0').is_dir()
