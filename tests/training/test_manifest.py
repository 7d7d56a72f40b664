"""Damaged checkpoints: found, named in one line, and passed over."""

import errno
import json
import os
import shutil
import types

import chex
import jax
import pytest
from etils import epath

from wild3d.errors import UserError
from wild3d.training import checkpoints, manifest, state, whole


class Counter:
  """A data iterator whose whole state is a number."""

  layout = 'counted'

  def __init__(self, value=0):
    self.value = value

  def save(self, path):
    path.write_text(str(self.value))

  def restore(self, path):
    self.value = int(path.read_text())


@pytest.fixture(scope='module')
def small():
  params = {'kernel': jax.numpy.arange(512.0), 'bias': jax.numpy.ones(3)}
  moments = jax.tree.map(jax.numpy.zeros_like, params)
  return state.TrainState(
    jax.numpy.int32(0), params, {'mean': moments['bias']}, moments
  )


def at_step(small, step):
  """A state that differs from step to step."""
  params = jax.tree.map(lambda x: x + step, small.params)
  return small.replace(step=small.step + step, params=params)


@pytest.fixture(scope='module')
def sound(small, tmp_path_factory):
  """A run of three steps; step 2 has the best score."""
  folder = tmp_path_factory.mktemp('run')
  saved = checkpoints.Checkpoints(folder, keep=3)
  for step, score in ((1, 90.0), (2, 50.0), (3, 70.0)):
    run = {'config': {}, 'stage': 'a', 'scores': {}}
    saved.save(at_step(small, step), run, {'mpjpe': score}, Counter(step))
  saved.close()
  return folder


@pytest.fixture
def copy(sound, tmp_path):
  """A run to be damaged."""
  return shutil.copytree(sound, tmp_path / 'run')


def largest(folder, item='model', step=3):
  files = [p for p in (folder / 'checkpoints' / str(step) / item).rglob('*')]
  return max((p for p in files if p.is_file()), key=lambda p: p.stat().st_size)


def flip(path, bits=1, count=1, at=None):
  data = bytearray(path.read_bytes())
  at = len(data) // 2 if at is None else at
  for i in range(at, at + count):
    data[i] ^= bits
  path.write_bytes(bytes(data))


def swap(folder):
  one, two = (folder / 'checkpoints' / n for n in '23')
  one.rename(folder / 'other')
  two.rename(one)
  (folder / 'other').rename(two)


ITERATOR = 'data_iterator/3/0_of_1_counted/it'
MANIFEST = 'checkpoints/3/manifest.json'
# Damage -> (what does it, who is hurt, the words for it).
DAMAGES = {
  'one bit': (lambda w: flip(largest(w)), 'both', 'not what was saved'),
  '64 bytes': (lambda w: flip(largest(w), 255, 64), 'both', 'not what was saved'),
  'truncated': (
    lambda w: largest(w).write_bytes(largest(w).read_bytes()[:-1]),
    'both',
    'not what was saved',
  ),
  'zeroed': (
    lambda w: largest(w).write_bytes(bytes(largest(w).stat().st_size)),
    'both',
    'not what was saved',
  ),
  'emptied': (lambda w: largest(w).write_bytes(b''), 'both', 'not what was saved'),
  'a file lost': (lambda w: largest(w).unlink(), 'both', 'is missing'),
  'model lost': (
    lambda w: shutil.rmtree(w / 'checkpoints/3/model'),
    'both',
    'model is missing',
  ),
  'optimizer lost': (
    lambda w: shutil.rmtree(w / 'checkpoints/3/optimizer'),
    'training',
    'optimizer is missing',
  ),
  'optimizer, one bit': (
    lambda w: flip(largest(w, 'optimizer')),
    'training',
    'not what was saved',
  ),
  'iterator': (lambda w: flip(w / ITERATOR), 'training', 'not what was saved'),
  'iterator lost': (
    lambda w: shutil.rmtree(w / 'data_iterator/3'),
    'training',
    'data_iterator is missing',
  ),
  'emptied folder': (
    lambda w: (w / 'checkpoints/999').mkdir(),
    'both',
    '999 is damaged: model is missing',
  ),
  'manifest of another': (
    lambda w: shutil.copy(w / 'checkpoints/2/manifest.json', w / MANIFEST),
    'both',
    'is of step 2',
  ),
  'manifest damaged': (
    lambda w: (w / MANIFEST).write_text('{"step": 3'),
    'both',
    'manifest.json cannot be read',
  ),
  'manifest of a list': (
    lambda w: (w / MANIFEST).write_text('{"step": 3, "files": [1]}'),
    'both',
    'manifest.json cannot be read',
  ),
  'scores damaged': (
    lambda w: (w / 'checkpoints/3/metrics/metrics').write_text('{"mpj'),
    'both',
    'not what was saved',
  ),
  'stray file': (lambda w: (w / 'data_iterator/stray').touch(), 'nobody', ''),
}


