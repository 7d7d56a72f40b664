"""Videos as streams: the right frames, and faulty files in one line."""

import fake_human36m as fake
import numpy as np
import pytest

from wild3d.datasets import video
from wild3d.errors import UserError


# Would catch: a file cut behind its index read as whole, or frames counted from 1.
def test_video(tmp_path):
  path = tmp_path / 'a.mp4'
  fake.write_video(path, np.full((20, 2), 100.0), faststart=True)
  assert video.count(path) == 20
  seen = list(video.frames(path, range(3, 20, 8)))
  assert [index for index, _ in seen] == [3, 11, 19]
  for index, picture in seen:
    assert abs(int(np.median(picture)) - fake.level(index)) <= 3
  with pytest.raises(
    UserError, match=r'a\.mp4: the video ends after 20 frames, frame 20'
  ):
    list(video.frames(path, range(21)))
  path.write_bytes(path.read_bytes()[:-2000])
  assert video.count(path) == 20
  with pytest.raises(UserError, match=r'a\.mp4: '):
    list(video.frames(path, range(20)))
  with pytest.raises(UserError, match=r'b\.mp4: no such video'):
    video.count(tmp_path / 'b.mp4')


# Would catch: frames that a decoder made up where the file is damaged.
def test_damaged_video(tmp_path):
  path = tmp_path / 'a.mp4'
  fake.write_video(path, np.full((60, 2), 60.0) + np.arange(60)[:, None])
  data = bytearray(path.read_bytes())
  middle = len(data) // 3
  data[middle : middle + 300] = bytes(300)
  path.write_bytes(data)
  assert video.count(path) == 60
  with pytest.raises(UserError, match=r'a\.mp4: .*damaged'):
    list(video.frames(path, range(60)))
  (tmp_path / 'c.mp4').write_text('no video at all')
  with pytest.raises(UserError, match=r'c\.mp4: the video cannot be decoded'):
    video.count(tmp_path / 'c.mp4')
