"""What the documents name is there: commands, flags, fields, files."""

import functools
import importlib.util
import pathlib
import re
import shlex

import pytest
import yaml

from wild3d import __main__ as command_line
from wild3d.configs import base

ROOT = pathlib.Path(__file__).parent.parent
PAGES = sorted(
  path
  for places in ('*.md', 'docs/*.md', 'examples/**/*.md', 'experiments/**/*.md')
  for path in ROOT.glob(places)
)
# Fields that a configuration adds to base.py's, by name.
OWN = ('datasets', 'sources', 'stages', 'sets')


def _commands(text):
  """The arguments of each `wild3d ...` that stands in a block of its own."""
  text = re.sub(r'\\\n\s*', ' ', text)
  for line in re.findall(
    r'^(?: {4}|  |\S+=")(?:.*&& |\w+=\S+ )?wild3d (.*)$', text, re.M
  ):
    try:
      yield shlex.split(line, comments=True)
    except ValueError:  # a command in words, or over several lines
      yield line.split()


@functools.cache
def _help(*command):
  import contextlib
  import io

  said = io.StringIO()
  with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
    command_line.main([*command, '--help'])
  return said.getvalue()


def _field_exists(path):
  """Whether a configuration has a field; below names of its own all are taken."""
  node = base.get_config()
  for part in path.split('.')[1:]:
    if part not in node:
      return False
    if part in OWN:
      return True
    node = node[part]
  return True


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_what_is_there(page):
  """Catches a flag, a field, a script or a page that was renamed or never was."""
  text = page.read_text()
  for words in _commands(text):
    command = words[:2] if words[0] == 'data' else words[:1]
    assert command[0] in command_line.COMMANDS, command
    known = _help(*command)
    for flag in (w.partition('=')[0] for w in words if w.startswith('--')):
      if flag.startswith('--config.'):
        assert _field_exists(flag[2:]), flag
      else:
        assert re.search(rf'{flag}\b', known), (command, flag)
  for link in re.findall(r'\]\(([^)#:]+)\)', text):
    assert (page.parent / link).exists(), link
  for script in re.findall(r'\bexperiments/[\w/]+\.\w+', text):
    assert (ROOT / script).exists(), script


def test_the_site_has_every_page():
  """Catches a page of docs/ that the site leaves out, or one that it has not."""
  site = yaml.safe_load((ROOT / 'mkdocs.yml').read_text())
  pages = [page for part in site['nav'] for page in _pages(part)]
  above = {'index.md', 'changes.md'}  # made of README and CHANGELOG by docs/site.py
  assert len(pages) == len(set(pages))
  assert set(pages) == {path.name for path in ROOT.glob('docs/*.md')} | above
  for module in re.findall(r'^::: (\S+)', (ROOT / 'docs' / 'api.md').read_text(), re.M):
    assert importlib.util.find_spec(module), module


def _pages(part):
  if isinstance(part, str):
    return [part]
  parts = part.values() if isinstance(part, dict) else part
  return [page for inner in parts for page in _pages(inner)]


def test_the_managed_job_is_one():
  """Catches YAML that is none, a field that SkyPilot refuses, a flag that is not there."""
  job = yaml.safe_load((ROOT / 'experiments' / 'sky.yaml').read_text())
  assert set(job) == {'name', 'workdir', 'resources', 'envs', 'setup', 'run'}
  assert set(job['resources']) == {
    'infra',
    'accelerators',
    'accelerator_args',
    'use_spot',
    'job_recovery',
  }
  assert job['resources']['use_spot'] is True
  # 143 is a training that was told to end; SkyPilot keeps 137 for itself.
  assert job['resources']['job_recovery']['recover_on_exit_codes'] == [143]
  assert (ROOT / job['envs']['CONFIG']).exists()
  assert set(re.findall(r'\$(\w+)', job['run'])) == set(job['envs'])
  for flag in re.findall(r'--\w+', job['run']):
    assert flag in _help('train')
  script = job['setup'].split()[1]
  assert (ROOT / script).exists()
