"""The network against plain NumPy, its size, its dtypes, its gradients, its start."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from jax.tree_util import tree_leaves_with_path

from wild3d.models import hourglass, initial, layers
from wild3d.models.pose3d import Pose3D

TINY = {'stacks': 2, 'residuals': 1, 'features': 8, 'depth_residuals': 1, 'joints': 5}


@pytest.fixture(scope='module')
def tiny():
  """A tiny network whose batch norms are far from their start, and two images."""
  model = Pose3D(**TINY)
  variables = initial.variables(model, jax.random.key(0), 64)
  rng = np.random.default_rng(1)

  def stir(path, leaf):
    if path[-1].key in ('scale', 'var'):
      return jnp.asarray(rng.uniform(0.5, 1.5, leaf.shape), jnp.float32)
    return leaf + jnp.asarray(rng.uniform(-0.2, 0.2, leaf.shape), jnp.float32)

  variables = jax.tree_util.tree_map_with_path(stir, variables)
  images = jnp.asarray(rng.random((2, 64, 64, 3)), jnp.float32)
  return model, variables, images


@pytest.fixture(scope='module')
def tiny_step(tiny):
  """Gradients of a sum over the depths, and the updated statistics."""
  model, variables, images = tiny

  @jax.jit
  def step(params, stats):
    def loss(params):
      (_, depth, _), new = model.apply(
        {'params': params, 'batch_stats': stats}, images, True, mutable=['batch_stats']
      )
      return jnp.square(depth - 1).sum(), new['batch_stats']

    return jax.grad(loss, has_aux=True)(params)

  return step(variables['params'], variables['batch_stats'])


# The same network once more, in float64 NumPy and without flax: [H, W, C] of ONE
# image. `v` is a function from a path to a leaf.


def np_conv(v, path, x, stride=1):
  kernel, bias = v(f'params/{path}/kernel'), v(f'params/{path}/bias')
  if kernel.ndim == 2:
    return x @ kernel + bias
  k = kernel.shape[0]
  padded = np.pad(x, ((k // 2, k // 2), (k // 2, k // 2), (0, 0)))
  out = np.zeros((x.shape[0] // stride, x.shape[1] // stride, kernel.shape[-1]))
  for i in range(out.shape[0]):
    for j in range(out.shape[1]):
      window = padded[i * stride : i * stride + k, j * stride : j * stride + k]
      out[i, j] = np.tensordot(window, kernel, 3)
  return out + bias


def np_norm_relu(v, path, x):
  mean, var = v(f'batch_stats/{path}/mean'), v(f'batch_stats/{path}/var')
  x = (x - mean) / np.sqrt(var + 1e-5)
  return np.maximum(x * v(f'params/{path}/scale') + v(f'params/{path}/bias'), 0)


def np_residual(v, path, x, features):
  y = np_conv(v, f'{path}/conv_0', np_norm_relu(v, f'{path}/norm_0', x))
  y = np_conv(v, f'{path}/conv_1', np_norm_relu(v, f'{path}/norm_1', y))
  y = np_conv(v, f'{path}/conv_2', np_norm_relu(v, f'{path}/norm_2', y))
  return y + (x if x.shape[-1] == features else np_conv(v, f'{path}/skip', x))


def np_pool(x):
  return np.maximum.reduce([x[i::2, j::2] for i in (0, 1) for j in (0, 1)])


def np_hourglass(v, path, x, order):
  place = lambda name, y: np_residual(v, f'{path}/{name}/residual_0', y, y.shape[-1])  # noqa: E731
  lower = place('before', np_pool(x))
  if order == 1:
    lower = place('inner', lower)
  else:
    lower = np_hourglass(v, f'{path}/inner', lower, order - 1)
  lower = place('after', lower).repeat(2, axis=0).repeat(2, axis=1)
  return place('upper', x) + lower


def np_pose3d(variables, image, features=8, stacks=2):
  flat = {
    '/'.join(k.key for k in path): np.asarray(leaf, np.float64)
    for path, leaf in tree_leaves_with_path(variables)
  }
  v = flat.__getitem__
  x = np_norm_relu(v, 'stem/norm', np_conv(v, 'stem/conv', image, stride=2))
  x = np_pool(np_residual(v, 'stem/residual_0', x, 128))
  x = np_residual(v, 'stem/residual_1', x, 128)
  x = np_residual(v, 'stem/residual_2', x, features)
  heatmaps = []
  for s in range(stacks):
    stack = f'stack_{s}'
    y = np_hourglass(v, f'{stack}/hourglass', x, 4)
    y = np_residual(v, f'{stack}/residuals/residual_0', y, features)
    y = np_conv(v, f'{stack}/feature', y)
    y = np_norm_relu(v, f'{stack}/feature_norm', y)
    heatmaps.append(np_conv(v, f'{stack}/heatmap', y))
    merged = np_conv(v, f'{stack}/merge_feature', y)
    x = x + merged + np_conv(v, f'{stack}/merge_heatmap', heatmaps[-1])
  for i in range(4):
    x = np_pool(np_residual(v, f'depth/level_{i}/residual_0', x, features))
  weights = v('params/depth/linear/kernel')
  return np.stack(heatmaps), x.ravel() @ weights + v('params/depth/linear/bias')


def test_whole_network_equals_numpy(tiny):
  """Catches a wrong padding, order, skip, upsampling, merge, epsilon or mode."""
  model, variables, images = tiny
  heatmaps, depth, _ = jax.jit(model.apply)(variables, images)
  expected = [np_pose3d(variables, np.asarray(i, np.float64)) for i in images]
  for image, (want_maps, want_depth) in enumerate(expected):
    scale = np.abs(want_maps).max(), np.abs(want_depth).max()
    assert min(scale) > 0.1
    np.testing.assert_allclose(heatmaps[image], want_maps, atol=1e-4 * scale[0])
    np.testing.assert_allclose(depth[image], want_depth, atol=1e-4 * scale[1])


def test_published_size():
  """Catches a lost bias, a missing merge after the last stack, a missing block."""
  shapes = jax.eval_shape(Pose3D().init, jax.random.key(0), jnp.zeros((1, 256, 256, 3)))
  leaves = tree_leaves_with_path(shapes['params'])
  assert sum(leaf.size for _, leaf in leaves) == 14_429_104
  blocks = {path[:-2] for path, _ in leaves if path[-2].key == 'conv_1'}
  assert len(blocks) == 67


@pytest.mark.parametrize(
  ('size', 'options'),
  [
    (64, {'stacks': 1, 'residuals': 1, 'features': 32}),
    (128, {'stacks': 3, 'residuals': 2, 'features': 16, 'joints': 7}),
    (256, {'depth_residuals': 3, 'dtype': jnp.bfloat16}),
  ],
)
def test_shapes_and_dtypes(size, options):
  """Catches a size, a stack count or a dtype that only the default serves."""
  model = Pose3D(**options)
  images = jnp.zeros((2, size, size, 3))
  (maps, depth, _), variables = jax.eval_shape(
    model.init_with_output, jax.random.key(0), images
  )
  S, J = options.get('stacks', 2), options.get('joints', 16)
  assert maps.shape == (2, S, size // 4, size // 4, J)
  assert depth.shape == (2, J)
  assert {x.dtype for x in jax.tree.leaves((maps, depth, variables))} == {
    jnp.dtype('float32')
  }


@pytest.mark.parametrize('shape', [(96, 96), (128, 64), (32, 32), (0, 0)])
def test_wrong_size_is_an_error(shape):
  """Catches maps that fail to add up deep inside, or silently cropped images."""
  with pytest.raises(ValueError, match=f'{shape[0]}x{shape[1]}'):
    jax.eval_shape(Pose3D().init, jax.random.key(0), jnp.zeros((1, *shape, 3)))


def test_bfloat16_is_near(tiny):
  """Catches statistics or sums in bfloat16, and outputs left in it."""
  model, variables, images = tiny
  near = jax.jit(Pose3D(**TINY, dtype=jnp.bfloat16).apply)(variables, images)
  exact = jax.jit(model.apply)(variables, images)
  for a, b in zip(near[:2], exact[:2], strict=True):
    assert a.dtype == jnp.float32
    assert 0 < np.abs(a - b).max() < 0.1 * np.abs(b).max()


def test_training_moves_statistics_and_evaluation_does_not(tiny, tiny_step):
  """Catches momentum 0.1 for 0.9, a bias lost from the mean, a stuck statistic."""
  model, variables, images = tiny
  old, (_, new) = variables['batch_stats'], tiny_step
  assert all(
    (a != b).all()
    for a, b in zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True)
  )
  kernel, bias = (variables['params']['stem']['conv'][k] for k in ('kernel', 'bias'))
  x = jax.lax.conv_general_dilated(
    images, kernel, (2, 2), ((3, 3), (3, 3)), dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )
  x = np.asarray(x, np.float64) + np.asarray(bias)
  for name, want in (('mean', x.mean((0, 1, 2))), ('var', x.var((0, 1, 2)))):
    want = 0.9 * np.asarray(old['stem']['norm'][name]) + 0.1 * want
    np.testing.assert_allclose(new['stem']['norm'][name], want, rtol=1e-4, atol=1e-5)
  evaluate = jax.jit(lambda v: model.apply(v, images, mutable=['batch_stats'])[1])
  chex.assert_trees_all_equal(evaluate(variables)['batch_stats'], old)


def test_depth_gradient_reaches_every_part(tiny_step):
  """Catches a stop_gradient or a cut between the depth module and the stem."""
  for path, gradient in tree_leaves_with_path(tiny_step[0]):
    # A bias that batch norm cancels has no gradient: exactly none, no noise.
    parts = [part.key for part in path]
    cancelled = parts[-1] == 'bias' and parts[-2] in ('conv_0', 'conv_1', 'feature')
    cancelled |= parts == ['stem', 'conv', 'bias']
    assert (np.abs(gradient).max() == 0) == cancelled, path


def test_norm_gradient_equals_autodiff():
  """Catches a slip in the hand-written gradient of batch norm."""
  rng = np.random.default_rng(0)
  x, weight = rng.normal(2, 3, (2, 2, 3, 4, 5)).astype(np.float32)
  params = {'scale': rng.random(5, np.float32), 'bias': rng.random(5, np.float32)}

  def ours(x, params):
    y, _ = layers.NormRelu().apply({'params': params}, x, True, mutable=['batch_stats'])
    return (y * weight).sum()

  def plain(x, params):
    z = (x - x.mean((0, 1, 2), keepdims=True)) / jnp.sqrt(
      x.var((0, 1, 2), keepdims=True) + 1e-5
    )
    y = z * params['scale'][None, None, None] + params['bias'][None, None, None]
    return (jnp.maximum(y, 0) * weight).sum()

  found, wanted = (jax.jit(jax.grad(f, (0, 1)))(x, params) for f in (ours, plain))
  chex.assert_trees_all_close(found, wanted, rtol=1e-7, atol=2e-5)


def test_initial_variables(tiny):
  """Catches a wrong fan-in, a seed left out, and a tree unlike `model.init`'s."""
  model, _, images = tiny
  variables = initial.variables(model, jax.random.key(3), 64)
  want = jax.eval_shape(model.init, jax.random.key(3), images)
  chex.assert_trees_all_equal_shapes_and_dtypes(variables, want)
  again = initial.variables(model, jax.random.key(3), 64)
  chex.assert_trees_all_equal(again, variables)
  other = initial.variables(model, jax.random.key(4), 64)
  kernels = {
    path: leaf
    for path, leaf in tree_leaves_with_path(variables)
    if path[-1].key == 'kernel'
  }
  for path, leaf in tree_leaves_with_path(variables):
    bound = None
    if (kernel := (*path[:-1], jax.tree_util.DictKey('kernel'))) in kernels:
      bound = 1 / np.sqrt(np.prod(kernels[kernel].shape[:-1]))
    if bound is None:
      assert (leaf == (path[-1].key in ('scale', 'var'))).all()
      continue
    assert (leaf != _leaf(other, path)).any()
    assert np.abs(leaf).max() <= bound
    if leaf.size > 100:
      np.testing.assert_allclose(leaf.std(), bound / np.sqrt(3), rtol=0.15)
  first, second = (kernels[k] for k in list(kernels)[:2])
  assert first.ravel()[0] != second.ravel()[0]


