"""The authors' network: a PyTorch twin must give the same numbers as ours."""

import copy
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from wild3d import __main__, losses, network, settings, skeleton
from wild3d.convert import from_torch, to_torch
from wild3d.errors import UserError
from wild3d.models import initial
from wild3d.training import checkpoints, optimizer, step
from wild3d.training.state import TrainState

torch = pytest.importorskip('torch')
from references import torch_twin  # noqa: E402

SMALL = {
  'stacks': 1,
  'modules': 1,
  'features': 32,
  'depth_modules': 1,
  'size': 128,
  'stem': 8,
}


def _images(size, count=2, seed=0):
  """Smooth and detailed at once, as pictures are: uint8 RGB [B, H, W, 3]."""
  rng = np.random.default_rng(seed)
  total = np.zeros((count, size, size, 3))
  for cells in (2, 8, 32, size):
    coarse = rng.uniform(0, 64, (count, cells, cells, 3))
    total += np.kron(coarse, np.ones((1, size // cells, size // cells, 1)))
  return total.astype(np.uint8)


def _save(path, twin, **options):
  torch.save(twin.state_dict(), path, **options)
  return str(path)


def _theirs(twin, images):
  """Outputs for uint8 RGB, given as the authors give them: BGR / 256."""
  seen = images[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 256
  with torch.no_grad():
    maps, depth = twin(torch.from_numpy(seen))
  return maps.permute(0, 1, 3, 4, 2).numpy(), depth.numpy()


def _restored(run):
  """(config, model, variables on the host, so that one device computes)."""
  net = network.load(str(run))
  assert net.step == 0
  return net.config, net.model, jax.device_get(net.variables)


def _assert_outputs(run, twin, images):
  """Ours, from uint8 RGB on and as the run's configuration says, are the twin's."""
  config, model, variables = _restored(run)
  forward = functools.partial(
    network.forward,
    model=model,
    probabilities=False,
    pixels=network.make_pixels(config),
  )
  wanted = _theirs(twin, images)
  outputs = jax.jit(forward)(variables, images)[:2]
  for got, want in zip(outputs, wanted, strict=True):
    np.testing.assert_allclose(got, want, atol=1e-4 * np.abs(want).max(), rtol=0)


@pytest.mark.parametrize(
  'sizes',
  [
    SMALL | {'stacks': 2},
    SMALL | {'modules': 2, 'depth_modules': 2, 'size': 64},
    SMALL | {'stacks': 3, 'features': 16, 'size': 64},  # r5 has no skip
    SMALL | {'features': 256, 'stem': 64, 'size': 64},
  ],
)
def test_every_output_is_the_twins(sizes, tmp_path):
  """Catches a layout, an epsilon, a padding, an order of blocks or of channels."""
  twin = torch_twin.randomised(**sizes)
  from_torch.convert(_save(tmp_path / 'net.pth', twin), str(tmp_path / 'run'))
  _assert_outputs(tmp_path / 'run', twin, _images(sizes['size']))


def test_what_is_recorded(tmp_path):
  """Catches a converted run that is trained on or scored otherwise than theirs."""
  source = _save(tmp_path / 'net.pth', torch_twin.randomised(**SMALL))
  from_torch.convert(source, str(tmp_path / 'run'))
  saved = checkpoints.open_existing(tmp_path / 'run').run(0)['config']
  assert json.loads(json.dumps(saved)) == saved
  config = settings.from_json(saved)
  model = {'stacks': 1, 'residuals': 1, 'features': 32, 'depth_residuals': 1, 'stem': 8}
  assert model.items() <= dict(config.model).items()
  assert config.input_size == 128
  assert dict(config.pixels) == {'order': 'bgr', 'divisor': 256.0}
  target = {
    'sigma': 1.75,
    'truncate': 3,
    'subpixel': False,
    'loss': 'squared',
    'mask_unlabelled': False,
    'geometric_form': 'released',
    'depth_root': 'spine',
  }
  assert dict(config.target) == target
  rule = {'name': 'rmsprop', 'decay': 0.99, 'momentum': 0.0, 'eps': 1e-8}
  assert rule.items() <= dict(config.optimizer).items()
  assert (config.evaluation.refine, config.evaluation.skeleton_mm) == (
    'quarter',
    4296.99233013,
  )


def test_data_of_a_configuration(tmp_path):
  """Catches a converted run with nothing to score, or with another network's fields."""
  other = tmp_path / 'mine.py'
  other.write_text(
    'from wild3d.configs import zhou2017\n'
    'def get_config():\n'
    '  c = zhou2017.get_config()\n'
    "  c.model.update({'depth_head': 'lift', 'dtype': 'bfloat16', 'stacks': 5})\n"
    "  c.target.update({'loss': 'cross_entropy', 'subpixel': True})\n"
    "  c.evaluation.refine = 'parabola'\n"
    '  return c\n'
  )
  source = _save(tmp_path / 'net.pth', torch_twin.randomised(**SMALL))
  place = '--config.datasets.mpii.manual_dir=/data/mpii'
  taken, plain = str(tmp_path / 'taken'), str(tmp_path / 'plain')
  assert __main__.main(['convert', f'--config={other}', place, source, taken]) == 0
  assert __main__.main(['convert', source, plain]) == 0
  (config, _, variables), (alone, _, _) = _restored(taken), _restored(plain)
  assert config.evaluation.main == 'human36m'
  assert config.datasets.mpii.manual_dir == '/data/mpii'
  for part in ('model', 'target', 'pixels'):
    assert dict(config[part]) == dict(alone[part]), part
  assert config.evaluation.refine == 'quarter'
  assert 'depth' in variables['params']
  back = ['convert', '--to=torch', place, taken, str(tmp_path / 'back.pth')]
  assert __main__.main(back) == 2


def test_one_training_step(tmp_path):
  """Catches another loss, target, gradient or RMSprop: parameters would part ways.

  Ours must be as near to the float64 gradient as PyTorch's own float32 is.
  Biases before a batch norm have no gradient but rounding noise, which RMSprop blows
  up to full steps; ours have exactly none and stay. They are left out.
  """
  twin = torch_twin.randomised(**SMALL)
  from_torch.convert(_save(tmp_path / 'net.pth', twin), str(tmp_path / 'run'))
  config, model, variables = _restored(tmp_path / 'run')
  rule = optimizer.make(**config.optimizer)
  update = functools.partial(
    step.train,
    model=model,
    optimizer=rule,
    target=losses.Target(**config.target),
    pixels=network.make_pixels(config),
  )
  batch = _batch(SMALL['size'])
  weights = dict.fromkeys(losses.TERMS, 0.0) | {'heatmap': 1.0, 'depth': 0.1}
  params = variables['params']
  start = TrainState(jnp.int32(0), **variables, opt_state=rule.init(params))
  after, metrics = jax.jit(update)(start, batch, 2.5e-4, weights)

  exact, exact_loss, _ = _torch_step(copy.deepcopy(twin).double(), batch)
  theirs, _, theirs_after = _torch_step(twin, batch)
  assert float(metrics['loss']) == pytest.approx(exact_loss, rel=1e-5)
  ours_after = to_torch.state_dict(jax.device_get(after.variables), config)
  # RMSprop's mean square after one step is a hundredth of the squared gradient.
  size = jax.tree.map(lambda nu: np.sqrt(nu * 100), after.opt_state.nu)
  size = to_torch.state_dict(variables | {'params': size}, config)
  before = to_torch.state_dict(variables, config)

  compared, ratios = 0, []
  for name, true in exact.items():
    if np.abs(size[name]).max() == 0:
      assert np.abs(true).max() < 1e-12, name
      np.testing.assert_array_equal(ours_after[name], before[name])
      continue
    ours = size[name] * np.sign(before[name] - ours_after[name])
    errors = [np.abs(g - true) for g in (ours, theirs[name])]
    ratios.append(np.linalg.norm(errors[0]) / np.linalg.norm(errors[1]))
    # A first step of RMSprop is 10 lr times the sign: where the gradient is not noise.
    sure = np.abs(true) > 10 * np.maximum(*errors)
    np.testing.assert_allclose(
      ours_after[name][sure],
      theirs_after[name][sure],
      **{'rtol': 0, 'atol': 0.01 * 2.5e-3, 'err_msg': name},
    )
    compared += int(sure.sum())
  assert np.median(ratios) < 2
  assert max(ratios) < 20
  assert compared > 0.5 * sum(g.size for g in exact.values())
  for name, value in theirs_after.items():
    if name.endswith('running_mean'):
      np.testing.assert_allclose(ours_after[name], value, atol=1e-4, err_msg=name)


def _batch(size, rows=3):
  """A batch of which the middle row has 2D labels alone, and not of every joint."""
  rng = np.random.default_rng(1)
  has3d = np.arange(rows) % 2 == 0
  visible = np.ones((rows, 16), bool)
  visible[1, 3:5] = False
  joints3d = rng.normal(0, 300, (rows, 16, 3)) * has3d[:, None, None]
  return {
    'image': _images(size, rows, seed=3),
    'joints2d': rng.uniform(-0.95, 0.95, (rows, 16, 2)).astype(np.float32),
    'visible': visible,
    'joints3d': (joints3d - joints3d[:, skeleton.ROOT, None]).astype(np.float32),
    'has3d': has3d,
    'present': np.ones(rows, bool),
    'clip_frame': np.full(rows, -1, np.int32),
    'weight': np.ones(rows, np.float32),
  }


def _targets(batch):
  """Heatmaps [B, J, h, w] and depths [B, J] as the release has them, float64."""
  flat, space = np.float64(batch['joints2d']), np.float64(batch['joints3d'])
  rows, size = len(flat), batch['image'].shape[1] // 4
  maps = np.zeros((rows, 16, size, size))
  patch = np.exp(-0.5 * (np.arange(-3, 4) / 1.75) ** 2)
  for b, j in zip(*np.nonzero(batch['visible']), strict=True):
    x, y = np.floor((flat[b, j] + 1) * size / 2).astype(int)
    wide = np.zeros((size + 6, size + 6))
    wide[y : y + 7, x : x + 7] = np.outer(patch, patch)
    maps[b, j] = wide[3:-3, 3:-3]
  ends = np.array(skeleton.BONES)
  bones = lambda x: np.linalg.norm(x[:, ends[:, 0]] - x[:, ends[:, 1]], axis=2).sum(1)  # noqa: E731
  across = bones(space[..., :2])
  scale = np.where(across > 0, bones(flat) / np.where(across > 0, across, 1), 0)
  z = space[..., 2]
  return maps, (z - (z[:, [6]] + z[:, [8]]) / 2) * scale[:, None]


def _torch_step(twin, batch):
  """(name -> gradient, loss, state dict after one step of PyTorch's RMSprop)."""
  twin.train()
  kind = next(twin.parameters()).dtype
  seen = batch['image'][..., ::-1].transpose(0, 3, 1, 2).astype(np.float64) / 256
  maps, depth = (torch.from_numpy(x).to(kind) for x in _targets(batch))
  rule = torch.optim.RMSprop(twin.parameters(), 2.5e-4, alpha=0.99, eps=1e-8)
  got_maps, got_depth = twin(torch.from_numpy(seen).to(kind))
  heatmap = ((got_maps - maps[:, None]) ** 2).mean((0, 2, 3, 4)).sum()
  known = torch.from_numpy(batch['has3d'])
  loss = heatmap + 0.1 * ((got_depth - depth)[known] ** 2).mean()
  loss.backward()
  found = {name: p.grad.numpy() for name, p in twin.named_parameters()}
  rule.step()
  after = {name: tensor.numpy() for name, tensor in twin.state_dict().items()}
  return found, loss.item(), after


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
  twin = torch_twin.randomised(**SMALL | {'size': 256})
  head = ('reg', 'll_.0', 'tmpOut_.0')  # its only stack is the last
  lacking = {n: t for n, t in twin.state_dict().items() if not n.startswith(head)}
  torch.save({'state_dict': lacking, 'epoch': 3}, tmp_path / 'flat.pth')
  run = tmp_path / 'run'
  assert __main__.main(['convert', str(tmp_path / 'flat.pth'), str(run)]) == 0
  assert 'untrained' in capsys.readouterr().out
  config, model, variables = _restored(run)
  assert config.input_size == 256
  fresh = initial.variables(model, jax.random.key(0), 256)['params']['depth']
  jax.tree.map(np.testing.assert_array_equal, variables['params']['depth'], fresh)
  # With the twin's head in its place, all is the twin's: the rest is there.
  full = twin.state_dict() | lacking
  torch.save(full, tmp_path / 'full.pth')
  from_torch.convert(str(tmp_path / 'full.pth'), str(tmp_path / 'whole'))
  whole = _restored(tmp_path / 'whole')[2]
  for path, leaf in traverse_util.flatten_dict(variables).items():
    if 'depth' not in path and not {'merge_feature', 'merge_heatmap'} & set(path):
      other = traverse_util.flatten_dict(whole)[path]
      np.testing.assert_array_equal(leaf, other, err_msg=str(path))


def _wrong(kind, tensors):
  if kind == 'missing':
    return {n: t for n, t in tensors.items() if not n.startswith('r4.')}
  if kind == 'extra':
    return tensors | {'fc.weight': torch.zeros(3)}
  if kind == 'shape':
    return tensors | {'ll_.0.weight': torch.zeros(32, 16, 1, 1)}
  if kind == 'nan':
    return tensors | {'r1.bn.weight': tensors['r1.bn.weight'] * float('nan')}
  if kind == 'integers':
    return tensors | {'r1.bn.weight': torch.ones(8, dtype=torch.int64)}
  if kind == 'joints':
    return tensors | {'tmpOut.0.weight': torch.zeros(17, 32, 1, 1)}
  if kind == 'scalar':
    return tensors | {'conv1_.weight': torch.tensor(1.0)}
  if kind == 'no width':
    return tensors | {'lin_.0.0.weight': torch.zeros(0, 0, 1, 1)}
  if kind == 'wide':  # a network of this width would take 10^13 bytes
    return tensors | {'conv1_.weight': torch.zeros(1_000_000, 3, 1, 1)}
  if kind == 'stacks':
    return tensors | {f'tmpOut.{i}.weight': torch.zeros(1) for i in range(1, 500)}
  if kind == 'linear':
    return tensors | {'reg.weight': torch.zeros(16, 5 * 32)}
  if kind == 'double':
    bias = torch.full((16,), 1e300, dtype=torch.float64)
    return tensors | {'reg.bias': bias}
  if kind == 'variance':
    return tensors | {'r1.bn.running_var': torch.full((8,), -1.0)}
  return {'weight': torch.zeros(3)}


@pytest.mark.parametrize(
  ('kind', 'said'),
  [
    ('missing', r'missing: r4\.bn\.\* \(4\)'),
    ('extra', r'unknown: fc\.\* \(1\)'),
    ('shape', r'll_\.0\.weight has shape \(32, 16, 1, 1\), expected \(32, 32, 1, 1\)'),
    ('nan', r'r1\.bn\.weight holds values that are NaN'),
    ('integers', r'r1\.bn\.weight holds int64'),
    ('joints', '17 heatmaps'),
    ('scalar', 'not the stacked hourglass'),
    ('no width', 'no width'),
    ('wide', r'conv1_\.weight has shape \(1000000, 3, 1, 1\), expected'),
    ('stacks', '500 stacks of 1 residuals'),
    ('linear', r'reg\.weight has shape \(16, 160\), expected \(16, 128\)'),
    ('double', r'reg\.bias holds values that are .* beyond float32'),
    ('variance', r'r1\.bn\.running_var holds a negative variance'),
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


def test_a_disk_that_fills_up(tmp_path, monkeypatch):
  """Catches half a run folder left behind, or one that blocks the next conversion."""
  source = _save(tmp_path / 'net.pth', torch_twin.randomised(**SMALL))

  def fails(*_):
    raise OSError(28, 'No space left on device')

  with monkeypatch.context() as patched:
    patched.setattr(checkpoints.Checkpoints, 'save_alone', fails)
    with pytest.raises(UserError, match='No space left'):
      from_torch.convert(source, str(tmp_path / 'run'))
  assert [p.name for p in tmp_path.iterdir()] == ['net.pth']
  (tmp_path / '.run.partial' / 'checkpoints' / '0').mkdir(parents=True)  # was killed
  from_torch.convert(source, str(tmp_path / 'run'))
  assert checkpoints.open_existing(tmp_path / 'run').steps() == [0]
  assert {p.name for p in tmp_path.iterdir()} == {'net.pth', 'run'}


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
