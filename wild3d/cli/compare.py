"""wild3d compare: two files of scores side by side."""

from wild3d.cli.parser import Parser


def main(arguments) -> None:
  """Parses the arguments, compares, prints and writes."""
  parser = Parser(
    prog='wild3d compare',
    description='Prints two files of scores side by side, with paired differences '
    'and their 95 % intervals. Both must score the same samples.',
  )
  parser.add_argument('a', metavar='A.json', help='written by score or evaluate')
  parser.add_argument('b', metavar='B.json', help='the other')
  parser.add_argument('--out', default='', help='write the Markdown here as well')
  options = parser.parse_args(arguments)

  from wild3d import files
  from wild3d.protocols import compare, scores_json

  files.check_outputs(
    {'--out': options.out}, {'A.json': options.a, 'B.json': options.b}
  )
  text = compare.compare(*(scores_json.read(path) for path in (options.a, options.b)))
  if options.out:
    files.write(options.out, text)
  print(text, end='')
