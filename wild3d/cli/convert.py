"""wild3d convert: checkpoints of the authors' PyTorch network, to and from ours."""

from wild3d.cli.parser import Parser
from wild3d.errors import UserError


def main(arguments) -> None:
  """Parses the arguments and converts."""
  parser = Parser(
    prog='wild3d convert',
    description="Reads a PyTorch checkpoint of the authors' network (state dict or "
    'whole module) without running anything of it, and writes a run folder for '
    'evaluate, predict and init_from; or the other way. See docs/authors-weights.md.',
    epilog='Fields of data and evaluation can be set: --config.data_dir=DIR '
    '--config.datasets.mpii.manual_dir=DIR.',
  )
  add = parser.add_argument
  add('source', metavar='SRC', help='file, or with --to=torch a run')
  add('out', metavar='OUT', help='new run folder, or new file')
  parser.add_argument(
    '--to', choices=('wild3d', 'torch'), default='wild3d', help='(%(default)s)'
  )
  add('--step', default='best', help="with --to=torch: 'best', 'latest' or a number")
  add(
    '--config',
    default='',
    metavar='FILE',
    help='configuration whose datasets and evaluation sets OUT takes over, such as '
    'configs/zhou2017.py; the network and its targets stay those of SRC',
  )
  options, overrides = parser.parse_overrides(arguments)

  if options.to == 'torch' and (options.config or overrides):
    raise UserError('--to=torch writes no configuration: leave --config out')
  if options.to == 'torch':
    from wild3d.convert import to_torch

    print(to_torch.convert(options.source, options.out, options.step))
    return

  from wild3d import settings
  from wild3d.configs import base
  from wild3d.convert import from_torch

  if options.config:
    data = settings.load(options.config, overrides)
  else:
    data = settings.override(base.get_config(), overrides)
  print(from_torch.convert(options.source, options.out, data))
