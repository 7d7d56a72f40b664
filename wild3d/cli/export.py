"""wild3d export: a checkpoint for other programs."""

from wild3d.cli.parser import Parser


def main(arguments) -> None:
  """Parses the arguments and exports."""
  parser = Parser(
    prog='wild3d export',
    description='Writes the network of a run, weights inside and batch size open, as '
    'StableHLO (jax.export), TensorFlow SavedModel or ONNX, or as one file of weights '
    'for these commands; runs what it wrote and compares it with the original. See '
    'docs/export.md.',
  )
  add = parser.add_argument
  add(
    '--checkpoint',
    default='',
    help='folder of a run or of wild3d convert, or a file of weights (default: the '
    'weights that come with wild3d)',
  )
  add('--out', required=True, help='NAME.stablehlo, NAME.onnx, NAME.npz, or a folder')
  add(
    '--format',
    choices=('stablehlo', 'saved_model', 'onnx', 'weights'),
    help='where the ending of OUT does not tell',
  )
  add('--step', default='best', help="a step, 'best' (default) or 'latest'")
  add(
    '--flip_test', action='store_true', help='mean over the image and its mirror image'
  )
  options = vars(parser.parse_args(arguments))

  from wild3d.export import run

  print(run.export(kind=options.pop('format'), **options))
