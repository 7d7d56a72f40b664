"""COCO results: which detection is which person."""

import json
import os

import numpy as np
import pytest
from fakes import prediction_files as fake

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.protocols.formats import coco_results

SAMPLES = os.environ.get('WILD3D_SAMPLES')


def _coco_truth():
  """Pictures 1, 2 with a person, 3 with two of them, 400 px apart."""
  joints2d = fake.people(count=4)[0]
  joints2d[3] += [400, 0]
  ids = [
    f'coco_person/val#{i:012d}.jpg:{a}' for i, a in ((1, 7), (2, 8), (3, 9), (3, 10))
  ]
  return fake.truth(count=4, joints2d=joints2d, ids=np.array(ids)), joints2d


def _coco(path, results):
  def keypoints(joints2d):
    converted, _ = skeleton.convert(joints2d, 'mpii16', 'coco17')
    return np.concatenate([converted - 0.5, np.ones((17, 1))], 1).ravel().tolist()

  made = [
    {'image_id': i, 'category_id': 1, 'keypoints': keypoints(j), 'score': s}
    for i, j, s in results
  ]
  path.write_text(json.dumps(made))
  return path


def test_coco_results_find_their_people(tmp_path):
  """Catches results taken in the file's order, or one given to two people."""
  truth, joints2d = _coco_truth()
  near = joints2d + 3
  told = []
  path = _coco(
    tmp_path / 'r.json',
    [
      (3, near[3], 0.9),
      (2, near[1], 0.2),
      (1, near[0] + 90, 0.3),
      (1, near[0], 0.8),
      (3, near[2], 0.5),
      (3, near[2] + 60, 0.1),
    ],
  )
  predicted = fake.read(path, truth, told=told)
  j = [skeleton.JOINTS.index(n) for n in ('right_ankle', 'left_wrist')]
  np.testing.assert_allclose(predicted.joints2d[:, j], near[:, j])
  assert predicted.joints3d is None
  assert '2 of 6 results not used' in told
  head = skeleton.JOINTS.index('head_top')
  assert np.isnan(predicted.joints2d[:, head]).all()


def test_coco_results_that_do_not_fit(tmp_path):
  """Catches people without a result, and results of unknown pictures."""
  truth, joints2d = _coco_truth()
  all_four = [(1, joints2d[0], 1), (2, joints2d[1], 1), (3, joints2d[2], 1)]
  path = _coco(tmp_path / 'r.json', all_four)
  with pytest.raises(
    UserError, match=r'1 of 4 samples are missing: .*:(9|10); predict'
  ):
    fake.read(path, truth)
  all_four += [(3, joints2d[3], 1), (99, joints2d[3], 1)]
  _coco(path, all_four)
  with pytest.raises(UserError, match='1 image_ids are not in the truth: 99'):
    fake.read(path, truth)
  results = json.loads(path.read_text())[:4]
  results[1]['keypoints'][3] = float('nan')
  path.write_text(json.dumps(results))
  with pytest.raises(UserError, match='NaN or infinite; first left_eye of 2'):
    fake.read(path, truth)
  results[1]['keypoints'] = results[1]['keypoints'][:9]
  path.write_text(json.dumps(results))
  with pytest.raises(UserError, match=r'result 1 \(image 2\): keypoints must be'):
    fake.read(path, truth)


@pytest.mark.parametrize(
  ('sample', 'image'),
  [
    ('coco_person/val#000000000785.jpg:442619', '785'),
    ('785', '785'),
    ('mpii/validation/0001#005808361.jpg:0', '005808361.jpg'),
    ('photos/my_clip#walk/0001.jpg:3', '0001'),
  ],
)
def test_image_of(sample, image):
  """Catches an image_id that does not find its picture."""
  assert image in coco_results.image_of(sample)
