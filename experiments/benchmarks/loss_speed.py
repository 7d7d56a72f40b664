"""The geometric loss and its gradient alone, for many skeletons at once.

python experiments/benchmarks/loss_speed.py [--skeletons=1024]
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np

from wild3d import losses
from wild3d.benchmark import timing


def main():
  """Prints the median and the best of the milliseconds."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--skeletons', type=int, default=1024)
  parser.add_argument('--seconds', type=float, default=3)
  args = parser.parse_args()
  rng = np.random.default_rng(0)
  joints = jnp.asarray(rng.uniform(-1, 1, (args.skeletons, 16, 3)), jnp.float32)
  visible = jnp.asarray(rng.random((args.skeletons, 16)) < 0.8)

  @jax.jit
  def both(joints):
    return jax.value_and_grad(
      lambda joints: losses.geometric_loss(joints, visible).mean()
    )(joints)

  def run(times):
    for _ in range(times):
      value, _ = both(joints)
    value.block_until_ready()

  taken = 1e3 * np.asarray(timing.measure(run, args.seconds))
  print(
    f'geometric loss and gradient of {args.skeletons} skeletons: median '
    f'{np.median(taken):.3f} ms, best {taken.min():.3f} ms, '
    f'{jax.devices()[0].device_kind}'
  )


if __name__ == '__main__':
  main()
