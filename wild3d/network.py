"""A trained network as one object: pictures in, joints in crop units, px and mm out."""

import copy
import functools
import hashlib
import os
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from wild3d import geometry, heatmaps, settings, skeleton, weights
from wild3d.models import initial, presence
from wild3d.models.pixels import RGB, Pixels, to_float
from wild3d.models.pose3d import DTYPES, Outputs, Pose3D
from wild3d.training import check_config, checkpoints, mesh

SHIPPED = 'weights of wild3d'  # what messages and files call them


def forward(
  variables: dict,
  images: UInt8[Array, 'B H W 3'],
  *,
  model,
  probabilities: bool,
  flip_test: bool = False,
  pixels: Pixels = RGB,
) -> Outputs:
  """The network's outputs, before any decoding.

  Args:
    variables: 'params' and 'batch_stats'.
    images: RGB.
    model: Pose3D.
    probabilities: whether the maps, trained with cross-entropy, are logits over the
      places of a map, and are to become probabilities.
    flip_test: take the mean over the image and its mirror image, mirrored back.
    pixels: the network's input.

  Returns:
    Outputs; `presence` is a probability here.
  """

  def see(images):
    maps, depth, present = model.apply(variables, to_float(images, pixels), train=False)
    if probabilities:  # over one axis: exporters know no softmax over two
      flat = maps.reshape(*maps.shape[:2], -1, maps.shape[-1])
      maps = jax.nn.softmax(flat, axis=2).reshape(maps.shape)
    return maps, depth, present

  maps, depth, present = see(images)
  others = None
  if flip_test:
    mirrored, mirrored_depth, others = see(images[:, :, ::-1])
    other = skeleton.FLIP_INDEX
    maps = (maps + mirrored[:, :, :, ::-1][..., other]) / 2
    depth = (depth + mirrored_depth[:, other]) / 2
  return Outputs(maps, depth, presence.probability(present, others))


def decode(
  maps: Float[Array, 'H W J'],
  depth: Float[Array, ' J'],
  *,
  refine: str,
  probabilities: bool,
) -> dict[str, Array]:
  """The joints of ONE person, from the last stack's maps.

  Args:
    maps: as `forward` gives them.
    depth: crop units.
    refine: sub-pixel rule of heatmaps.decode.
    probabilities: whether the maps are such.

  Returns:
    'joints_crop' [J, 3], crop frame, depth 0 at the pelvis; 'scores' [J], 0 to 1: the
    height of the peak, or the probability near it (heatmaps.peak_mass).
  """
  find = functools.partial(heatmaps.decode, refine=refine)
  xy, peak = jax.vmap(find, in_axes=-1)(maps)
  scores = jax.vmap(heatmaps.peak_mass, in_axes=-1)(maps) if probabilities else peak
  depth = depth - geometry.root_position(depth[:, None])
  return {'joints_crop': geometry.lift(xy, depth), 'scores': jnp.clip(scores, 0.0, 1.0)}


def millimetres(
  joints_crop: Float[Array, 'J 3'], skeleton_mm: float | Float[Array, '']
) -> Float[Array, 'J 3']:
  """Joints of ONE person in mm, minus the pelvis.

  A network knows no absolute size: the 14 bones are scaled to sum to `skeleton_mm`.
  """
  return geometry.size_normalise(geometry.root_align(joints_crop), skeleton_mm)


def original_pixels(
  joints_crop: Float[np.ndarray, '*N J D'], to_original: Float[np.ndarray, '*N 2 3']
) -> Float[np.ndarray, '*N J 2']:
  """Px of the original pictures, from the crop frame, in float64."""
  affine = to_original.astype(np.float64)
  xy = joints_crop[..., :2].astype(np.float64)
  return xy @ affine[..., :2].swapaxes(-1, -2) + affine[..., None, :, 2]


