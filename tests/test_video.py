"""Frames of videos: which, when, which way up; and videos that are none."""

import contextlib
import fractions

import fake_video
import numpy as np
import pytest

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
  [(None, 'no such file'), (b'', 'empty'), (b'not a video' * 99, 'no video')],
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
  with pytest.raises(UserError, match=r'x\.mkv'):
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
    Mp4Writer(tmp_path / 'no' / 'y.mp4', 25.0),
  ):
    pass
