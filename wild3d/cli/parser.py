"""The parser of the commands."""

import argparse

from wild3d.errors import UserError


class Parser(argparse.ArgumentParser):
  """Argparse's, whose errors are one line, as all others, and no usage before it."""

  def error(self, message: str) -> None:
    """Raises UserError; argparse's message names the flag and what may be chosen."""
    said = message.removeprefix('argument ')
    raise UserError(f'{said}; see {self.prog} --help')
