"""A JAX function of one batch of images as an ONNX graph.

No converter that installs beside current JAX translates this network, so the few
operations that it is made of are translated here, one by one, from its jaxpr.
"""

import string

import jax
import numpy as np
from jax import export

from wild3d.errors import UserError, missing

OPSET = 18
_LAST = np.iinfo(np.int64).min  # beyond the first element, for slices backwards
_SAME = {
  'add': 'Add', 'sub': 'Sub', 'mul': 'Mul', 'div': 'Div', 'max': 'Max', 'min': 'Min',
  'sqrt': 'Sqrt', 'exp': 'Exp', 'log': 'Log', 'neg': 'Neg', 'tanh': 'Tanh',
  'logistic': 'Sigmoid', 'gt': 'Greater', 'lt': 'Less', 'ge': 'GreaterOrEqual',
  'le': 'LessOrEqual', 'eq': 'Equal', 'stop_gradient': 'Identity', 'abs': 'Abs',
  'copy': 'Identity', 'copy_p': 'Identity',
}  # fmt: skip
_REDUCE = {'reduce_sum': 'ReduceSum', 'reduce_max': 'ReduceMax'}


def translate(function, images: jax.ShapeDtypeStruct, outputs: tuple[str, ...]):
  """The ONNX model of a function; its batch size stays open.

  Args:
    function: of images [B, H, W, 3] to one array for each name of `outputs`. Arrays
      that it closes over become weights.
    images: shape of one image with a leading axis of any length, and its type.
    outputs: names.

  Returns:
    onnx.ModelProto, with the input 'images'.

  Raises:
    UserError: onnx is not installed, or an operation is not known here.
  """
  try:
    import onnx
  except ImportError:
    raise missing('ONNX', 'onnx') from None
  (batch,) = export.symbolic_shape('batch')
  shaped = jax.ShapeDtypeStruct((batch, *images.shape[1:]), images.dtype)
  closed = jax.make_jaxpr(function)(shaped)
  graph = _Graph(onnx)
  found = graph.run(closed, ['images'])
  for name, value in zip(outputs, found, strict=True):
    graph.node('Identity', [value], name)
  info = lambda name, aval: onnx.helper.make_tensor_value_info(  # noqa: E731
    name, onnx.helper.np_dtype_to_tensor_dtype(aval.dtype), list(map(_dim, aval.shape))
  )
  made = onnx.helper.make_graph(
    graph.nodes,
    'wild3d',
    [info('images', shaped)],
    [info(n, aval) for n, aval in zip(outputs, closed.out_avals, strict=True)],
    graph.weights,
  )
  model = onnx.helper.make_model(
    made, opset_imports=[onnx.helper.make_opsetid('', OPSET)], producer_name='wild3d'
  )
  model.ir_version = 10  # what runtimes of this opset read
  onnx.checker.check_model(model)
  return model


def _dim(size):
  return size if isinstance(size, int) else 'batch'


