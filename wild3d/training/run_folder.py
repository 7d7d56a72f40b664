"""The folder of a run: made, checked, and tied to one configuration."""

import json
import os
import tempfile

from etils import epath

from wild3d import files, settings
from wild3d.configs import base
from wild3d.errors import UserError

# Fields that may change between two starts of the same run: they alter what is
# reported or where things lie, never what is learnt.
_FREE = (
  'evaluation',
  'checkpoint',
  'log_every',
  'data_dir',
  'guard_loss',
  'guard_parameter',
)
_CONFIG = 'config.json'


def check(workdir: str | os.PathLike, config: dict) -> epath.Path:
  """Checks that a run of this configuration may live in the folder; leaves nothing there.

  Args:
    workdir: the folder, which need not exist.
    config: the configuration as JSON.

  Returns:
    The folder's absolute path.

  Raises:
    UserError: it is a file, cannot be written, or holds the checkpoints of a run
      of another configuration.
  """
  folder = files.absolute(workdir)
  if '://' not in str(workdir):
    nearest = next(p for p in (folder, *folder.parents) if p.exists())
    if not nearest.is_dir():
      raise UserError(f'--workdir {workdir}: {nearest} is a file: name a folder')
    try:  # the superuser is let in everywhere, and yet /proc takes no file
      tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
      raise UserError(
        f'--workdir {workdir}: cannot write in {nearest}: {error.strerror}'
      ) from None
  # Without a checkpoint there is nothing that another configuration could spoil.
  if has_checkpoints(folder):
    _check_same(folder, config)
  return folder


def has_checkpoints(folder: os.PathLike) -> bool:
  """Whether a run has saved anything there."""
  return any((epath.Path(folder) / 'checkpoints').glob('[0-9]*'))


def claim(folder: os.PathLike, config: dict) -> None:
  """Makes the folder, and ties it to the configuration by its config.json."""
  path = epath.Path(folder)
  path.mkdir(parents=True, exist_ok=True)
  files.write(path / _CONFIG, json.dumps(config, indent=1) + '\n')


def _check_same(folder, config):
  path = folder / _CONFIG
  try:
    # A field that the run is older than had its default.
    default = _leaves(settings.as_json(base.get_config()))
    old = default | _leaves(json.loads(path.read_text()))
    new = default | _leaves(config)
  except FileNotFoundError:
    raise UserError(f'{folder} holds checkpoints but no {_CONFIG}: not a run') from None
  except json.JSONDecodeError:
    raise UserError(f'{path} is not JSON: use a new --workdir') from None
  for field in sorted(old.keys() | new.keys()):
    free = field.split('.')[0] in _FREE or field.endswith('.manual_dir')
    if not free and old.get(field) != new.get(field):
      raise UserError(
        f'{folder} holds a run with config.{field}={old.get(field)}, not '
        f'{new.get(field)}: use a new --workdir, or the old value'
      )


def _leaves(tree, prefix=''):
  leaves = {}
  for key, value in tree.items():
    if isinstance(value, dict):
      leaves |= _leaves(value, f'{prefix}{key}.')
    else:
      leaves[prefix + key] = value
  return leaves
