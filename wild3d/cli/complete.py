"""What may follow on the command line, for the shell: see docs/commands.md."""

import os
from collections.abc import Iterable

from wild3d.cli.parser import Parser


def command(known: Iterable[str]) -> str:
  """The command whose arguments the shell wants completed.

  Where the command itself is being typed, answers the shell and ends the process.
  """
  first = int(
    os.environ['_ARGCOMPLETE']
  )  # the words of `wild3d`, or `python -m wild3d`
  line = os.environ['COMP_LINE'][: int(os.environ['COMP_POINT'])]
  words = f'{line}.'.split()[first:-1]  # those that are complete
  if words and words[0] in known:
    os.environ['_ARGCOMPLETE'] = str(first + 1)
    return words[0]
  parser = Parser(prog='wild3d')
  parser.add_argument('command', choices=tuple(known))
  return parser.parse_args([]).command
