"""From a run's folder to its network: what evaluation and prediction start from."""

import jax
import jax.numpy as jnp

from wild3d import settings, skeleton
from wild3d.configs import base
from wild3d.errors import UserError
from wild3d.models.pose3d import Pose3D
from wild3d.training import checkpoints, mesh, step


def make_model(config) -> Pose3D:
  """The network that config.model describes."""
  fields = dict(config.model)
  dtypes = {'float32': jnp.float32, 'bfloat16': jnp.bfloat16}
  if fields['dtype'] not in dtypes:
    raise UserError(
      f'config.model.dtype is {fields["dtype"]!r}: choose from {sorted(dtypes)}'
    )
  if fields['depth_head'] not in ('regression', 'lift'):
    raise UserError(
      f'config.model.depth_head is {fields["depth_head"]!r}: choose regression or lift'
    )
  if config.input_size < 64 or config.input_size % 64:
    raise UserError(
      f'config.input_size is {config.input_size}: it must be a multiple of 64'
    )
  return Pose3D(
    **fields | {'dtype': dtypes[fields['dtype']]},
    joints=len(skeleton.JOINTS),
    root=skeleton.ROOT,
  )


def make_pixels(config) -> step.Pixels:
  """How the network wants its input, as config.pixels says."""
  pixels = step.Pixels(**config.pixels)
  if pixels.order not in ('rgb', 'bgr'):
    raise UserError(f'config.pixels.order is {pixels.order!r}: choose rgb or bgr')
  if not pixels.divisor > 0:
    raise UserError(f'config.pixels.divisor is {pixels.divisor}: it must be above 0')
  return pixels


def make_target(config) -> step.Target:
  """How targets and losses are formed, as config.target says."""
  target = step.Target(**config.target)
  if target.depth_root not in step.DEPTH_ROOTS:
    raise UserError(
      f'config.target.depth_root is {target.depth_root!r}: choose from '
      f'{", ".join(step.DEPTH_ROOTS)}'
    )
  return target


def complete(saved: dict):
  """The configuration of a checkpoint; fields newer than it have their defaults.

  Raises:
    UserError: a field is of another type than ours.
  """
  config = base.get_config()
  try:
    config.update(settings.from_json(saved))
  except (AttributeError, KeyError, TypeError, ValueError) as error:
    why = ' '.join(str(error).split())
    raise UserError(
      f"the checkpoint's configuration is damaged, or of another wild3d: {why}"
    ) from error
  return config


def choose_step(saved: checkpoints.Checkpoints, wanted: str) -> int:
  """The step that 'best', 'latest' or a number names.

  Raises:
    UserError: it names none.
  """
  if wanted == 'best':
    return saved.best()
  if wanted == 'latest':
    return saved.latest()
  if wanted.isdigit() and int(wanted) in saved.steps():
    return int(wanted)
  raise UserError(f"--step={wanted}: there are 'best', 'latest' and {saved.steps()}")


def restore(folder, wanted: str, overrides: list[str]):
  """Restores a run's model alone.

  Args:
    folder: of the run.
    wanted: see `choose_step`.
    overrides: --config.a.b=c arguments, applied to the run's configuration.

  Returns:
    (config, step, model, variables, devices).

  Raises:
    UserError: no run there, no such step, or a wrong override.
  """
  saved = checkpoints.open_existing(folder)
  at = choose_step(saved, wanted)
  run = saved.run(at)
  config = settings.override(complete(run['config']), overrides)
  devices = mesh.make()
  model = make_model(config)
  images = jax.ShapeDtypeStruct(
    (1, config.input_size, config.input_size, 3), jnp.float32
  )
  shapes = jax.eval_shape(model.init, jax.random.key(0), images)
  variables = saved.restore_model(at, mesh.abstract_on(shapes, devices))
  return config, at, model, variables, devices
