"""The experiment end to end, on a handful of tiny synthetic people."""

import itertools
import json
import os
import re
import shutil
import signal
import time
from unittest import mock

import chex
import jax
import numpy as np
import pytest

from wild3d import evaluate, losses, network, settings, train
from wild3d.__main__ import main
from wild3d.errors import UserError
from wild3d.models import lift, pose3d
from wild3d.pages import run_summary
from wild3d.protocols import overview, scores_json
from wild3d.training import (
  checkpoints,
  guard,
  lock,
  mesh,
  metric_writer,
  signals,
  step,
)

TINY = """
from wild3d.configs import base

def get_config():
  c = base.get_config()
  c.model.update({'stacks': 1, 'residuals': 1, 'features': 8, 'depth_residuals': 1})
  c.input_size = 64
  c.batch_size = 16
  c.clip_frames = 2
  c.data_dir = 'DATA_DIR'
  c.datasets.people = base.dataset('synthetic_people/tiny')
  c.sources.lab = base.source('people', 'lab_train', '3d')
  c.sources.wild = base.source('people', 'wild_train', '2d')
  c.sources.clips = base.source('people', 'wild_clips', 'clip')
  c.stages.a = base.stage(2, 1e-3, ('lab', 'wild'))
  c.stages.b = base.stage(3, 1e-3, ('lab', 'wild'), depth=0.1)
  c.stages.c = base.stage(
    1, 1e-4, ('lab', 'wild', 'clips'), share_clip=0.25, depth=0.1, geometric=0.01,
    temporal=0.1,
  )
  c.schedule = ('a', 'b', 'c')
  c.log_every = 1
  c.checkpoint.every = 1
  c.checkpoint.keep = 9
  c.evaluation.batch_size = 16
  c.evaluation.main = 'wild'
  c.evaluation.sets.wild = base.evaluation_set('people', 'wild_test', limit=20)
  c.shuffle_buffer = 16
  return c
"""


@pytest.fixture(scope='module')
def place(tmp_path_factory, people_dir):
  """A folder with the configuration, which names the shared dataset."""
  folder = tmp_path_factory.mktemp('place')
  (folder / 'tiny.py').write_text(TINY.replace('DATA_DIR', str(people_dir)))
  return folder


def load(place, *overrides):
  return settings.load(str(place / 'tiny.py'), list(overrides))


@pytest.fixture(scope='module')
def run(place):
  """An uninterrupted run of the three stages, which share one compiled step."""
  once = chex.assert_max_traces(step.train, n=1)
  with mock.patch.object(step, 'train', once):
    train.train(load(place), place / 'whole')
  return place / 'whole'


def variables_at(folder, at):
  return network.load(folder, str(at)).variables


def test_three_stages_leave_what_they_should(run):
  """Catches a stage left out, a metric not written, a loss that a stage lacks."""
  lines = metric_writer.read(run)
  training = {line['step']: line for line in lines if 'train/loss' in line}
  assert sorted(training) == [1, 2, 3, 4, 5, 6]
  assert [training[n]['train/stage'] for n in (1, 3, 6)] == [0, 1, 2]
  assert training[6]['train/temporal'] > 0
  assert training[1]['train/temporal'] == 0
  scored = [line for line in lines if 'eval/wild/network/mpjpe' in line]
  assert [line['step'] for line in scored] == [2, 5, 6]
  for row in ('mean depth', 'zero depth', 'mean pose'):
    assert scored[-1][f'eval/wild/{row}/mpjpe'] > 0
  saved = checkpoints.open_existing(run)
  assert saved.steps() == [1, 2, 3, 4, 5, 6]
  assert saved.run(6)['stage'] == 'c'
  assert json.loads((run / 'config.json').read_text())['batch_size'] == 16
  assert list((run / 'tensorboard').iterdir())


def test_each_evaluation_shows_its_predictions(run):
  """Catches TensorBoard without pictures, with other people at each evaluation, or
  without the configuration."""
  accumulator = pytest.importorskip(
    'tensorboard.backend.event_processing.event_accumulator'
  )
  events = accumulator.EventAccumulator(str(run / 'tensorboard')).Reload()
  shown = events.Images('wild/predictions')
  assert [(e.step, e.width, e.height) for e in shown] == [
    (step, shown[0].width, 2 * (256 + 8)) for step in (2, 5, 6)
  ]
  assert not any(' ' in tag for tags in events.Tags().values() if tags for tag in tags)
  (text,) = events.Tensors('config/text_summary')[0].tensor_proto.string_val
  assert '"batch_size": 16' in text.decode()


