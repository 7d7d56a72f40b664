"""The benchmark: measures what is asked for, prints tables, writes JSON."""

import json
import math
from collections.abc import Sequence

import jax

from wild3d import __version__, files
from wild3d.benchmark import chips, measures, programs, start, tables, timing
from wild3d.errors import UserError
from wild3d.training import mesh, trace

WHAT = ('train', 'infer', 'input', 'start')


def benchmark(
  config,
  name: str,
  what: Sequence[str] = ('train', 'infer'),
  *,
  seconds: float = 5.0,
  out: str = '',
  profile: str = '',
) -> dict:
  """Measures a configuration on the devices that JAX finds.

  Args:
    config: see configs/base.py.
    name: of the configuration, for the table.
    what: of WHAT.
    seconds: spent on each measure, besides compiling.
    out: JSON file for what was measured; '' for none.
    profile: folder for traces of the training step and of prediction; '' for none.

  Returns:
    What the JSON file holds.

  Raises:
    UserError: an unknown measure, a wrong configuration, data that is not there.
  """
  for each in what:
    if each not in WHAT:
      raise UserError(f'--what={each}: choose from {", ".join(WHAT)}')
  if not (seconds > 0 and math.isfinite(seconds)):
    raise UserError(f'--seconds={seconds:g}: give a number above 0')
  files.check_outputs({'--json': out})
  profile = trace.check(profile)
  devices = mesh.make()
  programs.check(config, devices)
  found = {
    'wild3d': __version__,
    'jax': jax.__version__,
    'config': name,
    'dtype': config.model.dtype,
    'input_size': config.input_size,
    'devices': devices.size,
    'device_kind': devices.devices.flat[0].device_kind,
  }
  # What fails at once, first; and the input before the devices have threads and memory.
  if 'input' in what:
    found['input'] = measures.read(config, seconds)
  if 'start' in what:
    found['start'] = start.measure(config)
  if {'train', 'infer', 'input'} & set(what):
    peak = chips.peak(devices, config.model.dtype, min(seconds, 2.0))
    found['peak'] = peak._asdict()
  if {'train', 'input'} & set(what):  # whether the input keeps up with what
    found['train'] = measures.train(config, devices, seconds, profile)
  if 'infer' in what:
    found['infer'] = measures.infer(config, devices, seconds, profile)
  found['memory_mb'] = timing.peak_memory()
  if 'input' in what:
    found['input'] |= _verdict(found)
  print(tables.text(found))
  if profile:
    print(f'profile: {profile}')
  if out:
    files.write(out, json.dumps(found, indent=2) + '\n')
  return found


def _verdict(found):
  """Which of input and step is slower, and from how many cores on the input is not."""
  # By processor time: the wall clock would count what else the machine does.
  source = found['input']
  needed = math.ceil(found['train']['images_per_second'] / source['per_core'])
  slower = 'input' if needed > source['cores'] else 'step'
  return {'bottleneck': slower, 'cores_needed': needed}
