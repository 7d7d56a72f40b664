"""A gcloud whose machines are folders; the first ones are taken away.

Run as a program. FAKE_CLOUD is its folder: `machine` with a home folder for each of two
hosts, `bucket`, `made` (machines so far), `calls`. FAKE_LOSSES machines are lost, each
once its training has saved. Commands for a host are run, with FAKE_CLOUD/bin before PATH.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

HOSTS = 2
STEPS = 100  # that a training makes and saves before its machine is lost

# What a host has; the training goes on where the bucket's step is.
HOST_PROGRAMS = {
  'curl': 'true',
  'uv': """
[ "$1" = venv ] && mkdir -p .venv/bin && ln -s "$FAKE_CLOUD/bin/wild3d" "$(which python3)" .venv/bin
[ "$2" = freeze ] && echo libtpu==1 && cat "$HOME/unequal" 2>/dev/null
ln -sf python3 .venv/bin/python""",
  'wild3d': f"""
echo "$HOME $*" >>"$FAKE_CLOUD/trainings"
[ -z "${{MEGASCALE_NUM_SLICES+set}}" ] || exit 9
[ ! -f "$FAKE_CLOUD/fails" ] || {{ echo 'wild3d: error: no such data'; exit 2; }}
[ ! -f "$FAKE_CLOUD/told" ] || {{ rm "$FAKE_CLOUD/told"; exit 143; }}
trap 'echo >"$FAKE_CLOUD/saved"; exit 143' TERM
before=$(cat "$FAKE_CLOUD/bucket/step" 2>/dev/null || echo 0)
echo $((before + {STEPS})) >"$FAKE_CLOUD/bucket/step"
[ "$(cat "$FAKE_CLOUD/made")" -le "$FAKE_LOSSES" ] || exit 0
while true; do sleep 0.02; done""",
}


def install(folder: pathlib.Path) -> None:
  """Puts gcloud and what a host has into FOLDER/bin, and makes the bucket."""
  (folder / 'bucket').mkdir(parents=True)
  programs = HOST_PROGRAMS | {'gcloud': f'exec {sys.executable} -IS {__file__} "$@"'}
  for name, text in programs.items():
    path = folder / 'bin' / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/usr/bin/env bash\n{text}\n')
    path.chmod(0o755)


def end_trainings(cloud: pathlib.Path) -> None:
  """Kills what runs on the machine."""
  for file in cloud.glob('machine/*/wild3d.pid'):
    group = os.getpgid(int(file.read_text())) if _alive(file) else os.getpgrp()
    if group != os.getpgrp():
      os.killpg(group, signal.SIGKILL)


def _alive(file):
  return (
    file.read_text().strip()
    and pathlib.Path('/proc', file.read_text().strip()).exists()
  )


def _state(cloud):
  """The machine's state; it comes up, and is lost, as it is looked at."""
  file = cloud / 'machine' / 'state'
  if not file.exists():
    return ''
  state, made = file.read_text(), int((cloud / 'made').read_text())
  step = cloud / 'bucket' / 'step'
  saved = int(step.read_text() or 0) if step.exists() else 0
  if state == 'PROVISIONING':
    file.write_text('ACTIVE')
  elif made <= int(os.environ['FAKE_LOSSES']) and saved >= made * STEPS * HOSTS:
    end_trainings(cloud)
    state = 'SUSPENDED'
    file.write_text(state)
  return state


def _on_hosts(machine, worker, command):
  if (machine / 'state').read_text() != 'ACTIVE':
    return 255
  hosts = range(HOSTS) if worker == 'all' else [int(worker)]
  status = 0
  for host in hosts:  # each alone, as their lines would mix
    env = os.environ | {'HOME': str(machine / str(host)), 'MEGASCALE_NUM_SLICES': '2'}
    done = subprocess.run(['bash', '-c', command], cwd=env['HOME'], env=env)
    status = status or done.returncode
  return status


def main(arguments: list[str]) -> int:
  """Does what the arguments ask; returns the exit status."""
  cloud = pathlib.Path(os.environ['FAKE_CLOUD'])
  with (cloud / 'calls').open('a') as calls:
    calls.write(repr(arguments) + '\n')
  flags = dict(a[2:].partition('=')[::2] for a in arguments if a.startswith('--'))
  words = [a for a in arguments if not a.startswith('--')]
  machine, made = cloud / 'machine', cloud / 'made'
  match words[2:4]:
    case ['queued-resources', 'list']:
      print(_state(cloud))
    case ['queued-resources', 'create']:
      for host in range(HOSTS):  # an error where there is one already
        (machine / str(host)).mkdir(parents=True)
      made.write_text(str(int(made.read_text()) + 1 if made.exists() else 1))
      (machine / 'state').write_text('PROVISIONING')
    case ['queued-resources', 'delete']:
      end_trainings(cloud)
      shutil.rmtree(machine)
    case ['tpu-vm', 'describe']:
      print('READY')
    case ['tpu-vm', 'scp']:
      for host in range(HOSTS):
        for source in words[4:-1]:
          shutil.copy(source, machine / str(host))
    case ['tpu-vm', 'ssh']:
      return _on_hosts(machine, flags['worker'], flags['command'])
    case _:
      return 2
  return 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
