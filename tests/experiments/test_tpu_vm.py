"""experiments/tpu_vm.sh with a gcloud whose machines are folders."""

import os
import pathlib
import shlex
import shutil
import subprocess
import time

import pytest
from fakes import gcloud

EXPERIMENTS = pathlib.Path(__file__).parents[2] / 'experiments'
TRAIN = (
  '--config=configs/tiny.py',
  '--workdir=gs://bucket/run',
  "--config.schedule=('depth',)",
)
ACTIONS = {
  'create': ('queued-resources create',),
  'setup': ('tpu-vm scp', 'tpu-vm ssh'),
  'run': ('tpu-vm ssh',),
  'watch': (
    'queued-resources list',
    'queued-resources create',
    'tpu-vm scp',
    'tpu-vm ssh',
    'tpu-vm ssh',
    'tpu-vm ssh',
    'tpu-vm describe',
    'queued-resources delete',
  ),
  'logs': ('tpu-vm ssh',),
  'delete': ('tpu-vm ssh', 'queued-resources delete'),
}


@pytest.fixture(scope='module')
def script(tmp_path_factory):
  """The script, in a repository of one commit."""
  repository = tmp_path_factory.mktemp('repository')
  (repository / 'configs').mkdir()
  (repository / 'configs' / 'tiny.py').touch()
  (repository / 'experiments').mkdir()
  for source in EXPERIMENTS.glob('tpu_*.sh'):
    shutil.copy(source, repository / 'experiments')
  git = ('git', '-c', 'user.name=a', '-c', 'user.email=a@b')
  for arguments in (('init', '-q'), ('add', '.'), ('commit', '-qm', 'all')):
    subprocess.run([*git, *arguments], cwd=repository, check=True)
  return repository / 'experiments' / 'tpu_vm.sh'


@pytest.fixture
def cloud(tmp_path, script):
  """Its folder; `script` there is the script."""
  gcloud.install(tmp_path)
  (tmp_path / 'script').symlink_to(script)
  yield tmp_path
  gcloud.end_trainings(tmp_path)


def _run(cloud, action, *arguments, losses=0, name='pose'):
  """Runs an action from another folder, as a user may."""
  env = os.environ | {
    'FAKE_CLOUD': str(cloud),
    'FAKE_LOSSES': str(losses),
    'PATH': f'{cloud}/bin:{os.environ["PATH"]}',
    'TPU_VM_PAUSE': '0.05',
  }
  return subprocess.run(
    [(cloud / 'script').readlink(), action, name, *arguments],
    cwd=cloud,
    env=env,
    capture_output=True,
    text=True,
    timeout=60,
  )


def _calls(cloud):
  path = cloud / 'calls'
  return path.read_text().splitlines() if path.exists() else []


def test_a_machine_lost_twice_costs_no_work(cloud):
  """Catches a run that ends, starts anew, or is started on one host alone."""
  done = _run(cloud, 'watch', '--zone=z', *TRAIN, losses=2)
  assert done.returncode == 0, done.stderr
  assert (cloud / 'made').read_text() == '3'
  trainings = (cloud / 'trainings').read_text().splitlines()
  given = f'train --distributed {" ".join(TRAIN)}'
  assert trainings == [f'{cloud}/machine/{k} {given}' for k in (0, 1)] * 3
  # Two hosts wrote each time, and went on where the machine before had saved.
  assert int((cloud / 'bucket' / 'step').read_text()) == 3 * 2 * gcloud.STEPS
  creations = [call for call in _calls(cloud) if "'create'" in call]
  assert len(creations) == 3
  assert all("'--spot'" in call for call in creations)
  assert not (cloud / 'machine').exists()  # nothing costs on


def test_a_training_that_fails_is_given_up(cloud):
  """Catches tries without end, a machine that costs on, and a reason that is lost."""
  (cloud / 'fails').touch()
  done = _run(cloud, 'watch', '--zone=z', *TRAIN)
  assert done.returncode == 2
  assert 'wild3d: error: no such data' in done.stdout
  assert 'given up' in done.stderr.splitlines()[-1]
  assert len((cloud / 'trainings').read_text().splitlines()) == 3 * gcloud.HOSTS
  assert not (cloud / 'machine').exists()


def test_a_training_that_was_told_to_end_goes_on(cloud):
  """Catches a SIGTERM to one host, after which all have saved, taken for the end."""
  (cloud / 'told').touch()
  done = _run(cloud, 'watch', '--zone=z', *TRAIN)
  assert done.returncode == 0, done.stderr
  assert (cloud / 'made').read_text() == '1'
  assert len((cloud / 'trainings').read_text().splitlines()) == 2 * gcloud.HOSTS


