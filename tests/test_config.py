import json
import pathlib

import pytest

from wild3d import network, settings
from wild3d.configs import base
from wild3d.errors import UserError
from wild3d.training import schedule

ROOT = pathlib.Path(__file__).parent.parent
FILES = sorted(p for p in (ROOT / 'configs').glob('*.py') if p.stem != '__init__')


@pytest.mark.parametrize('path', FILES, ids=lambda p: p.stem)
def test_every_config_loads(path):
  """Catches a field that base.py lacks, a stage or source that nothing defines."""
  config = settings.load(str(path), [])
  fields = set(base.get_config().keys())
  assert set(config.keys()) == fields
  network.make_model(config)
  for stage in schedule.plan(config.schedule, config.stages) if config.schedule else ():
    sources = config.stages[stage.name].sources
    assert all(config.sources[s].dataset in config.datasets for s in sources)


def test_overrides():
  """Catches overrides that are not applied, or lose their type."""
  config = settings.load(
    str(ROOT / 'configs/zhou2017.py'),
    ['--config.stages.depth.steps=5', '--config.model.features=32'],
  )
  assert config.stages.depth.steps == 5
  assert config.model.features == 32
  assert settings.override(config, ['--config.seed=3']).seed == 3


@pytest.mark.parametrize(
  ('arguments', 'said'),
  [
    (['--config.model.featurs=32'], 'no field config.model.featurs: Did you mean "fea'),
    (['--config.nope=3'], 'no field config.nope: the fields are in configs/base.py'),
    (['--config.stages.nope.steps=3'], 'no field config.stages.nope.steps'),
    (['--config.seed.x=3'], 'seed.x'),
    (['--config.model.features=many'], 'features'),
    (['--confg.seed=1'], "unknown argument '--confg.seed=1'"),
  ],
)
def test_mistakes_are_named(arguments, said):
  """Catches a typo that is silently ignored, and a message of many lines."""
  with pytest.raises(UserError, match=said) as error:
    settings.load(str(ROOT / 'configs/zhou2017.py'), arguments)
  assert '\n' not in str(error.value)


def test_an_unknown_field_of_a_run_is_named():
  """Catches the AttributeError of `evaluate --config.nosuch=1`."""
  config = settings.load(str(ROOT / 'configs/zhou2017.py'), [])
  with pytest.raises(UserError, match=r'no field config\.nosuch') as error:
    settings.override(config, ['--config.nosuch=1'])
  assert '\n' not in str(error.value)


def test_missing_file():
  """Catches a traceback from the import system."""
  with pytest.raises(UserError, match=r'no such file: nowhere\.py'):
    settings.load('nowhere.py', [])


def test_json_round_trip():
  """Catches a configuration that cannot be had back from a checkpoint."""
  config = settings.load(str(ROOT / 'configs/zhou2017.py'), [])
  again = settings.from_json(json.loads(json.dumps(settings.as_json(config))))
  assert again.to_dict() == config.to_dict()


def test_wrong_network_fields():
  """Catches a wrong input size or dtype that fails deep inside the network."""
  for field in ('--config.input_size=100', '--config.model.dtype=float8'):
    config = settings.load(str(ROOT / 'configs/zhou2017.py'), [field])
    with pytest.raises(UserError, match=field.split('=')[0].removeprefix('--')):
      network.make_model(config)


def test_config_of_an_older_run_is_completed():
  """Catches a checkpoint that a later field makes unreadable."""
  config = settings.load(str(ROOT / 'configs/quickstart.py'), [])
  saved = settings.as_json(config)
  del saved['evaluation']['main'], saved['guard_loss']
  again = settings.complete(saved)
  assert again.evaluation.main == ''
  assert again.guard_loss == base.get_config().guard_loss
  again.evaluation.main = config.evaluation.main
  assert again.to_dict() == config.to_dict()
