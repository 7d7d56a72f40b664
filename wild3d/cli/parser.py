"""The parser of the commands."""

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from typing import NoReturn

from wild3d.errors import UserError, meant

# What every command takes; wild3d.__main__ acts on them before the command is parsed.
OUTPUT = {
  '--quiet': 'print errors, and the results that are asked for, and no progress',
  '--verbose': 'print what the libraries log, and where an error came from',
}

_CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)")


class Parser(argparse.ArgumentParser):
  """Argparse's, whose errors are one line, as all others, and no usage before it."""

  def __init__(self, **settings):
    """See argparse.ArgumentParser. A flag is written out: a new one may begin alike."""
    super().__init__(allow_abbrev=False, **settings)
    self._given = []
    for flag, text in OUTPUT.items():
      self.add_argument(flag, action=_Heard, nargs=0, dest=argparse.SUPPRESS, help=text)

  def error(self, message: str) -> NoReturn:
    """Raises UserError; argparse's message names the flag and what may be chosen."""
    said = message.removeprefix('argument ')
    if choice := _CHOICE.search(said):
      said += meant(choice[1], re.findall(r'[\w-]+', choice[2]))
    elif 'arguments are required' in said:  # is one of them there, mistyped?
      known = list(_flags(self))
      for given in self._given:
        flag = given.partition('=')[0]
        if flag.startswith('--') and flag not in known and meant(flag, known):
          said += f'; unknown: {flag}{meant(flag, known)}'
    raise UserError(f'{said}; see {self.prog} --help')

  def parse_known_args(self, args=None, namespace=None):
    """As argparse's; `error` may look at the arguments."""
    self._given = list(args or ())
    return super().parse_known_args(args, namespace)

  def parse_args(self, args=None, namespace=None):
    """The options.

    Raises:
      UserError: an argument is unknown, or a value is none.
    """
    options, rest = self._parse(args, namespace)
    self._refuse(rest)
    return options

  def parse_overrides(
    self, arguments: Sequence[str]
  ) -> tuple[argparse.Namespace, list[str]]:
    """The options, and the --config.a.b=c arguments beside them.

    Raises:
      UserError: see `parse_args`.
    """
    options, rest = self._parse(arguments)
    self._refuse(a for a in rest if not a.startswith('--config.'))
    return options, rest

  def _parse(self, arguments, namespace=None):
    if '_ARGCOMPLETE' in os.environ:  # the shell asks for what may follow
      import argcomplete

      argcomplete.autocomplete(self)  # ends the process
    return self.parse_known_args(arguments, namespace)

  def _refuse(self, unknown):
    command = self._command()
    said = [f'{a}{meant(a.partition("=")[0], _flags(command))}' for a in unknown]
    if said:
      command.error(f'unknown: {", ".join(said)}')

  def _command(self):
    """The parser of the command that was given, where there are commands."""
    for action in self._actions:
      if isinstance(action, argparse._SubParsersAction):
        return next(
          (action.choices[a] for a in self._given if a in action.choices), self
        )
    return self


class _Heard(argparse.Action):
  """Of a flag that has been acted on."""

  def __call__(self, *_):
    """Does nothing."""


def _flags(parser) -> Iterator[str]:
  """All flags, those of its commands too."""
  for action in parser._actions:
    yield from action.option_strings
    if isinstance(action, argparse._SubParsersAction):
      for command in action.choices.values():
        yield from _flags(command)
