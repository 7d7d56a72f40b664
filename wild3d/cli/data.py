"""wild3d data: build a dataset from its original files, check it, look at it."""

import sys

from wild3d.cli.parser import Parser
from wild3d.files import DATA_DIR


def main(arguments) -> None:
  """Parses the arguments and builds, verifies or shows."""
  parser = Parser(
    prog='wild3d data', description='Datasets for training and evaluation.'
  )
  commands = parser.add_subparsers(dest='command', required=True)
  build = _command(
    commands,
    'build',
    'read the original files and write record shards',
    'An interrupted build goes on where it stopped when the same command is given '
    'again.',
  )
  build.add_argument('--manual_dir', default='', help='folder of the original files')
  build.add_argument(
    '--set',
    dest='fields',
    action='append',
    default=[],
    metavar='FIELD=VALUE',
    help='make a configuration of your own: human36m/mine --set stride=64 '
    '--set cameras=54138969,55011271',
  )
  build.add_argument(
    '--workers',
    type=int,
    default=0,
    help='processes (default: the cores, or one for a small dataset)',
  )
  build.add_argument(
    '--beam',
    default='',
    metavar='OPTIONS',
    help="run as an Apache Beam pipeline: --beam='--runner=DirectRunner "
    "--direct_num_workers=2'; all workers must see manual_dir and data_dir",
  )
  verify = _command(
    commands,
    'verify',
    'check a built dataset: counts, projection, bones, left and right',
    'Exit code 1, and the reasons, where it falls short.',
  )
  verify.add_argument(
    '--records',
    action='store_true',
    help='only read every record, and name each shard that is missing or damaged',
  )
  browse = _command(commands, 'browse', 'write a page of samples with 2D and 3D')
  browse.add_argument('--out', required=True, help='the HTML file to write')
  browse.add_argument('--split', default='', help='default: some of each')
  browse.add_argument('--count', type=int, default=24, help='default: %(default)s')
  browse.add_argument('--seed', type=int, default=0, help='which samples')
  given = vars(parser.parse_args(arguments))
  {'build': _build, 'verify': _verify, 'browse': _browse}[given.pop('command')](**given)


def _command(commands, name, text, more=''):
  parser = commands.add_parser(name, help=text, description=f'{text}. {more}'.strip())
  parser.add_argument('name', help="dataset or dataset/configuration, as 'mpii/small'")
  parser.add_argument(
    '--data_dir', default=DATA_DIR, help='folder of built datasets (%(default)s)'
  )
  return parser


def _build(*, fields, workers, **given):
  from wild3d.datasets import prepare
  from wild3d.errors import UserError

  for text in fields:
    if '=' not in text:
      raise UserError(f'--set {text}: write FIELD=VALUE')
  if workers < 0:
    raise UserError(f'--workers={workers}: must be 0 or more')
  options = dict(text.split('=', 1) for text in fields)
  builder = prepare.prepare(**given, options=options, workers=workers)
  for split, info in builder.info.splits.items():
    print(f'{split}: {info.num_examples} examples')
  left_out = (builder.info.metadata or {}).get('left_out') or {}
  for reason, count in left_out.items():
    print(f'left out: {count}  {reason}')
  print(builder.data_dir)


def _verify(name, data_dir, records):
  from wild3d.datasets import verify

  warnings = []
  if records:
    count, failures = verify.damaged(name, data_dir)
    print(f'{name}: {count} shards, {len(failures)} missing or damaged')
  else:
    verdict = verify.verify(name, data_dir)
    failures, warnings = verdict.failures, verdict.warnings
    print(verdict.table())
  for warning in warnings:
    print(f'wild3d: {name}: warning: {warning}', file=sys.stderr)
  for failure in failures:
    print(f'wild3d: {name}: {failure}', file=sys.stderr)
  if failures:
    sys.exit(1)


def _browse(*, out, **given):
  from wild3d.pages import dataset

  dataset.write(out=out, **given)
  print(out)
