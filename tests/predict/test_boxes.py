"""Person boxes: from files, and found."""

import json

import numpy as np
import pytest

from wild3d.errors import UserError
from wild3d.poses.pose import Box
from wild3d.predict import boxes, crop, detect, search


def _box(*xywh, score=None):
  return Box(tuple(map(float, xywh)), score)


def test_overlaps():
  """Catches an area counted twice, or corners taken for extents."""
  assert boxes.overlap(_box(0, 0, 10, 10), _box(5, 0, 10, 10)) == pytest.approx(1 / 3)
  assert boxes.overlap(_box(0, 0, 10, 10), _box(10, 0, 10, 10)) == 0
  inside = _box(0, 0, 10, 10), _box(2, 2, 4, 4)
  assert boxes.share_of_smaller(*inside) == 1
  assert boxes.overlap(*inside) == pytest.approx(0.16)
  kept = boxes.distinct(
    [_box(0, 0, 10, 10, score=0.5), _box(1, 0, 10, 10, score=0.9), _box(40, 0, 5, 5)],
    0.5,
  )
  assert [b.xywh[0] for b in kept] == [1, 40]


@pytest.mark.parametrize(
  'data',
  [
    {'a.jpg': [[1, 2, 3, 4], {'box': [5, 6, 7, 8], 'score': 0.5}], '785.jpg': []},
    [
      {'image_id': 'a', 'category_id': 1, 'bbox': [1, 2, 3, 4]},
      {'image_id': 'a', 'category_id': 1, 'bbox': [5, 6, 7, 8], 'score': 0.5},
      {'image_id': 785, 'category_id': 3, 'bbox': [1, 1, 1, 1], 'score': 0.9},
    ],
    {
      'images': [{'id': 3, 'file_name': 'a.jpg'}, {'id': 4, 'file_name': '785.jpg'}],
      'annotations': [
        {'image_id': 3, 'category_id': 1, 'bbox': [1, 2, 3, 4]},
        {'image_id': 3, 'bbox': [5, 6, 7, 8], 'score': 0.5, 'iscrowd': 0},
        {'image_id': 3, 'category_id': 1, 'bbox': [1, 1, 9, 9], 'iscrowd': 1},
      ],
    },
  ],
)
def test_files(data, tmp_path):
  """Catches a form of COCO that is read for another picture; a car or a crowd as a person."""
  path = tmp_path / 'boxes.json'
  path.write_text(json.dumps(data))
  file = boxes.BoxFile(str(path))
  found = file.of('some/folder/a.jpg')
  assert [b.xywh for b in found] == [(1, 2, 3, 4), (5, 6, 7, 8)]
  assert [b.score for b in found] == [None, 0.5]
  assert {b.source for b in found} == {'file'}
  assert file.of('x/785.jpg') == []
  with pytest.raises(UserError, match=r'b\.jpg.*does not name it'):
    file.of('b.jpg')


@pytest.mark.parametrize(
  ('content', 'said'),
  [
    ('{"a.jpg": [[1, 2, 3]]}', 'a.jpg'),
    ('{"a.jpg": [[1, 2, 3, -4]]}', 'above 0'),
    ('{"a.jpg": [[1, 2, NaN, 4]]}', 'above 0'),
    ('{"a.jpg": 3}', 'expected'),
    ('[1, 2]', 'expected'),
    ('{"a.jpg": [[1, 2', 'no JSON'),
    ('3', 'expected'),
    (None, 'cannot be read'),
  ],
)
def test_files_of_others(content, said, tmp_path):
  """Catches a traceback, or a box of no extent that is used."""
  path = tmp_path / 'boxes.json'
  if content is not None:
    path.write_text(content)
  with pytest.raises(UserError, match=said):
    boxes.BoxFile(str(path))


@pytest.mark.parametrize(
  'size', [(640, 480), (60, 2000), (3000, 3000), (1, 1), (50, 20)]
)
def test_windows_cover_the_picture(size):
  """Catches a border that no window sees, or a search that never ends."""
  found = search.windows(*size, search.SMALLEST)
  assert len(found) <= search.WINDOWS
  for low, high in ((0, 1), (0.3, 0.7), (0.6, 0.9)):
    points = np.array(size) * np.array([low, high])
    assert any(
      (points >= [x, y]).all() and (points <= [x + w, y + h]).all()
      for x, y, w, h in found
    )


