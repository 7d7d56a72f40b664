"""The rows of the ablation: each differs from its partner in what its name says."""

import importlib.util
import pathlib
import sys

import pytest

from wild3d import settings
from wild3d.configs import ablation
from wild3d.training import check_config, schedule

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs/ablation.py')


def config(row, head=None):
  head = head or ablation.ROWS[row].heads[0]
  return settings.load(CONFIG, ablation.arguments(ablation.fields(row, head)))


@pytest.mark.parametrize('row', ablation.ROWS)
def test_rows_can_be_run_and_have_equal_budgets(row):
  """Catches a field that no longer exists, and a row with more steps or images than the
  one that it is compared with."""
  for head in ablation.ROWS[row].heads:
    here, full = config(row, head), config(ablation.ROWS[row].against or row, head)
    check_config.check(here)
    assert here.batch_size == full.batch_size
    plan = schedule.plan(here.schedule, here.stages)
    assert [(s.name, s.end) for s in plan] == [
      (s.name, s.end) for s in schedule.plan(full.schedule, full.stages)
    ]


@pytest.mark.parametrize('row', ablation.ROWS)
def test_a_stage_in_common_is_the_same_for_both(row):
  """Catches a row that takes over a stage whose configuration was another."""
  for head in ablation.ROWS[row].heads:
    here = config(row, head)
    for index, stage in enumerate(here.schedule):
      there = config(*ablation.beginning(row, head, stage))
      for seen in here.schedule[: index + 1]:
        assert there.stages[seen] == here.stages[seen]
        for source in here.stages[seen].sources:
          assert there.sources[source] == here.sources[source]
          name = here.sources[source].dataset
          assert there.datasets[name] == here.datasets[name]
      if stage != 'heatmap':
        assert there.model == here.model
        assert there.perspective_correction == here.perspective_correction
        assert there.lift_poses == here.lift_poses
      assert (there.ema, there.optimizer) == (here.ema, here.optimizer)


def test_the_rows_of_the_claim_have_their_stages_in_common():
  """Catches a field that makes each row train for itself all that it shares."""
  begun = {stage: set() for stage in config(ablation.FULL).schedule}
  for row in ablation.CLAIM:
    for stage, runs in begun.items():
      for head in ablation.ROWS[row].heads:
        runs.add(ablation.beginning(row, head, stage))
  assert [len(runs) for runs in begun.values()] == [2, 4, 8]


def test_3d_only_sees_no_wild_image():
  """Catches wild images, or withheld depth, in the rows that are to know the lab alone."""
  for row in ('3d', '3d_geometric'):
    here = config(row)
    used = {s for name in here.schedule for s in here.stages[name].sources}
    assert {here.sources[s].split for s in used} == {'lab_train'}
  assert {config('3d').stages[s].share_3d for s in config('3d').schedule} == {1.0}


def test_the_geometric_loss_is_in_the_rows_that_say_so():
  """Catches a row whose name and loss differ."""
  for row in ablation.CLAIM:
    weight = config(row).stages.geometric.weights.geometric
    assert (weight > 0) == row.endswith('geometric')


def test_against():
  """Catches a row compared with one that is not there, or not trained with its head."""
  for name, row in ablation.ROWS.items():
    if row.against:
      assert set(row.heads) <= set(ablation.ROWS[row.against].heads), name


def script(name):
  """A script of experiments/ablation, as a module."""
  path = ROOT / f'experiments/ablation/{name}.py'
  spec = importlib.util.spec_from_file_location(name, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


@pytest.mark.parametrize(
  ('flags', 'begun'),
  [
    ([], ['', 'heatmap/3d_2d-regression-7', 'depth/3d_2d-lift-7']),
    (['--heatmap=mine'], ['mine', 'depth/3d_2d-lift-7']),
  ],
)
def test_each_stage_begins_with_the_one_before(monkeypatch, flags, begun):
  """Catches a stage begun from nothing, and another run's 2D trained over again."""
  run, calls = script('run'), []

  def train(folder, place, before, options, changed):
    calls.append((before, place[1]['schedule'], changed))
    return place[0]

  monkeypatch.setenv('JAX_NUM_CPU_DEVICES', '1')  # else left behind for other tests
  monkeypatch.setattr(run, 'train', train)
  monkeypatch.setattr(run, 'score', lambda *_: None)
  wanted = ['--only=3d_2d_geometric', '--heads=lift', '--seeds=7', '--config.ema=0.5']
  monkeypatch.setattr(sys, 'argv', ['run.py', *wanted, *flags])
  run.main()
  stages = [(stage,) for stage in ('heatmap', 'depth', 'geometric')]
  assert calls == [
    (before, stage, ['--config.ema=0.5'])
    for before, stage in zip(begun, stages[-len(begun) :], strict=True)
  ]


@pytest.mark.parametrize('name', ['domain', 'true_places'])
@pytest.mark.parametrize(
  ('flag', 'said'),
  [('--rows=symetry', 'choose from 3d,'), ('--rows=3d', 'no scored runs')],
)
def test_a_row_or_a_folder_that_is_not_there(
  name, flag, said, monkeypatch, tmp_path, capsys
):
  """Catches a KeyError, and a table of nothing that looks like a result."""
  monkeypatch.setattr(sys, 'argv', [f'{name}.py', f'--folder={tmp_path}', flag])
  with pytest.raises(SystemExit, match='2'):
    script(name).main()
  assert said in capsys.readouterr().err