def test_delete_lets_the_training_save(cloud):
  """Catches a delete that kills; and a second start, or setup, over a running one."""
  assert _run(cloud, 'create', '--zone=z').returncode == 0
  (cloud / 'machine' / 'state').write_text('ACTIVE')
  assert _run(cloud, 'setup', '--zone=z').returncode == 0
  assert _run(cloud, 'run', '--zone=z', *TRAIN, losses=9).returncode == 0
  for again in (('setup', '--zone=z'), ('run', '--zone=z', *TRAIN)):
    done = _run(cloud, *again)
    assert done.returncode
    assert 'a training runs here' in done.stderr
  before = time.monotonic()
  while not (cloud / 'bucket' / 'step').exists() and time.monotonic() < before + 30:
    time.sleep(0.02)
  assert _run(cloud, 'delete', '--zone=z').returncode == 0
  assert (cloud / 'saved').exists()
  assert not (cloud / 'machine').exists()


def test_hosts_that_differ_are_told(cloud):
  """Catches unequal versions on the hosts of a slice, with which it hangs."""
  assert _run(cloud, 'create', '--zone=z').returncode == 0
  (cloud / 'machine' / 'state').write_text('ACTIVE')
  (cloud / 'machine' / '1' / 'unequal').write_text('jax==1\n')
  done = _run(cloud, 'setup', '--zone=z')
  assert done.returncode
  assert 'the hosts differ' in done.stderr


@pytest.mark.parametrize('action', ACTIONS)
def test_dry_run_prints_every_command_and_runs_none(cloud, action):
  """Catches a dry run that does something, or prints what a shell reads differently."""
  train = TRAIN if action in ('run', 'watch') else ()
  done = _run(cloud, action, '--zone=z', '--dry_run', *train)
  assert done.returncode == 0, done.stderr
  assert not _calls(cloud)
  commands = [shlex.split(line) for line in done.stdout.splitlines()]
  assert [' '.join(c[3:5]) for c in commands] == list(ACTIONS[action])
  for command in commands:
    assert command[:3] == ['gcloud', 'compute', 'tpus']
    assert '--zone=z' in command
    if command[4] == 'ssh' and action != 'logs':
      assert '--worker=all' in command
  started = [word for c in commands for word in c if 'tpu_host.sh start' in word]
  assert [shlex.split(s.partition('=')[2])[3:] for s in started] == [
    list(train) for _ in started
  ]


def test_flags_stand_where_the_user_puts_them(cloud):
  """Catches a dry run asked for first and not heard, and a second name passed over."""
  usual = _run(cloud, 'create', '--zone=z', '--dry_run')
  assert usual.returncode == 0
  first = _run(cloud, '--dry_run', 'pose', '--spot', '--zone=z', name='create')
  assert first.stdout == usual.stdout
  more = _run(cloud, 'create', 'other', '--zone=z')
  assert more.returncode == 2
  assert "'other' is too much" in more.stderr
  assert not _calls(cloud)


@pytest.mark.parametrize(
  ('arguments', 'said'),
  [
    (('creat', 'pose', '--zone=z'), "unknown action 'creat'"),
    (('create', '--zone=z'), 'NAME is'),
    (('create', 'pose'), '--zone=ZONE is missing'),
    (('create', 'pose', '--zone=z', '--spot=1'), "unknown flag '--spot=1'"),
    (('create', 'pose', '--zone=z', '--type=tpu7x-8'), '--type=tpu7x-8'),
    (('run', 'pose', '--zone=z', *TRAIN[1:]), '--config='),
    (('watch', 'pose', '--zone=z', '--config=none.py', *TRAIN[1:]), '--config=none.py'),
    (('watch', 'pose', '--zone=z', TRAIN[0], '--workdir=runs/a'), '--workdir=runs/a'),
  ],
)
def test_a_mistake_is_one_line_and_no_call(cloud, arguments, said):
  """Catches a mistake that is found after a machine has been paid for."""
  done = _run(cloud, arguments[0], *arguments[2:], name=arguments[1])
  assert done.returncode == 2
  line, *more = done.stderr.splitlines()
  assert line.startswith('tpu_vm.sh: error: ')
  assert said in line
  assert not more
  assert not _calls(cloud)


def test_shellcheck_has_nothing_to_say():
  """Catches quoting that breaks with the first name that has a space."""
  if not shutil.which('shellcheck'):
    pytest.skip('no shellcheck here')
  scripts = [*EXPERIMENTS.glob('*.sh'), EXPERIMENTS.parent / '.ci' / 'run']
  done = subprocess.run(['shellcheck', *scripts], capture_output=True, text=True)
  assert done.returncode == 0, done.stdout
