"""Every field of a configuration: a rule, and one line for what may not stand there."""

import importlib
import pathlib

import pytest

from wild3d.configs import base
from wild3d.errors import UserError
from wild3d.training import check_config

NAMES = sorted(
  path.stem
  for path in pathlib.Path(base.__file__).parent.glob('*.py')
  if path.stem not in ('__init__', 'base')
)
# No field takes any of these; of a field that takes text, only names are looked at.
ABSURD = (None, float('nan'), float('inf'), -1, -0.5, 'no such thing', (1, 2), [], True)


def whole():
  """A configuration with every field that can be: two of each named thing."""
  config = base.get_config()
  for name in ('photos', 'lab'):
    config.datasets[name] = base.dataset('mpii/small')
    config.evaluation.sets[name] = base.evaluation_set(name, 'validation')
  config.sources.photos = base.source('photos', 'train', '2d')
  config.sources.lab = base.source('lab', 'train', '3d')
  for name in ('a', 'b'):
    config.stages[name] = base.stage(10, 1e-3, ('photos', 'lab'))
  config.schedule = ('a', 'b')
  config.evaluation.main = 'photos'
  return config


def leaves(tree, prefix=''):
  for key, value in tree.items():
    if isinstance(value, dict):
      yield from leaves(value, f'{prefix}{key}.')
    else:
      yield f'{prefix}{key}'


def changed(path, value):
  """`whole` with another value, of any type, at `path`."""
  tree = whole().to_dict()
  *sections, field = path.split('.')
  inner = tree
  for section in sections:
    inner = inner[section]
  inner[field] = value
  return type(whole())(tree)


FIELDS = sorted(leaves(whole().to_dict()))


@pytest.mark.parametrize('name', NAMES)
def test_our_configurations_pass(name):
  """Catches a rule that refuses what works."""
  check_config.check(importlib.import_module(f'wild3d.configs.{name}').get_config())


def test_a_whole_configuration_passes():
  """Catches a fixture below that is refused whatever the field under test holds."""
  check_config.check(whole())


@pytest.mark.parametrize('path', FIELDS)
def test_absurd_values_are_named(path):
  """Catches a field of base.py without a rule, and a rule that lets nonsense through."""
  for value in ABSURD:
    if _may_stand(path, value):
      continue
    with pytest.raises(UserError) as error:
      check_config.check(changed(path, value))
    said = str(error.value)
    assert said.startswith(f'config.{path} '), value
    assert '\n' not in said


def _may_stand(path, value):
  """Whether it is no nonsense there, as far as can be seen before data is read."""
  now = whole()
  for part in path.split('.'):
    now = now[part]
  free = path.endswith(('data_dir', 'manual_dir', 'init_from', '.name', '.split'))
  return (
    (value is True and isinstance(now, bool))
    or (isinstance(value, str) and free and path != 'optimizer.name')
    or (value == [] and path.endswith(('.drops', 'init_fresh')))
  )


@pytest.mark.parametrize(
  ('path', 'value', 'said'),
  [
    ('schedule', (), 'schedule is (): it must name stages, at least one'),
    ('schedule', ('c',), "schedule names 'c': choose from a, b"),
    ('stages.a.sources', 'lab', "sources is 'lab': it must name sources"),
    ('stages.a.steps', 0, 'stages.a.steps is 0: it must be a whole number, at least 1'),
    ('stages.a.drops', ((3, float('nan')),), 'pairs of step and factor'),
    ('stages.a.share_3d', 0.3, 'config.stages.a: shares: 0.7 of batch_size 6'),
    ('stages.a.share_clip', 0.6, 'config.stages.a: share_3d 0.5 and share_clip 0.6'),
    ('stages.a.sources', ('lab',), 'config.stages.a: roles of the sources (3d)'),
    ('stages.a.weights.depht', 1.0, 'choose from angles, depth, geometric, heatmap, '),
    ('optimizer.beta', 1.0, 'there is no field config.optimizer.beta: choose from'),
    ('optimizer', 3, 'config.optimizer.name is missing'),
    ('evaluation.sets.lab', {'dataset': 'lab'}, 'sets.lab.split is missing'),
    ('evaluation.main', '', "evaluation.main names '': choose from lab, photos"),
    ('optimizer.decay', 1.0, 'at least 0 and below 1'),
    ('input_size', 100, 'a multiple of 64'),
    ('seed', 2**31, 'below 2**31'),
  ],
)
def test_what_is_said(path, value, said):
  """Catches a line that names something else, or not what may stand there."""
  with pytest.raises(UserError) as error:
    check_config.check(changed(path, value))
  assert said in str(error.value)
  assert '\n' not in str(error.value)


def test_stages_that_do_not_run_need_no_rows():
  """Catches an unused stage that stops a run of a batch size of its own."""
  config = whole()
  config.stages.b.share_3d = 0.3
  config.schedule = ('a',)
  check_config.check(config)


def test_one_section_alone():
  """Catches a network that cannot be had because its run had no schedule."""
  config = base.get_config()
  check_config.check(config, 'model', 'pixels', 'target', 'evaluation')
  config.model.stacks = 0
  check_config.check(config, 'pixels')
  with pytest.raises(UserError, match=r'config\.model\.stacks is 0'):
    check_config.check(config, 'model')
