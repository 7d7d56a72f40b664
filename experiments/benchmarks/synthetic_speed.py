"""How many synthetic people a second this machine draws, labels included.

  python experiments/benchmarks/synthetic_speed.py --size 128 --batch 32

Poses and scenes are many small numbers: compiled without optimisation, they
compile three times as fast and run as fast as needed.
"""

import argparse
import functools
import time

import jax

from wild3d.synthetic import camera, pose, scene

_QUICK = {'xla_backend_optimization_level': 0}


@functools.partial(jax.jit, compiler_options=_QUICK)
def _poses(keys):
  return jax.vmap(pose.sample)(keys)


@functools.partial(jax.jit, static_argnames='domain', compiler_options=_QUICK)
def _scenes(keys, domain):
  return jax.vmap(lambda key: scene.sample(key, domain))(keys)


@functools.partial(jax.jit, static_argnames='size')
def _draw(scenes, persons, size):
  def one(setting, person):
    placement = camera.place(setting.view, person.joints[None])
    return scene.draw(setting, placement, person, size)

  return jax.vmap(one)(scenes, persons)


def main():
  """Times compilation and batches, and prints pictures a second."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--size', type=int, default=128, help='px of one picture')
  parser.add_argument('--batch', type=int, default=32)
  parser.add_argument('--batches', type=int, default=6)
  args = parser.parse_args()

  for domain in ('lab', 'wild'):

    def batch(seed, domain=domain):
      pose_key, scene_key = jax.random.split(jax.random.key(seed))
      persons = _poses(jax.random.split(pose_key, args.batch))
      scenes = _scenes(jax.random.split(scene_key, args.batch), domain)
      return jax.device_get(_draw(scenes, persons, args.size))

    start, cpu = time.perf_counter(), time.process_time()
    batch(0)
    print(
      f'{domain}: compile and first batch {time.perf_counter() - start:.1f} s '
      f'({time.process_time() - cpu:.1f} s of processor time)'
    )
    start, cpu = time.perf_counter(), time.process_time()
    for seed in range(1, 1 + args.batches):
      batch(seed)
    count = args.batch * args.batches
    print(
      f'{domain}: {count / (time.perf_counter() - start):.0f} pictures/s, '
      f'{(time.process_time() - cpu) / count * 1e3:.1f} ms of processor time each'
    )


if __name__ == '__main__':
  main()
