import pytest

from wild3d.configs import base
from wild3d.configs import zhou2017 as paper
from wild3d.training import schedule


def _plan(**stages):
  return schedule.plan(tuple(stages), stages)


def test_paper_schedule():
  """Catches a wrong length, rate, drop or order in configs/zhou2017.py."""
  config = paper.get_config()
  stages = schedule.plan(config.schedule, config.stages)
  assert [s.name for s in stages] == ['heatmap', 'depth', 'geometric']
  assert [s.start for s in stages] == [0, 240_000, 440_000]
  assert stages[-1].end == 480_000
  rates = [schedule.learning_rate(stages[1], n) for n in (0, 159_999, 160_000)]
  assert rates == pytest.approx([2.5e-4, 2.5e-4, 2.5e-5])
  assert schedule.learning_rate(stages[2], 39_999) == pytest.approx(2.5e-5)
  losses = [(s.weights['depth'], s.weights['geometric']) for s in stages]
  assert losses == [(0, 0), (0.1, 0), (0.1, 0.01)]
  assert config.batch_size == 6


def test_warmup_and_cosine():
  """Catches a warm-up that starts at zero, and a cosine of the wrong period."""
  (stage,) = _plan(a=base.stage(100, 1.0, (), warmup=4, decay='cosine'))
  assert schedule.learning_rate(stage, 0) == pytest.approx(0.25)
  assert schedule.learning_rate(stage, 50) == pytest.approx(0.5)
  assert schedule.learning_rate(stage, 99) < 0.01
