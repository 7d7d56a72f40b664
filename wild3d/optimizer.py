"""Optimisers, without their learning rate: the step multiplies by it.

The learning rate is an input of the compiled step, so that one compilation
serves every stage.
"""

import jax
import optax
import optax.contrib

from wild3d.errors import UserError


def make(
  *, name: str, decay: float, momentum: float, eps: float, clip_norm: float
) -> optax.GradientTransformation:
  """Builds the gradient transformation named by the configuration.

  'rmsprop' is PyTorch's RMSprop (eps outside the square root), which the authors
  used; 'adam' reads `momentum` as b1 and `decay` as b2.

  Raises:
    UserError: an unknown name.
  """
  if name == 'rmsprop':
    rule = optax.scale_by_rms(decay=decay, eps=eps, eps_in_sqrt=False)
    if momentum:
      rule = optax.chain(rule, optax.trace(momentum))
  elif name == 'adam':
    rule = optax.scale_by_adam(b1=momentum, b2=decay, eps=eps)
  elif name == 'muon':
    rule = optax.chain(
      optax.contrib.muon(
        learning_rate=1.0,
        beta=momentum,
        eps=eps,
        adam_b1=momentum,
        adam_b2=decay,
        consistent_rms=0.2,
        muon_weight_dimension_numbers=_matrices,
      ),
      optax.scale(-1.0),
    )
  else:
    raise UserError(
      f"config.optimizer.name is {name!r}: choose 'rmsprop', 'adam' or 'muon'"
    )
  if clip_norm:
    rule = optax.chain(optax.clip_by_global_norm(clip_norm), rule)
  return rule


def _matrices(params):
  """Kernels as matrices from all inputs to outputs; None for vectors."""

  def axes(leaf):
    if leaf.ndim < 2:
      return None
    return optax.contrib.MuonDimensionNumbers(
      reduction_axis=tuple(range(leaf.ndim - 1)), output_axis=leaf.ndim - 1
    )

  return jax.tree.map(axes, params)
