"""The card of a sample: joints of its joint set, on their pixels of the picture."""

import base64
import io
import re

import numpy as np
import pytest
from fakes import scores as fake_scores
from PIL import Image

from wild3d import skeleton
from wild3d.pages import cards


def test_other_joint_sets(tmp_path):
  """Catches joints of Human3.6M drawn in MPII's order."""
  joints = skeleton.JOINT_SETS['h36m17']
  pose = np.arange(34.0).reshape(17, 2)
  drawn = cards.as_mpii(pose, joints)
  assert drawn[0].tolist() == pose[joints.index('right_ankle')].tolist()
  assert drawn[9].tolist() == pose[joints.index('head_top')].tolist()
  assert np.isnan(cards.as_mpii(pose[:14], skeleton.JOINT_SETS['lsp14'])).sum() == 0
  assert np.isnan(cards.as_mpii(pose, skeleton.JOINT_SETS['coco17'])[9]).all()


@pytest.mark.parametrize('zoom', [1.0, 4.0])
def test_joint_lies_on_its_pixel(zoom):
  """Catches a picture half a cut beside the joints, or an affine taken backwards."""
  true = 300 + fake_scores.POSE[:, :2] / 5
  picture = np.zeros((int(600 / zoom), int(600 / zoom), 3), np.uint8)
  x, y = (int(v / zoom) for v in true[15])  # left wrist
  reach = int(12 / zoom)
  picture[y - reach : y + reach + 1, x - reach : x + reach + 1] = 255
  buffer = io.BytesIO()
  Image.fromarray(picture).save(buffer, 'PNG')
  affine = np.array([[zoom, 0, 0], [0, zoom, 0]])
  photo = cards.of_pair(None, true, buffer.getvalue(), affine)
  data = photo.uri.split('base64,')[1]
  shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
  at = np.argwhere(shown[..., 0] > 128).mean(0)[::-1] + 0.5
  circle = re.search('cx="([0-9.]+)" cy="([0-9.]+)"[^>]*><title>15 ', photo.drawn)
  joint = np.array([float(circle[1]), float(circle[2])]) * shown.shape[0] / 100
  np.testing.assert_allclose(at, joint, atol=1.5 * zoom)