def test_resume_is_bit_for_bit(place, run):
  """Catches anything that training depends on and a checkpoint lacks."""
  cut = place / 'cut'
  shutil.copytree(run, cut)
  # As if the run had been killed in the middle of the second stage.
  for at in (5, 6):
    shutil.rmtree(cut / 'checkpoints' / str(at))
  train.train(load(place), cut)
  whole, resumed = variables_at(run, 6), variables_at(cut, 6)
  pairs = zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True)
  assert all(np.array_equal(a, b) for a, b in pairs)
  steps = [line['step'] for line in metric_writer.read(cut) if 'train/loss' in line]
  assert steps == [1, 2, 3, 4, 5, 6]


def test_one_way_to_score(run, tmp_path, capsys):
  """Catches a second way of scoring: training, evaluate, --protocol, score."""
  out, page = tmp_path / 'scores.json', tmp_path / 'report.html'
  arguments = ['evaluate', f'--workdir={run}', '--step=latest']
  assert main([*arguments, f'--out={out}', f'--report={page}']) == 0
  assert '<html' in page.read_text()
  trained = checkpoints.open_existing(run).run(6)['scores']['wild']
  written = json.loads(out.read_text())
  assert written['header']['step'] == 6
  assert written['overview'] == trained
  assert trained['examples'] == 20

  # By protocols of their own, on a file of the same predictions too.
  names = ','.join(overview.PROTOCOLS)
  by_protocol, by_file = tmp_path / 'protocol.json', tmp_path / 'file.json'
  assert main([*arguments, f'--protocol={names}', f'--out={by_protocol}']) == 0
  net = network.load(run, 'latest')
  evaluator = evaluate.Evaluator(net.config, net.mesh)
  found = evaluator.predict(net, 'wild')
  predictions = tmp_path / 'predictions.npz'
  np.savez(
    predictions,
    ids=found.truth.ids,
    joints=found.predictions.joints,
    units='mm',
    first_pixel=0.5,
    joints2d=found.predictions.joints2d,
    joints3d=found.predictions.joints3d,
  )
  score = ['score', f'--protocol={names}', f'--predictions={predictions}']
  source = [f'--truth={evaluator.source("wild")}', f'--data_dir={net.config.data_dir}']
  assert main([*score, *source, f'--out={by_file}']) == 0
  files = [scores_json.read(path) for path in (out, by_protocol, by_file)]
  for entry in overview.ENTRIES.values():
    values = [
      next(m for m in block['measures'] if m['name'] == entry.measure)['value']
      for block in (file.protocols[entry.protocol.name] for file in files)
    ]
    assert values[0] == values[1] == values[2], entry.measure
  for name, entry in overview.ENTRIES.items():
    measures = files[0].protocols[entry.protocol.name]['measures']
    value = next(m['value'] for m in measures if m['name'] == entry.measure)
    if value is None:
      assert name not in trained['network']
    else:
      assert trained['network'][name] == value / (100 if entry.unit == 'share' else 1)
  assert main(['compare', str(out), str(by_file)]) == 0
  capsys.readouterr()
  assert main(['evaluate', f'--workdir={run}', '--step=7']) == 2
  assert '--step=7' in capsys.readouterr().err


def test_padding_is_not_scored(run):
  """Catches a last batch that is dropped, or padding that counts."""
  scores = {}
  for size in (8, 16, 24):
    override = [f'--config.evaluation.batch_size={size}']
    net = network.load(run, 'latest', override)
    evaluator = evaluate.Evaluator(net.config, net.mesh)
    scores[size] = evaluator.scores(net)['wild']['network']
  assert scores[8] == pytest.approx(scores[16], rel=1e-4)
  assert scores[8] == pytest.approx(scores[24], rel=1e-4)


@pytest.mark.parametrize(('limit', 'scored'), [(0, 24), (7, 7), (24, 24), (400, 24)])
def test_a_limit_above_the_split_is_no_limit(run, limit, scored):
  """Catches a run that ends at its first evaluation, as the split is shorter."""
  override = [f'--config.evaluation.sets.wild.limit={limit}']
  net = network.load(run, 'latest', override)
  evaluator = evaluate.Evaluator(net.config, net.mesh)
  assert len(evaluator.predict(net, 'wild').truth) == scored


