"""The interactive page: static checks, and in a real browser where there is one."""

import base64
import dataclasses
import hashlib
import html.parser
import io
import json
import re
import resource

import numpy as np
import pytest
from PIL import Image
from readers import browser

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.poses.pose import Box, Header, Picture, Pose
from wild3d.viewer import page

HEADER = Header(
  checkpoint='runs/photos step 100',
  fingerprint='0123456789ab',
  scale='skeleton',
  skeleton_mm=4000.0,
  height_mm=None,
  detector='whole',
  refine='dark',
  flip_test=False,
  smooth=False,
  fps=None,
  version='1.0',
)
HOSTILE = '</script><script>document.title="owned"</script><img src=x onerror=alert(1)>'
# A person who stands, arms apart: mm, camera axes, minus the pelvis.
STANDING = np.array(
  [
    *((-110, 850, 20), (-110, 430, 0), (-120, 0, 0), (120, 0, 0), (110, 430, 0)),
    *((110, 850, 20), (0, 0, 0), (0, -420, 0), (0, -500, 0), (0, -690, -20)),
    *((-700, -400, -60), (-450, -420, 0), (-180, -450, 0)),
    *((180, -450, 0), (450, -420, 0), (700, -400, -60)),
  ],
  np.float64,
)
assert len(STANDING) == len(skeleton.JOINTS)


def _pose(person=0, shift=0.0, camera=False):
  joints2d = STANDING[:, :2] * 0.1 + [150 + shift, 100]
  return Pose(
    joints2d=joints2d,
    scores=np.linspace(0.1, 0.9, 16),
    joints_crop=STANDING / 1000,
    joints_mm=STANDING,
    to_original=np.eye(2, 3),
    box=Box((80.0 + shift, 30.0, 150.0, 160.0)),
    joints_camera=STANDING + np.array([shift * 10, 0, 4000]) if camera else None,
    person=person,
  )


def _picture(source='a.jpg', poses=None, **changes):
  poses = (_pose(),) if poses is None else poses
  return Picture(source=source, width=320, height=200, poses=poses, **changes)


def _image(value=90):
  image = np.full((200, 320, 3), value, np.uint8)
  image[:, ::16] = 255 - value
  return image


def _write(path, pictures, header=HEADER, **options):
  with page.PageWriter(path, header, **options) as writer:
    for i, picture in enumerate(pictures):
      writer.add(picture, _image(40 + i % 150))
  return path


def _video(count):
  return [
    _picture('v.mp4', (_pose(0, shift=i),), frame=i, time=i / 10) for i in range(count)
  ]


class _Scripts(html.parser.HTMLParser):
  """(attributes, text) of every script, and all attributes of all tags."""

  def __init__(self, text):
    super().__init__()
    self.scripts, self.tags, self._inside = [], [], False
    self.feed(text)

  def handle_starttag(self, tag, attrs):
    self.tags.append((tag, dict(attrs)))
    self._inside = tag == 'script'
    if self._inside:
      self.scripts.append((dict(attrs), ''))

  def handle_endtag(self, tag):
    self._inside = self._inside and tag != 'script'

  def handle_data(self, data):
    if self._inside:
      attributes, text = self.scripts[-1]
      self.scripts[-1] = (attributes, text + data)


def _found(path):
  """(parser, the dict of each picture, its JPEG, the totals)."""
  parsed = _Scripts(path.read_text())
  blocks = parsed.scripts
  at = [i for i, (a, _) in enumerate(blocks) if a.get('class') == 'picture']
  pictures = [json.loads(blocks[i][1]) for i in at]
  jpegs = [base64.b64decode(blocks[i + 1][1], validate=True) for i in at]
  (totals,) = (json.loads(text) for a, text in blocks if a.get('id') == 'totals')
  return parsed, pictures, jpegs, totals


def test_nothing_from_outside_and_only_its_own_script_runs(tmp_path):
  """Catches a network address, an inline handler, or a hash that does not fit."""
  path = _write(tmp_path / 'p.html', [_picture()])
  text = path.read_text()
  outside = re.sub(r'http://www\.w3\.org/2000/svg', '', text)
  assert not re.search(r'https?://|//cdn|@import|url\(', outside)
  parsed, *_ = _found(path)
  assert not [a for _, a in parsed.tags if any(k.startswith('on') for k in a)]
  assert not [a for _, a in parsed.tags if {'src', 'href', 'style'} & a.keys()]
  (policy,) = (a['content'] for t, a in parsed.tags if 'http-equiv' in a)
  assert "default-src 'none'" in policy
  assert 'unsafe' not in policy
  (script,) = (text for a, text in parsed.scripts if 'type' not in a)
  style = text[text.index('<style>') + 7 : text.index('</style>')]
  for kind, content in (('script', script), ('style', style)):
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert f"{kind}-src 'sha256-{digest}'" in policy
  assert not re.search(
    r'\.(inner|outer)HTML|insertAdjacent|document\.write|eval', script
  )


