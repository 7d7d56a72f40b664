"""Every block of README's is what a reader can paste.

The commands that need no data run as they stand. Those that train for minutes, or read
files that a reader has and a test has not, run until the work would begin: flags, choices,
configuration and its overrides are taken by the command itself. What pip and git are asked
for is compared with setup.cfg, as tests install and fetch nothing.
"""

import configparser
import pathlib
import re
import runpy
import shlex

import pytest

from wild3d import __main__ as command_line

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / 'README.md').read_text()
RUNS = (['predict', 'docs/person.jpg'], ['describe', 'person-poses/poses.json'])
# Command -> the function that begins its work.
BEGINS = {
  'quickstart': 'wild3d.train.train',
  'train': 'wild3d.train.train',
  'benchmark': 'wild3d.benchmark.run.benchmark',
  'evaluate': 'wild3d.evaluate.main',
  'score': 'wild3d.cli.score._score',
  'compare': 'wild3d.protocols.scores_json.read',
  'predict': 'wild3d.predict.run.predict',
  'data build': 'wild3d.datasets.prepare.prepare',
  'data verify': 'wild3d.datasets.verify.verify',
  'data browse': 'wild3d.pages.dataset.write',
}


def _lines():
  """Yields the words of each command in an indented block, or between backquotes."""
  text = re.sub(r'\\\n\s*', ' ', README)
  for line in re.findall(r'^ {4}(.*)$', text, re.M):
    for command in line.split(' && '):
      yield shlex.split(command, comments=True)
  for line in re.findall(r'`((?:wild3d|pip) [^`\n]+ [^`\n]+)`', README):
    yield shlex.split(line)


LINES = list(_lines())
COMMANDS = [words[1:] for words in LINES if words[0] == 'wild3d']


def test_each_block_is_known_here():
  """Catches a block that no test looks at, such as one of another language."""
  assert set(re.findall(r'^```(\w*)', README, re.M)) == {'python', ''}
  known = {'wild3d', 'git', 'cd', 'python3', '.', 'pip', 'tensorboard'}
  assert {words[0] for words in LINES} == known
  assert set(map(tuple, RUNS)) <= set(map(tuple, COMMANDS))


class _BegunError(Exception):
  """The work would begin."""


@pytest.mark.parametrize('words', COMMANDS, ids=' '.join)
def test_command(words, tmp_path, monkeypatch, capsys):
  """Catches a flag, a choice or a configuration that README has and the command has not."""
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'docs').symlink_to(ROOT / 'docs')
  if words in RUNS:
    for run in RUNS if words == RUNS[-1] else ():  # once, in their order
      assert command_line.main(list(run)) == 0, capsys.readouterr().err
    return

  def begin(*_, **__):
    raise _BegunError

  name = ' '.join(words[:2]) if words[0] == 'data' else words[0]
  monkeypatch.setattr(BEGINS[name], begin)
  with pytest.raises(_BegunError):
    command_line.main(list(words))


def test_what_is_installed():
  """Catches an extra that setup.cfg has not, and a wild3d from an index that has none."""
  setup = configparser.ConfigParser()
  setup.read(ROOT / 'setup.cfg')
  for page in (README, *(p.read_text() for p in (ROOT / 'docs').glob('*.md'))):
    assert not re.search(r'pip install [^`\n]*\bwild3d\b', page)
    for extras in re.findall(r"'\.\[([\w,]+)\]'", page):
      for extra in extras.split(','):
        assert extra in setup['options.extras_require']


def test_python_blocks(tmp_path, monkeypatch):
  """Catches an example that does not run: it once forgot one of three outputs."""
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'docs').symlink_to(ROOT / 'docs')
  first, block = re.findall(r'```python\n(.*?)```', README, re.S)
  exec(first, {})
  assert (tmp_path / 'person.json').exists()
  names = {}
  exec(block, names)
  assert names['heatmaps'].shape == (1, 2, 64, 64, 16)
  assert names['depth'].shape == (1, 16)
  assert names['loss'].shape == (1,)
  count = sum(
    leaf.size for leaf in names['jax'].tree.leaves(names['variables']['params'])
  )
  assert f'{count:,} parameters' in block


@pytest.mark.parametrize('source', ['', 'https://example.org/wild3d'])
def test_no_relative_link_on_an_index(source, monkeypatch):
  """Catches a link or a picture that a package index cannot follow."""
  monkeypatch.setattr('setuptools.setup', lambda **_: None)
  text = runpy.run_path(str(ROOT / 'setup.py'))['long_description'](source)
  links = re.findall(r'\]\(([^)]+)\)', text)
  assert all(link.startswith('https://') for link in links)
  assert any(link.endswith('/raw/main/docs/person-pose.jpg') for link in links) == bool(
    source
  )
  assert 'what it can do' in text
