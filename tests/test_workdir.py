import json

import pytest

from wild3d import workdir
from wild3d.errors import UserError

CONFIG = {'seed': 0, 'model': {'features': 32}, 'log_every': 10}


def test_same_run_may_return(tmp_path):
  """Catches a resume refused because a field that teaches nothing changed."""
  workdir.claim(tmp_path / 'run', CONFIG)
  folder = workdir.claim(tmp_path / 'run', CONFIG | {'log_every': 5})
  assert json.loads((folder / 'config.json').read_text())['log_every'] == 5


def test_another_config_is_refused(tmp_path):
  """Catches a run continued with another network."""
  workdir.claim(tmp_path, CONFIG)
  other = CONFIG | {'model': {'features': 64}}
  with pytest.raises(UserError, match=r'model\.features=32, not 64'):
    workdir.claim(tmp_path, other)
  assert json.loads((tmp_path / 'config.json').read_text()) == CONFIG


def test_file_and_foreign_folder_are_refused(tmp_path):
  """Catches a traceback, or a stranger's checkpoints taken for ours."""
  (tmp_path / 'file').write_text('')
  for path in (tmp_path / 'file', tmp_path / 'file' / 'below'):
    with pytest.raises(UserError, match='is a file'):
      workdir.claim(path, CONFIG)
  (tmp_path / 'other' / 'checkpoints').mkdir(parents=True)
  with pytest.raises(UserError, match='not a run'):
    workdir.claim(tmp_path / 'other', CONFIG)


def test_unwritable_folder(tmp_path, monkeypatch):
  """Catches a run that fails hours later, at its first checkpoint."""
  # Root may write anywhere, so the answer of the system is replaced.
  monkeypatch.setattr(workdir.os, 'access', lambda *_: False)
  with pytest.raises(UserError, match='cannot write'):
    workdir.claim(tmp_path, CONFIG)
