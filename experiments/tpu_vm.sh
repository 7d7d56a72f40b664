#!/usr/bin/env bash
# Trains on a Cloud TPU VM or slice, and goes on after a preemption: docs/tpu.md.
set -euo pipefail

readonly USAGE='usage: experiments/tpu_vm.sh ACTION NAME --zone=ZONE [FLAG ...]

  create   asks for the machine: a queued resource, of spot machines
  setup    sends the last commit, and installs it and its pinned versions on every host
  run      starts the training on every host; it goes on when this terminal is closed
  watch    all of that, again after each preemption, until the training ends; then delete
  logs     shows what the training prints, until Ctrl-C
  delete   ends the training, which saves, and gives the machine back: nothing costs on

  --zone=ZONE        where, such as us-west4-a
  --type=TYPE        create, watch: accelerator type (default v5litepod-8)
  --spot             create, watch: a machine that may be taken away, at a lower price (default)
  --on_demand        create, watch: one that is not, at the full price
  --config=FILE --workdir=gs://BUCKET/RUN [--config.a.b=c ...]
                     run, watch: what wild3d train is given
  --worker=K         logs: the host (default 0)
  --dry_run          prints the gcloud commands and runs none

The project is the one of gcloud config set project. watch looks every TPU_VM_PAUSE seconds
(default 60).'

say() { echo "$(date +%H:%M:%S) $1" >&2; }
fail() {
  echo "tpu_vm.sh: error: $1" >&2
  exit 2
}

# ---- The command line.
[[ ${1:-} != @(-h|--help|'') ]] || { echo "$USAGE" && exit; }
zone='' type=v5litepod-8 spot=yes worker=0 dry_run='' config='' workdir='' train=() words=()
for flag; do # before, between or after ACTION and NAME
  case $flag in
    --zone=?*) zone=${flag#*=} ;;
    --type=?*) type=${flag#*=} ;;
    --worker=?*) worker=${flag#*=} ;;
    --on_demand) spot='' ;;
    --spot) spot=yes ;;
    --dry_run) dry_run=yes ;;
    --config=?*) config=${flag#*=} train+=("$flag") ;;
    --workdir=?*) workdir=${flag#*=} train+=("$flag") ;;
    --config.*=*) train+=("$flag") ;;
    -*) fail "unknown flag '$flag': see --help" ;;
    *) words+=("$flag") ;;
  esac
done
action=${words[0]:-} name=${words[1]:-}
[[ $action == @(create|setup|run|watch|logs|delete) ]] ||
  fail "unknown action '$action': create, setup, run, watch, logs or delete"
[[ $name =~ ^[a-z][a-z0-9-]*$ ]] ||
  fail "NAME is '$name': small letters, digits and dashes, after the action"
((${#words[@]} == 2)) || fail "'${words[2]:-}' is too much: ACTION, NAME and flags"
[[ $zone ]] || fail '--zone=ZONE is missing: where the machine is'
case $type in
  v5litepod-*) image=v2-alpha-tpuv5-lite ;;
  v5p-*) image=v2-alpha-tpuv5 ;;
  v6e-*) image=v2-alpha-tpuv6e ;;
  v[234]-*) image=tpu-ubuntu2204-base ;;
  *) fail "--type=$type: v5litepod-N, v6e-N, v5p-N or v4-N (for newer ones: docs/tpu.md)" ;;
