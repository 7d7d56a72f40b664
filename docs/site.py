"""Makes the documents a site: README is its first page, CHANGELOG its page of changes.

Links to files that are not documents lead nowhere on a site, and stay as words.
"""

import pathlib
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).parent.parent
GENERATED = {'index.md': 'README.md', 'changes.md': 'CHANGELOG.md'}


def on_files(files, config):
  """Adds the pages that lie above docs/."""
  for page, source in GENERATED.items():
    text = (ROOT / source).read_text(encoding='utf-8')
    for name, other in GENERATED.items():
      text = text.replace(f']({other})', f']({name})')
    text = text.replace('](docs/', '](../')  # out of docs/ and in again: see below
    files.append(File.generated(config, page, content=text))
  return files


def on_page_markdown(markdown, page, config, files):
  """Links to documents are relative to docs/; of other files the words stay."""

  def link(match):
    words, path = match.groups()
    return f'[{words}]({path})' if files.get_file_from_path(path) else words

  markdown = re.sub(r'\]\(\.\./(?=[\w-]+\.(?:md|jpg))', '](', markdown)
  return re.sub(r'(?<!!)\[([^]]*)\]\((?!http|#)([^)#]+)\)', link, markdown)
