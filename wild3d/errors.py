"""The one exception that means 'the user can mend this'."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
  """A mistake in the input: the message is one line and says what to do.

  It names the file, field or flag at fault. The command line prints it as
  `wild3d: error: ...` and exits with status 2, without a traceback.
  """


def meant(word: str, known: Iterable[str]) -> str:
  """' (did you mean ...?)' of the known word that is most like a mistyped one, or ''."""
  near = difflib.get_close_matches(word, list(known), n=1)
  return f' (did you mean {near[0]}?)' if near else ''


def missing(what: str, packages: str, why: object = '') -> UserError:
  """What to raise where packages that wild3d does without are not installed.

  Args:
    what: needs them, such as '--rerun'.
    packages: as the package index calls them, and as pip takes them.
    why: what the import said, where that tells more.
  """
  said = f' ({why})' if why else ''
  return UserError(f'{what} needs {packages}: pip install {packages}{said}')
