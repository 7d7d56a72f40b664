"""Reads an HTML page strictly: what every test of a page starts from."""

import html.parser

VOID = {'meta', 'img', 'br', 'hr', 'link', 'input', 'wbr'}


class Page(html.parser.HTMLParser):
  """Checks that tags are balanced; keeps tags with attributes, text and headings."""

  def __init__(self, text):
    super().__init__()
    self.open, self.tags, self.pieces, self.headings = [], [], [], []
    self.feed(text)
    self.close()
    assert not self.open

  @property
  def text(self):
    """All text, joined."""
    return ''.join(self.pieces)

  def handle_starttag(self, tag, attrs):
    self.tags.append((tag, dict(attrs)))
    if tag not in VOID:
      self.open.append(tag)

  def handle_startendtag(self, tag, attrs):
    self.tags.append((tag, dict(attrs)))

  def handle_endtag(self, tag):
    assert self.open.pop() == tag

  def handle_data(self, data):
    self.pieces.append(data)
    if self.open[-1:] in (['h2'], ['h3']):
      self.headings.append(data)
