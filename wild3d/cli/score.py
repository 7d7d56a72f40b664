"""wild3d score: score predictions made anywhere by named protocols."""

from wild3d.cli.parser import Parser
from wild3d.files import DATA_DIR


def main(arguments) -> None:
  """Parses the arguments, reads both files, scores, prints the table."""
  parser = Parser(
    prog='wild3d score',
    description='Scores predictions made anywhere by the protocols of the field. '
    'Joints are matched by name, samples by id; whatever is missing, extra, twice or '
    'not finite is an error, never a smaller denominator. See docs/scoring.md.',
  )
  parser.add_argument(
    '--protocol', required=True, metavar='NAME[,NAME]', help='such as h36m_p1,h36m_p2'
  )
  parser.add_argument(
    '--predictions',
    required=True,
    metavar='FILE',
    help='npz, npy, h5, mat, poses.json of wild3d predict, JSON of our schema, or COCO '
    'results',
  )
  parser.add_argument(
    '--truth',
    required=True,
    metavar='FILE|DATASET',
    help='npz, JSON of our schema, gt_valid.mat or valid.h5 of MPII; or a built '
    'dataset: NAME[/CONFIGURATION][:SPLIT]',
  )
  parser.add_argument(
    '--data_dir',
    default=DATA_DIR,
    help='folder of built datasets (%(default)s)',
  )
  stated = parser.add_argument_group('what the file of predictions does not say')
  stated.add_argument('--units', default='', help='of 3D: mm, cm or m')
  stated.add_argument(
    '--joints', default='', help="a joint set such as 'h36m17', or names with commas"
  )
  stated.add_argument(
    '--key', default='', help='name of the array of joints; two with a comma: 2D, 3D'
  )
  stated.add_argument(
    '--first_pixel',
    type=float,
    choices=(0.0, 0.5, 1.0),
    help="2D coordinate of the centre of a picture's first pixel: 1 in MATLAB and "
    'MPII, 0 in COCO, 0.5 in our own forms',
  )
  stated.add_argument(
    '--ignore_extra',
    action='store_true',
    help='leave out predictions of samples that the truth lacks',
  )
  parser.add_argument('--out', help='write all figures to this JSON file')
  parser.add_argument('--page', help='write curves and samples to this HTML file')
  parser.add_argument(
    '--seed', type=int, default=0, help='of the bootstrap intervals (%(default)s)'
  )
  options = parser.parse_args(arguments)

  _score(options, ['wild3d', 'score', *arguments])


def _score(options, command):
  import os

  import numpy as np

  from wild3d import files, protocols
  from wild3d.errors import UserError
  from wild3d.protocols import read_predictions, read_truth, result, scores_json

  chosen = protocols.named(options.protocol)
  if options.seed < 0:
    raise UserError(f'--seed={options.seed}: must be 0 or above')
  files.check_outputs(
    {'--out': options.out, '--page': options.page},
    {'--predictions': options.predictions, '--truth': options.truth},
  )
  data_dir = os.path.expanduser(options.data_dir)
  truth = read_truth.read(options.truth, data_dir)
  wanted = np.any([protocol.select(truth) for protocol in chosen], axis=0)
  predictions = read_predictions.read(
    options.predictions,
    truth,
    read_predictions.Options(
      units=options.units,
      joints=options.joints,
      key=options.key,
      first_pixel=options.first_pixel,
      ignore_extra=options.ignore_extra,
    ),
    wanted=wanted,
  )
  for protocol in chosen:
    needed = (protocol.needs, protocol.name, options.predictions)
    read_predictions.require(predictions, *needed)
  results = [result.score(p, predictions, truth, seed=options.seed) for p in chosen]
  print(result.table(results))
  header = {
    'command': ' '.join(command),
    'predictions': options.predictions,
    'truth': options.truth,
    'samples': len(truth),
  }
  if options.out:
    scores_json.write(results, options.out, header)
    print(f'wrote {options.out}')
  if options.page:
    from wild3d.pages import scores

    pictures = None
    if not read_truth.is_file(options.truth):
      from wild3d.protocols.formats import dataset

      pictures = dataset.pictures(options.truth, data_dir)
    scores.write(results, predictions, truth, options.page, pictures, header=header)
    print(f'wrote {options.page}')
