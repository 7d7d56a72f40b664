"""Pictures read ahead and predicted together: nothing of it may be seen in the results."""

import pathlib
import threading
import time
import weakref

import numpy as np
import pytest
from fakes.pictures import photo
from fakes.predict_command import command
from PIL import Image

from wild3d import network
from wild3d.errors import UserError
from wild3d.media import read_ahead
from wild3d.poses import poses_json
from wild3d.predict.predictor import Predictor


def _picture(side=2):
  return np.zeros((side, side, 3), np.uint8)


@pytest.fixture
def reader(monkeypatch):
  """Sets what stands for the decoder."""
  return lambda read: monkeypatch.setattr(read_ahead.image_file, 'read', read)


def test_order_and_faults(tmp_path):
  """Catches a picture lost behind a bad one, or two that change places."""
  for i in range(7):
    Image.fromarray(photo(10 + i, 8)).save(tmp_path / f'{i}.png')
  (tmp_path / '3.png').write_bytes(b'no picture')
  sources = [str(tmp_path / f'{i}.png') for i in (*range(7), 9)]
  found = list(read_ahead.batches(sources, 3))
  assert [len(batch) for batch in found] == [3, 3, 2]
  photos = [photo for batch in found for photo in batch]
  assert [photo.source for photo in photos] == sources
  widths = [None if p.fault else p.image.shape[1] for p in photos]
  assert widths == [10, 11, 12, None, 14, 15, 16, None]
  assert isinstance(photos[3].fault, UserError)
  assert 'no such file' in str(photos[7].fault)
  assert list(read_ahead.batches([], 3)) == []


def test_reads_while_the_caller_works(reader):
  """Catches reading that waits until the network is done."""
  read = [threading.Event() for _ in range(4)]

  def slow(source):
    assert threading.current_thread() is not threading.main_thread()
    read[int(source)].set()
    return _picture()

  reader(slow)
  batches = read_ahead.batches(list('0123'), 2)
  next(batches)  # while this one is held, the other comes
  assert read[3].wait(20)
  batches.close()


def test_memory_is_flat(reader):
  """Catches all pictures of a folder read at once, or kept."""
  made, most = [], 0

  def watched(source):
    nonlocal most
    image = _picture()
    made.append(weakref.ref(image))
    most = max(most, sum(one() is not None for one in made))
    return image

  reader(watched)
  for _ in read_ahead.batches(list(map(str, range(60))), 4):
    time.sleep(0.002)
  assert len(made) == 60
  assert 4 < most <= 12  # the caller's, the next, and one that is about to be let go


def test_large_pictures_are_few(reader):
  """Catches 32 photographs of a large camera in memory at once."""
  reader(lambda source: _picture(int(source)))
  sizes = ['10', '2', '10', '2', '2', '2', '30']
  found = list(read_ahead.batches(sizes, 4, pixels=105))
  assert [[photo.source for photo in batch] for batch in found] == [
    *(['10', '2', '10'], ['2', '2', '2', '30'])
  ]


def test_stops_when_closed(reader):
  """Catches Ctrl-C that waits for the rest of a batch."""
  read = []

  def slow(source):
    read.append(source)
    time.sleep(0.01)
    return _picture()

  reader(slow)
  batches = read_ahead.batches(list(map(str, range(300))), 100)
  next(batches)
  batches.close()
  assert len(read) < 190


def test_few_shapes(run, monkeypatch):
  """Catches a network compiled anew for the last crops, or few padded to a batch."""
  predictor = Predictor.from_checkpoint(run, batch=24)
  predict, sizes = predictor.trained.predict, []

  def counted(images):
    sizes.append(len(images))
    return predict(images)

  monkeypatch.setattr(predictor.trained, 'predict', counted)
  found = predictor.of_crops([_picture(64)] * 50)
  assert len(found['scores']) == 50
  assert sizes == [24, 24, 24]
  predictor.of_crops([_picture(64)] * 2)
  assert sizes[3:] == [8]  # two are padded to what the 8 devices share
  with pytest.raises(UserError, match='batch is 0'):
    Predictor.from_checkpoint(run, batch=0)


@pytest.mark.parametrize('flag', ['--box=30,30,40,40', '--detector=whole'])
def test_together_as_one_by_one(flag, run, tmp_path, capsys, monkeypatch):
  """Catches a pose given to another picture, or one odd picture that ends a batch."""
  folder = tmp_path / 'in'
  folder.mkdir()
  for i in range(14):
    Image.fromarray(photo(90 + 7 * i, 120 - 5 * i, seed=i)).save(folder / f'{i}.png')
  (folder / '4.png').write_bytes((folder / '4.png').read_bytes()[:300])
  Image.fromarray(photo(20, 20)).save(folder / '6.png')  # the box lies outside
  predict, sizes = network.Network.predict, set()

  def counted(self, images):
    sizes.add(len(images))
    return predict(self, images)

  monkeypatch.setattr(network.Network, 'predict', counted)
  faults = 2 if flag.startswith('--box') else 1
  found, said = {}, {}
  for batch in (1, 16):
    status, out = command(run, tmp_path, folder, flag, f'--batch={batch}')
    assert status == 2
    said[batch] = capsys.readouterr().err
    found[batch] = poses_json.read(out / 'poses.json').pictures
  assert said[1] == said[16]
  assert f'{faults} of 14 inputs' in said[16]
  names = [pathlib.Path(picture.source).stem for picture in found[16]]
  assert names == [str(i) for i in range(14) if i != 4 and (i != 6 or faults == 1)]
  # A batch that cannot be done is done in halves.
  assert sizes == ({8, 16} if faults == 1 else {8})
  for one, other in zip(found[1], found[16], strict=True):
    assert (one.source, one.width, len(one.poses)) == (other.source, other.width, 1)
    np.testing.assert_allclose(
      one.poses[0].joints2d, other.poses[0].joints2d, atol=0.02
    )
    np.testing.assert_allclose(one.poses[0].joints_mm, other.poses[0].joints_mm, atol=1)
  assert len(list((out / 'pictures').iterdir())) == 14 - faults


def test_poses_see_the_mirror_image_where_the_run_says_so(run):
  """Catches poses of fewer points than the model card's, and a search of twice the time."""
  crops = [_picture(64)] * 2
  plain = Predictor.from_checkpoint(run)
  assert not plain.header(detector='given', camera='given').flip_test
  both = Predictor(plain.trained.with_flip_test(True))
  assert both.header(detector='given', camera='given').flip_test
  alone = plain.of_crops(crops)['joints_crop']
  np.testing.assert_array_equal(both.of_crops(crops, glance=True)['joints_crop'], alone)
  mirrored = both.of_crops(crops)['joints_crop']
  assert np.abs(mirrored - alone).max() > 1e-3
  asked = Predictor.from_checkpoint(run, flip_test=True).of_crops(crops)['joints_crop']
  np.testing.assert_allclose(mirrored, asked, atol=1e-6)