def test_init_from_takes_parameters_alone(place, run):
  """Catches a stage started alone that starts from nothing, or drags old momentum."""
  config = load(
    place, f'--config.init_from={run}', "--config.schedule=('b',)", '--config.seed=1'
  )
  config.stages.b.learning_rate = 0.0
  train.train(config, place / 'alone')
  old, new = variables_at(run, 6)['params'], variables_at(place / 'alone', 3)['params']
  pairs = zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True)
  assert all(np.array_equal(a, b) for a, b in pairs)


def sent_before(monkeypatch, number, module, name, call):
  """Sends a signal before the call of that number of a function."""
  function, calls, watches = getattr(module, name), [], []

  def sending(*args, **kwargs):
    calls.append(name)
    if len(calls) == call:
      os.kill(os.getpid(), number)
      while not watches[-1].number:
        time.sleep(0.01)
    return function(*args, **kwargs)

  class Noted(signals.Watch):
    def __init__(self, *arguments):
      super().__init__(*arguments)
      watches.append(self)

  monkeypatch.setattr(signals, 'Watch', Noted)
  monkeypatch.setattr(module, name, sending)


def test_signals_and_the_clock_cost_no_step(place, run, tmp_path, capsys):
  """Catches a polite signal that loses steps or scores, or is told as a failure; and
  checkpoint.minutes without effect, or with one on what is learnt."""
  config = load(place, '--config.checkpoint.every=99', '--config.checkpoint.minutes=1')
  folder = tmp_path / 'w'

  def left(number, module, name, call):
    with pytest.MonkeyPatch.context() as patched:
      sent_before(patched, number, module, name, call)
      with pytest.raises(SystemExit) as error:
        train.train(config, folder)
    assert error.value.code == 128 + number
    at = checkpoints.open_existing(folder).latest()
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f'{signal.Signals(number).name}: saved step {at}')
    assert not (folder / lock.FILE).exists()
    return at

  # Two steps put a batch on the devices; the third is the first of two to be scored.
  assert left(signal.SIGTERM, mesh, 'put', 3) == 2
  assert checkpoints.open_existing(folder).run(2)['scores'] == {}
  # Checked one step late: after the third step, the fourth is under way.
  assert left(signal.SIGINT, guard, 'check', 1) == 4
  ticks = itertools.count(0, 25)
  with pytest.MonkeyPatch.context() as patched:
    patched.setattr(signals.time, 'monotonic', lambda: float(next(ticks)))
    train.train(config, folder)

  whole, resumed = variables_at(run, 6), variables_at(folder, 6)
  pairs = zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True)
  assert all(np.array_equal(a, b) for a, b in pairs)
  lines = metric_writer.read(folder)
  assert [x['step'] for x in lines if 'train/loss' in x] == [1, 2, 3, 4, 5, 6]
  # Scores that were ended are made up for.
  assert [x['step'] for x in lines if 'eval/stage' in x] == [2, 5, 6]
  assert checkpoints.open_existing(folder).run(2)['scores']


@pytest.mark.parametrize(
  ('overrides', 'said'),
  [
    (
      ["--config.schedule=('a',)", '--config.batch_size=12'],
      'multiple of the 8 devices',
    ),
    (
      ["--config.stages.a.sources=('lab',)"],
      r'config\.stages\.a: roles of the sources \(3d\)',
    ),
    (['--config.datasets.people.name=people'], "unknown dataset 'people'"),
    (['--config.model.backbone=vgg'], "backbone is 'vgg': choose from hourglass"),
    (['--config.init_from=absent'], 'absent holds no checkpoints'),
    (['--config.evaluation.sets.wild.split=best'], "no split 'best'"),
    (['--config.sources.clips.split=best'], r"sources\.clips\.split: .* 'best'"),
    (['--config.clip_frames=16'], 'config.stages.c: shares: 4 clip rows'),
  ],
)
def test_mistakes_are_named_before_training(place, run, tmp_path, overrides, said):
  """Catches a mistake that surfaces as a traceback, or after hours."""
  del run  # the dataset is there
  with pytest.raises(UserError, match=said):
    train.train(load(place, *overrides), tmp_path / 'w')
  assert not (tmp_path / 'w' / 'checkpoints').exists()


