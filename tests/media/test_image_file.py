"""Photographs of every kind, and files that are none."""

import io
import sys

import numpy as np
import pytest
from fakes.pictures import mutated, picture
from PIL import Image

from wild3d.errors import UserError
from wild3d.media import image_file, inputs


def _save(path, image, **options):
  image.save(path, **options)
  return path


@pytest.mark.parametrize('suffix', ['png', 'webp', 'bmp', 'tiff', 'jpg'])
def test_formats(suffix, tmp_path):
  """Catches a decoder that is left out, or channels in another order."""
  options = {'webp': {'lossless': True}, 'jpg': {'quality': 98, 'subsampling': 0}}
  path = _save(
    tmp_path / f'x.{suffix}', Image.fromarray(picture()), **options.get(suffix, {})
  )
  np.testing.assert_allclose(image_file.read(path), picture(), atol=6)


def test_modes(tmp_path):
  """Catches grey, palette, CMYK, 16 bits or alpha read as noise or refused."""
  rgb = Image.fromarray(picture())
  grey = np.asarray(rgb.convert('L'))
  want = np.repeat(grey[..., None], 3, -1)
  read = lambda name: image_file.read(tmp_path / name).astype(int)  # noqa: E731
  _save(tmp_path / 'l.png', Image.fromarray(grey))
  np.testing.assert_array_equal(read('l.png'), want)
  _save(tmp_path / '16.png', Image.fromarray(grey.astype(np.uint16) * 257))
  np.testing.assert_array_equal(read('16.png'), want)
  _save(tmp_path / '1.png', Image.fromarray(grey > 60))
  np.testing.assert_array_equal(
    read('1.png'), 255 * np.repeat(grey[..., None] > 60, 3, -1)
  )
  _save(tmp_path / 'p.gif', rgb.quantize(200))
  np.testing.assert_allclose(read('p.gif'), picture(), atol=40)
  _save(tmp_path / 'cmyk.jpg', rgb.convert('CMYK'), quality=98)
  np.testing.assert_allclose(read('cmyk.jpg'), picture(), atol=12)
  alpha = np.dstack([picture(), np.full(grey.shape, 255, np.uint8)])
  alpha[:8, :, 3] = 0
  _save(tmp_path / 'a.png', Image.fromarray(alpha))
  got = read('a.png')
  assert (got[:8] == 255).all(), 'transparent is white'
  np.testing.assert_array_equal(got[8:], picture()[8:])


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation(orientation, tmp_path):
  """Catches a person lying on the side, or mirrored."""
  upright = Image.fromarray(picture())
  turn = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,  # undone by a turn of 270
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
  }.get(orientation)
  stored = upright if turn is None else upright.transpose(turn)
  exif = Image.Exif()
  exif[0x0112] = orientation
  path = _save(tmp_path / 'x.png', stored, exif=exif)
  np.testing.assert_array_equal(image_file.read(path), picture())


@pytest.mark.parametrize('orientation', [1, 3, 6, 8])
def test_heic(orientation, tmp_path):
  """Catches a telephone's photograph that is refused, or turned twice or never."""
  heif = pytest.importorskip('pillow_heif')
  heif.register_heif_opener()
  turns = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]  # quarters against the clock
  exif = Image.Exif()
  exif[0x0112] = orientation
  path = tmp_path / 'IMG_1.HEIC'
  stored = Image.fromarray(np.rot90(picture(), turns).copy())
  # Of bytes it makes the turn that HEIC files have, which EXIF only repeats.
  stored.save(path, 'HEIF', exif=exif.tobytes(), quality=95)
  found, passed = inputs.expand([str(tmp_path)])
  assert (found, passed) == ([inputs.Input('image', str(path))], [])
  np.testing.assert_allclose(image_file.read(path), picture(), atol=40)
  path.write_bytes(path.read_bytes()[:300])
  with pytest.raises(UserError, match='damaged'):
    image_file.read(path)


def test_heic_without_its_package(tmp_path, monkeypatch):
  """Catches 'damaged' said of a sound photograph, and a folder that it ends."""
  monkeypatch.setitem(sys.modules, 'pillow_heif', None)
  image_file._decoders.cache_clear()
  _save(tmp_path / 'a.png', Image.fromarray(picture()))
  (tmp_path / 'b.heic').write_bytes(b'x')
  said = r'b\.heic: .*pip install pillow-heif'
  with pytest.raises(UserError, match=said):
    inputs.expand([str(tmp_path / 'b.heic')])
  found, _ = inputs.expand([str(tmp_path)])
  image_file.read(found[0].source)
  with pytest.raises(UserError, match=said):
    image_file.read(found[1].source)
  image_file._decoders.cache_clear()


def test_small_and_wide(tmp_path):
  """Catches a size that is refused without need."""
  path = _save(tmp_path / 'dot.png', Image.new('RGB', (1, 1), (9, 8, 7)))
  assert image_file.read(path).tolist() == [[[9, 8, 7]]]
  path = _save(tmp_path / 'wide.png', Image.new('L', (30000, 2)))
  assert image_file.read(path).shape == (2, 30000, 3)


def test_what_is_nopicture(tmp_path, monkeypatch):
  """Catches a traceback, or a decoder that runs other programs."""
  cases = {
    'empty.jpg': b'',
    'text.png': b'hello',
    'page.jpg': b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n',
  }
  for name, content in cases.items():
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
      image_file.read(tmp_path / name)
  with pytest.raises(UserError, match='no such file'):
    image_file.read(tmp_path)
  path = _save(tmp_path / 'f.tiff', Image.new('F', (4, 4)))
  with pytest.raises(UserError, match='floats'):
    image_file.read(path)
  whole = io.BytesIO()
  Image.fromarray(picture()).save(whole, 'JPEG')
  (tmp_path / 'cut.jpg').write_bytes(whole.getvalue()[:400])
  with pytest.raises(UserError, match='damaged'):
    image_file.read(tmp_path / 'cut.jpg')
  monkeypatch.setattr(image_file, 'MAX_PIXELS', 1000)
  path = _save(tmp_path / 'large.png', Image.new('RGB', (40, 40)))
  with pytest.raises(UserError, match='40 x 40'):
    image_file.read(path)


@pytest.mark.filterwarnings('ignore::UserWarning')  # Pillow's remarks
def test_500_mutated_files(tmp_path):
  """Catches any exception but ours for a damaged file."""
  path = tmp_path / 'x.img'
  refused = 0
  for _, content in mutated(500):
    path.write_bytes(content)
    try:
      assert image_file.read(path).dtype == np.uint8
    except UserError:
      refused += 1
  assert 50 < refused < 500


def test_inputs(tmp_path):
  """Catches pictures taken twice, sorted as text, or left out without a word."""
  for name in ('a10.png', 'a9.png', 'b.JPG', 'note.txt', '.hidden.png', 'in/c.png'):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b'x')
  folder = str(tmp_path)
  found, passed = inputs.expand([folder, f'{folder}/a9.png'])
  assert [p.source.removeprefix(folder) for p in found] == [
    '/a9.png',
    '/a10.png',
    '/b.JPG',
  ]
  assert passed == [f'{folder}/note.txt']
  found, _ = inputs.expand([f'{folder}/**/*.png'])
  assert inputs.Input('image', f'{folder}/in/c.png') in found
  for wrong in ('none.jpg', '~note.jpg', f'{folder}/note.txt', f'{folder}/*.bmp'):
    with pytest.raises(UserError, match=r'note|none|bmp'):
      inputs.expand([wrong])
