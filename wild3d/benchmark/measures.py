"""Training, prediction and input of a configuration, each measured by itself."""

import contextlib
import os
import time
from typing import Any

import jax
import numpy as np

from wild3d import network
from wild3d.benchmark import programs, timing
from wild3d.models import initial
from wild3d.predict import predictor
from wild3d.training import check_config, mesh, schedule, trace

_TRACED = 5  # calls


def train(config, devices: jax.sharding.Mesh, seconds: float, profile: str) -> dict:
  """Images a second of the training step alone, its batch on the devices already.

  Returns:
    see timing.rate; 'flops': of an image, see programs.model_flops; 'compile_seconds';
    'step_memory_mb': beside the state, as the compiler plans it; 'parameters'.
  """
  flops = programs.model_flops(config)
  step, arguments = programs.training_step(config, devices)
  parameters = sum(x.size for x in jax.tree.leaves(arguments[0].params))
  start = time.perf_counter()
  compiled = step.lower(*arguments).compile()
  compiling = time.perf_counter() - start

  def run(times):
    for _ in range(times):
      arguments[0], metrics = compiled(*arguments)
    jax.block_until_ready(metrics)

  taken = timing.measure(run, seconds)
  with _traced(profile, 'train'):
    run(_TRACED)
  return timing.rate(config.batch_size, taken) | {
    'flops': flops,
    'compile_seconds': compiling,
    'step_memory_mb': compiled.memory_analysis().temp_size_in_bytes / 1e6,
    'parameters': parameters,
  }


def infer(
  config, devices: jax.sharding.Mesh, seconds: float, profile: str
) -> list[dict]:
  """Images a second from crops to joints, fetched, one by one and in whole batches.

  On CPUs by one device, which has all the cores, as in prediction.
  """
  if jax.default_backend() == 'cpu':
    devices = mesh.make(jax.devices()[:1])
  model = network.make_model(config)
  variables = initial.variables(model, jax.random.key(config.seed), config.input_size)
  variables = jax.device_put(variables, mesh.replicated(devices))
  net = network.make(config, variables, devices)
  most = predictor.CPU_BATCH if jax.default_backend() == 'cpu' else predictor.BATCH
  found = []
  for batch in (devices.size, -(-most // devices.size) * devices.size):
    shape = batch, config.input_size, config.input_size, 3
    images = np.random.default_rng(config.seed).integers(0, 256, shape, np.uint8)
    images = mesh.put({'image': images}, devices)['image']
    lowered = jax.jit(net.function()).lower(variables, images)
    cost: Any = lowered.cost_analysis()

    def run(times):
      for _ in range(times):
        net.predict(images)  # noqa: B023

    start = time.perf_counter()
    run(1)
    compiling = time.perf_counter() - start
    taken = timing.measure(run, seconds)
    found.append(
      timing.rate(batch, taken)
      | {
        'flops': cost['flops'] / batch,
        'compile_seconds': compiling,
      }
    )
  with _traced(profile, 'infer'):
    run(_TRACED)
  return found


def read(config, seconds: float) -> dict:
  """What the input of the first stage costs, without any network.

  Returns:
    'images_per_second', on all cores; 'cores': their number; 'per_core': images for a
    second of processor time.

  Raises:
    UserError: no stages, or their datasets are not built.
  """
  check_config.check(config)
  stage = schedule.plan(config.schedule, config.stages)[0]

  from wild3d.training import sources  # TensorFlow

  batches = sources.for_training(config, stage)
  for _ in range(3):  # buffers fill
    next(batches)
  images, start, before = 0, time.perf_counter(), timing.processor_seconds()
  while not images or time.perf_counter() - start < seconds:
    next(batches)
    images += config.batch_size
  wall = time.perf_counter() - start
  return {
    'images_per_second': images / wall,
    'cores': mesh.cores(),
    'per_core': images / (timing.processor_seconds() - before),
  }


def _traced(profile, name):
  folder = os.path.join(profile, name)
  return trace.started(folder) if profile else contextlib.nullcontext()
