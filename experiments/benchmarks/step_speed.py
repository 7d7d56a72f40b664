"""Training steps a second, for a handful of network and input sizes.

  python experiments/benchmarks/step_speed.py
  python experiments/benchmarks/step_speed.py --stacks 2 --residuals 2 \
    --features 256 --size 256 --batch 2 --dtype bfloat16

One step is forward, backward and RMSprop on random images. Results: README.md here.
"""

import argparse
import itertools
import resource
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

from wild3d.models import initial
from wild3d.models.pose3d import Pose3D


def prepare(model: Pose3D, size: int, batch: int):
  """Returns the uncompiled step, and the state and the data to call it with."""
  variables = initial.variables(model, jax.random.key(0), size)
  optimizer = optax.chain(
    optax.scale_by_rms(decay=0.99, eps=1e-8, eps_in_sqrt=False),
    optax.scale(-2.5e-4),
  )
  rng = np.random.default_rng(0)
  maps = (batch, size // 4, size // 4, model.joints)
  data = [
    jnp.asarray(rng.random(shape, np.float32))
    for shape in ((batch, size, size, 3), maps, (batch, model.joints))
  ]

  def step(state, images, heatmaps, depths):
    variables, moments = state

    def loss(params):
      (got_maps, got_depths, _), new = model.apply(
        {**variables, 'params': params}, images, True, mutable=['batch_stats']
      )
      error = jnp.square(got_maps - heatmaps[:, None]).mean((0, 2, 3, 4)).sum()
      return error + 0.1 * jnp.square(got_depths - depths).mean(), new

    (value, new), grads = jax.value_and_grad(loss, has_aux=True)(variables['params'])
    updates, moments = optimizer.update(grads, moments)
    params = optax.apply_updates(variables['params'], updates)
    return ({**new, 'params': params}, moments), value

  state = (variables, jax.jit(optimizer.init)(variables['params']))
  return jax.jit(step, donate_argnums=0), state, data


def cpu_seconds() -> float:
  """User and system seconds of this process, which a busy machine does not bend."""
  usage = resource.getrusage(resource.RUSAGE_SELF)
  return usage.ru_utime + usage.ru_stime


def measure(model: Pose3D, size: int, batch: int, seconds: float):
  """Returns compile wall s, images/s, CPU s an image and temporary MB."""
  step, state, data = prepare(model, size, batch)
  start = time.perf_counter()
  step = step.lower(state, *data).compile()
  compiling = time.perf_counter() - start
  state, value = step(state, *data)
  value.block_until_ready()
  # The median step, since others may share the machine.
  walls, start_cpu, start = [], cpu_seconds(), time.perf_counter()
  while len(walls) < 3 or time.perf_counter() - start < seconds:
    before = time.perf_counter()
    state, value = step(state, *data)
    value.block_until_ready()
    walls.append(time.perf_counter() - before)
  cpu = (cpu_seconds() - start_cpu) / len(walls) / batch
  temporary = step.memory_analysis().temp_size_in_bytes / 1e6
  return compiling, batch / float(np.median(walls)), cpu, temporary


def main():
  """Prints one row a configuration, as a Markdown table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  add = parser.add_argument
  add('--stacks', type=int, nargs='+', default=[1])
  add('--residuals', type=int, nargs='+', default=[1])
  add('--features', type=int, nargs='+', default=[32, 48, 64, 96])
  add('--size', type=int, nargs='+', default=[64, 128])
  add('--batch', type=int, nargs='+', default=[16])
  add('--dtype', nargs='+', default=['float32'])
  add('--seconds', type=float, default=4, help='spent on each row')
  args = parser.parse_args()
  print(
    '| stacks | residuals | features | px | batch | dtype | compile s | images/s ',
    end='',
  )
  print('| CPU ms/image | temporary MB |\n' + '|---' * 10 + '|')
  for stacks, residuals, features, size, batch, dtype in itertools.product(
    args.stacks, args.residuals, args.features, args.size, args.batch, args.dtype
  ):
    model = Pose3D(
      stacks=stacks,
      residuals=residuals,
      features=features,
      depth_residuals=residuals,
      dtype=jnp.dtype(dtype),
    )
    compiling, rate, cpu, memory = measure(model, size, batch, args.seconds)
    print(
      f'| {stacks} | {residuals} | {features} | {size} | {batch} | {dtype} '
      f'| {compiling:.1f} | {rate:.1f} | {cpu * 1e3:.1f} | {memory:.0f} |',
      flush=True,
    )


if __name__ == '__main__':
  main()