@pytest.mark.parametrize('name', DAMAGES)
def test_the_newest_whole_one_is_used_and_said(small, copy, capsys, name):
  """Catches damage that passes silently, ends in a traceback, or ends a run."""
  damage, hurt, words = DAMAGES[name]
  damage(copy)

  for reader in ('reading', 'training'):
    saved = checkpoints.Checkpoints(copy, keep=9)
    at = saved.choose('latest') if reader == 'reading' else saved.resume()
    said = capsys.readouterr().err.splitlines()
    if hurt in ('both', reader):
      assert at == (3 if name == 'emptied folder' else 2)
      assert len(said) == 1, said
      assert words in said[0]
      assert f'step {at} is used' in said[0]
    else:
      assert at == 3
      assert not said
    restored = saved.restore_model(at, small.variables)
    chex.assert_trees_all_equal(restored, at_step(small, at).variables)

  # Training goes on from there, and saves the step that was damaged again.
  saved = checkpoints.Checkpoints(copy, keep=9)
  counter = Counter()
  saved.restore_iterator(at, counter, at)
  assert counter.value == at
  run = {'config': {}, 'stage': 'a', 'scores': {}}
  for step in range(at + 1, 5):
    saved.save(at_step(small, step), run, {}, Counter(step))
  saved.close()
  assert checkpoints.Checkpoints(copy).choose('latest') == 4
  assert not capsys.readouterr().err
  if hurt != 'nobody':
    assert (copy / 'damaged').is_dir()


def test_a_step_that_is_asked_for_is_not_replaced(copy):
  """Catches another checkpoint than the one that was named."""
  flip(largest(copy))
  with pytest.raises(UserError, match=r'--step=3: .* not what was saved') as error:
    checkpoints.Checkpoints(copy).choose('3')
  assert '\n' not in str(error.value)
  assert checkpoints.Checkpoints(copy).choose('2') == 2


def test_swapped(copy):
  """Catches a checkpoint that is whole, but of another step."""
  swap(copy)
  assert checkpoints.Checkpoints(copy).resume() == 1


def test_none_is_whole(copy):
  """Catches a run that starts anew over damaged checkpoints, and deletes them."""
  for step in (1, 2, 3):
    flip(largest(copy, step=step))
  saved = checkpoints.Checkpoints(copy)
  for find in (saved.resume, lambda: saved.choose('best')):
    with pytest.raises(UserError, match=r'3 is damaged: .*1 is damaged') as error:
      find()
    assert '\n' not in str(error.value)
  assert saved.steps() == [1, 2, 3]


def test_best(copy, capsys):
  """Catches a best one that is damaged, or whose score is, without a word."""
  assert checkpoints.Checkpoints(copy).choose('best') == 2
  (copy / 'checkpoints/2/metrics/metrics').write_text('{"mpjpe": 95.0}')
  assert checkpoints.Checkpoints(copy).choose('best') == 3
  assert 'checkpoints/2 is damaged: metrics/metrics' in capsys.readouterr().err
  shutil.rmtree(copy / 'checkpoints/2')
  flip(largest(copy))
  assert checkpoints.Checkpoints(copy).choose('best') == 1
  assert 'checkpoints/3 is damaged: model/' in capsys.readouterr().err


def test_old_checkpoints_open_and_it_is_said(small, copy, capsys):
  """Catches a run of an earlier version that cannot go on, or is taken for checked."""
  for step in '123':
    (copy / 'checkpoints' / step / 'manifest.json').unlink()
  saved = checkpoints.Checkpoints(copy)
  for find in (saved.resume, lambda: saved.choose('latest')):
    assert find() == 3
    said = capsys.readouterr().err
    assert '3 has no manifest.json' in said
    assert said.count('\n') == 1
  saved.restore(3, small)
  (copy / 'checkpoints/1/metrics/metrics').write_text('{"mpj')
  assert saved.best() == 2
  shutil.rmtree(copy / 'checkpoints/3/optimizer')
  assert saved.resume() == 2
  said = capsys.readouterr().err
  assert 'optimizer is missing' in said
  assert '1 is damaged: its scores cannot be read' in said