def test_values_and_names_arrive_as_given(tmp_path):
  """Catches a name that ends the data, swapped joints, or NaN, which is no JSON."""
  broken = dataclasses.replace(
    _pose(),
    joints_mm=np.where(np.arange(16)[:, None] == 3, np.nan, STANDING),
    scores=np.full(16, np.inf),
  )
  names = (HOSTILE, '<!-- <script>', '\udcff\u2028 ü.jpg', '@TOTALS@ @SCRIPT@')
  header = dataclasses.replace(HEADER, checkpoint='@PICTURES@\n' + HOSTILE)
  path = _write(tmp_path / 'p.html', [_picture(n, (broken,)) for n in names], header)
  parsed, pictures, jpegs, totals = _found(path)
  assert [p['source'] for p in pictures] == list(names)
  assert len(jpegs) == len(names)
  assert totals == {'every': 1, 'note': ''}
  assert not [t for t, a in parsed.tags if t == 'img']
  person = pictures[0]['people'][0]
  assert person['mm'][3] is None
  assert person['mm'][0] == STANDING[0].tolist()
  assert person['scores'] == [None] * 16
  np.testing.assert_allclose(person['joints2d'], broken.joints2d, atol=0.005)
  (head,) = (json.loads(t) for a, t in parsed.scripts if a.get('id') == 'header')
  assert dict(head['made'])['checkpoint'] == header.checkpoint


def test_images_are_shrunk_and_not_enlarged(tmp_path):
  """Catches a page of full photographs, colours in BGR, or a thumbnail per frame."""
  path = tmp_path / 'p.html'
  big = np.zeros((900, 1500, 3), np.uint8)
  big[..., 0] = 200
  with page.PageWriter(path, HEADER, max_side=300) as writer:
    writer.add(Picture('big.png', 1500, 900, ()), big)
    writer.add(Picture('v.mp4', 320, 200, (), frame=0, time=0.0), _image())
    writer.add(Picture('v.mp4', 320, 200, (), frame=1, time=0.1), _image())
  _, pictures, jpegs, _ = _found(path)
  images = [Image.open(io.BytesIO(jpeg)) for jpeg in jpegs]
  assert [i.size for i in images] == [(300, 180), (300, 188), (300, 188)]
  assert np.abs(np.asarray(images[0]).mean((0, 1)) - [200, 0, 0]).max() < 3
  assert [bool(p['thumb']) for p in pictures] == [True, True, False]


@pytest.mark.parametrize('every', [1, 3])
def test_a_page_too_large_keeps_evenly_spaced_frames(tmp_path, every):
  """Catches a video cut at its end, uneven steps, a broken file, or silence on it."""
  path = tmp_path / 'p.html'
  _write(path, _video(100), every=every, max_bytes=60_000)
  _, pictures, jpegs, totals = _found(path)
  frames = [p['frame'] for p in pictures]
  step = totals['every']
  assert step > every
  assert frames == list(range(0, 100, step))
  for frame, jpeg in zip(frames, jpegs, strict=True):
    value = np.median(np.asarray(Image.open(io.BytesIO(jpeg)).convert('L')))
    assert abs(value - (40 + frame)) < 4
  assert f'{len(frames)} of 100 pictures, one in {step}' in totals['note']
  start = path.read_text().index('class="picture"')
  assert path.stat().st_size - start < 60_000 + 40_000  # pictures, and the script


def test_every_is_said(tmp_path):
  """Catches frames left out on request without a word on the page."""
  path = tmp_path / 'p.html'
  with page.PageWriter(path, HEADER, every=4) as writer:
    for picture in _video(10):
      writer.add(picture, _image())
  assert writer.left_out == 7
  _, pictures, _, totals = _found(path)
  assert [p['frame'] for p in pictures] == [0, 4, 8]
  assert '3 of 10 pictures, one in 4, as asked' in totals['note']


def test_a_thousand_frames_take_no_memory(tmp_path):
  """Catches frames that are collected before they are written."""
  noise = np.random.default_rng(0).integers(0, 255, (200, 320, 3), np.uint8)
  path = tmp_path / 'p.html'
  with page.PageWriter(path, HEADER) as writer:
    for i, picture in enumerate(_video(400)):
      writer.add(picture, noise)
      if i == 40:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
  assert path.stat().st_size > 20e6
  assert grown < 8_000  # KiB


def test_an_error_leaves_nothing(tmp_path):
  """Catches half a page, or the loss of the page that was there."""
  path = tmp_path / 'p.html'
  path.write_text('before')
  with pytest.raises(ValueError, match='wide'):
    _write(path, [_picture(), dataclasses.replace(_picture(), width=9)])
  assert path.read_text() == 'before'
  assert [p.name for p in tmp_path.iterdir()] == ['p.html']
  with pytest.raises(UserError, match='is a folder'):
    _write(tmp_path, [])
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match='cannot be written'):
    _write(tmp_path / 'file' / 'p.html', [])


@pytest.fixture(scope='module')
def chromium():
  with browser.open_browser() as opened:
    yield opened


