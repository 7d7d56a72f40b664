"""Pictures and poses as one HTML page that needs no other file and no network.

The page is written as pictures come, so that a long video takes no more memory than
a short one. Its template, style and scripts lie beside this file.
"""

import base64
import contextlib
import hashlib
import importlib.resources
import io
import json
import os

import numpy as np
from jaxtyping import UInt8
from markupsafe import Markup
from PIL import Image

from wild3d import files, skeleton
from wild3d.draw import style
from wild3d.pages import page as frame
from wild3d.poses import poses_json
from wild3d.poses.pose import Header, Picture, Pose

MAX_BYTES = 96 * 2**20
_THUMB = (208, 144)  # px: twice what the page shows, for sharp displays
_SCRIPTS = ('scene.js', 'layout.js', 'viewer.js')
# What the page calls them -> `poses_json.CONVENTIONS`.
_CONVENTIONS = {
  'Photograph': 'joints2d',
  '3D': 'joints_mm',
  'Camera space': 'joints_camera',
  'Left, right': 'left_right',
  'Score': 'scores',
}


class PageWriter:
  """Writes a page picture by picture: a context manager.

  On a clean exit the page appears whole; on an error nothing is left behind.

  Attributes:
    left_out: pictures that were given and are not on the page, by `every` or because
      of its size.
  """

  def __init__(
    self,
    path: str | os.PathLike,
    header: Header,
    *,
    every: int = 1,
    max_side: int = 640,
    max_bytes: int = MAX_BYTES,
  ):
    """Opens nothing yet.

    Args:
      path: the HTML file.
      header: how the poses were made.
      every: put each n-th picture on the page, from the first on.
      max_side: px; larger pictures are shrunk to it.
      max_bytes: of all pictures. Beyond it every second picture goes, and from then
        on half as many are taken, so that those left are evenly spaced. The page
        says so.
    """
    self._path = path
    self._header = header
    self._asked = self._every = every
    self._max_side = max_side
    self._max_bytes = max_bytes
    self._spans = []  # (first byte, bytes) of each picture in the file
    self._given = 0
    self._source = None  # of the picture before
    self._file = None

  @property
  def left_out(self) -> int:
    """See the class."""
    return self._given - len(self._spans)

  def __enter__(self) -> 'PageWriter':
    """Begins the file.

    Raises:
      UserError: it cannot be written.
    """
    before, self._after = _template(self._header)
    with contextlib.ExitStack() as stack:
      partial = stack.enter_context(files.whole(self._path))
      with files.errors_named(self._path):
        self._file = stack.enter_context(open(partial, 'w+b'))
        self._file.write(before)
      stack.push(self._end)
      self._open = stack.pop_all()
    return self

  def add(self, picture: Picture, image: UInt8[np.ndarray, 'H W 3']) -> None:
    """Adds a picture and its people.

    Args:
      picture: what was found.
      image: upright, of the picture's width and height; RGB.

    Raises:
      UserError: the disk is full.
    """
    turn = self._given % self._every == 0
    first = picture.source != self._source
    self._given += 1
    self._source = picture.source
    if not turn:
      return
    thumb = picture.frame is None or first
    with files.errors_named(self._path):
      start = self._file.seek(0, os.SEEK_END)
      self._file.write(_block(picture, image, thumb, self._max_side))
      self._spans.append((start, self._file.tell() - start))
      while len(self._spans) > 1 and self._size() > self._max_bytes:
        self._thin()

  def __exit__(self, *error) -> None:
    """Ends the file; removes it after an error."""
    self._open.__exit__(*error)

  def _end(self, kind, error, trace):
    if kind is None:
      with files.errors_named(self._path):
        self._file.seek(0, os.SEEK_END)
        totals = _json({'every': self._every, 'note': self._note()})
        self._file.write(self._after.replace(b'@TOTALS@', totals))
        self._file.flush()

  def _size(self):
    return sum(size for _, size in self._spans)

  def _thin(self):
    """Drops every second picture in place: what is kept only moves forward."""
    kept, at = [], self._spans[0][0]
    for start, size in self._spans[::2]:
      self._file.seek(start)
      block = self._file.read(size)
      self._file.seek(at)
      self._file.write(block)
      kept.append((at, size))
      at += size
    self._file.truncate(at)
    self._spans = kept
    self._every *= 2

  def _note(self):
    if not self.left_out:
      return ''
    limit = f'so that its pictures take no more than {self._max_bytes / 2**20:.3g} MB'
    why = limit if self._every > self._asked else 'as asked'
    return (
      f'This page shows {len(self._spans):,} of {self._given:,} pictures, one in '
      f'{self._every}, {why}. The poses of all are in poses.json.'
    )


