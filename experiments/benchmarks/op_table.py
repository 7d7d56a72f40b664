"""The most expensive operations of a training step, from a trace of the profiler.

  python experiments/benchmarks/op_table.py --config=configs/quickstart.py
  python experiments/benchmarks/op_table.py --trace=DIR

The first compiles a configuration's step, traces some, and says of each operation what of
the network it comes from; the second reads what `wild3d train --profile=DIR` or
`wild3d benchmark --profile=DIR` wrote. Results: docs/speed.md.
"""

import argparse
import collections
import gzip
import json
import pathlib
import re
import tempfile

import jax

from wild3d import settings
from wild3d.benchmark import programs, tables
from wild3d.training import mesh, trace


def operations(folder: str) -> tuple[dict[str, float], int]:
  """({operation: ms in all}, runs of the program) of the newest trace in a folder."""
  newest = max(
    pathlib.Path(folder).rglob('*.trace.json.gz'), key=lambda path: path.stat().st_mtime
  )
  with gzip.open(newest) as stream:
    events = json.load(stream)['traceEvents']
  spent, runs = collections.Counter(), set()
  for event in events:
    told = event.get('args', {})
    # Loops and calls hold operations that are counted by themselves.
    if event.get('ph') == 'X' and not re.match(
      'while|call|conditional', told.get('hlo_op', 'call')
    ):
      spent[told['hlo_op']] += event['dur'] / 1e3
      runs.add(told.get('run_id'))
  return spent, max(1, len(runs))


def origins(program: str) -> dict[str, str]:
  """Operation of a compiled program -> the place in the network that it is from."""
  found = re.findall(r'%([\w.-]+) = .*?op_name="([^"]*)"', program)
  return {name: _place(where) for name, where in found}


def _place(where):
  """'jit(train)/transpose(jvp(Pose3D))/stem/...' without what every name has."""
  parts = where.split('/')[1:]
  backward = 'transpose' in where
  kept = [p for p in parts if '(' not in p and p not in ('Pose3D', 'checkpoint')]
  return ('gradient of ' if backward else '') + '/'.join(kept[-4:])


def _kind(place):
  """'gradient of stem/conv/conv_general_dilated' -> 'gradient of conv_general_dilated'."""
  last = place.rpartition('/')[2].removeprefix('gradient of ') or 'not named'
  return f'gradient of {last}' if place.startswith('gradient of ') else last


def main():
  """Prints a Markdown table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  add = parser.add_argument
  add('--config', default='configs/quickstart.py')
  add('--trace', default='', help='folder of a trace, in place of one of --config')
  add('--steps', type=int, default=5, help='that are traced')
  add('--top', type=int, default=12, help='operations to show')
  args, overrides = parser.parse_known_args()
  places = {}
  if args.trace:
    spent, runs = operations(args.trace)
  else:
    config = settings.load(args.config, overrides)
    step, arguments = programs.training_step(config, mesh.make())
    compiled = step.lower(*arguments).compile()
    places = origins(compiled.as_text())
    arguments[0], _ = compiled(*arguments)
    with tempfile.TemporaryDirectory() as folder:
      with trace.started(folder):
        for _ in range(args.steps):
          arguments[0], metrics = compiled(*arguments)
        jax.block_until_ready(metrics)
      spent, _ = operations(folder)
    runs = args.steps
  total = sum(spent.values())
  print(f'{total / runs:.1f} ms of operations a step, {len(spent)} of them\n')
  rows = [('operation', 'ms a step', 'share', 'from')]
  for name, ms in spent.most_common(args.top):
    rows.append((name, f'{ms / runs:.2f}', f'{ms / total:.1%}', places.get(name, '')))
  print('\n'.join(tables.align(rows)))
  if not places:
    return
  kinds = collections.Counter()
  for name, ms in spent.items():
    kinds[_kind(places.get(name, ''))] += ms
  rows = [('all of a kind', 'ms a step', 'share')]
  for kind, ms in kinds.most_common(args.top):
    rows.append((kind, f'{ms / runs:.2f}', f'{ms / total:.1%}'))
  print('', *tables.align(rows), sep='\n')


if __name__ == '__main__':
  main()