esac
cd "$(dirname "$0")/.."
if [[ $action == @(run|watch) ]]; then
  git cat-file -e "HEAD:${config:-none}" 2>/dev/null ||
    fail "--config=$config: name a file of the last commit, such as configs/photos.py"
  [[ $workdir == gs://?* ]] ||
    fail "--workdir=$workdir: a folder gs://BUCKET/RUN, as the machine's disk is lost"
fi

# ---- gcloud; with --dry_run, what it would be told.
exec 3>&1 # dry runs print here, also where what a command says is read
call() {
  if [[ ! $dry_run ]]; then
    "$@"
    return
  fi
  local word words=()
  for word; do
    [[ $word =~ ^[a-zA-Z0-9_./:=-]+$ ]] || word="'${word//\'/\'\\\'\'}'"
    words+=("$word")
  done
  echo "${words[*]}" >&3
}
queue() { call gcloud compute tpus queued-resources "$@" --zone="$zone" --quiet; }
vm() { call gcloud compute tpus tpu-vm "$@" --zone="$zone" --quiet; }
# All at once, and never one alone: hosts of a slice wait for each other.
hosts() { vm ssh "$name" --worker=all --command="$1"; }

# ---- The actions.
create() {
  queue create "$name" --node-id="$name" --accelerator-type="$type" \
    --runtime-version="$image" ${spot:+--spot} \
    --scopes=https://www.googleapis.com/auth/cloud-platform
}

setup() {
  local archive said
  archive=$(git rev-parse --git-dir)/wild3d.tar.gz
  [[ $dry_run ]] || git diff --quiet HEAD || say 'what is not committed is not sent'
  git archive --output="$archive" HEAD
  vm scp "$archive" experiments/tpu_host.sh "$name:" --worker=all &&
    said=$(hosts 'bash tpu_host.sh install') || return
  said=$(sed -n 's/^versions: //p' <<<"$said" | sort -u)
  [[ $dry_run ]] || say "installed: $said"
  [[ $said != *$'\n'* ]] || { say 'the hosts differ: set up again' && return 1; }
}

run() {
  local arguments
  printf -v arguments ' %q' "${train[@]}"
  hosts "bash tpu_host.sh start$arguments"
}

logs() { vm ssh "$name" --worker="$worker" --command='tail -n 100 -F wild3d.log'; }

remove() { queue delete "$name" --force; }

delete() {
  hosts 'bash tpu_host.sh stop' || say 'no training to end, or not within two minutes'
  remove
}

# ---- Watching.
# What became of the request: ACTIVE, SUSPENDED, ...; nothing where there is none.
state() { queue list --filter="name~/$name\$" --format='value(state.state)'; }

# What the training is: running, none, or its exit status. Without an answer, what became
# of the machine: READY, PREEMPTED, ...
training() {
  local said
  said=$(hosts 'bash tpu_host.sh ask || echo training: none') || said=''
  said=$(sed -n 's/^training: //p' <<<"$said" | sort -u)
  case $said in
    '') vm describe "$name" --format='value(state)' ;;
    *running*) echo running ;; # a process that has died takes the others down
    *none*) echo none ;;
    *) tail -n 1 <<<"$said" ;;
  esac
}

watch() {
  local now='' before='' failures=0 silent=0
  trap 'say "the machine goes on, and costs; $0 delete $name --zone=$zone"; exit 130' INT
  while ((failures < 3 && silent < 10)); do
    now=$(state) || now=unknown
    [[ $now != ACTIVE ]] || now=$(training) || now=READY
    [[ $now == "$before" ]] || say "$name: ${now:-no machine}"
    before=$now
    [[ $now == READY ]] && silent=$((silent + 1)) || silent=0
    case $now in
      '') create || failures=$((failures + 1)) ;;
      none) { setup && run; } || failures=$((failures + 1)) ;;
      0) remove && return ;;
      143) run || true ;; # it was told to end, and has saved
      [1-9]*) ((++failures == 3)) || run || true ;;
      SUSPENDED | PREEMPTED | TERMINATED) remove && failures=0 ;;
      FAILED) failures=$((failures + 1)) && remove ;;
    esac
    sleep "${TPU_VM_PAUSE:-60}"
  done
  vm ssh "$name" --worker=0 --command='tail -n 20 wild3d.log' || say 'no log'
  remove
  fail "$name: given up, and the machine deleted; $workdir has what was saved"
}

if [[ $dry_run && $action == watch ]]; then
  for step in state create setup run training remove; do "$step" >/dev/null; done
else
  "$action"
fi
