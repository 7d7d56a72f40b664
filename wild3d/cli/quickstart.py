"""wild3d quickstart: the method in miniature, with nothing to download."""

import time

from wild3d.cli.parser import Parser


def main(arguments) -> None:
  """Makes the data, trains, scores, reports."""
  parser = Parser(
    prog='wild3d quickstart',
    description='Makes the synthetic people, trains the three stages of a small '
    'network, scores the wild test split after each, and writes report.html. '
    'About ten minutes on two cores; the same command again resumes.',
    epilog='Any field of configs/quickstart.py can be set: --config.batch_size=16.',
  )
  parser.add_argument(
    '--workdir',
    default='runs/quickstart',
    help='folder for data, checkpoints and the report (default: %(default)s)',
  )
  options, overrides = parser.parse_known_args(arguments)

  from wild3d import files, settings
  from wild3d.configs import quickstart

  config = quickstart.get_config()
  config.data_dir = str(files.absolute(options.workdir) / 'tfds')
  config = settings.override(config, overrides)
  started = time.monotonic()

  from wild3d import evaluate, network, train
  from wild3d.training import mesh

  mesh.split_cores(config.batch_size, config.evaluation.batch_size)
  train.train(config, options.workdir)
  page = files.absolute(options.workdir) / 'report.html'
  net = network.load(options.workdir, 'latest')
  evaluator = evaluate.Evaluator(net.config, net.mesh)
  evaluate.write_report(page, options.workdir, evaluator, net, intro=_INTRO)
  print(f'{(time.monotonic() - started) / 60:.1f} minutes; report: {page}')


_INTRO = """Three stages on synthetic people: heatmaps alone, then depth on lab images,
then the geometric loss on wild images, which have 2D labels only. The tables score the
wild test split, whose 3D truth training never sees.

'mean depth' and 'zero depth' take the network's own 2D joints and a depth that does not
look at the picture: what the depth module adds is the distance to them."""
