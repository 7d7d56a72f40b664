"""wild3d describe: what a file of poses holds."""

import argparse


def main(arguments) -> None:
  """Parses the arguments and prints."""
  parser = argparse.ArgumentParser(
    prog='wild3d describe',
    description='Prints what is in a file that wild3d predict wrote (.json, .npz, .bvh '
    'or .trc): counts, how it was made, units, axes, root and joint names.',
  )
  parser.add_argument('files', nargs='+', metavar='FILE')
  options = parser.parse_args(arguments)

  from wild3d.poses.describe import describe

  for path in options.files:
    print(describe(path))
