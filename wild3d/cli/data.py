"""wild3d data: build a dataset from its original files."""

import argparse


def main(arguments) -> None:
  """Parses the arguments and builds."""
  parser = argparse.ArgumentParser(
    prog='wild3d data', description='Builds datasets for training and evaluation.'
  )
  commands = parser.add_subparsers(dest='command', required=True)
  build = commands.add_parser(
    'build', help='read the original files and write record shards'
  )
  build.add_argument('name', help="dataset or dataset/configuration, as 'mpii/small'")
  build.add_argument('--manual_dir', default='', help='folder of the original files')
  build.add_argument(
    '--data_dir',
    default='~/.cache/wild3d/tfds',
    help='folder of built datasets (default: %(default)s)',
  )
  options = parser.parse_args(arguments)

  from wild3d.datasets import prepare

  builder = prepare.prepare(options.name, options.data_dir, options.manual_dir)
  for split, info in builder.info.splits.items():
    print(f'{split}: {info.num_examples} examples')
  print(builder.data_dir)
