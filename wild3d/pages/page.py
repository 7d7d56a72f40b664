"""One HTML file from a template: it holds all that it shows and loads nothing.

Templates escape what they are given. The policy in their head forbids scripts and the
network besides, whatever a dataset's names hold.
"""

import functools
import importlib.resources
import os

import jinja2
from markupsafe import Markup

from wild3d import files
from wild3d.draw import style


def write(path: str | os.PathLike, template: str, **shown) -> None:
  """Writes a page, whole or not at all.

  Args:
    path: the HTML file; its folder is made if need be.
    template: a file of templates/ or, for the viewer, of wild3d/viewer.
    shown: what it names.

  Raises:
    UserError: `path` is a folder or cannot be written.
  """
  files.write(path, render(template, style=style_sheet(), **shown))


def render(template: str, **shown) -> str:
  """The text of a page; a name that the template misses is an error."""
  return _environment().get_template(template).render(**shown)


def style_sheet() -> Markup:
  """The style sheet of all pages but the viewer's, after the colours of a person."""
  text = (
    importlib.resources.files('wild3d.pages').joinpath('style.css').read_text('utf-8')
  )
  colours = {**style.COLOURS, 'true': style.TRUTH}
  variables = ''.join(f' --{side}: rgb{rgb};' for side, rgb in colours.items())
  return Markup(f':root {{{variables} }}\n{text}')


@functools.cache
def _environment():
  return jinja2.Environment(
    loader=jinja2.ChoiceLoader(
      [jinja2.PackageLoader('wild3d.pages'), jinja2.PackageLoader('wild3d.viewer', '')]
    ),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
