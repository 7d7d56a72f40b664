"""FLOPs an image, memory, and what the devices exchange, of a training step.

  python experiments/benchmarks/step_cost.py
  python experiments/benchmarks/step_cost.py --devices=8 --config=configs/photos.py

The step of a configuration is compiled for fake CPU devices and not run. Results and
what follows from them: docs/scaling.md.
"""

import argparse
import math
import re

import jax

from wild3d import settings
from wild3d.benchmark import programs
from wild3d.training import mesh

_WIDTHS = {'f64': 8, 'f32': 4, 's32': 4, 'u32': 4, 'bf16': 2, 'f16': 2, 'pred': 1}


def all_reduced(program: str) -> list[int]:
  """Bytes of each all-reduce of a compiled program, from its text."""
  return [
    sum(
      math.prod(int(n) for n in shape.split(',') if n) * _WIDTHS[kind]
      for kind, shape in re.findall(r'(\w+)\[([\d,]*)\]', shapes)
    )
    for shapes in re.findall(r'= (.*?) all-reduce(?:-start)?\(', program)
  ]


def main():
  """Prints the counts of one configuration, a line each."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  add = parser.add_argument
  add('--config', default='configs/zhou2017.py')
  add('--devices', type=int, default=8, help='fake ones, which share the batch')
  add('--rows', type=int, default=2, help='of the batch, on each device')
  args = parser.parse_args()
  jax.config.update('jax_platforms', 'cpu')
  jax.config.update('jax_num_cpu_devices', args.devices)

  config = settings.load(args.config, [])
  rows = config.batch_size = args.devices * args.rows
  step, arguments = programs.training_step(config, mesh.make())
  parameters = sum(x.size for x in jax.tree.leaves(arguments[0].params))
  print(f'{args.config}: {parameters:,} parameters, {rows} images a step')
  print(f'{programs.model_flops(config) / 1e9:.3g} GFLOP an image')
  lowered = step.lower(*arguments)
  compiled = lowered.compile()
  flops = compiled.cost_analysis()['flops'] / args.rows / 1e9  # of one device
  memory = compiled.memory_analysis().temp_size_in_bytes / args.rows / 1e9
  print(f'compiled for a CPU: {flops:.3g} GFLOP and {memory:.3g} GB an image')
  if sizes := all_reduced(compiled.as_text()):
    print(f'all-reduced: {sum(sizes) / 1e6:.3g} MB a step in {len(sizes)} operations')


if __name__ == '__main__':
  main()
