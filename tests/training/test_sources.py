"""training/sources.py: in which order a run's datasets are made and looked at."""

import pytest

from wild3d.configs import photos
from wild3d.errors import UserError
from wild3d.training import sources


def test_the_users_own_files_first(monkeypatch):
  """Catches people drawn for minutes before a mistake in the user's files is told."""
  config = photos.get_config()
  config.datasets.photos.manual_dir = 'mine'
  made = []
  monkeypatch.setattr(sources, 'dataset', lambda _, name: made.append(name))
  monkeypatch.setattr(sources.records, 'find', lambda name, _: name)

  def count(built, split):
    if built == 'mpii/small':
      raise UserError(f'no split {split!r}')

  monkeypatch.setattr(sources.records, 'count', count)
  with pytest.raises(UserError, match="split: no split 'train'"):
    sources.prepare_datasets(config, [])
  assert made == ['photos']
