"""What is exported: the network of a run, its weights inside, and what it means."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import wild3d
from wild3d import network, skeleton
from wild3d.poses.poses_json import CONVENTIONS

OUTPUTS = ('heatmaps', 'depth', 'presence')  # the last of a network that tells
_PRESENCE = 'float32 [batch], probability that a person is centred in the image'


@dataclasses.dataclass(frozen=True)
class Network:
  """A function of images and its description.

  Attributes:
    forward: uint8 RGB [B, S, S, 3] -> (heatmaps [B, stacks, S/4, S/4, J], depth [B, J],
      and presence [B] if it tells), float32 whatever it was trained in, as
      `Predictor.network`.
    input_size: S, px.
    trained: the network itself.
    about: JSON-able: input, outputs, joints, units, and which checkpoint.
  """

  forward: object
  input_size: int
  trained: network.Network
  about: dict

  @property
  def outputs(self) -> tuple[str, ...]:
    """Names of what `forward` returns."""
    return OUTPUTS if self.trained.model.presence else OUTPUTS[:2]

  def shape(self, batch) -> jax.ShapeDtypeStruct:
    """Of a batch of images."""
    return jax.ShapeDtypeStruct((batch, *2 * (self.input_size,), 3), jnp.uint8)


def load(checkpoint: str, wanted: str, flip_test: bool) -> Network:
  """The network of a run or of `wild3d convert`, at step 'best', 'latest' or a number.

  Raises:
    UserError: there is no such run or step.
  """
  net = network.load(checkpoint, wanted)
  variables = jax.tree.map(jnp.asarray, jax.device_get(net.variables))
  see = net.function(model=net.model.clone(dtype=jnp.float32), flip_test=flip_test)

  def forward(images):
    return tuple(output for output in see(variables, images) if output is not None)

  size = net.input_size
  about = {
    'version': wild3d.__version__,
    'checkpoint': f'{checkpoint or network.SHIPPED}, step {net.step}',
    'flip_test': flip_test,
    'images': f'uint8 RGB [batch, {size}, {size}, 3]: a square of {1.25:g} times the '
    "longer side of the person's box",
    'heatmaps': f'float32 [batch, stacks, {size // 4}, {size // 4}, joint], '
    + ('probabilities' if net.probabilities else 'height about 1 at a joint')
    + '; the last stack is the answer; cell i covers [4 i, 4 i + 4) px of the image',
    'depth': 'float32 [batch, joint], units of half the side of the image, larger is '
    f'farther; 0 at the {net.config.target.depth_root}',
    **({'presence': _PRESENCE} if net.model.presence else {}),
    'joints': list(skeleton.JOINTS),
    'left_right': CONVENTIONS['left_right'],
  }
  return Network(jax.jit(forward), size, net, about)


def probe(size: int, batch: int) -> np.ndarray:
  """Images of smooth and detailed parts to compare on: uint8 [B, S, S, 3]."""
  rng = np.random.default_rng(batch)
  total = np.zeros((batch, size, size, 3))
  for cells in (2, 8, size):
    coarse = rng.uniform(0, 85, (batch, cells, cells, 3))
    total += np.kron(coarse, np.ones((1, size // cells, size // cells, 1)))
  return total.astype(np.uint8)
