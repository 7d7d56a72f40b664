import re
import shutil

import chex
import jax
import pytest

from wild3d.errors import UserError
from wild3d.models import initial
from wild3d.models.pose3d import Pose3D
from wild3d.training import checkpoints, mesh, optimizer, state


class Counter:
  """A data iterator whose whole state is a number."""

  layout = 'counted'

  def __init__(self, value=0):
    self.value = value

  def save(self, path):
    path.write_text(str(self.value))

  def restore(self, path):
    self.value = int(path.read_text())

  def skip(self, batches):
    self.value = batches


@pytest.fixture(scope='module')
def small():
  model = Pose3D(stacks=1, residuals=1, features=8, depth_residuals=1)
  rule = optimizer.make(
    name='adam', decay=0.99, momentum=0.9, eps=1e-8, clip_norm=0.0, weight_decay=0.0
  )
  return state.fresh(model, rule, jax.random.key(0), 64)


def at_step(small, step):
  """A state that differs from step to step."""
  params = jax.tree.map(lambda x: x + step, small.params)
  return small.replace(step=small.step + step, params=params)


def save(saved, small, step, score=None, iterator=None):
  scores = {} if score is None else {'mpjpe': score}
  saved.save(at_step(small, step), {'config': {}, 'stage': 'a'}, scores, iterator)
  saved.wait()


def test_latest_and_best_are_kept(small, tmp_path):
  """Catches the best checkpoint deleted by age, or the latest by score."""
  saved = checkpoints.Checkpoints(tmp_path, keep=2, best='mpjpe')
  for step, score in ((1, 90.0), (2, 50.0), (3, 70.0), (4, None), (5, 80.0), (6, None)):
    save(saved, small, step, score, Counter(step))
  assert saved.steps() == [2, 5, 6]
  assert saved.best() == 2
  assert saved.latest() == 6
  kept = {int(p.name) for p in (tmp_path / 'data_iterator').iterdir()}
  assert kept == {2, 5, 6}


def test_higher_is_better(small, tmp_path):
  """Catches a PCK for which the lowest counts as best."""
  saved = checkpoints.Checkpoints(tmp_path, keep=1, best='mpjpe', lower_is_better=False)
  for step, score in ((1, 0.2), (2, 0.5), (3, 0.3)):
    save(saved, small, step, score)
  assert saved.best() == 2


def test_restores_bit_for_bit_on_other_devices(small, tmp_path):
  """Catches a state that changes on its way through the disk or across meshes."""
  saved = checkpoints.Checkpoints(tmp_path)
  save(saved, small, 3, iterator=Counter(7))
  for count in (1, 8):
    target = jax.device_put(
      at_step(small, 0), mesh.replicated(mesh.make(jax.devices()[:count]))
    )
    again = saved.restore(3, target)
    want = at_step(small, 3)
    chex.assert_trees_all_equal(again, want)
    assert len(jax.tree.leaves(again.params)[0].sharding.device_set) == count
  counter = Counter()
  saved.restore_iterator(3, counter, 3)
  assert counter.value == 7
  chex.assert_trees_all_equal(saved.restore_model(3, small.variables), want.variables)
  assert saved.run(3)['stage'] == 'a'


def test_an_average_is_what_is_read_and_training_goes_on_from_both(small, tmp_path):
  """Catches an average that is shipped as trained, or trained on after a resumption."""
  begin = state.with_average(small)
  moved = jax.tree.map(lambda x: x + 1.0, small.params)
  after = begin.replace(step=begin.step + 1, params=moved)
  after = state.averaged(after, begin, 0.9)
  saved = checkpoints.Checkpoints(tmp_path)
  saved.save(after, {'config': {}, 'stage': 'a'}, {}, Counter(1))
  saved.wait()
  chex.assert_trees_all_equal(saved.restore(1, begin), after)
  read = saved.restore_model(1, small.variables)
  chex.assert_trees_all_equal(read, after.average)
  # The first step's decay is 1 / 10.
  wanted = jax.tree.map(lambda x: x + 0.9, small.params)
  chex.assert_trees_all_close(read['params'], wanted, rtol=1e-6)


def test_another_network_is_refused(small, tmp_path):
  """Catches a traceback of orbax, or its own words cut off, for another network."""
  saved = checkpoints.Checkpoints(tmp_path)
  save(saved, small, 1)
  wide = Pose3D(stacks=1, residuals=1, features=16, depth_residuals=1)
  variables = initial.variables(wide, jax.random.key(0), 64)
  with pytest.raises(UserError, match='do not fit the network') as error:
    saved.restore_model(1, variables)
  assert '\n' not in str(error.value)
  assert re.search(r'(params|batch_stats)\.\S+ is \[.*8.*\] .*16', str(error.value))
  assert str(error.value).endswith("differ from the run's")
  fewer = {'params': small.variables['params'], 'batch_stats': {}}
  with pytest.raises(UserError, match=r'batch_stats\.\S+ is .* missing in the network'):
    saved.restore_model(1, fewer)


def test_nothing_there(tmp_path, small):
  """Catches a traceback from orbax for a folder that holds no run."""
  with pytest.raises(UserError, match='holds no checkpoints'):
    checkpoints.open_existing(tmp_path)
  (tmp_path / 'checkpoints').mkdir()
  with pytest.raises(UserError, match='is empty'):
    checkpoints.open_existing(tmp_path)
  saved = checkpoints.Checkpoints(tmp_path)
  save(saved, small, 1)
  counter = Counter()
  saved.restore_iterator(1, counter, 4)
  assert counter.value == 4


def test_a_position_of_other_code_is_found_by_its_number(small, tmp_path):
  """Catches a traceback of TensorFlow in a run that goes on with a newer wild3d."""
  saved = checkpoints.Checkpoints(tmp_path)
  saved.save(at_step(small, 1), {'config': {}}, {}, Counter(7))
  saved.wait()
  newer = Counter()
  newer.layout = 'otherwise'
  saved.restore_iterator(1, newer, 4)
  assert newer.value == 4


def test_damaged(small, tmp_path):
  """Catches a traceback of orbax, or words about the network, for damaged files."""
  saved = checkpoints.Checkpoints(tmp_path)
  save(saved, small, 1)
  folder = tmp_path / 'checkpoints' / '1'
  run = folder / 'run' / 'metadata'
  for text in ('{"config"', '[]', '{"config": 3}'):
    run.write_text(text)
    with pytest.raises(UserError, match=r'run: .*damaged') as error:
      saved.run(1)
    assert '\n' not in str(error.value)
  (folder / 'model' / '_METADATA').write_text('{"')
  with pytest.raises(UserError, match=r'model: .*damaged') as error:
    saved.restore_model(1, small.variables)
  assert '\n' not in str(error.value)
  shutil.rmtree(folder / 'model')
  with pytest.raises(UserError, match=r'model: .*damaged'):
    saved.restore_model(1, small.variables)
