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
    '--profile',
    default='',
    metavar='DIR',
    help='write a trace of the steps 10 to 15 of this start: see docs/speed.md',
  )
  several = parser.add_argument_group(
    'several processes, on one machine or many',
    'The same command for each; see docs/several-machines.md.',
  )
  several.add_argument(
    '--distributed',
    action='store_true',
    help='join the other processes of the job, which a TPU slice, Slurm, Open MPI or '
    'JAX_COORDINATOR_ADDRESS, JAX_PROCESS_ID and JAX_NUM_PROCESSES tell',
  )
  several.add_argument(
    '--coordinator', default='', metavar='HOST:PORT', help='where process 0 runs'
  )
  several.add_argument(
    '--process_id', type=int, metavar='K', help='of this process, from 0'
  )
  several.add_argument('--processes', type=int, metavar='N', help='how many there are')
  options, overrides = parser.parse_overrides(arguments)

  from wild3d import settings

  config = settings.load(options.config, overrides)

  from wild3d import train
  from wild3d.training import mesh, processes

  told = (options.coordinator, options.process_id, options.processes)
  if not options.distributed and told == ('', None, None):
    mesh.split_cores(config.batch_size, config.evaluation.batch_size)
    train.train(config, options.workdir, options.profile)
    return
  processes.join(*told)
  with processes.together():
    train.train(config, options.workdir, options.profile)