class Network:
  """A model, its parameters, and how its outputs become joints.

  Attributes:
    model: of models/pose3d.py.
    variables: its 'params' and 'batch_stats'.
    mesh: the devices that share its batches.
    input_size: px, side of the square crops that it sees.
    probabilities: whether its maps are such (trained with cross-entropy).
    refine: sub-pixel rule of heatmaps.decode.
    flip_test: whether it looks at the mirror image too.
    skeleton_mm: sum of the 14 bones that every pose is scaled to.
    pixels: what it sees of a picture.
    perspective_correction: whether its joints are in sight axes, see data/batch.py.
    step: of the checkpoint.
    config: of the run, or None.
  """

  def __init__(
    self,
    model,
    variables: dict,
    devices,
    *,
    input_size: int,
    probabilities: bool,
    refine: str,
    flip_test: bool,
    skeleton_mm: float,
    pixels: Pixels = RGB,
    perspective_correction: bool = False,
    step: int = 0,
    config=None,
  ):
    """See the attributes."""
    self.model, self.variables, self.mesh = model, variables, devices
    self.input_size, self.probabilities = input_size, probabilities
    self.refine, self.flip_test = refine, flip_test
    self.skeleton_mm, self.pixels = float(skeleton_mm), pixels
    self.perspective_correction = perspective_correction
    self.step, self.config = step, config
    self._make()

  def _make(self):
    whole = mesh.replicated(self.mesh)  # so that each process has all of them
    self._forward = jax.jit(self.function(), out_shardings=whole)
    self._decode = jax.jit(self._decoded, out_shardings=whole)
    self._predict = jax.jit(
      lambda *inputs: self._decoded(self.function()(*inputs)), out_shardings=whole
    )

  @property
  def trained_on(self) -> tuple[str, ...]:
    """Names of the data sets that it was trained on, as 'mpii/small'."""
    if self.config is None:
      return ()
    used = {source.dataset for source in self.config.sources.values()}
    return tuple(sorted(self.config.datasets[name].name for name in used))

  def function(self, **changed):
    """The pure function (variables, images) -> Outputs, see `forward`."""
    return functools.partial(
      forward,
      **{
        'model': self.model,
        'probabilities': self.probabilities,
        'flip_test': self.flip_test,
        'pixels': self.pixels,
        **changed,
      },
    )

  def with_variables(self, variables: dict) -> 'Network':
    """The same network with other parameters; nothing is compiled again."""
    other = copy.copy(self)
    other.variables = variables
    return other

  def with_flip_test(self, flip_test: bool) -> 'Network':
    """The same network that looks at the mirror image too, or does not."""
    if flip_test == self.flip_test:
      return self
    other = copy.copy(self)
    other.flip_test = flip_test
    other._make()
    return other

  def outputs(
    self, images: UInt8[np.ndarray, 'B H W 3'] | UInt8[Array, 'B H W 3']
  ) -> Outputs:
    """What `forward` gives. Compiled once for each B."""
    return self._forward(self.variables, images)

  def decoded(self, outputs: Outputs) -> dict[str, np.ndarray]:
    """Joints of outputs: see `predict`."""
    return self._fetched(self._decode(outputs))

  def predict(
    self, images: UInt8[np.ndarray, 'B H W 3'] | UInt8[Array, 'B H W 3']
  ) -> dict[str, np.ndarray]:
    """The joints of crops.

    Returns:
      float64 'joints_crop' [B, J, 3] and 'scores' [B, J], see `decode`; 'joints_mm'
      [B, J, 3], see `millimetres`, in sight axes with perspective_correction;
      'presence' [B], the probability that a person is centred in the crop, of a
      network that tells.
    """
    return self._fetched(self._predict(self.variables, images))

  def _decoded(self, outputs):
    one = functools.partial(
      decode, refine=self.refine, probabilities=self.probabilities
    )
    found = jax.vmap(one)(outputs.heatmaps[:, -1], outputs.depth)
    if outputs.presence is not None:
      found['presence'] = outputs.presence
    sized = functools.partial(millimetres, skeleton_mm=self.skeleton_mm)
    return found | {'joints_mm': jax.vmap(sized)(found['joints_crop'])}

  def _fetched(self, found):
    return {key: np.asarray(value, np.float64) for key, value in found.items()}

  @property
  def fingerprint(self) -> str:
    """12 hexadecimal digits of a hash of the parameters."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(self.variables):
      digest.update(jax.tree_util.keystr(path).encode())
      digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()[:12]


# ---- From a configuration, and from a run's folder.


def make_model(config) -> Pose3D:
  """The network that config.model describes.

  Raises:
    UserError: see check_config.check.
  """
  check_config.check(config, 'model', 'input_size')
  fields = dict(config.model)
  fields['dtype'] = DTYPES[fields['dtype']]
  return Pose3D(**fields, joints=len(skeleton.JOINTS), root=skeleton.ROOT)


def make_pixels(config) -> Pixels:
  """How the network wants its input, as config.pixels says.

  Raises:
    UserError: see check_config.check.
  """
  check_config.check(config, 'pixels')
  return Pixels(**config.pixels)


def make(config, variables: dict, devices, step: int = 0) -> Network:
  """The network of a configuration, with these parameters.

  Raises:
    UserError: see check_config.check.
  """
  check_config.check(config, 'target', 'evaluation')
  evaluation = config.evaluation
  return Network(
    make_model(config),
    variables,
    devices,
    input_size=config.input_size,
    probabilities=config.target.loss == 'cross_entropy',
    refine=evaluation.refine,
    flip_test=evaluation.flip_test,
    skeleton_mm=evaluation.skeleton_mm,
    pixels=make_pixels(config),
    perspective_correction=config.perspective_correction,
    step=step,
    config=config,
  )


def load(
  source: str | os.PathLike = '',
  wanted: str = 'best',
  overrides: Sequence[str] = (),
) -> Network:
  """The network of a run or of a file, restored; its optimiser is not read.

  Args:
    source: folder of a run or of `wild3d convert`, or a file of weights; '' for the
      weights that come with wild3d.
    wanted: 'best', 'latest' or a step; of a file, which has one, nothing else.
    overrides: --config.a.b=c arguments, applied to the run's configuration.

  Raises:
    UserError: no run there, no such step, a wrong override, or parameters of another
      network than the configuration's.
  """
  saved = checkpoints.open_existing(source or weights.SHIPPED)
  at = saved.choose(wanted)
  config = settings.override(
    settings.complete(saved.run(at)['config']), list(overrides)
  )
  devices = mesh.make()
  shapes = initial.shapes(make_model(config), config.input_size)
  variables = saved.restore_model(at, mesh.abstract_on(shapes, devices))
  return make(config, variables, devices, at)
