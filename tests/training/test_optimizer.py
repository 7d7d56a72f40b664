import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from wild3d.errors import UserError
from wild3d.training import optimizer


def make(name, **changes):
  fields = {'decay': 0.99, 'momentum': 0.0, 'eps': 1e-8, 'clip_norm': 0.0}
  fields |= {'weight_decay': 0.0}
  return optimizer.make(name=name, **fields | changes)


def run(rule, gradients):
  """The updates that a sequence of gradients gives, for one parameter tree."""
  state, updates = rule.init(gradients[0]), []
  for gradient in gradients:
    update, state = rule.update(gradient, state, gradients[0])
    updates.append(update)
  return updates


def test_rmsprop_is_pytorchs():
  """Catches eps inside the root, a bias correction, or another decay."""
  rng = np.random.default_rng(0)
  gradients = rng.normal(0, 1e-8, (5, 7)) * 10.0 ** rng.integers(-2, 4, (5, 7))
  mean = np.zeros(7)
  got = run(make('rmsprop'), [jnp.asarray(g, jnp.float32) for g in gradients])
  for gradient, update in zip(gradients, got, strict=True):
    mean = 0.99 * mean + 0.01 * gradient**2
    np.testing.assert_allclose(update, gradient / (np.sqrt(mean) + 1e-8), rtol=1e-4)


def test_adam_first_step_is_a_sign():
  """Catches b1 and b2 exchanged: only with its own corrections is the step +-1."""
  gradient = jnp.array([3.0, -0.02, 5e-4])
  (update,) = run(make('adam', momentum=0.9, decay=0.999), [gradient])
  np.testing.assert_allclose(update, np.sign(gradient), rtol=1e-3)


def test_adamw_is_pytorchs():
  """Catches decay inside the moments (L2), or of biases; torch's as the reference."""
  rng = np.random.default_rng(3)
  kernel, bias = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 3), (3,)))
  decayed, plain = (torch.nn.Parameter(torch.tensor(x)) for x in (kernel, bias))
  other = torch.optim.AdamW(
    [
      {'params': [decayed], 'weight_decay': 0.1},
      {'params': [plain], 'weight_decay': 0.0},
    ],
    lr=0.01,
    betas=(0.9, 0.999),
    eps=1e-8,
  )
  rule = make('adamw', momentum=0.9, decay=0.999, weight_decay=0.1)
  params = {'kernel': jnp.asarray(kernel), 'bias': jnp.asarray(bias)}
  state = rule.init(params)
  for _ in range(5):
    gradient = {
      n: rng.normal(size=x.shape).astype(np.float32) for n, x in params.items()
    }
    decayed.grad, plain.grad = (torch.tensor(gradient[n]) for n in ('kernel', 'bias'))
    other.step()
    updates, state = rule.update(gradient, state, params)
    params = jax.tree.map(lambda p, u: p - 0.01 * u, params, updates)
  np.testing.assert_allclose(params['kernel'], decayed.detach(), rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(params['bias'], plain.detach(), rtol=1e-4, atol=1e-6)


def test_decay_that_does_nothing_is_refused():
  """Catches config.optimizer.weight_decay silently ignored by another rule."""
  with pytest.raises(UserError, match='name=adamw'):
    make('adam', weight_decay=0.1)


def test_muon_orthogonalises_kernels_from_inputs_to_outputs():
  """Catches a convolution flattened the wrong way, or a step uphill."""
  rng = np.random.default_rng(1)
  gradient = {
    'kernel': jnp.asarray(rng.normal(size=(3, 3, 4, 6)), jnp.float32),
    'bias': jnp.asarray(rng.normal(size=6), jnp.float32),
  }
  (update,) = run(make('muon', momentum=0.95, decay=0.999), [gradient])
  matrix = np.asarray(update['kernel']).reshape(36, 6)
  values = np.linalg.svd(matrix, compute_uv=False)
  assert values.max() / values.min() < 2  # Newton-Schulz brings them near each other
  assert np.sqrt(np.mean(matrix**2)) == pytest.approx(0.2, rel=0.3)
  assert np.sum(matrix * np.asarray(gradient['kernel']).reshape(36, 6)) > 0
  # Vectors take Adam's step: the same size for all, by sign.
  steps = np.asarray(update['bias']) * np.sign(gradient['bias'])
  np.testing.assert_allclose(steps, steps[0], rtol=1e-3)
  assert steps[0] > 0


def test_muon_in_groups_is_muon_kernel_by_kernel():
  """Catches kernels of one shape exchanged, or a transpose that is not undone."""
  rng = np.random.default_rng(2)
  shapes = {'a': (1, 1, 6, 4), 'b': (4, 6), 'c': (6, 4), 'd': (5,), 'e': (3, 3, 2, 5)}
  shapes |= {'f': (4, 6), 'scale': (), 'g': (7,)}
  gradients = [
    {name: jnp.asarray(rng.normal(size=shape), jnp.float32) for name, shape in both}
    for both in [shapes.items()] * 3
  ]

  def axes(leaf):
    whole = optax.contrib.MuonDimensionNumbers(tuple(range(leaf.ndim - 1)), -1)
    return whole if leaf.ndim > 1 else None

  plain = optax.contrib.muon(
    learning_rate=-1.0,
    beta=0.95,
    adam_b1=0.95,
    adam_b2=0.999,
    consistent_rms=0.2,
    muon_weight_dimension_numbers=jax.tree.map(axes, gradients[0]),
  )
  got = run(make('muon', momentum=0.95, decay=0.999), gradients)
  for ours, theirs in zip(got, run(plain, gradients), strict=True):
    for name in shapes:
      np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5, err_msg=name)


def test_clipping():
  """Catches a limit that is applied after the scaling, where it changes nothing."""
  rule = make('adam', momentum=0.9, decay=0.999, clip_norm=1e-12, eps=1e-3)
  (update,) = run(rule, [jnp.array([30.0, 40.0])])
  assert float(jnp.abs(update).max()) < 1e-6


def test_unknown():
  """Catches a typo that trains with a default."""
  with pytest.raises(UserError, match="'rmspropp'"):
    make('rmspropp')
