"""The small parts of the network: convolution, batch norm, residual, resizing.

Written for few and cheap operations, since 67 blocks of them are traced, compiled
and differentiated; `experiments/benchmarks` has the figures.
"""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float

EPSILON = 1e-5
MOMENTUM = 0.9  # of the running statistics; PyTorch's 0.1


def fan_in_uniform(fan_in: int) -> nn.initializers.Initializer:
  """Returns an initializer that draws U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
  bound = 1 / math.sqrt(fan_in)

  def init(key, shape, dtype=jnp.float32):
    return jax.random.uniform(key, shape, dtype, -bound, bound)

  return init


def dense(features: int, x: Float[Array, '*B _'], name: str) -> Float[Array, '*B _']:
  """A layer of the calling module, kernel and bias uniform on +-1/sqrt(fan_in)."""
  init = fan_in_uniform(x.shape[-1])
  return nn.Dense(features, kernel_init=init, bias_init=init, name=name)(x)


@jax.custom_vjp
def pointwise(
  x: Float[Array, '*B C'], kernel: Float[Array, 'C D']
) -> Float[Array, '*B D']:
  """A 1x1 convolution: x @ kernel, whose gradient is two dots of matrices.

  JAX's own gradient for the kernel is a dot of maps: XLA:CPU copies them transposed for
  it, and then takes four times as long (experiments/benchmarks).
  """
  return x @ kernel


def _pointwise_forward(x, kernel):
  return x @ kernel, (x, kernel)


def _pointwise_backward(kept, gradient):
  x, kernel = kept
  rows, gradients = (a.reshape(-1, a.shape[-1]) for a in (x, gradient))
  return gradient @ kernel.T, rows.T @ gradients


pointwise.defvjp(_pointwise_forward, _pointwise_backward)


def halving(
  x: Float[Array, 'B H W C'], kernel: Float[Array, '7 7 C D']
) -> Float[Array, 'B H//2 W//2 D']:
  """A 7x7 convolution of stride 2, 3 zeros on each side, of maps of even sides.

  As one of stride 1 over squares of 2x2 pixels: with the three channels of a picture
  XLA:CPU is up to five times faster so (experiments/benchmarks).
  """
  B, H, W, C = x.shape
  squares = x.reshape(B, H // 2, 2, W // 2, 2, C).swapaxes(2, 3)
  squares = squares.reshape(B, H // 2, W // 2, 4 * C)
  # One row and column of zeros before: whole squares, from two before to one behind.
  kernel = jnp.pad(kernel, ((1, 0), (1, 0), (0, 0), (0, 0)))
  kernel = kernel.reshape(4, 2, 4, 2, C, -1).swapaxes(1, 2).reshape(4, 4, 4 * C, -1)
  return lax.conv_general_dilated(
    squares,
    kernel,
    window_strides=(1, 1),
    padding=((2, 1), (2, 1)),
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
  )


class Convolution(nn.Module):
  """A size x size convolution with size // 2 zeros on each side, and its bias.

  The kernel is [size, size, in, out], or [in, out] where size is 1. Kernel and bias
  start uniform on +-1/sqrt(fan_in), PyTorch's default.
  """

  features: int
  size: int = 1
  stride: int = 1
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, x: Float[Array, 'B H W _']
  ) -> tuple[Float[Array, 'B _ _ {self.features}'], Float[Array, ' {self.features}']]:
    """Returns the map without the bias, and the bias for the caller to add.

    Apart, because batch norm wants the bias apart (see `NormRelu`).
    """
    k, width = self.size, x.shape[-1]
    init = fan_in_uniform(k * k * width)
    shape = (width, self.features) if k == 1 else (k, k, width, self.features)
    kernel = self.param('kernel', init, shape).astype(self.dtype)
    bias = self.param('bias', init, (self.features,)).astype(self.dtype)
    x = x.astype(self.dtype)
    if k == 1:  # a dot: XLA's gradient of a convolution is slow on a CPU
      return pointwise(x, kernel), bias
    if (k, self.stride) == (7, 2) and not any(side % 2 for side in x.shape[1:3]):
      return halving(x, kernel), bias
    y = lax.conv_general_dilated(
      x,
      kernel,
      window_strides=(self.stride, self.stride),
      padding=((k // 2, k // 2), (k // 2, k // 2)),
      dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )
    return y, bias


def add_bias(
  x: Float[Array, 'B H W C'], bias: Float[Array, ' C']
) -> Float[Array, 'B H W C']:
  """Joins what `Convolution` returns apart."""
  return x + bias[None, None, None]


class NormRelu(nn.Module):
  """Batch normalisation and ReLU, in float32 or wider inside.

  In training the statistics are those of the whole batch, over all devices.
  """

  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self,
    x: Float[Array, 'B H W C'],
    train: bool,
    offset: Float[Array, ' C'] | None = None,
  ) -> Float[Array, 'B H W C']:
    """Returns relu(batch_norm(x + offset)), where `offset` is a convolution's bias.

    A constant added before batch norm moves the mean and nothing else. So in
    training it is added to the running mean alone: a pass over the map is saved,
    and the gradient of the bias is exactly zero instead of rounding noise, which
    RMSprop would blow up to steps of full size.
    """
    C = x.shape[-1]
    scale = self.param('scale', nn.initializers.ones, (C,))
    bias = self.param('bias', nn.initializers.zeros, (C,))
    mean = self.variable('batch_stats', 'mean', jnp.zeros, (C,))
    var = self.variable('batch_stats', 'var', jnp.ones, (C,))
    shift = jnp.zeros(C) if offset is None else _widened(offset)
    if not train:
      centred = _widened(x) - (mean.value - shift)[None, None, None]
      factor = scale * lax.rsqrt(var.value + EPSILON)
      y = nn.relu(centred * factor[None, None, None] + bias[None, None, None])
      return y.astype(self.dtype)
    y, batch_mean, batch_var = _batch_norm_relu(x, scale, bias)
    if not self.is_initializing():
      batch_mean = lax.stop_gradient(batch_mean + shift)
      mean.value = MOMENTUM * mean.value + (1 - MOMENTUM) * batch_mean
      var.value = MOMENTUM * var.value + (1 - MOMENTUM) * batch_var
    return y.astype(self.dtype)


@jax.custom_vjp
def _batch_norm_relu(x, scale, bias):
  """Returns relu(norm(x)) in x's dtype, and the batch's mean and variance.

  The gradient is written out: two reductions and one pass where autodiff makes
  four and three. None flows from the mean and the variance: they are for the
  running statistics alone.
  """
  return _batch_norm_relu_forward(x, scale, bias)[0]


def _batch_norm_relu_forward(x, scale, bias):
  z = _widened(x)
  mean = z.mean((0, 1, 2))
  var = jnp.maximum(jnp.square(z).mean((0, 1, 2)) - jnp.square(mean), 0)
  inverse = lax.rsqrt(var + EPSILON)
  _, y = _normalise(x, scale, bias, mean, inverse)
  return (nn.relu(y).astype(x.dtype), mean, var), (x, scale, bias, mean, inverse)


def _batch_norm_relu_backward(saved, gradients):
  x, scale, bias, mean, inverse = saved
  normal, y = _normalise(x, scale, bias, mean, inverse)
  g = jnp.where(y > 0, _widened(gradients[0]), 0)
  count = x.size // x.shape[-1]
  dbias = g.sum((0, 1, 2))
  dscale = (g * normal).sum((0, 1, 2))
  dx = (
    g - (dbias / count)[None, None, None] - normal * (dscale / count)[None, None, None]
  )
  dx = (scale * inverse)[None, None, None] * dx
  return dx.astype(x.dtype), dscale, dbias


def _normalise(x, scale, bias, mean, inverse):
  normal = (_widened(x) - mean[None, None, None]) * inverse[None, None, None]
  return normal, normal * scale[None, None, None] + bias[None, None, None]


def _widened(x):
  """`x` in float32, or in its own type where that is wider."""
  return x.astype(jnp.promote_types(x.dtype, jnp.float32))


_batch_norm_relu.defvjp(_batch_norm_relu_forward, _batch_norm_relu_backward)


# Jitted so that blocks of equal shapes are traced and differentiated once.
@functools.partial(nn.jit, static_argnums=2)
class Residual(nn.Module):
  """Pre-activation bottleneck: 1x1 to half the width, 3x3, 1x1 to the full width.

  The skip is the input itself, or a 1x1 convolution of it where widths differ.
  """

  features: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, x: Float[Array, 'B H W _'], train: bool
  ) -> Float[Array, 'B H W {self.features}']:
    """Maps [B, H, W, any width] to [B, H, W, features]."""
    F, half, dtype = self.features, self.features // 2, self.dtype
    y = NormRelu(dtype, name='norm_0')(x, train)
    y, bias = Convolution(half, dtype=dtype, name='conv_0')(y)
    y = NormRelu(dtype, name='norm_1')(y, train, bias)
    y, bias = Convolution(half, 3, dtype=dtype, name='conv_1')(y)
    y = NormRelu(dtype, name='norm_2')(y, train, bias)
    y, bias = Convolution(F, dtype=dtype, name='conv_2')(y)
    if x.shape[-1] != F:
      x, skip_bias = Convolution(F, dtype=dtype, name='skip')(x)
      bias += skip_bias
    return x + add_bias(y, bias)


# The same block, of which a training step keeps the input alone and computes the rest
# once more for the gradient: a quarter of the memory, a third more work.
RematResidual = nn.remat(Residual, static_argnums=2)


def residual(features: int, dtype, remat: bool, name: str, train: bool) -> nn.Module:
  """A Residual; `remat` makes it a RematResidual where there will be a gradient."""
  kind = RematResidual if remat and train else Residual
  return kind(features, dtype, name=name)


class Residuals(nn.Module):
  """A chain of `count` residual blocks of one width."""

  features: int
  count: int
  dtype: Any = jnp.float32
  remat: bool = False

  @nn.compact
  def __call__(
    self, x: Float[Array, 'B H W _'], train: bool
  ) -> Float[Array, 'B H W {self.features}']:
    """Maps [B, H, W, any width] to [B, H, W, features]."""
    for i in range(self.count):
      name = f'residual_{i}'
      x = residual(self.features, self.dtype, self.remat, name, train)(x, train)
    return x


def max_pool(x: Float[Array, 'B H W C']) -> Float[Array, 'B H//2 W//2 C']:
  """Halves a map: the largest of each 2x2 square.

  Of strided slices: their gradient is a comparison, that of a window reduction a
  scatter; and a reduction XLA:CPU fuses with all that comes before it, which is then
  slow (experiments/benchmarks).
  """
  x = jnp.maximum(x[:, ::2], x[:, 1::2])
  return jnp.maximum(x[:, :, ::2], x[:, :, 1::2])


def upsample(x: Float[Array, 'B H W C']) -> Float[Array, 'B 2*H 2*W C']:
  """Doubles a map: each value fills a 2x2 square."""
  B, H, W, C = x.shape
  x = jnp.broadcast_to(x[:, :, None, :, None, :], (B, H, 2, W, 2, C))
  return x.reshape(B, 2 * H, 2 * W, C)
