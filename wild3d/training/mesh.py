"""Devices: one mesh axis, 'data', over which batches are split."""

import contextlib
import os

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from wild3d.errors import UserError

_MOST = 8  # devices made of cores: more have not been measured


def split_cores(*batch_sizes: int) -> None:
  """Makes a device of each core where JAX runs on the CPU, as far as the batches divide.

  On one device each operation waits for the slowest of its threads. Only before JAX has
  run. What the user says counts before it: JAX_NUM_CPU_DEVICES, or XLA_FLAGS. On
  accelerators it changes nothing.

  Args:
    batch_sizes: of training and evaluation.
  """
  asked = os.environ.get('XLA_FLAGS', '')
  if (
    'JAX_NUM_CPU_DEVICES' in os.environ
    or 'xla_force_host_platform_device_count' in asked
  ):
    return
  with contextlib.suppress(RuntimeError):  # JAX has run in this process
    jax.config.update('jax_num_cpu_devices', devices_of_cores(cores(), *batch_sizes))


def cores() -> int:
  """The processor cores that this process may use, where the system tells; else all."""
  told = hasattr(os, 'sched_getaffinity')
  return len(os.sched_getaffinity(0)) if told else os.cpu_count() or 1


def devices_of_cores(most: int, *batch_sizes: int) -> int:
  """The largest number, at most one a core and `_MOST`, that divides all the batches."""
  return max(
    number
    for number in range(1, max(1, min(most, _MOST)) + 1)
    if number == 1 or not any(size % number for size in batch_sizes)
  )


def make(devices=None) -> Mesh:
  """A mesh of all devices, or of those given."""
  devices = jax.devices() if devices is None else devices
  return jax.make_mesh(
    (len(devices),), ('data',), axis_types=(AxisType.Auto,), devices=devices
  )


def replicated(mesh: Mesh) -> NamedSharding:
  """The sharding of parameters: a whole copy on every device."""
  return NamedSharding(mesh, PartitionSpec())


def batched(mesh: Mesh) -> NamedSharding:
  """The sharding of batches: rows split over the devices."""
  return NamedSharding(mesh, PartitionSpec('data'))


def check_batch_size(
  mesh: Mesh, batch_size: int, field: str, clip_frames: int = 1, parts: int = 1
) -> None:
  """Raises UserError unless devices, and processes with whole clips, can share it.

  So must they each of the `parts` that it is trained in.
  """
  whole = mesh.size * parts * clip_frames
  if parts > 1 and batch_size % whole:
    raise UserError(
      f'{field} is {batch_size}: it must be a multiple of {whole}, config.accumulate '
      f'{parts} times {mesh.size} devices times {clip_frames} frames of a clip'
    )
  if batch_size < 1 or batch_size % mesh.size:
    raise UserError(
      f'{field} is {batch_size}: it must be a multiple of the {mesh.size} devices'
    )
  if batch_size % (jax.process_count() * clip_frames):
    raise UserError(
      f'{field} is {batch_size}: it must be a multiple of the {jax.process_count()} '
      f'processes times config.clip_frames, {clip_frames}'
    )


def put(batch: dict, mesh: Mesh) -> dict:
  """Makes global device arrays from this process's rows of a batch."""
  sharding = batched(mesh)
  return {
    key: jax.make_array_from_process_local_data(sharding, value)
    for key, value in batch.items()
  }


def abstract_on(tree, mesh: Mesh):
  """Shapes and dtypes of a tree of arrays, to be replicated over the mesh."""
  sharding = replicated(mesh)
  return jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), tree
  )
