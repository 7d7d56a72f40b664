"""wild3d train: run the stages of a configuration."""

from wild3d.cli.parser import Parser


def main(arguments) -> None:
  """Parses the arguments and trains."""
  parser = Parser(
    prog='wild3d train',
    description='Runs the stages of a configuration one after the other. The same '
    'command again resumes from the last checkpoint in --workdir.',
    epilog='Any field can be set: --config.batch_size=32 '
    '--config.stages.depth.steps=1000 --config.datasets.photos.manual_dir=DIR. '
    'The fields are in configs/base.py.',
  )
  add = parser.add_argument
  add('--config', required=True, help='Python file with get_config()')
  add('--workdir', required=True, help='folder for checkpoints, metrics and logs')
  add(
    '--distributed',
    action='store_true',
    help='join the other processes of the job first (TPU slices, several hosts)',
  )
  options, overrides = parser.parse_known_args(arguments)

  from wild3d import settings

  config = settings.load(options.config, overrides)

  from wild3d import train
  from wild3d.training import mesh

  if options.distributed:
    mesh.start_distributed()
  train.train(config, options.workdir)
