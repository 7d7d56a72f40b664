"""wild3d benchmark: images a second, and what holds them back."""

from wild3d.cli.parser import Parser


def main(arguments) -> None:
  """Parses the arguments and measures."""
  parser = Parser(
    prog='wild3d benchmark',
    description='Measures a configuration on this machine: images and FLOP a second '
    'and the share of the peak, memory, the time to the first step, and whether the '
    'input or the training step is the bottleneck. Parameters and batches are random '
    'numbers: all but `input` needs neither data nor TensorFlow. See docs/speed.md.',
    epilog='Any field can be set: --config.batch_size=32 '
    '--config.model.dtype=bfloat16.',
  )
  add = parser.add_argument
  add(
    '--config',
    default='',
    help='Python file with get_config() (default: that of the weights that come with '
    'wild3d, configs/wild.py)',
  )
  add(
    '--what',
    default='train,infer',
    metavar='A,B',
    help='of train, infer, input (needs the datasets, built), start (default: '
    '%(default)s)',
  )
  add('--json', default='', metavar='FILE', help='write what was measured')
  add(
    '--seconds',
    type=float,
    default=5.0,
    help='for each measure, besides compiling (default: %(default)s)',
  )
  add('--profile', default='', metavar='DIR', help='write traces: see docs/speed.md')
  options, overrides = parser.parse_known_args(arguments)

  import pathlib

  from wild3d import configs, settings

  shipped = pathlib.Path(configs.__path__[0]) / 'wild.py'
  config = settings.load(options.config or str(shipped), overrides)

  from wild3d.benchmark import run
  from wild3d.training import mesh

  mesh.split_cores(config.batch_size, config.evaluation.batch_size)  # as in training
  run.benchmark(
    config,
    options.config or 'configs/wild.py',
    tuple(filter(None, options.what.split(','))),
    seconds=options.seconds,
    out=options.json,
    profile=options.profile,
  )
