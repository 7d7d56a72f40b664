"""Frames of videos: which, when, which way up; and videos that are none."""

import contextlib
import fractions
import struct
import types

import numpy as np
import pytest
from fakes import video as fake_video

from wild3d.errors import UserError
from wild3d.media import inputs, video_file
from wild3d.media.video_writer import Mp4Writer

av = pytest.importorskip('av')
EVEN = np.arange(20) / 25


def _read(path):
  with video_file.opened(path) as video:
    return video.fps, video.frames, list(video)


def test_frames_and_times(tmp_path):
  """Catches a frame lost at the end, blue for red, or times from another clock."""
  fps, frames, found = _read(fake_video.write(tmp_path / 'x.mp4', EVEN))
  assert (fps, frames) == (25, 20)
  assert [index for index, *_ in found] == list(range(20))
  np.testing.assert_allclose([s for _, s, _ in found], EVEN, atol=1e-6)
  for index, _, image in found:
    assert abs(int(image[40, 60, 0]) - int(fake_video.frame(index)[40, 60, 0])) < 4
    assert image[6, 6, 0] > 180
    assert image[6, 6, 2] < 80


def test_varying_rate(tmp_path):
  """Catches frames dropped or doubled to reach an even rate."""
  times = np.cumsum(np.random.default_rng(0).integers(20, 90, 20)) / 1000
  fps, frames, found = _read(fake_video.write(tmp_path / 'x.mkv', times))
  assert (fps, frames) == (None, 20)
  np.testing.assert_allclose([s for _, s, _ in found], times - times[0], atol=1e-6)
  # Matroska's milliseconds are no varying rate.
  ntsc = np.round(np.arange(30) * 1001 / 30000, 3)
  fps, _, _ = _read(fake_video.write(tmp_path / 'y.mkv', ntsc))
  assert fps == pytest.approx(30000 / 1001, rel=5e-3)


def test_turned_by_metadata(tmp_path):
  """Catches people who lie on their side, or stand on their head."""
  path = fake_video.write(tmp_path / 'x.mp4', EVEN)
  fake_video.turn(path)
  (_, _, image), *_ = _read(path)[2]
  assert image.shape == (fake_video.WIDTH, fake_video.HEIGHT, 3)
  assert image[6, -6, 0] > 180  # top left has come to the top right
  assert image[6, -6, 2] < 80
  assert image[6, 6, 2] < 80 < image[-6, -6, 2] + 60


@pytest.mark.parametrize(
  ('content', 'said'),
  [(None, 'no such file'), (b'', 'empty'), (b'not a video' * 99, 'cannot be decoded')],
)
def test_no_video(content, said, tmp_path):
  """Catches a traceback from the libraries."""
  path = tmp_path / 'x.mp4'
  if content is not None:
    path.write_bytes(content)
  with pytest.raises(UserError, match=f'x.mp4.*{said}'):
    _read(path)


def test_sound_alone_and_no_frames(tmp_path):
  """Catches a file without pictures that gives an empty result in silence."""
  with av.open(str(tmp_path / 'x.mkv'), 'w') as container:
    stream = container.add_stream('aac', rate=16000)
    silence = av.AudioFrame.from_ndarray(
      np.zeros((1, 1024), np.float32), format='fltp', layout='mono'
    )
    silence.sample_rate = 16000
    silence.time_base = fractions.Fraction(1, 16000)
    container.mux(stream.encode(silence))
    container.mux(stream.encode(None))
  with pytest.raises(UserError, match=r'x\.mkv: there is no moving picture'):
    _read(tmp_path / 'x.mkv')


def test_cut_off(tmp_path):
  """Catches the frames that are there lost, or the missing ones passed over."""
  path = fake_video.write(tmp_path / 'x.mp4', EVEN, movflags='faststart')
  path.write_bytes(path.read_bytes()[:-300])
  with video_file.opened(path) as video, pytest.raises(UserError) as error:
    list(video)
  assert 'x.mp4' in str(error.value)
  with video_file.opened(path) as video:
    found = list(_until_error(video))
  assert 2 <= len(found) < 20


def _until_error(video):
  with contextlib.suppress(UserError):
    yield from video


def test_mutated_files(tmp_path):
  """Catches a crash or a traceback for whatever bytes."""
  whole = fake_video.write(tmp_path / 'x.mp4', EVEN[:6]).read_bytes()
  rng = np.random.default_rng(0)
  said = []
  for _ in range(60):
    data = bytearray(
      whole[: rng.integers(1, len(whole))] if rng.random() < 0.3 else whole
    )
    for at in rng.integers(0, len(data), rng.integers(1, 30)):
      data[at] = rng.integers(0, 256)
    path = tmp_path / 'm.mp4'
    path.write_bytes(data)
    try:
      _read(path)
    except UserError as error:
      said.append(str(error))
  assert len(said) > 10
  assert all('m.mp4' in line and '\n' not in line for line in said)