def _leaf(tree, path):
  for part in path:
    tree = tree[part.key]
  return tree


def test_stem_width_is_the_first_convolutions():
  """Catches a stem that ignores its width, or widens the hourglass with it."""
  wide, narrow = (
    jax.tree.map(
      jnp.shape,
      initial.variables(Pose3D(**TINY, stem=stem), jax.random.key(0), image_size=64)[
        'params'
      ],
    )
    for stem in (64, 12)
  )
  assert narrow['stem']['conv']['kernel'] == (7, 7, 3, 12)
  assert narrow['stem']['residual_1']['conv_2']['kernel'][-1] == 24
  for part in ('stack_0', 'stack_1', 'depth'):
    assert narrow[part] == wide[part]


def hourglass_gradient(**fields):
  """(gradient and new statistics, FLOP) of a small hourglass's training step."""
  net = hourglass.Hourglass(1, 1, 8, **fields)
  x = jnp.asarray(np.random.default_rng(2).random((4, 16, 16, 8)), jnp.float32)
  variables = net.init(jax.random.key(0), x, True)

  def loss(params):
    y, new = net.apply(
      {**variables, 'params': params}, x, True, mutable=['batch_stats']
    )
    return jnp.square(y.astype(jnp.float32) - 1).mean(), new

  step = jax.jit(jax.grad(loss, has_aux=True))
  lowered = step.lower(variables['params'])
  return step(variables['params']), lowered.cost_analysis()['flops']