class _Finder:
  """Stands for the network: knows where white squares are, as a Predictor would.

  A crop that holds one whole square gets its corners as joints and sure scores; what
  holds none gets joints at random and unsure ones.
  """

  input_size = 32
  tells_presence = False

  def of_crops(self, crops, glance=False):
    rng = np.random.default_rng(0)
    joints, scores = [], []
    for image in crops:
      white = np.argwhere(image[..., 0] > 200)
      xy = rng.uniform(-1, 1, (16, 2))
      sure = 0.1
      low, high = (white.min(0), white.max(0) + 1) if len(white) else (0, 0)
      if len(white) > max(30, 0.9 * np.prod(high - low)):  # one square alone
        low, high = white.min(0)[::-1], white.max(0)[::-1] + 1
        xy = rng.uniform(low, high, (16, 2)) / 16 - 1
        xy[0], xy[1] = low / 16 - 1, high / 16 - 1
        sure = 0.9 if low.min() > 0 and high.max() < 32 else 0.3
      joints.append(np.concatenate([xy, np.zeros((16, 1))], axis=1))
      scores.append(np.full(16, sure))
    return {'joints_crop': np.array(joints), 'scores': np.array(scores)}


class _Knower(_Finder):
  """One that is sure of all joints, and tells whether there is anybody."""

  tells_presence = True

  def of_crops(self, crops, glance=False):
    found = super().of_crops(crops, glance)
    return {
      'joints_crop': found['joints_crop'],
      'scores': np.full_like(found['scores'], 0.95),
      'presence': found['scores'][:, 0],
    }


@pytest.mark.parametrize('finder', [_Finder, _Knower])
def test_search_finds_each_person_once(finder):
  """Catches a box in the crop's frame, or the same person at every size."""
  image = np.zeros((300, 500, 3), np.uint8)
  image[100:180, 60:140] = 255
  image[150:250, 330:430] = 255
  found = detect.make('search', finder())(image)
  assert len(found) == 2
  for x, y, side in ((60, 100, 80), (330, 150, 100)):
    want = _box(x, y, side, side)
    assert max(boxes.overlap(want, box) for box in found) > 0.8
  assert {box.source for box in found} == {'search'}


def test_search_always_gives_one():
  """Catches a photograph of an unusual person that comes back empty."""
  noise = np.random.default_rng(0).integers(0, 150, (120, 90, 3), np.uint8)
  assert len(detect.make('search', _Finder())(noise)) <= 1


def test_who_is_known_not_to_be_there_is_not_found():
  """Catches presence that is not looked at: people on cakes and lamp posts."""
  noise = np.random.default_rng(0).integers(0, 150, (120, 90, 3), np.uint8)
  assert detect.make('search', _Knower())(noise) == []


def test_hog(monkeypatch):
  """Catches boxes left in the px of the shrunk picture, or with the window's margin."""
  cv2 = pytest.importorskip('cv2')
  find = detect.make('hog', None)
  assert find(np.full((300, 200, 3), 90, np.uint8)) == []
  assert find(np.full((3, 1, 3), 90, np.uint8)) == []

  class Fake:
    def setSVMDetector(self, _):  # noqa: N802
      pass

    def detectMultiScale(self, image, **_):  # noqa: N802
      assert image.shape[:2] == (480, 960)
      rects = np.array([[100, 50, 64, 128], [104, 50, 64, 128], [400, 50, 64, 128]])
      return rects, np.array([[0.9], [1.5], [0.1]])

  monkeypatch.setattr(cv2, 'HOGDescriptor', Fake)
  (box,) = detect.make('hog', None)(np.zeros((960, 1920, 3), np.uint8))
  x, y, w, h = 104 + 0.15 * 64, 50 + 0.11 * 128, 0.7 * 64, 0.78 * 128
  np.testing.assert_allclose(box.xywh, 2 * np.array([x, y, w, h]))
  assert box.score == 1.5


def test_torchvision():
  """Catches corners taken for extents, a dog for a person, or BGR."""
  torch = pytest.importorskip('torch')
  from wild3d.predict import torchvision_detector

  def network(images):
    assert images[0].shape == (3, 90, 120)
    assert images[0][0].max() == 1
    assert images[0][2].max() == 0
    return [
      {
        'boxes': torch.tensor([[10.0, 20, 50, 80], [60, 0, 130, 90], [0, 0, 9, 9]]),
        'labels': torch.tensor([1, 1, 18]),
        'scores': torch.tensor([0.9, 0.7, 0.9]),
      }
    ]

  image = np.zeros((90, 120, 3), np.uint8)
  image[..., 0] = 255
  found = torchvision_detector.make(network)(image)
  assert [box.xywh for box in found] == [(10, 20, 40, 60), (60, 0, 60, 90)]


def test_whole_and_unknown():
  """Catches height and width exchanged."""
  (box,) = detect.make('whole', None)(np.zeros((20, 30, 3), np.uint8))
  assert box.xywh == (0, 0, 30, 20)
  with pytest.raises(UserError, match='--detector=best'):
    detect.make('best', None)


def test_crop_of_a_found_box_holds_it():
  """Catches a box that loses its person on the way through the crop."""
  affine = crop.to_original((60.0, 100.0, 80.0, 40.0))
  inverse = np.linalg.inv(np.vstack([affine, [0, 0, 1]]))
  corner = inverse @ [60, 100, 1]
  assert np.abs(corner[:2]).max() == pytest.approx(0.8)
