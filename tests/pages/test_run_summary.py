import ml_collections

from wild3d import losses
from wild3d.pages import run_summary

LINES = [
  {'step': 1, 'train/loss': 3.0, 'train/depth': 0.0, 'train/heatmap': 3.0},
  {'step': 2, 'eval/stage': 0, 'eval/wild/network/mpjpe': 90.0},
  {'step': 4, 'train/loss': 2.0, 'train/depth': 0.0, 'train/heatmap': 2.0},
  {
    'step': 4,
    'eval/stage': 1,
    'eval/wild/network/mpjpe': 70.0,
    'eval/wild/mean depth/mpjpe': 80.0,
    'eval/lab/network/mpjpe': 60.0,
  },
  {'step': 3, 'eval/stage': 0, 'eval/wild/network/mpjpe': 85.0},
]
CONFIG = ml_collections.ConfigDict({'schedule': ('heatmap', 'depth')})


def test_tables_hold_the_last_scores_of_each_stage_of_one_set():
  """Catches scores of another set or stage, and rows out of order."""
  tables = run_summary.stage_tables(LINES, CONFIG, 'wild')
  assert [t['name'] for t in tables] == ['heatmap', 'depth']
  assert [t['step'] for t in tables] == [3, 4]
  assert tables[0]['rows'] == {'network': {'mpjpe': 85.0}}
  assert list(tables[1]['rows']) == ['network', 'mean depth']
  assert tables[1]['rows']['network'] == {'mpjpe': 70.0}


def test_curves_leave_out_what_is_always_zero():
  """Catches a curve of a loss that the run does not have."""
  curves = run_summary.curves(LINES)
  assert curves == {'loss': [(1, 3.0), (4, 2.0)], 'heatmap': [(1, 3.0), (4, 2.0)]}


def test_new_losses_have_curves(monkeypatch):
  """Catches a list of losses beside losses.TERMS, and curves of no loss."""
  monkeypatch.setitem(losses.TERMS, 'symmetry', None)
  line = {'step': 1, 'train/symmetry': 2.0, 'train/loss': 3.0, 'train/stage': 1}
  line |= {'train/gradient_norm': 1.0, 'train/images_per_second': 9.0}
  assert list(run_summary.curves([line])) == ['loss', 'symmetry']
