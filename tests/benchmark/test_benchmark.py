"""What `wild3d benchmark` prints and writes."""

import json
import sys

import jax
import jaxtyping
import numpy as np
import pytest
from fakes.toy_network import Toy

from wild3d import network, settings
from wild3d.__main__ import main
from wild3d.benchmark import chips, programs, run, tables, timing
from wild3d.data.batch import BATCH_KEYS, POSES
from wild3d.training import mesh

TINY = """
from wild3d.configs import base

def get_config():
  c = base.get_config()
  c.model.update({'stacks': 1, 'residuals': 1, 'features': 8, 'depth_head': 'lift'})
  c.model.stem = 4
  c.input_size, c.batch_size, c.lift_poses = 64, 8, 8
  c.data_dir = 'nowhere'
  return c
"""


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
  path = tmp_path_factory.mktemp('benchmark') / 'tiny.py'
  path.write_text(TINY)
  return path


def test_training_and_prediction(tiny, tmp_path, capsys, monkeypatch):
  """Catches a measure that wants data, a rate that is not a rate, a trace not there."""
  monkeypatch.setitem(sys.modules, 'tensorflow', None)
  monkeypatch.setattr(network, 'make_model', lambda _: Toy())
  # What is lowered is described by a TrainState of descriptions.
  monkeypatch.setattr(jaxtyping.config, 'jaxtyping_disable', True)
  out, traces = tmp_path / 'b.json', tmp_path / 'traces'
  arguments = ['--seconds=0.05', f'--json={out}', f'--profile={traces}']
  arguments.append('--config.lift_poses=0')
  assert main(['benchmark', f'--config={tiny}', *arguments]) == 0
  found = json.loads(out.read_text())
  train, (one, more) = found['train'], found['infer']
  assert train['batch'] == 8
  assert 1 <= one['batch'] <= more['batch'] == 8
  for row in (train, one, more):
    assert 0 < row['lowest'] <= row['images_per_second'] <= row['highest']
  # A gradient costs up to twice what it is the gradient of.
  assert 1.5 < train['flops'] / more['flops'] < 4
  assert found['peak']['flops'] > 1e9
  assert found['memory_mb']['process'] > 100
  printed = capsys.readouterr().out
  assert f'{train["images_per_second"]:.4g}' in printed
  for name in ('train', 'infer'):
    assert list((traces / name).rglob('*.trace.json.gz'))


@pytest.mark.parametrize(
  ('arguments', 'said'),
  [
    (['--what=trian'], '--what=trian: choose from train, infer, input, start'),
    (['--what=input'], 'config.schedule'),
    (['--seconds=0'], '--seconds=0: give a number above 0'),
    (['--json=absent/b.json'], 'its folder does not exist'),
    (['--config.accumulate=3'], 'config.accumulate'),
    (['--config.batch_size=0'], 'config.batch_size'),
    (['--unknown'], "unknown argument '--unknown'"),
  ],
)
def test_mistakes_get_one_line(tiny, arguments, said, tmp_path, monkeypatch, capsys):
  """Catches minutes of measuring before a mistake is found, or a traceback."""
  monkeypatch.chdir(tmp_path)
  assert main(['benchmark', f'--config={tiny}', *arguments]) == 2
  (error,) = capsys.readouterr().err.strip().splitlines()
  assert said in error
  assert not list(tmp_path.iterdir())


def test_a_batch_has_the_form_of_one(tiny):
  """Catches a key that is new in data/batch.py and not here."""
  config = settings.load(str(tiny), [])
  batch = programs.batch(config)
  assert set(batch) == {*BATCH_KEYS, POSES}
  for key, (shape, dtype, _) in BATCH_KEYS.items():
    assert batch[key].dtype == dtype
    assert batch[key].ndim == 1 + len(shape)
  assert batch['image'].shape == (8, 64, 64, 3)
  assert 0 < batch['present'].mean() < 1


def test_the_verdict():
  """Catches the slower of the two called the faster, or cores rounded down."""
  found = {
    'input': {'per_core': 50.0, 'cores': 2},
    'train': {'images_per_second': 110.0},
  }
  assert run._verdict(found) == {'bottleneck': 'input', 'cores_needed': 3}
  found['train']['images_per_second'] = 40.0
  assert run._verdict(found) == {'bottleneck': 'step', 'cores_needed': 1}


def test_a_chip_of_the_table(monkeypatch):
  """Catches one chip's peak for several, or that of the other type."""
  devices = mesh.make(jax.devices()[:1])
  monkeypatch.setitem(chips.TERAFLOPS, 'cpu', (312, 156))
  assert chips.peak(devices, 'bfloat16', 0.01).flops == 312e12
  assert chips.peak(devices, 'float32', 0.01).flops == 156e12


def test_timing_counts_each_time():
  """Catches seconds of a repeat given as those of one time."""
  done = []
  taken = timing.measure(done.append, 0.01)
  assert done[:2] == [1, 1]
  assert len(taken) == len(done) - 2 >= 3
  rate = timing.rate(4, [1.0, 2.0, 4.0])
  assert (rate['lowest'], rate['images_per_second'], rate['highest']) == (1, 2, 4)


def test_tables_are_aligned():
  """Catches columns that lose their place."""
  lines = tables.align([('', 'a', 'bb'), ('name', '1', '2'), ('x', '333', '')])
  assert lines == ['        a  bb', 'name    1   2', 'x     333']
  assert np.char.str_len(lines).max() == 13
