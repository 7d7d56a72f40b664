"""Reads a large JSON object of lists through a small window of its text.

`json.load` would hold COCO's 240 MB of text twice over, and every outline in it.
"""

import array
import contextlib
import json

_WINDOW = 1 << 20  # characters
_BLANK = ' \t\r\n'

# Of no use here, and most of what such a file holds.
_DROPPED = (
  'segmentation',
  'area',
  'num_keypoints',
  'coco_url',
  'flickr_url',
  'date_captured',
)


def load(file):
  """As json.load, without what is of no use here; numeric `keypoints` become float32 arrays.

  Args:
    file: open text file.

  Raises:
    ValueError: no JSON, or cut off; says where.
  """
  reader = _Reader(file)
  if reader.sign() != '{':
    return reader.value()
  reader.at += 1
  data = {}
  while reader.sign() != '}':
    if data:
      reader.expect(',')
    reader.place = 'its beginning'
    key = reader.value()
    reader.expect(':')
    reader.place = str(key)
    data[key] = _list(reader, key) if reader.sign() == '[' else reader.value()
  return data


def _list(reader, key):
  reader.at += 1
  rows = []
  while reader.sign() != ']':
    if rows:
      reader.expect(',')
    rows.append(reader.value())
    reader.place = f'{key}, after {len(rows)} entries'
  reader.at += 1
  return rows


class _Reader:
  """A window on the text; `at` is the place in it of what comes next."""

  def __init__(self, file):
    self.file, self.text, self.at, self.place = file, '', 0, 'its beginning'
    self.decoder = json.JSONDecoder(object_pairs_hook=_light)

  def sign(self):
    """The next character that is not blank; it stays next."""
    while True:
      while self.at < len(self.text) and self.text[self.at] in _BLANK:
        self.at += 1
      if self.at < len(self.text):
        return self.text[self.at]
      if not self._more():
        raise ValueError(f'it ends in {self.place}')

  def expect(self, sign):
    """Steps over a character that must come next."""
    if self.sign() != sign:
      raise ValueError(f'{sign} is missing in {self.place}')
    self.at += 1

  def value(self):
    """Steps over a whole value and returns it."""
    self.sign()
    while True:
      try:
        value, end = self.decoder.raw_decode(self.text, self.at)
      except json.JSONDecodeError as error:
        if not self._more():
          raise ValueError(f'{error.msg} in {self.place}') from None
        continue
      # A number at the end of the window may go on.
      if end < len(self.text) or not self._more():
        self.at = end
        return value

  def _more(self):
    read = self.file.read(_WINDOW)
    self.text, self.at = self.text[self.at :] + read, 0
    return bool(read)


def _light(pairs):
  entry = {key: value for key, value in pairs if key not in _DROPPED}
  if entry.get('iscrowd') == 0:
    del entry['iscrowd']
  if isinstance(entry.get('keypoints'), list):
    # Not a category's names; what is faulty stays as it is, to be told of later.
    with contextlib.suppress(TypeError, OverflowError):
      entry['keypoints'] = array.array('f', entry['keypoints'])
  return entry
