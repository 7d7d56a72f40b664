"""Who runs the network of a prediction: XLA, by JAX, or ONNX Runtime."""

from collections.abc import Callable

import numpy as np

from wild3d.errors import UserError, missing
from wild3d.models.pose3d import Outputs
from wild3d.network import Network

RUNTIMES = ('jax', 'onnx')


def run_by(trained: Network, runtime: str) -> Network:
  """The network, run by one of RUNTIMES.

  Raises:
    UserError: it is another name, or its packages are not installed.
  """
  if runtime not in RUNTIMES:
    raise UserError(f'--runtime={runtime}: choose from {", ".join(RUNTIMES)}')
  return trained.run_by(_onnx(trained)) if runtime == 'onnx' else trained


def _onnx(trained: Network) -> Callable[[np.ndarray], Outputs]:
  """The network in ONNX Runtime, on the processor, in float32."""
  try:
    import onnxruntime
  except ImportError:
    raise missing('--runtime=onnx', 'onnxruntime') from None
  from wild3d.export import network as exported
  from wild3d.export import onnx_graph

  model = onnx_graph.translate(
    exported.forward(trained, trained.flip_test),
    exported.shape(trained, 1),
    exported.outputs(trained),
  )
  fields = onnxruntime.SessionOptions()
  # Threads that spin while they wait take the processor from reading and drawing.
  fields.add_session_config_entry('session.intra_op.allow_spinning', '0')
  session = onnxruntime.InferenceSession(
    model.SerializeToString(), fields, providers=['CPUExecutionProvider']
  )

  def see(images):
    maps, depth, *presence = session.run(None, {'images': images})
    return Outputs(maps, depth, presence[0] if presence else None)

  return see
