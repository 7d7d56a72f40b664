"""The formats: each is written, then run by its own runtime for comparison."""

import json
import pathlib

import jax
import numpy as np
from jax import export

from wild3d import files, settings, weights
from wild3d import network as networks
from wild3d.errors import missing
from wild3d.export import onnx_graph
from wild3d.export.network import OUTPUTS, Network

PLATFORMS = ('cpu', 'cuda', 'tpu')


def write_stablehlo(network: Network, path: pathlib.Path) -> None:
  """Serialises StableHLO with an open batch size, for CPU, CUDA and TPU (jax.export)."""
  (batch,) = export.symbolic_shape('batch')
  exported = export.export(network.forward, platforms=PLATFORMS)(network.shape(batch))
  path.write_bytes(exported.serialize())


def run_stablehlo(path: pathlib.Path, images: np.ndarray) -> tuple[np.ndarray, ...]:
  """Outputs of the written file, by jax.export."""
  return tuple(map(np.asarray, export.deserialize(path.read_bytes()).call(images)))


def write_weights(network: Network, path: pathlib.Path) -> None:
  """Writes parameters and configuration as one file of ours, without its maker's paths."""
  trained = network.trained
  config = settings.as_json(trained.config)
  config['data_dir'], config['init_from'] = files.DATA_DIR, ''
  for dataset in config['datasets'].values():
    dataset['manual_dir'] = ''
  run = {'step': trained.step, 'config': config}
  weights.write(path, jax.device_get(trained.variables), run)


def run_weights(path: pathlib.Path, images: np.ndarray) -> tuple[np.ndarray, ...]:
  """Outputs of the written file, loaded as every command loads it."""
  trained = networks.load(path)
  see = trained.function(model=trained.model.clone(dtype=np.float32), flip_test=False)
  outputs = jax.jit(see)(trained.variables, images)
  return tuple(np.asarray(output) for output in outputs if output is not None)


def write_saved_model(network: Network, path: pathlib.Path) -> None:
  """Writes a TensorFlow SavedModel folder, with an open batch size.

  Raises:
    UserError: TensorFlow is not installed.
  """
  tf = _tensorflow()
  from jax.experimental import jax2tf

  size = network.input_size
  converted = jax2tf.convert(
    lambda images: dict(zip(network.outputs, network.forward(images), strict=True)),
    polymorphic_shapes=[f'(batch, {size}, {size}, 3)'],
    with_gradient=False,
  )
  spec = tf.TensorSpec((None, size, size, 3), tf.uint8, name='images')
  module = tf.Module()
  module.f = tf.function(converted, autograph=False, input_signature=[spec])
  tf.saved_model.save(
    module, str(path), signatures=module.f.get_concrete_function(spec)
  )


def run_saved_model(path: pathlib.Path, images: np.ndarray) -> tuple[np.ndarray, ...]:
  """Outputs of the written folder, by TensorFlow."""
  tf = _tensorflow()
  served = tf.saved_model.load(str(path)).signatures['serving_default']
  found = served(images=tf.constant(images))
  return tuple(found[name].numpy() for name in OUTPUTS if name in found)


def _tensorflow():
  try:
    import tensorflow
  except ImportError:
    raise missing('a SavedModel', 'tensorflow-cpu') from None
  return tensorflow


def write_onnx(network: Network, path: pathlib.Path) -> None:
  """Writes ONNX with an open batch size.

  Raises:
    UserError: onnx is not installed.
  """
  model = onnx_graph.translate(network.forward, network.shape(1), network.outputs)
  for key, value in network.about.items():
    model.metadata_props.add(key=key, value=json.dumps(value))
  path.write_bytes(model.SerializeToString())


def run_onnx(path: pathlib.Path, images: np.ndarray) -> tuple[np.ndarray, ...]:
  """Outputs of the written file, by ONNX Runtime on the CPU.

  Raises:
    UserError: onnxruntime is not installed.
  """
  try:
    import onnxruntime
  except ImportError:
    raise missing('ONNX', 'onnxruntime') from None
  session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
  return tuple(session.run(None, {'images': images}))