def test_every_file_counts(small, copy):
  """Catches a file that the manifest leaves out: each is damaged in turn."""
  folder = copy / 'checkpoints/3'
  listed = set(json.loads((copy / MANIFEST).read_text())['files'])
  place = whole.Place(epath.Path(copy))
  # These Orbax writes as it commits; what they say is not read.
  late = {'manifest.json', '_CHECKPOINT_METADATA', 'commit_success.txt'}
  every = [p for p in folder.rglob('*') if p.is_file() and p.name not in late]
  every += [p for p in folder.rglob('commit_success.txt') if p.parent != folder]
  every += [p for p in (copy / 'data_iterator/3').rglob('*') if p.is_file()]
  assert len(every) == len(listed)
  for path in every:
    before = path.read_bytes()
    path.write_bytes(before + b'x')
    assert 'not what was saved' in place.fault(3, whole.TRAINING), path
    path.write_bytes(before)
  assert place.fault(3, whole.TRAINING) is None
  for name in late:
    (folder / name).write_text('damaged') if name != 'manifest.json' else None
  assert checkpoints.Checkpoints(copy).resume() == 3
  checkpoints.Checkpoints(copy).restore(3, small)


def test_the_manifest_is_there_as_soon_as_the_checkpoint(small, tmp_path, monkeypatch):
  """Catches a checkpoint that, killed at the wrong moment, is whole and unlisted."""
  seen = []
  write = manifest.write

  def watched(folder, iterator, step):
    seen.append(whole.Place(epath.Path(tmp_path)).steps())
    write(folder, iterator, step)

  monkeypatch.setattr(manifest, 'write', watched)
  saved = checkpoints.Checkpoints(tmp_path)
  saved.save(at_step(small, 1), {'config': {}}, {}, Counter(1))
  saved.close()
  assert seen == [[]]
  assert (tmp_path / 'checkpoints/1/manifest.json').exists()


def test_another_network_is_no_damage(small, copy):
  """Catches a mistake in the configuration that is taken for a damaged file."""
  variables = small.variables | {'params': {'kernel': jax.numpy.zeros(7)}}
  with pytest.raises(UserError, match='do not fit the network'):
    checkpoints.Checkpoints(copy).restore_model(3, variables)


def test_one_checkpoint_as_a_start(copy):
  """Catches init_from=RUN/checkpoints/STEP that takes another step."""
  for source, step in ((copy, 3), (copy / 'checkpoints/2', 2)):
    saved, at = checkpoints.open_named(str(source))
    assert at == step
    assert saved.run(at)['stage'] == 'a'
  with pytest.raises(UserError, match='7'):
    checkpoints.open_named(str(copy / 'checkpoints/7'))


class Full(Counter):
  """An iterator that finds no room, as TensorFlow's does."""

  def save(self, path):
    super().save(path)
    raise RuntimeError(f'{path}; No space left on device')


def test_a_full_disk_is_a_line_and_leaves_nothing_half(
  small, copy, monkeypatch, caplog
):
  """Catches hundreds of lines, a partial checkpoint that takes the last room, or
  silence about which one is whole."""

  def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

  saved = checkpoints.Checkpoints(copy, keep=9)
  said = r'checkpoints/4 cannot be written: No space left on device; checkpoint 3 is'
  with monkeypatch.context() as patched:  # in Orbax's thread, after most is written
    patched.setattr(manifest, 'write', full)
    saved.save(at_step(small, 4), {'config': {}}, {}, Counter(4))
    with pytest.raises(UserError, match=said):
      saved.close()
  assert not [r for r in caplog.records if r.name == 'absl']
  with pytest.raises(UserError, match=said):
    checkpoints.Checkpoints(copy).save(at_step(small, 4), {'config': {}}, {}, Full(4))
  with monkeypatch.context() as patched:  # Orbax's threads would say it at length
    nothing = types.SimpleNamespace(total=10**9, free=0)
    patched.setattr(shutil, 'disk_usage', lambda _: nothing)
    before = sorted(copy.rglob('*'))
    with pytest.raises(UserError, match=said):
      checkpoints.Checkpoints(copy).save(at_step(small, 4), {'config': {}}, {})
    assert sorted(copy.rglob('*')) == before
    room = iter([10**9, 0])  # the position in the data takes the last of it
    patched.setattr(
      shutil,
      'disk_usage',
      lambda _: types.SimpleNamespace(total=10**9, free=next(room)),
    )
    with pytest.raises(UserError, match=said):
      checkpoints.Checkpoints(copy).save(
        at_step(small, 4), {'config': {}}, {}, Counter(4)
      )
  said = r'metrics.jsonl cannot be written: .*; checkpoint 3 is'
  path = epath.Path(copy) / 'metrics.jsonl'
  with pytest.raises(UserError, match=said), saved.failures_told(path):
    full()
  for folder in ('checkpoints', 'data_iterator'):
    assert sorted(p.name for p in (copy / folder).iterdir()) == ['1', '2', '3']
  saved = checkpoints.Checkpoints(copy, keep=9)
  saved.save(at_step(small, 4), {'config': {}}, {}, Counter(4))
  saved.close()
  assert saved.resume() == 4
