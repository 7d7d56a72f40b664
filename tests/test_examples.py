"""What lies in examples/ runs as it stands: the notebooks, and a dataset of one's own."""

import json
import pathlib
import subprocess
import sys

import pytest

from wild3d import losses, settings, train
from wild3d.datasets import verify
from wild3d.models import pose3d
from wild3d.training import metric_writer

EXAMPLES = pathlib.Path(__file__).parent.parent / 'examples'


def run(name):
  """Executes a notebook's code cells, one after the other, in one namespace.

  No kernel: what a cell shows is not looked at, and half of Jupyter is not installed.
  """
  cells = json.loads((EXAMPLES / name).read_text())['cells']
  namespace = {'__name__': '__main__'}
  for number, cell in enumerate(cells):
    if cell['cell_type'] == 'code':
      exec(
        compile(''.join(cell['source']), f'{name}, cell {number}', 'exec'), namespace
      )
  return namespace


@pytest.mark.parametrize('name', ['predict.ipynb', 'train.ipynb'])
def test_notebooks_are_kept_without_results(name):
  """Catches a picture or a path of somebody's machine that went in with an output."""
  for cell in json.loads((EXAMPLES / name).read_text())['cells']:
    assert not cell.get('outputs')
    assert not cell.get('execution_count')


def test_predict_notebook(tmp_path, monkeypatch):
  """Catches a notebook that speaks of an interface that is gone."""
  (tmp_path / 'person.jpg').write_bytes((EXAMPLES / 'person.jpg').read_bytes())
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv('MPLBACKEND', 'agg')
  assert len(run('predict.ipynb')['poses']) == 1
  assert (tmp_path / 'drawn.png').stat().st_size > 1000
  assert (tmp_path / 'pose.npz').exists()


def test_train_notebook(tmp_path, monkeypatch, people_dir):
  """Catches a loss or a head of one's own that needs more than its one line."""
  monkeypatch.setattr(losses, 'TERMS', dict(losses.TERMS))
  monkeypatch.setattr(pose3d, 'HEADS', dict(pose3d.HEADS))
  for name, value in {
    'STEPS': '2',
    'PEOPLE': 'synthetic_people/tiny',
    'DATA': str(people_dir),
    'RUN': str(tmp_path / 'run'),
  }.items():
    monkeypatch.setenv(name, value)
  net = run('train.ipynb')['net']
  assert net.model.depth_head == 'pooled'
  (line,) = [one for one in metric_writer.read(tmp_path / 'run') if 'train/loss' in one]
  assert line['train/symmetry'] > 0


def test_a_dataset_of_ones_own_is_trained_on(tmp_path):
  """Catches a builder outside of the package that training does not find, and five
  pictures on which it fails."""
  folder = EXAMPLES / 'new_dataset'
  script = [sys.executable, folder / 'five_pictures.py', folder / 'pictures', tmp_path]
  subprocess.run(script, check=True, timeout=300)
  told = verify.verify('five_pictures', tmp_path)
  assert told.failures == []
  assert len(told.warnings) == 2
  small = ['features=8', 'stem=8', 'presence=False']
  config = settings.load(
    str(folder / 'config.py'),
    [
      f'--config.data_dir={tmp_path}',
      '--config.init_from=',
      '--config.input_size=64',
      '--config.stages.five.steps=2',
      '--config.evaluation.baselines=False',
      *(f'--config.model.{field}' for field in small),
    ],
  )
  config.batch_size = config.evaluation.batch_size = 8
  train.train(config, tmp_path / 'run')
  lines = metric_writer.read(tmp_path / 'run')
  assert any('eval/five/network/pck_torso_0.2' in line for line in lines)


def test_the_example_tests_itself():
  """Catches a test that is given to be copied, and fails."""
  script = [
    sys.executable,
    '-m',
    'pytest',
    '-q',
    '-p',
    'no:cacheprovider',
    '-p',
    'no:xdist',
  ]
  done = subprocess.run(
    [*script, '-o', 'addopts=', 'test_five_pictures.py'],
    cwd=EXAMPLES / 'new_dataset',
    capture_output=True,
    text=True,
    timeout=300,
  )
  assert done.returncode == 0, done.stdout
