"""The options of Human3.6M's builder."""

import dataclasses

import pytest

from wild3d.datasets.human36m import human36m_dataset_builder as h36m
from wild3d.errors import UserError


# Would catch: an option that is accepted and then misread, hours later or never.
@pytest.mark.parametrize(
  ('field', 'value'),
  [
    ('size', 0),
    ('margin', 0.5),
    ('margin', float('nan')),
    ('stride', 0),
    ('validation_stride', -1),
    ('clip_frames', 0),
    ('projection', 'flat'),
    ('shifted', 'drop'),
    ('subjects', (1, 2)),
    ('cameras', (1,)),
  ],
)
def test_faulty_options(field, value):
  default = h36m.Builder.BUILDER_CONFIGS[0]
  with pytest.raises(UserError, match=f'human36m: {field} '):
    dataclasses.replace(default, name='mine', **{field: value})


# Would catch: an option of the command line, where numbers become int, refused.
def test_options():
  default = h36m.Builder.BUILDER_CONFIGS[0]
  mine = dataclasses.replace(default, name='mine', subjects=(9,), cameras=(54138969,))
  assert mine.cameras == ('54138969',)
  assert {c.name: c.projection for c in h36m.Builder.BUILDER_CONFIGS} == {
    'default': 'true',
    'small': 'true',
    'zhou2017': 'zhou2017',
  }
