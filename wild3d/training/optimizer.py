"""Optimisers, without their learning rate: the step multiplies by it.

The learning rate is an input of the compiled step, so that one compilation
serves every stage.
"""

import jax
import jax.numpy as jnp
import optax
import optax.contrib

from wild3d.errors import UserError

NAMES = ('rmsprop', 'adam', 'adamw', 'muon')


def make(
  *,
  name: str,
  decay: float,
  momentum: float,
  eps: float,
  clip_norm: float,
  weight_decay: float,
) -> optax.GradientTransformation:
  """Builds the gradient transformation named by the configuration.

  'rmsprop' is PyTorch's RMSprop (eps outside the square root), which the authors
  used; 'adam' reads `momentum` as b1 and `decay` as b2. 'adamw' (Loshchilov and Hutter
  2019) is the same, and draws kernels towards zero by `weight_decay` times the rate;
  biases and the scales of batch norm, which have one axis or none, are left alone.

  Raises:
    UserError: an unknown name, or a weight decay that the optimiser has not.
  """
  if weight_decay and name != 'adamw':
    raise UserError(
      f'config.optimizer.weight_decay is {weight_decay:g}: it needs '
      '--config.optimizer.name=adamw'
    )
  if name == 'rmsprop':
    rule = optax.scale_by_rms(decay=decay, eps=eps, eps_in_sqrt=False)
    if momentum:
      rule = optax.chain(rule, optax.trace(momentum))
  elif name in ('adam', 'adamw'):
    rule = optax.scale_by_adam(b1=momentum, b2=decay, eps=eps)
    if weight_decay:
      rule = optax.chain(rule, optax.add_decayed_weights(weight_decay, _kernels))
  elif name == 'muon':
    rule = _grouped(
      optax.contrib.muon(
        learning_rate=1.0,
        beta=momentum,
        eps=eps,
        adam_b1=momentum,
        adam_b2=decay,
        consistent_rms=0.2,
        muon_weight_dimension_numbers=_matrices,
      )
    )
    rule = optax.chain(rule, optax.scale(-1.0))
  else:
    raise UserError(
      f'config.optimizer.name is {name!r}: choose from {", ".join(NAMES)}'
    )
  if clip_norm:
    rule = optax.chain(optax.clip_by_global_norm(clip_norm), rule)
  return rule


def _kernels(params):
  return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def _matrices(grouped):
  """Which axes of stacked matrices [K, m, n] are the matrix; None for the vector."""
  matrix = optax.contrib.MuonDimensionNumbers(reduction_axis=1, output_axis=2)
  return jax.tree.map(lambda leaf: matrix if leaf.ndim == 3 else None, grouped)


def _grouped(rule: optax.GradientTransformation) -> optax.GradientTransformation:
  """Gives `rule` all kernels of one shape as one array, and all vectors as one.

  The update of a kernel is the same; but a CPU spends longer starting hundreds of
  small products than computing them.
  """

  def init(params):
    return rule.init(_group(params))

  def update(updates, state, params=None):
    grouped = None if params is None else _group(params)
    changed, state = rule.update(_group(updates), state, grouped)
    return _ungroup(changed, updates), state

  return optax.GradientTransformation(init, update)


def _group(tree) -> dict[str, jax.Array]:
  """Kernels as matrices [K, m, n], m <= n, by shape, and 'vectors': the rest, joined.

  A matrix stands for all inputs (rows) to outputs, or its transpose where that is
  the wider one: orthogonalising commutes with it, and more kernels share a shape.
  """
  groups, vectors = {}, []
  for leaf in jax.tree.leaves(tree):
    if leaf.ndim < 2:
      vectors.append(leaf.ravel())
    else:
      matrix = leaf.reshape(-1, leaf.shape[-1])
      groups.setdefault(_shape_name(leaf), []).append(
        matrix.T if _is_tall(matrix) else matrix
      )
  stacked = {name: jnp.stack(matrices) for name, matrices in groups.items()}
  return stacked | ({'vectors': jnp.concatenate(vectors)} if vectors else {})


def _ungroup(groups: dict[str, jax.Array], like):
  """The tree shaped as `like` that `_group` made `groups` of."""
  taken, start, leaves = dict.fromkeys(groups, 0), 0, []
  for leaf in jax.tree.leaves(like):
    if leaf.ndim < 2:
      part = groups['vectors'][start : start + leaf.size]
      start += leaf.size
    else:
      name = _shape_name(leaf)
      part = groups[name][taken[name]]
      taken[name] += 1
      if _is_tall(leaf.reshape(-1, leaf.shape[-1])):
        part = part.T
    leaves.append(part.reshape(leaf.shape))
  return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _is_tall(matrix):
  return matrix.shape[0] > matrix.shape[1]


def _shape_name(kernel):
  outputs = kernel.shape[-1]
  inputs = kernel.size // outputs
  return f'{min(inputs, outputs)}x{max(inputs, outputs)}'
