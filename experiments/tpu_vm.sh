#!/usr/bin/env bash
# Trains on a Cloud TPU VM or slice: the same command on every host.
#
#   experiments/tpu_vm.sh NAME ZONE CONFIG gs://BUCKET/RUN [--config.a.b=c ...]
#
# The VM exists already, for example from
#   gcloud compute tpus tpu-vm create NAME --zone=ZONE \
#     --accelerator-type=v5litepod-8 --version=v2-alpha-tpuv5-lite
# and has Python 3.11 or newer as python3.11. Datasets lie under gs://, or on a disk that
# every host sees (--config.data_dir). After a preemption run the same line again: it
# resumes. Not run by the authors yet.
set -euo pipefail

name=$1 zone=$2 config=$3 workdir=$4
shift 4
repository=$(git config --get remote.origin.url)
commit=$(git rev-parse HEAD)
printf -v overrides '%q ' "$@"

gcloud compute tpus tpu-vm ssh "$name" --zone="$zone" --worker=all --command="
  set -e
  [ -d wild3d ] || git clone $repository wild3d
  cd wild3d && git fetch --quiet && git checkout --quiet $commit
  [ -d .venv ] || python3.11 -m venv .venv
  .venv/bin/pip install --quiet -e '.[train,tpu]'
  .venv/bin/wild3d train --distributed --config=$config --workdir=$workdir $overrides"
