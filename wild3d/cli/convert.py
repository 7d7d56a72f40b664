"""wild3d convert: checkpoints of the authors' PyTorch network, to and from ours."""

import argparse


def main(arguments) -> None:
  """Parses the arguments and converts."""
  parser = argparse.ArgumentParser(
    prog='wild3d convert',
    description="Reads a PyTorch checkpoint of the authors' network (state dict or "
    'whole module) without running anything of it, and writes a run folder for '
    'evaluate, predict and init_from; or the other way. See docs/authors-weights.md.',
  )
  parser.add_argument('source', metavar='SRC', help='file, or with --to=torch a run')
  parser.add_argument('out', metavar='OUT', help='new run folder, or new file')
  parser.add_argument(
    '--to', choices=('wild3d', 'torch'), default='wild3d', help='(%(default)s)'
  )
  parser.add_argument(
    '--step', default='best', help="with --to=torch: 'best', 'latest' or a number"
  )
  options = parser.parse_args(arguments)

  if options.to == 'torch':
    from wild3d.convert import to_torch

    print(to_torch.convert(options.source, options.out, options.step))
    return

  from wild3d.convert import from_torch

  print(from_torch.convert(options.source, options.out))
