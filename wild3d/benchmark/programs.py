"""What a configuration makes the devices do: its training step, and random batches."""

from typing import Any

import jax
import numpy as np

from wild3d import losses, network
from wild3d.data.batch import BATCH_KEYS, POSES
from wild3d.training import check_config, mesh, optimizer, state, step

_SECTIONS = (
  *('seed', 'model', 'pixels', 'target', 'optimizer', 'evaluation', 'input_size'),
  *('batch_size', 'accumulate', 'clip_frames', 'lift_poses'),
)


def check(config, devices: jax.sharding.Mesh) -> None:
  """Raises UserError where a field is wrong, or the devices cannot share a batch."""
  check_config.check(config, *_SECTIONS)
  rows, parts = config.batch_size, config.accumulate
  mesh.check_batch_size(devices, rows, 'config.batch_size', config.clip_frames, parts)


def training_step(config, devices: jax.sharding.Mesh):
  """The jitted step of a configuration, as training has it, and what to call it with.

  The learning rate is 0, so that it can go on for ever; times do not depend on it.

  Returns:
    (step, [state, batch, learning rate, loss weights]): the state is donated.
  """
  model = network.make_model(config)
  rule = optimizer.make(**config.optimizer)
  target = losses.Target(**config.target, clip_frames=config.clip_frames)
  start = state.fresh(model, rule, jax.random.key(config.seed), config.input_size)
  arguments = [
    jax.device_put(start, mesh.replicated(devices)),
    mesh.put(batch(config), devices),
    np.float32(0),
    dict.fromkeys(losses.TERMS, np.float32(1)),
  ]
  made = {'model': model, 'optimizer': rule, 'target': target}
  made |= {'pixels': network.make_pixels(config), 'parts': config.accumulate}
  return step.jitted(devices, **made), arguments


def batch(config) -> dict[str, np.ndarray]:
  """Random numbers in the form of a batch: see data/batch.py."""
  rng = np.random.default_rng(config.seed)
  sizes: dict[Any, Any] = {'H': config.input_size, 'W': config.input_size}
  made = {}
  for key, (axes, dtype, _) in BATCH_KEYS.items():
    numbers = rng.random((config.batch_size, *(sizes.get(n, n) for n in axes)))
    if dtype is bool:
      made[key] = numbers < 0.5
    else:
      made[key] = (numbers * (255 if dtype == np.uint8 else 1)).astype(dtype)
  if config.lift_poses:
    poses = rng.normal(0, 300, (config.lift_poses, 16, 3))
    made[POSES] = poses.astype(np.float32)
  return made


def model_flops(config) -> float:
  """FLOP of a training step for an image, 2 a multiply-add, as XLA counts them.

  Of the program before it is optimised, on one device: what the method asks for, without
  what `remat` computes twice.
  """
  plain = config.copy_and_resolve_references()
  plain.model.remat, plain.accumulate = False, 1
  step, arguments = training_step(plain, mesh.make(jax.devices()[:1]))
  return step.lower(*arguments).cost_analysis()['flops'] / config.batch_size
