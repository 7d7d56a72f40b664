"""wild3d evaluate: score a checkpoint of a run."""

from wild3d.cli.parser import Parser


def main(arguments) -> None:
  """Parses the arguments, scores, prints the table and writes the JSON."""
  parser = Parser(
    prog='wild3d evaluate',
    description='Scores a checkpoint of a run on the evaluation sets of its '
    'configuration, with the code that training uses.',
    epilog='Evaluation fields can be set: --config.evaluation.batch_size=64 '
    '--config.datasets.photos.manual_dir=DIR.',
  )
  parser.add_argument(
    '--workdir',
    default='',
    help='folder of the run (default: the weights that come with wild3d)',
  )
  parser.add_argument(
    '--step', default='best', help="a step, 'best' (default) or 'latest'"
  )
  parser.add_argument(
    '--protocol',
    default='',
    metavar='NAME[,NAME]',
    help='score one set by protocols of the field, such as h36m_p1,h36m_p2 (see '
    'docs/protocols.md), in place of the overview that training prints',
  )
  parser.add_argument(
    '--set',
    default='',
    help='of config.evaluation.sets, this one alone (default: all, or with --protocol '
    'the main one)',
  )
  parser.add_argument('--out', help='write the scores to this JSON file')
  parser.add_argument('--report', help='write pictures and tables to this HTML file')
  options, overrides = parser.parse_overrides(arguments)

  from wild3d import files

  files.check_outputs({'--out': options.out, '--report': options.report})

  from wild3d import evaluate

  evaluate.main(
    options.workdir,
    options.step,
    options.protocol,
    options.set,
    options.out,
    options.report,
    overrides,
  )
