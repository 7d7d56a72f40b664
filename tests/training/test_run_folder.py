import json
import pathlib

import pytest

from wild3d.errors import UserError
from wild3d.training import run_folder

CONFIG = {'seed': 0, 'model': {'features': 32}, 'log_every': 10}


def claimed(folder, config=CONFIG):
  """A folder that holds a checkpoint of a run."""
  run_folder.claim(folder, config)
  (folder / 'checkpoints/100').mkdir(parents=True)


def test_same_run_may_return(tmp_path):
  """Catches a resume refused because a field that teaches nothing changed."""
  claimed(tmp_path / 'run')
  folder = run_folder.check(tmp_path / 'run', CONFIG | {'log_every': 5})
  run_folder.claim(folder, CONFIG | {'log_every': 5})
  assert json.loads((folder / 'config.json').read_text())['log_every'] == 5


def test_another_config_is_refused(tmp_path):
  """Catches a run continued with another network."""
  claimed(tmp_path)
  other = CONFIG | {'model': {'features': 64}}
  with pytest.raises(UserError, match=r'model\.features=32, not 64'):
    run_folder.check(tmp_path, other)
  assert json.loads((tmp_path / 'config.json').read_text()) == CONFIG


def test_a_run_older_than_a_field_goes_on(tmp_path):
  """Catches a field added since, at its default, that forbids resuming old runs."""
  claimed(tmp_path)
  newer = CONFIG | {'model': {'features': 32, 'backbone': 'hourglass'}}
  run_folder.check(tmp_path, newer)
  newer['model']['backbone'] = 'another'
  with pytest.raises(UserError, match=r'model\.backbone=hourglass, not another'):
    run_folder.check(tmp_path, newer)


def test_nothing_is_written_by_a_check_and_a_mended_mistake_goes_through(tmp_path):
  """Catches a first try with a mistake that forbids the second."""
  run_folder.check(tmp_path / 'new', CONFIG)
  assert not (tmp_path / 'new').exists()
  run_folder.claim(tmp_path / 'new', CONFIG)
  run_folder.check(tmp_path / 'new', CONFIG | {'seed': 1})


def test_file_and_foreign_folder_are_refused(tmp_path):
  """Catches a traceback, or a stranger's checkpoints taken for ours."""
  (tmp_path / 'file').write_text('')
  for path in (tmp_path / 'file', tmp_path / 'file' / 'below'):
    with pytest.raises(UserError, match='is a file'):
      run_folder.check(path, CONFIG)
  (tmp_path / 'other' / 'checkpoints/3').mkdir(parents=True)
  with pytest.raises(UserError, match='not a run'):
    run_folder.check(tmp_path / 'other', CONFIG)


def test_unwritable_folder(tmp_path, monkeypatch):
  """Catches a traceback of Orbax, or a run that fails hours later, at a checkpoint."""

  def refuse(*_, **__):
    raise PermissionError(13, 'Permission denied')

  # The superuser may write anywhere, so the answer of the system is replaced.
  monkeypatch.setattr(run_folder.tempfile, 'TemporaryFile', refuse)
  with pytest.raises(UserError, match=r'cannot write in .*: Permission denied'):
    run_folder.check(tmp_path / 'new', CONFIG)
  monkeypatch.undo()
  if pathlib.Path('/proc/self').is_dir():
    with pytest.raises(UserError, match='cannot write in /proc'):
      run_folder.check('/proc/run', CONFIG)
