"""Optimisers, without their learning rate: the step multiplies by it.

The learning rate is an input of the compiled step, so that one compilation
serves every stage.
"""

import optax

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
  else:
    raise UserError(f"config.optimizer.name is {name!r}: choose 'rmsprop' or 'adam'")
  if clip_norm:
    rule = optax.chain(optax.clip_by_global_norm(clip_norm), rule)
  return rule
