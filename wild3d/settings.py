"""Reads --config=FILE and its --config.a.b=c overrides."""

import json
import pathlib
import re

import ml_collections
from absl import flags
from ml_collections import config_flags

from wild3d.errors import UserError, meant

_MISTAKES = (flags.Error, AttributeError, KeyError, TypeError, ValueError)


def load(path: str, overrides: list[str]) -> ml_collections.ConfigDict:
  """Loads a configuration file and applies the overrides.

  Args:
    path: a Python file with `get_config()`, or the name of one in wild3d.configs.
    overrides: arguments such as '--config.optimizer.eps=1e-8'.

  Raises:
    UserError: no such file, an unknown field, a value of another type, or an
      argument that is no override.
  """
  path = _file(path)
  _check(overrides)
  # ml_collections looks for the overrides in sys_argv, absl parses the same list.
  values, arguments = flags.FlagValues(), [f'--config={path}', *overrides]
  config_flags.DEFINE_config_file('config', flag_values=values, sys_argv=arguments)
  return _parse(values, arguments, path)


def override(
  config: ml_collections.ConfigDict, overrides: list[str]
) -> ml_collections.ConfigDict:
  """Applies '--config.a.b=c' arguments to a configuration at hand.

  Raises:
    UserError: see `load`.
  """
  _check(overrides)
  values = flags.FlagValues()
  where = 'the configuration of the run'
  try:  # an unknown field is found here already
    config_flags.DEFINE_config_dict(
      'config', config, flag_values=values, sys_argv=overrides
    )
  except _MISTAKES as error:
    raise UserError(f'{where}: {_one_line(error, overrides)}') from error
  return _parse(values, overrides, where)


def _file(name):
  if pathlib.Path(name).is_file():
    return name
  from wild3d import configs

  folder = pathlib.Path(configs.__file__).parent
  ours = {path.stem: str(path) for path in sorted(folder.glob('[a-z]*.py'))}
  if name in ours:
    return ours[name]
  raise UserError(
    f'--config: no such file: {name}{meant(name, ours)}; by name there are '
    f'{", ".join(ours)}'
  )


def _check(overrides):
  for argument in overrides:
    if not argument.startswith('--config.'):
      raise UserError(f'unknown argument {argument!r}: see --help')


def _parse(values, arguments, where):
  try:
    values(['wild3d', *arguments])
    return values.config
  except _MISTAKES as error:
    raise UserError(f'{where}: {_one_line(error, arguments)}') from error


def as_json(config: ml_collections.ConfigDict) -> dict:
  """The configuration as JSON has it (tuples become lists)."""
  return json.loads(config.to_json_best_effort())


def from_json(tree: dict) -> ml_collections.ConfigDict:
  """The configuration that `as_json` wrote."""
  return ml_collections.ConfigDict(_tuples(tree))


def complete(saved: dict) -> ml_collections.ConfigDict:
  """The configuration of a checkpoint; fields newer than it have their defaults.

  Raises:
    UserError: a field is of another type than ours.
  """
  from wild3d.configs import base

  config = base.get_config()
  try:
    config.update(from_json(saved))
  except (AttributeError, KeyError, TypeError, ValueError) as error:
    why = ' '.join(str(error).split())
    raise UserError(
      f"the checkpoint's configuration is damaged, or of another wild3d: {why}"
    ) from error
  return config


def _tuples(value):
  if isinstance(value, dict):
    return {key: _tuples(item) for key, item in value.items()}
  if isinstance(value, list):
    return tuple(_tuples(item) for item in value)
  return value


def _one_line(error, overrides) -> str:
  # An AttributeError here wraps a KeyError, and str of that is the repr of what it says.
  while error.args and isinstance(error, AttributeError | KeyError):
    if not isinstance(error.args[0], Exception):
      break
    error = error.args[0]
  said = error.args[0] if isinstance(error, KeyError) and error.args else error
  text = ' '.join(str(said).split())
  # Of an unknown field ml_collections says the bare name, and perhaps one that is near.
  unknown = re.match(r"'(\w+)'", text)
  for argument in overrides:
    field = argument.removeprefix('--').partition('=')[0]
    if unknown and unknown[1] in field.split('.'):
      hint = text[unknown.end() :].strip() or 'the fields are in configs/base.py'
      return f'there is no field {field}: {hint}'
  return text if text else type(error).__name__
