"""wild3d describe: what a file of poses holds."""

from wild3d.cli.parser import Parser


def main(arguments) -> None:
  """Parses the arguments and prints."""
  parser = Parser(
    prog='wild3d describe',
    description='Prints what is in a file of poses: counts, how it was made, units, '
    'axes, origin and joint names. Reads the .json and .npz of wild3d predict, and .bvh '
    'and .trc; of those that another program wrote it tells what they say themselves.',
  )
  parser.add_argument('files', nargs='+', metavar='FILE')
  options = parser.parse_args(arguments)

  from wild3d.poses.describe import describe

  for path in options.files:
    print(describe(path))