def test_remat_changes_nothing_but_the_work(tiny):
  """Catches other names, statistics that move twice, a flag without effect."""
  model, variables, images = tiny
  again = model.clone(remat=True)
  assert initial.shapes(again, 64) == initial.shapes(model, 64)  # checkpoints fit
  # Prediction, and what is exported, computes nothing twice.
  assert 'checkpoint' not in str(jax.make_jaxpr(again.apply)(variables, images))
  found, flops = hourglass_gradient()
  again, more = hourglass_gradient(remat=True)
  assert more > 1.1 * flops
  chex.assert_trees_all_close(again, found, rtol=1e-4, atol=1e-6)


def test_a_gradient_in_bfloat16():
  """Catches sums, such as batch norm's, taken in bfloat16.

  Of the whole network the bound would say nothing: batch norm over the few values of
  its deepest maps multiplies any rounding.
  """
  (exact, _), _ = hourglass_gradient()
  (narrow, _), _ = hourglass_gradient(dtype=jnp.bfloat16)
  exact, narrow = (ravel_pytree(tree)[0] for tree in (exact, narrow))
  assert narrow.dtype == np.float32
  error = np.linalg.norm(narrow - exact) / np.linalg.norm(exact)
  assert error < 0.2  # 0.12: each of eleven convolutions rounds to 8 bits


@pytest.mark.parametrize(
  ('size', 'stride', 'side'), [(7, 2, 16), (7, 2, 15), (1, 1, 6)]
)
def test_convolutions_written_for_speed_are_convolutions(size, stride, side):
  """Catches a map moved by a pixel, a lost border, or another gradient."""
  layer = layers.Convolution(5, size, stride)
  x = jax.random.normal(jax.random.key(0), (2, side, side + side % 2, 3))
  variables = layer.init(jax.random.key(1), x)
  seen = jax.random.normal(jax.random.key(2), layer.apply(variables, x)[0].shape)

  def plain(variables, x):
    kernel = variables['params']['kernel'].reshape(size, size, 3, 5)
    around = [(size // 2, size // 2)] * 2
    sides = ('NHWC', 'HWIO', 'NHWC')
    return jax.lax.conv_general_dilated(
      x, kernel, (stride,) * 2, around, None, None, sides
    )

  def of(function):
    return jax.value_and_grad(lambda *of: (function(*of) * seen).sum(), (0, 1))

  got = of(lambda *inputs: layer.apply(*inputs)[0])(variables, x)
  chex.assert_trees_all_close(got, of(plain)(variables, x), rtol=1e-4, atol=1e-4)