def test_webcam_that_is_not_there(tmp_path, monkeypatch):
  """Catches a traceback for a webcam that is not plugged in."""
  monkeypatch.chdir(tmp_path)
  found, _ = inputs.expand(['7'])
  assert [(i.kind, i.source) for i in found] == [('webcam', '7')]
  with pytest.raises(UserError, match='webcam 7 cannot be opened'):
    _read('7')


def test_written_video_comes_back(tmp_path):
  """Catches another speed, frames lost at the end, or half a file after an error."""
  path = tmp_path / 'out.mp4'
  uneven = np.array([0.0, 0.04, 0.1, 0.3, 0.31])
  with Mp4Writer(path, None) as writer:
    for number, seconds in enumerate(uneven):
      writer.add(fake_video.frame(number)[:63, :95], seconds)
  _, frames, found = _read(path)
  assert frames == 5
  np.testing.assert_allclose([s for _, s, _ in found], uneven, atol=1e-3)
  assert found[0][2].shape == (62, 94, 3)

  def fails():
    with Mp4Writer(tmp_path / 'y.mp4', 25.0) as writer:
      writer.add(fake_video.frame(0), 0.0)
      raise RuntimeError

  with pytest.raises(RuntimeError):
    fails()
  assert [p.name for p in tmp_path.iterdir()] == ['out.mp4']
  with (
    pytest.raises(UserError, match='cannot be written'),
    Mp4Writer(path / 'y.mp4', 25.0),
  ):
    pass


def _trim(path, count):
  """Has an MP4 without fragments hide its first frames by its edit list."""
  with av.open(str(path)) as container:
    ticks = round(count / 25 / container.streams.video[0].time_base)
  data = bytearray(path.read_bytes())
  entry = data.index(b'elst') + 12  # after the type, version 0 and the count
  length, start = struct.unpack_from('>Ii', data, entry)
  # The length is in ms, the start in ticks of the stream.
  struct.pack_into('>Ii', data, entry, length - 40 * count, start + ticks)
  path.write_bytes(data)


def test_trimmed_by_an_edit_list(tmp_path):
  """Catches a whole video called damaged because players skip its first frames."""
  path = fake_video.write(tmp_path / 'x.mp4', EVEN)
  _trim(path, 8)
  fps, frames, found = _read(path)
  assert (fps, frames, len(found)) == (25, 12, 12)


def _has_matrix(path, *matrix):
  data = bytearray(path.read_bytes())
  struct.pack_into('>9i', data, data.index(b'tkhd') + 44, *matrix)
  path.write_bytes(data)
  (_, _, image), *_ = _read(path)[2]
  return image


def test_mirrored_by_metadata(tmp_path):
  """Catches a left hand that is a right one."""
  path = fake_video.write(tmp_path / 'x.mp4', EVEN)
  one, w, h = 1 << 16, fake_video.WIDTH << 16, fake_video.HEIGHT << 16
  image = _has_matrix(path, -one, 0, 0, 0, one, 0, w, 0, 1 << 30)
  assert image[6, -6, 0] > 180 > 80 > image[6, -6, 2]  # top left has come to top right
  image = _has_matrix(path, one, 0, 0, 0, -one, 0, 0, h, 1 << 30)
  assert image[-6, 6, 0] > 180 > 80 > image[-6, 6, 2]
  image = _has_matrix(path, 0, one, 0, one, 0, 0, 0, 0, 1 << 30)  # x and y exchanged
  assert image.shape[:2] == (fake_video.WIDTH, fake_video.HEIGHT)
  assert image[6, 6, 0] > 180 > 80 > image[6, 6, 2]


def test_a_cover_is_no_video():
  """Catches a song whose cover counts as a video of one frame."""
  none = av.stream.Disposition(0)
  cover = types.SimpleNamespace(disposition=av.stream.Disposition.attached_pic)
  film = types.SimpleNamespace(disposition=none)
  streams = types.SimpleNamespace(video=[cover, film])
  assert video_file._stream(types.SimpleNamespace(streams=streams)) is film
  streams.video = [cover]
  with pytest.raises(video_file._NoPictures):
    video_file._stream(types.SimpleNamespace(streams=streams))


def test_what_the_encoder_refuses(tmp_path):
  """Catches a traceback, or half a file, for frames of a size that H.264 lacks."""

  def refuse(*_):
    raise av.error.ExternalError(542398533, 'Generic error in an external library')

  def film():
    frame = np.zeros((16, 64, 3), np.uint8)
    with Mp4Writer(tmp_path / 'wide.mp4', 25.0) as writer:
      writer.add(frame, 0.0)
      writer._stream = types.SimpleNamespace(width=64, height=16, encode=refuse)
      writer.add(frame, 0.04)

  with pytest.raises(
    UserError, match=r'wide\.mp4 cannot be written: Generic .*64 x 16'
  ):
    film()
  assert not list(tmp_path.iterdir())
