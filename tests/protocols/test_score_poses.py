"""poses.json of `wild3d predict`, scored."""

import dataclasses

import numpy as np
import pytest
from fakes import pose_files
from fakes import prediction_files as fake

from wild3d.errors import UserError
from wild3d.poses import poses_json
from wild3d.poses.pose import Picture
from wild3d.protocols import read_predictions


def _truth():
  """Pictures 1 and 2 with a person each, 3 with two of them, 400 px apart."""
  joints2d = fake.people(count=4)[0]
  joints2d[3] += [400, 0]
  rows = enumerate((1, 2, 3, 3))
  ids = [f'mpii/validation/0000#{i:06d}.jpg:{row}' for row, i in rows]
  return fake.truth(count=4, joints2d=joints2d, ids=np.array(ids)), joints2d


def _written(path, truth, people):
  """`people`: (number of the picture, 2D, score of the box)."""
  file = pose_files.make()
  example = file.pictures[-1].poses[0]
  pictures = {}
  for number, joints2d, score in people:
    box = dataclasses.replace(example.box, score=score)
    size = truth.joints3d[0] - truth.joints3d[0, 6]
    pose = dataclasses.replace(example, joints2d=joints2d, joints_mm=size, box=box)
    pictures.setdefault(number, []).append(pose)
  file = dataclasses.replace(
    file,
    pictures=tuple(
      Picture(f'some/folder/{n:06d}.jpg', 640, 480, tuple(p), None, None, None)
      for n, p in pictures.items()
    ),
  )
  poses_json.write(file, path)
  return path


def test_people_are_found_by_picture_and_place(tmp_path):
  """Catches the other person of a picture, the less sure one, or px off by a half."""
  truth, joints2d = _truth()
  people = [
    (1, joints2d[0] + 90, 0.2),  # a false one, less sure
    (1, joints2d[0] + 1, 0.9),
    (2, joints2d[1] + 1, 0.8),
    (3, joints2d[3] + 1, 0.7),
    (3, joints2d[2] + 1, 0.6),
  ]
  path, told = _written(tmp_path / 'poses.json', truth, people), []
  found = read_predictions.read(path, truth, tell=told.append)
  np.testing.assert_allclose(found.joints2d, truth.joints2d + 1, atol=0.01)
  assert found.joints3d.shape == (4, 16, 3)
  assert any('1 of 5 results not used' in line for line in told)


@pytest.mark.parametrize(
  ('options', 'said'),
  [
    ({'joints': 'coco17'}, 'leave out --joints'),
    ({'first_pixel': 1.0}, 'leave out --joints'),
    ({}, 'predictions of 1 of 4 samples are missing'),
  ],
)
def test_what_is_refused(tmp_path, options, said):
  """Catches joints read by another order than the file's, or a person left out."""
  truth, joints2d = _truth()
  people = [(n, joints2d[i], 0.5) for i, n in enumerate((1, 2, 3))]
  path = _written(tmp_path / 'poses.json', truth, people)
  with pytest.raises(UserError, match=said):
    read_predictions.read(path, truth, read_predictions.Options(**options))