def _template(header):
  """The page before and after its pictures, as bytes; totals are still to fill in."""
  folder = importlib.resources.files('wild3d.viewer')
  read = lambda name: (folder / name).read_text(encoding='utf-8')  # noqa: E731
  script = '\n'.join(read(name) for name in _SCRIPTS)
  css = read('viewer.css')
  page = frame.render(
    'page.html',
    title=f'3D poses, wild3d {header.version}',
    script_hash=_hash(script),
    style_hash=_hash(css),
    style=Markup(css),
    script=Markup(script),
    header=Markup(_json(_described(header)).decode()),
  )
  before, after = page.split('@PICTURES@\n')
  return before.encode(), after.encode()


def _hash(text):
  """A source of the Content-Security-Policy that allows this text alone."""
  return f'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'


def _json(value):
  """JSON that cannot end the script element that holds it."""
  text = json.dumps(value, allow_nan=False, separators=(',', ':'))
  return text.replace('<', '\\u003c').encode('ascii')


def _described(header):
  if header.scale == 'height':
    scale = f'the skeleton of a person {header.height_mm:.0f} mm tall, as given'
  else:
    scale = (
      f'every skeleton has 14 bones of {header.skeleton_mm:.0f} mm in sum: a single '
      'picture does not tell how large a person is'
    )
  made = (
    ('checkpoint', header.checkpoint),
    ('fingerprint', header.fingerprint),
    ('trained on', header.trained_on or 'not known'),
    ('boxes', header.detector),
    ('camera', header.camera or 'none'),
    ('sub-pixel rule', header.refine),
    ('flip test', 'yes' if header.flip_test else 'no'),
    ('smoothing', 'one-euro' if header.smooth else 'none'),
    ('frames a second', f'{header.fps:g}' if header.fps else 'not of one rate'),
    ('wild3d', header.version),
  )
  return {
    'joints': skeleton.JOINTS,
    'bones': [(*bone, style.bone_side(bone)) for bone in skeleton.BONES],
    'colours': {side: f'rgb{rgb}' for side, rgb in style.COLOURS.items()},
    'fps': header.fps,
    'conventions': [
      *((title, poses_json.CONVENTIONS[name]) for title, name in _CONVENTIONS.items()),
      ('Joints', 'the 16 joints of MPII'),
      ('Scale', scale),
    ],
    'made': made,
  }


def _block(picture, image, thumb, max_side):
  """A picture as two data elements: what was found, and the JPEG as base64."""
  if image.shape[:2] != (picture.height, picture.width):
    raise ValueError(f'{picture.source}: image {image.shape}, {picture.width} wide')
  photograph = Image.fromarray(image)
  found = {
    'source': picture.source,
    'frame': picture.frame,
    'time': picture.time,
    'width': picture.width,
    'height': picture.height,
    'people': [_person(pose) for pose in picture.poses],
    'thumb': _jpeg(photograph, _THUMB).decode() if thumb else None,
  }
  return (
    b'<script type="application/json" class="picture">%s</script>'
    b'<script type="text/plain">%s</script>\n'
    % (_json(found), _jpeg(photograph, (max_side, max_side)))
  )


def _person(pose: Pose):
  return {
    'person': pose.person,
    'box': _rounded(np.array(pose.box.xywh), 1),
    'joints2d': _rounded(pose.joints2d, 2),
    'scores': _rounded(pose.scores, 3),
    'mm': _rounded(pose.joints_mm, 1),
    'camera': None if pose.joints_camera is None else _rounded(pose.joints_camera, 1),
  }


def _rounded(values, digits):
  """Lists for JSON; None for a number, or for a point of several, that is not finite."""
  values = np.round(np.asarray(values, np.float64), digits)
  if values.ndim == 1:
    return [float(v) if np.isfinite(v) else None for v in values]
  return [row.tolist() if np.isfinite(row).all() else None for row in values]


def _jpeg(photograph, room):
  small = photograph.copy()
  small.thumbnail(room, Image.Resampling.LANCZOS, reducing_gap=3.0)
  buffer = io.BytesIO()
  small.save(buffer, 'JPEG', quality=80, optimize=True)
  return base64.b64encode(buffer.getvalue())
