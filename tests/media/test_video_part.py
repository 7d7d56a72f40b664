"""Parts of videos: the same frames, with the same numbers and times, as of the whole."""

import numpy as np
import pytest
from fakes import video as fake_video

from wild3d.media import video_file

pytest.importorskip('av')
EVEN = np.arange(50) / 25
VARYING = np.cumsum(np.random.default_rng(0).integers(20, 90, 50)) / 1000
SMALL_GROUPS = {'g': '6', 'bf': '2'}
FILES = [
  ('x.mp4', 'libx264', EVEN),
  ('x.mkv', 'libx264', VARYING),
  ('x.mov', 'mpeg4', EVEN),
  ('x.ts', 'libx264', EVEN),
]


@pytest.fixture(scope='module', params=FILES, ids=[name for name, *_ in FILES])
def film(request, tmp_path_factory):
  """(path, all of its frames)."""
  name, codec, times = request.param
  path = tmp_path_factory.mktemp('film') / name
  fake_video.write(path, times, codec, stream_options=SMALL_GROUPS)
  with video_file.opened(path) as video:
    return path, list(video)


@pytest.mark.parametrize(
  ('start', 'end', 'every'),
  [(0.0, 0.5, 1), (0.52, 0.8, 1), (0.52, np.inf, 3), (1.2, 1.3, 1), (0.0, np.inf, 7)],
)
def test_a_part_is_of_the_whole(film, start, end, every):
  """Catches frames counted from where decoding began, one too many, or of another."""
  path, frames = film
  wanted = [f for f in frames if start - 1e-6 <= f[1] <= end + 1e-6][::every]
  with video_file.opened(path) as video:
    assert video.count(start, end, every) == len(wanted)
    found = list(video.part(start, end, every))
  assert [index for index, *_ in found] == [index for index, *_ in wanted]
  np.testing.assert_allclose([s for _, s, _ in found], [s for _, s, _ in wanted])
  for (_, _, image), (_, _, other) in zip(found, wanted, strict=True):
    np.testing.assert_array_equal(image, other)


def test_not_all_is_decoded(film, monkeypatch):
  """Catches an hour that is decoded for its last minute."""
  path, frames = film
  decoded = []
  real = video_file.Video._decoded

  def counted(self, stream):
    for frame in real(self, stream):
      decoded.append(frame)
      yield frame

  monkeypatch.setattr(video_file.Video, '_decoded', counted)
  with video_file.opened(path) as video:
    list(video.part(frames[42][1], frames[43][1]))
  assert len(decoded) < (60 if path.suffix == '.ts' else 20)  # it has no index


def test_beyond_the_end(film):
  """Catches a part that is not there told as a damaged file."""
  path, _ = film
  with video_file.opened(path) as video:
    assert video.count(100.0) == 0
    assert list(video.part(100.0)) == []
