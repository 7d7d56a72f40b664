#!/usr/bin/env bash
# What experiments/tpu_vm.sh does on every host, in its home folder.
set -euo pipefail

readonly UV=0.13.9 # brings the Python that the image lacks

# A lock and not a process id: it is gone with the process, also after a reboot.
running() { ! flock --nonblock wild3d.lock true; }

refuse() {
  if running; then
    echo 'a training runs here: end it by delete' >&2
    exit 1
  fi
}

install() {
  refuse
  rm -rf wild3d wild3d.exit
  mkdir wild3d
  tar -xzf wild3d.tar.gz -C wild3d
  cd wild3d
  packages
}

packages() { # into .venv of the folder, and says which
  curl -LsSf "https://astral.sh/uv/$UV/install.sh" | sh >/dev/null 2>&1
  PATH=~/.local/bin:$PATH
  uv venv --quiet --clear --python 3.11 .venv
  uv pip install --quiet --python .venv -c constraints.txt -e '.[train,tpu]'
  local all
  all=$(uv pip freeze --python .venv)
  echo "versions: $(.venv/bin/python --version), $(grep ^libtpu <<<"$all")," \
    "all packages $(sha256sum <<<"$all" | cut -c 1-12)"
}

# What is left of a job of several slices lets JAX wait for the others for ever.
start() {
  refuse
  rm -f wild3d.exit wild3d.pid
  unset "${!MEGASCALE_@}"
  # shellcheck disable=SC2016
  nohup setsid flock wild3d.lock bash -c 'echo $$ >wild3d.pid; cd wild3d
    .venv/bin/wild3d train --distributed "$@"; echo $? >../wild3d.exit' \
    train "$@" >>wild3d.log 2>&1 </dev/null &
  until [[ -f wild3d.pid ]]; do sleep 0.1; done
}

ask() {
  if running; then
    echo 'training: running'
  else
    echo "training: $(cat wild3d.exit 2>/dev/null || echo none)"
  fi
}

stop() {
  running
  pkill -TERM -P "$(cat wild3d.pid)"
  flock --wait 120 wild3d.lock true # while it saves
}

[[ $1 == packages ]] || cd ~
"$@"
