"""wild3d compare: files of scores side by side."""

from wild3d.cli.parser import Parser


def main(arguments) -> None:
  """Parses the arguments, compares, prints and writes."""
  parser = Parser(
    prog='wild3d compare',
    usage='wild3d compare A.json B.json [--out OUT]\n'
    '       wild3d compare A0.json A1.json A2.json --with B0.json B1.json B2.json',
    description='Prints two files of scores side by side, or the means of two groups '
    'of runs that differ in their seeds, with paired differences and their 95 % '
    'intervals. All must score the same samples.',
  )
  parser.add_argument(
    'files', nargs='+', metavar='A.json', help='written by score or evaluate'
  )
  parser.add_argument(
    '--with',
    dest='others',
    nargs='+',
    default=[],
    metavar='B.json',
    help='the other group, in the same order of seeds',
  )
  parser.add_argument('--out', default='', help='write the Markdown here as well')
  options = parser.parse_args(arguments)
  a, b = options.files, options.others
  if not b:
    if len(a) != 2:
      parser.error(
        f'{len(a)} file{"s" * (len(a) > 1)}: give two, or the second group after --with'
      )
    a, b = a[:1], a[1:]

  from wild3d import files
  from wild3d.protocols import compare, scores_json

  files.check_outputs({'--out': options.out}, {path: path for path in (*a, *b)})
  text = compare.compare(*([scores_json.read(path) for path in x] for x in (a, b)))
  if options.out:
    files.write(options.out, text)
  print(text, end='')
