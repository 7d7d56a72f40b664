"""How far a prediction is: a bar on a terminal, a line now and then elsewhere."""

import sys
from typing import Any

from tqdm import tqdm

_SELDOM = 60.0  # seconds between lines in a file or a pipe, and before the first


def bar(total: int | None, unit: str, name: str = '', *, hidden: bool = False) -> tqdm:
  """A bar with the rate and the time left: a context manager with `update`.

  On a terminal it is drawn in place, on the standard error, and gone at the end.

  Args:
    total: how many there are; None where that is not known.
    unit: what is counted, such as 'frame'.
    name: of what is done.
    hidden: shows nothing.
  """
  form: dict[str, Any] = {'dynamic_ncols': True}
  if not sys.stderr.isatty():
    text = '{desc}{n_fmt} of {total_fmt} {unit}s, {rate_fmt}, {remaining} left\n'
    seldom = {'mininterval': _SELDOM, 'maxinterval': _SELDOM, 'delay': _SELDOM}
    form = {'bar_format': text, **seldom}
  if hidden:  # else tqdm looks at TQDM_DISABLE
    form['disable'] = True
  told = f'{name}: ' if name else None
  return tqdm(total=total, unit=unit, desc=told, leave=False, miniters=1, **form)


def say(line: str, *, error: bool = False) -> None:
  """Prints a line above the bars, on the standard output or as an error."""
  stream = sys.stderr if error else sys.stdout
  if sys.stderr.isatty():
    tqdm.write(line, stream)
  else:  # tqdm would repeat its own lines
    print(line, file=stream, flush=True)
