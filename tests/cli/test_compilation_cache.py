"""Where compiled programs are kept."""

import os

import pytest

from wild3d.cli import compilation_cache

VARIABLE = 'JAX_COMPILATION_CACHE_DIR'


@pytest.fixture
def environment(monkeypatch, tmp_path):
  """No folder told, and a cache folder of the user's."""
  monkeypatch.delenv(VARIABLE, raising=False)
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  return monkeypatch


def test_the_folder_is_the_users(environment, tmp_path):
  """Catches programs compiled anew at each start."""
  compilation_cache.enable()
  assert os.environ[VARIABLE] == str(tmp_path / 'wild3d' / 'xla')
  environment.delenv(VARIABLE)
  environment.delenv('XDG_CACHE_HOME')
  environment.setenv('HOME', str(tmp_path))
  compilation_cache.enable()
  assert os.environ[VARIABLE] == str(tmp_path / '.cache' / 'wild3d' / 'xla')
  environment.delenv(VARIABLE)


@pytest.mark.parametrize('told', ['', '/elsewhere'])
def test_what_jax_is_told_stays(environment, told, tmp_path):
  """Catches a user's own folder, or none, overruled."""
  environment.setenv(VARIABLE, told)
  compilation_cache.enable()
  assert os.environ[VARIABLE] == told
  assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(environment, tmp_path, capsys):
  """Catches a command that fails for want of a cache."""
  (tmp_path / 'wild3d').touch()
  compilation_cache.enable()
  assert VARIABLE not in os.environ
  said = capsys.readouterr().err
  assert said.startswith('wild3d: ')
  assert len(said.splitlines()) == 1
