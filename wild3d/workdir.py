"""The folder of a run: made, checked, and tied to one configuration."""

import json
import os
import pathlib

from wild3d.errors import UserError

# Fields that may change between two starts of the same run: they alter what is
# reported or where things lie, never what is learnt.
_FREE = ('evaluation', 'checkpoint', 'log_every', 'data_dir', 'guard_loss')


def claim(workdir: str | os.PathLike, config: dict) -> pathlib.Path:
  """Makes the folder and its config.json, or checks that they are this run's.

  Args:
    workdir: the folder.
    config: the configuration as JSON.

  Returns:
    The folder's absolute path.

  Raises:
    UserError: it is a file, cannot be written, or belongs to a run of another
      configuration.
  """
  folder = pathlib.Path(workdir).expanduser().absolute()
  path = folder / 'config.json'
  try:
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
      raise PermissionError
    if path.exists():
      _check_same(folder, json.loads(path.read_text()), config)
    elif (folder / 'checkpoints').exists():
      raise UserError(f'{folder} holds checkpoints but no config.json: not a run')
    write_text(path, json.dumps(config, indent=1) + '\n')
  except (FileExistsError, NotADirectoryError):
    raise UserError(f'--workdir {workdir} is a file: name a folder') from None
  except PermissionError:
    raise UserError(f'--workdir {workdir}: cannot write there') from None
  except json.JSONDecodeError:
    raise UserError(f'{path} is not JSON: use a new --workdir') from None
  return folder


def write_text(path: pathlib.Path, text: str) -> None:
  """Writes a file whole or not at all."""
  partial = path.with_name(f'{path.name}.tmp')
  partial.write_text(text)
  partial.replace(path)


def _check_same(folder, before, now):
  old, new = _leaves(before), _leaves(now)
  for field in sorted(old.keys() | new.keys()):
    if field.split('.')[0] not in _FREE and old.get(field) != new.get(field):
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
