"""wild3d quickstart: what --ablation trains, without training it."""

import pytest

from wild3d import network, train
from wild3d.cli import quickstart
from wild3d.configs import ablation
from wild3d.errors import UserError
from wild3d.training import check_config, mesh


class PlannedError(Exception):
  """Everything is trained."""


@pytest.fixture
def planned(monkeypatch, tmp_path):
  """A function of arguments that returns folder -> configuration, as trained."""

  def plan(*arguments):
    runs = {}
    monkeypatch.setattr(mesh, 'split_cores', lambda *_: None)
    monkeypatch.setattr(
      train, 'train', lambda config, folder: runs.update({str(folder): config})
    )

    def done(*_):
      raise PlannedError

    monkeypatch.setattr(network, 'load', done)
    with pytest.raises(PlannedError):
      quickstart.main([f'--workdir={tmp_path}', *arguments])
    return {folder.removeprefix(str(tmp_path)): c for folder, c in runs.items()}

  return plan


@pytest.mark.parametrize('head', ['lift', 'bones', 'regression'])
def test_rows_begin_where_another_had_got(planned, tmp_path, head):
  """Catches a row that goes on from a network of other fields, from a step that is not
  kept, or before the run that it begins in."""
  own = [f'--config.model.depth_head={head}', '--config.stages.geometric.steps=2100']
  runs = planned('--ablation', *own)
  assert list(runs) == [
    '',
    *(f'/ablation/{row}' for row in ablation.CLAIM if row != ablation.FULL),
  ]
  folders, begun = list(runs), 0
  for folder, config in runs.items():
    check_config.check(config)
    if not config.init_from:
      assert tuple(config.schedule) == ('heatmap', 'depth', 'geometric')
      continue
    begun += 1
    theirs, _, step = config.init_from.removeprefix(str(tmp_path)).rpartition(
      '/checkpoints/'
    )
    assert folders.index(theirs) < folders.index(folder)
    other = runs[theirs]
    assert config.model == other.model
    assert config.optimizer == other.optimizer
    for stage in ('heatmap', 'depth'):
      assert config.stages[stage] == other.stages[stage]
    ends = other.stages.heatmap.steps + other.stages.depth.steps
    saves = {ends, ends + 2100} | set(range(0, ends + 2100, other.checkpoint.every))
    assert int(step) == ends
    assert ends in sorted(saves)[-other.checkpoint.keep :]
  assert begun == 2


def test_the_checkpoint_is_kept_without_the_flag(planned):
  """Catches a quickstart after which --ablation cannot go on."""
  (config,) = planned().values()
  ends = config.stages.heatmap.steps + config.stages.depth.steps
  end = ends + config.stages.geometric.steps
  saves = {ends, end} | set(range(0, end, config.checkpoint.every))
  assert ends in sorted(saves)[-config.checkpoint.keep :]


def test_another_schedule(tmp_path):
  """Catches a row that goes on from a stage which does not exist."""
  with pytest.raises(UserError, match='leave out --config'):
    quickstart.main(
      [f'--workdir={tmp_path}', '--ablation', "--config.schedule=('heatmap',)"]
    )
