"""What the tests of protocols on hand-made bodies share.

The cases: perfect, shifted, scaled, turned by a quarter, mirrored, and one joint off by
149.9 or 150.0, in mm or px.
"""

import numpy as np
import pytest
from references import scores as reference

from wild3d import protocols, skeleton
from wild3d.protocols import result

OFF = {'one joint off by 149.9': 149.9, 'one joint off by 150.0': 150.0}
CASES = ('perfect', 'shifted', 'scaled', 'rotated', 'mirrored', *OFF)
SIZE = 4296.99233013  # mm, of Zhou et al. 2017
J = skeleton.JOINTS.index


def scores(name, truth, predictions):
  """Figure -> value, which wild3d and the reference must agree on."""
  protocol = protocols.get(name)
  scored = result.score(protocol, predictions, truth)
  chosen = reference.samples(truth, predictions, int(protocol.needs[0]))
  figures = reference.FIGURES[name](chosen)
  values = {m.name: m.overall.value for m in scored.measures}
  other = {figure: mean(rows)[0] for figure, (mean, rows) in figures.items()}
  assert values == pytest.approx(other, abs=1e-9, nan_ok=True)
  return values


def body(places):
  """[16, D]; what is not named is the right one turned about the vertical axis."""
  joints = []
  for name in skeleton.JOINTS:
    place = places.get(name) or places[name.replace('left', 'right')]
    sign = -1 if name not in places else 1
    joints.append([p if axis == 1 else sign * p for axis, p in enumerate(place)])
  return np.array(joints, float)