def test_the_skeleton_turns_with_the_mouse(chromium, tmp_path):
  """Catches a page that draws nothing, or does not turn, zoom and reset."""
  chromium.go(_write(tmp_path / 'p.html', [_picture()]))
  view = 'const d = document.getElementById("scene").dataset; return [+d.yaw, +d.pitch]'
  pixels = 'return document.getElementById("scene").toDataURL()'
  first, drawn = chromium.run(view), chromium.run(pixels)
  chromium.drag('#scene', 80, 40)
  yaw, pitch = chromium.run(view)
  assert yaw == pytest.approx(first[0] - 40, abs=1)  # what is near follows
  assert pitch == pytest.approx(first[1] + 20, abs=1)
  assert chromium.run(pixels) != drawn
  chromium.wheel('#scene', -300)
  assert chromium.run('return +document.getElementById("scene").dataset.zoom') > 1.3
  chromium.double_click('#scene')
  assert chromium.run(view) == first
  assert chromium.run(pixels) == drawn
  assert chromium.errors() == []


def test_frames_step_and_play(chromium, tmp_path):
  """Catches arrow keys without effect, or frames at the wrong rate."""
  header = dataclasses.replace(HEADER, fps=10.0)
  chromium.go(_write(tmp_path / 'p.html', _video(30), header))
  index = 'return +document.documentElement.dataset.index'
  chromium.key('\ue014')
  chromium.key('\ue014')
  chromium.key('\ue012')
  assert chromium.run(index) == 1
  assert 'frame 1' in chromium.run('return position.textContent')
  line = 'return +document.querySelector("#overlay line").getAttribute("x1")'
  chromium.key('\ue010')  # End
  assert chromium.run(index) == 29
  chromium.wait(f'return (() => {{ {line} }})() > 150')
  chromium.key('\ue011')  # Home
  seconds = chromium.run(
    'const [done, start] = [arguments[0], performance.now()]; '
    'document.getElementById("play").click();'
    'const look = () => +document.documentElement.dataset.index >= 12'
    ' ? done((performance.now() - start) / 1000) : requestAnimationFrame(look);'
    'look()',
    wait=True,
  )
  assert 1.15 < seconds < 2.0  # 12 frames of a tenth of a second
  assert chromium.errors() == []


def test_names_are_text(chromium, tmp_path):
  """Catches a file name that runs as code, or is lost."""
  chromium.go(_write(tmp_path / 'p.html', [_picture(HOSTILE), _picture('b.jpg')]))
  assert chromium.run('return document.title').startswith('3D poses')
  assert chromium.run('return document.getElementById("name").textContent') == HOSTILE
  assert chromium.run('return document.querySelectorAll("#thumbs button").length') == 2
  assert chromium.errors() == []


def test_people_are_switched_and_joints_read(chromium, tmp_path):
  """Catches people drawn on each other, switches or values without effect."""
  people = (_pose(0, camera=True), _pose(4, 120, camera=True))
  chromium.go(_write(tmp_path / 'p.html', [_picture(poses=people)]))
  lines = 'return document.querySelectorAll("#overlay line").length'
  assert chromium.run(lines) == 2 * 2 * 14  # each with its edge
  chromium.click('#people label:nth-child(2) input')
  chromium.wait(f'return (() => {{ {lines} }})() === {2 * 14}')
  chromium.click('#boxes')
  chromium.wait('return document.querySelectorAll("#overlay rect").length === 1')
  chromium.click('#space')
  chromium.wait('return /camera.s centre/.test(placing.textContent)')
  head = chromium.run(
    'scrollTo(0, 0); const c = document.querySelectorAll("#overlay circle")[9].getBoundingClientRect();'
    'return [c.left + c.width / 2, c.top + c.height / 2]'
  )
  chromium.move(*head)
  tip = chromium.run('return document.getElementById("tip").textContent')
  assert tip.startswith('head_top, person 0')
  assert 'x 0, y −690, z −20 mm' in tip
  assert chromium.errors() == []


@pytest.mark.parametrize('width', [400, 1280])
def test_it_fits_the_window(chromium, tmp_path, width):
  """Catches a page that must be scrolled sideways."""
  chromium.resize(width, 900)
  long = 'a-very-long-name-' * 20 + '.jpg'
  chromium.go(_write(tmp_path / 'p.html', [_picture(long)] * 12))
  wide = 'return document.documentElement.scrollWidth - window.innerWidth'
  assert chromium.run(wide) <= 0
  inside = 'return document.getElementById("scene").clientWidth'
  assert chromium.run(inside) > 0.4 * width - 40
  assert chromium.errors() == []


def test_no_pictures_and_nobody(chromium, tmp_path):
  """Catches an exception where a folder had no image, or an image no person."""
  chromium.go(_write(tmp_path / 'a.html', []))
  assert chromium.errors() == []
  chromium.go(_write(tmp_path / 'b.html', [_picture(poses=())]))
  assert 'nobody' in chromium.run('return document.body.textContent')
  assert chromium.errors() == []
