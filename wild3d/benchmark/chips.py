"""What a chip can do at most: from its maker's sheet, or a matrix product, measured."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from wild3d.benchmark import timing
from wild3d.training import mesh

# JAX's device_kind -> dense TFLOP/s of a chip (bfloat16; float32 as JAX multiplies it by
# default: in TF32 on NVIDIA's, as bfloat16 on Google's). Sources: NVIDIA's data sheets,
# half of what they give with sparsity; docs.cloud.google.com/tpu/docs, peak compute per
# chip (bf16).
TERAFLOPS = {
  'NVIDIA A100-PCIE-40GB': (312, 156),
  'NVIDIA A100-SXM4-40GB': (312, 156),
  'NVIDIA A100 80GB PCIe': (312, 156),
  'NVIDIA A100-SXM4-80GB': (312, 156),
  'NVIDIA H100 PCIe': (756, 378),
  'NVIDIA H100 80GB HBM3': (989, 494),
  'NVIDIA H200': (989, 494),
  'NVIDIA L4': (121, 60),
  'NVIDIA L40S': (362, 183),
  'TPU v4': (275, 275),
  'TPU v5 lite': (197, 197),
  'TPU v5': (459, 459),
  'TPU v6 lite': (918, 918),
}


class Peak(NamedTuple):
  """FLOP/s of all devices together, and where the number is from."""

  flops: float
  source: str


def peak(devices: jax.sharding.Mesh, dtype: str, seconds: float) -> Peak:
  """The most that the devices can do.

  Args:
    devices: the mesh.
    dtype: 'float32' or 'bfloat16'.
    seconds: spent on measuring, where the chip is not in the table.
  """
  kind = devices.devices.flat[0].device_kind
  if kind in TERAFLOPS:
    each = TERAFLOPS[kind][dtype == 'float32'] * 1e12
    return Peak(each * devices.size, f"{kind}, its maker's data sheet")
  size = 1024 if jax.default_backend() == 'cpu' else 8192
  rate = product(devices, dtype, size, seconds)
  return Peak(rate, f'measured: products of {size} x {size} matrices')


def product(devices: jax.sharding.Mesh, dtype: str, size: int, seconds: float) -> float:
  """FLOP/s of one product of size x size matrices on each device: the best of several."""
  shape = (devices.size, size, size)
  matrices = jax.device_put(jnp.ones(shape, dtype), mesh.batched(devices))
  multiply = jax.jit(jnp.matmul, out_shardings=mesh.batched(devices))

  def run(times):
    for _ in range(times):
      product = multiply(matrices, matrices)
    product.block_until_ready()

  return 2 * devices.size * size**3 / min(timing.measure(run, seconds))