def test_not_finite_stops(place, run, tmp_path):
  """Catches a run that goes on with NaN, or saves what leads to it; and bad advice."""
  del run
  config = load(place, '--config.stages.a.learning_rate=1e9')
  with pytest.raises(UserError, match=r'step 1, stage a: .* in parameters') as error:
    train.train(config, tmp_path)
  assert 'start in the same --workdir with a lower --config.stages.a' in str(
    error.value
  )
  assert not list(tmp_path.glob('checkpoints/*'))
  config.stages.a.learning_rate = 1e-3
  config.stages.b.learning_rate = 1e9
  with pytest.raises(UserError, match=r'step 3, stage b: .* in parameters') as error:
    train.train(config, tmp_path)
  assert checkpoints.open_existing(tmp_path).steps() == [1, 2]
  config.init_from = re.search(r'--config.init_from=(\S+)', str(error.value))[1]
  assert config.init_from.endswith('checkpoints/2')
  config.schedule = ('b',)
  config.stages.b.learning_rate = 1e-3
  train.train(config, tmp_path / 'new')


def test_two_runs_in_one_folder(place, run, tmp_path):
  """Catches two runs that write the same checkpoints."""
  del run
  with lock.held(lock.epath.Path(tmp_path)):
    path = tmp_path / lock.FILE
    # Of the test's parent, which lives.
    record = json.loads(path.read_text()) | {'pid': os.getppid()}
    path.write_text(json.dumps(record))
    with pytest.raises(UserError, match=f'process {os.getppid()} on') as error:
      train.train(load(place), tmp_path)
    assert '\n' not in str(error.value)
  assert not (tmp_path / 'checkpoints').exists()


def test_other_config_in_workdir(place, run):
  """Catches a run continued with another configuration."""
  with pytest.raises(UserError, match=r'config\.seed=0, not 5'):
    train.train(load(place, '--config.seed=5'), run)


@pytest.mark.parametrize('name', ['best', 'latest', '5'])
def test_step_by_name(run, name):
  """Catches a best that is not the lowest MPJPE."""
  saved = checkpoints.open_existing(run)
  scored = {n: saved.run(n)['scores'] for n in (2, 5, 6)}
  mpjpe = {n: s['wild']['network']['mpjpe'] for n, s in scored.items()}
  want = {'best': min(mpjpe, key=mpjpe.get), 'latest': 6, '5': 5}[name]
  assert saved.choose(name) == want


def test_a_new_loss_is_seen_everywhere(place, run, tmp_path, capsys, monkeypatch):
  """Catches a list of losses beside losses.TERMS: console, files, curves, guard."""
  del run
  steep = lambda predicted, batch, target: (  # noqa: E731
    jax.numpy.mean(predicted.depth**2, axis=1) * 10.0,
    batch['weight'],
  )
  monkeypatch.setitem(losses.TERMS, 'steep', steep)
  config = load(place, "--config.schedule=('a',)")
  config.stages.a.weights = {'heatmap': 1.0, 'steep': 0.5}
  train.train(config, tmp_path / 'w')
  assert ' steep ' in capsys.readouterr().out
  lines = metric_writer.read(tmp_path / 'w')
  assert all(line['train/steep'] > 0 for line in lines if 'train/loss' in line)
  assert 'steep' in run_summary.curves(lines)
  config.stages.a.weights = {'heatmap': 0.0, 'steep': 1e9}
  with pytest.raises(UserError, match=r'step 1, stage a: .*synthetic_people/'):
    train.train(config, tmp_path / 'guarded')
  config.stages.a.weights = {'heatmap': 1.0, 'stepe': 0.5}
  with pytest.raises(UserError, match=r'no field .*weights\.stepe: .*steep'):
    train.train(config, tmp_path / 'misspelt')


def test_a_new_head_is_one_entry(place, run, tmp_path, monkeypatch):
  """Catches a list of depth heads beside models.pose3d.HEADS."""
  del run
  monkeypatch.setitem(pose3d.HEADS, 'half', lambda *inputs: 0.5 * lift.lift(*inputs))
  config = load(place, "--config.schedule=('b',)", '--config.model.depth_head=half')
  train.train(config, tmp_path / 'w')
  net = network.load(tmp_path / 'w', 'latest')
  assert net.model.depth_head == 'half'
  assert evaluate.Evaluator(net.config, net.mesh).scores(net)['wild']['network']
  config.model.depth_head = 'halve'
  with pytest.raises(
    UserError, match='choose from regression, lift, bones, integral, half'
  ):
    train.train(config, tmp_path / 'misspelt')