class _Graph:
  """Nodes so far. A value is the name of a tensor, or a NumPy array if it is known."""

  def __init__(self, onnx):
    self._onnx = onnx
    self.nodes, self.weights = [], []
    self._count = 0
    self._batch = None

  def node(self, kind, inputs, name=None, **fields):
    """Adds a node; returns its output's name."""
    self._count += 1
    name = name or f'{kind.lower()}_{self._count}'
    names = [self._name(value) for value in inputs]
    made = self._onnx.helper.make_node(kind, names, [name], **fields)
    self.nodes.append(made)
    return name

  def _name(self, value):
    if isinstance(value, str):
      return value
    self._count += 1
    name = f'weight_{self._count}'
    array = np.asarray(value, order='C')
    self.weights.append(self._onnx.numpy_helper.from_array(array, name))
    return name

  def _shape(self, dims):
    """A shape as a value: known, unless the batch is in it."""
    if all(isinstance(d, int) for d in dims):
      return np.array(dims, np.int64)
    if self._batch is None:
      self._batch = self.node('Shape', ['images'], start=0, end=1)
    parts = [
      np.array([d], np.int64) if isinstance(d, int) else self._batch for d in dims
    ]
    return self.node('Concat', parts, axis=0)

  def run(self, closed, inputs):
    """Values of the outputs of a jaxpr."""
    jaxpr = closed.jaxpr
    known = dict(zip(jaxpr.constvars, map(np.asarray, closed.consts), strict=True))
    known |= dict(zip(jaxpr.invars, inputs, strict=True))
    value = lambda v: np.asarray(v.val) if hasattr(v, 'val') else known[v]  # noqa: E731
    for equation in jaxpr.eqns:
      results = self._equation(equation, [value(v) for v in equation.invars])
      known |= dict(zip(equation.outvars, results, strict=True))
    return [value(v) for v in jaxpr.outvars]

  def _equation(self, equation, inputs):
    inner = equation.params.get('jaxpr') or equation.params.get('call_jaxpr')
    if inner is not None and hasattr(inner, 'consts'):
      return self.run(inner, inputs)
    name, params = equation.primitive.name, equation.params
    shape = equation.outvars[0].aval.shape
    fixed = all(isinstance(size, int) for size in shape)
    if fixed and not any(isinstance(value, str) for value in inputs):
      found = equation.primitive.bind(*map(np.asarray, inputs), **params)
      found = found if equation.primitive.multiple_results else [found]
      return [np.asarray(x) for x in found]
    if name in _SAME:
      return [self.node(_SAME[name], inputs)]
    if name in _REDUCE:
      axes = np.array(params['axes'], np.int64)
      return [self.node(_REDUCE[name], [inputs[0], axes], keepdims=0)]
    translate_one = getattr(self, f'_{name}', None)
    if translate_one is None:
      raise UserError(f'the network uses {name}, which has no ONNX form here')
    avals = [v.aval for v in equation.invars]
    return [translate_one(inputs, avals, equation.outvars[0].aval, **params)]

  def _convert_element_type(self, inputs, _avals, out, **_):
    to = self._onnx.helper.np_dtype_to_tensor_dtype(out.dtype)
    return self.node('Cast', inputs, to=to)

  def _rsqrt(self, inputs, *_, **__):
    return self.node('Reciprocal', [self.node('Sqrt', inputs)])

  def _square(self, inputs, *_, **__):
    return self.node('Mul', inputs * 2)

  def _integer_pow(self, inputs, _avals, out, *, y, **_):
    return self.node('Pow', [inputs[0], np.array(y, out.dtype)])

  def _reshape(self, inputs, _avals, out, **_):
    return self.node('Reshape', [inputs[0], self._shape(out.shape)])

  _squeeze = _expand_dims = _reshape

  def _transpose(self, inputs, *_, permutation, **__):
    return self.node('Transpose', inputs, perm=list(permutation))

  def _concatenate(self, inputs, *_, dimension, **__):
    return self.node('Concat', inputs, axis=dimension)

  def _stack(self, inputs, *_, axis, **__):
    at = np.array([axis], np.int64)
    parts = [self.node('Unsqueeze', [value, at]) for value in inputs]
    return self.node('Concat', parts, axis=axis)

  def _rev(self, inputs, *_, dimensions, **__):
    count = len(dimensions)
    ends, axes = np.full(count, _LAST), np.array(dimensions, np.int64)
    back = np.full(count, -1, np.int64)
    return self.node('Slice', [inputs[0], back, ends, axes, back])

  def _slice(self, inputs, avals, _out, *, start_indices, limit_indices, strides, **_):
    # An axis of the batch is taken whole.
    axes = [i for i, size in enumerate(avals[0].shape) if isinstance(size, int)]
    steps = strides or (1,) * len(start_indices)
    parts = [[x[i] for i in axes] for x in (start_indices, limit_indices)]
    parts += [axes, [steps[i] for i in axes]]
    return self.node('Slice', [inputs[0], *(np.array(p, np.int64) for p in parts)])

  def _select_n(self, inputs, *_, **__):
    chosen, when_false, when_true = inputs
    return self.node('Where', [chosen, when_true, when_false])

  def _broadcast_in_dim(self, inputs, avals, out, *, broadcast_dimensions, **_):
    spread = [1] * len(out.shape)
    for size, axis in zip(avals[0].shape, broadcast_dimensions, strict=True):
      spread[axis] = size
    value = inputs[0]
    if tuple(spread) != tuple(avals[0].shape):
      value = self.node('Reshape', [value, self._shape(spread)])
    if tuple(spread) == tuple(out.shape):
      return value
    return self.node('Expand', [value, self._shape(out.shape)])

  def _gather(self, inputs, avals, out, *, dimension_numbers, slice_sizes, **_):
    """Slices at a known place, or rows taken along one axis by known indices."""
    value, indices = inputs
    axes, dropped = (
      dimension_numbers.start_index_map,
      dimension_numbers.collapsed_slice_dims,
    )
    if not isinstance(indices, str) and not dropped and np.ndim(indices) == 1:
      ends = indices + np.array([slice_sizes[axis] for axis in axes])
      parts = (indices, ends, np.array(axes))
      return self.node('Slice', [value, *(np.asarray(p, np.int64) for p in parts)])
    if not isinstance(indices, str) and axes == dropped and len(axes) == 1:
      (axis,) = axes
      taken = np.asarray(indices)[..., 0].astype(np.int64)
      whole = (*avals[0].shape[:axis], *taken.shape, *avals[0].shape[axis + 1 :])
      if whole == tuple(out.shape):
        return self.node('Gather', [value, taken], axis=axis)
    raise UserError('the network gathers in a way that has no ONNX form here')

  def _dot_general(self, inputs, avals, _out, *, dimension_numbers, **_):
    (left, right), (left_batch, right_batch) = dimension_numbers
    ranks = [len(aval.shape) for aval in avals]
    if not left_batch and (left, right) == ((ranks[0] - 1,), (0,)) and ranks[1] < 3:
      return self.node('MatMul', inputs)
    names = iter(string.ascii_lowercase)
    one = [next(names) for _ in range(ranks[0])]
    two = [next(names) for _ in range(ranks[1])]
    for a, b in zip((*left, *left_batch), (*right, *right_batch), strict=True):
      two[b] = one[a]
    batch = [one[a] for a in left_batch]
    free = [n for i, n in enumerate(one) if i not in (*left, *left_batch)]
    free += [n for i, n in enumerate(two) if i not in (*right, *right_batch)]
    terms = ''.join(one), ''.join(two), ''.join(batch + free)
    return self.node('Einsum', inputs, equation='{},{}->{}'.format(*terms))

  def _conv_general_dilated(
    self, inputs, _avals, _out, *, window_strides, padding, dimension_numbers, **params
  ):
    numbers = dimension_numbers
    if params['batch_group_count'] != 1 or set(params['lhs_dilation']) != {1}:
      raise UserError('the network has a convolution that has no ONNX form here')
    images = self.node('Transpose', [inputs[0]], perm=list(numbers.lhs_spec))
    kernel = inputs[1]
    if isinstance(kernel, str):
      kernel = self.node('Transpose', [kernel], perm=list(numbers.rhs_spec))
    else:
      kernel = np.transpose(kernel, numbers.rhs_spec)
    made = self.node(
      'Conv',
      [images, kernel],
      strides=list(window_strides),
      pads=[low for low, _ in padding] + [high for _, high in padding],
      dilations=list(params['rhs_dilation']),
      group=params['feature_group_count'],
    )
    return self.node('Transpose', [made], perm=list(np.argsort(numbers.out_spec)))
