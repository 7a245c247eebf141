#!/usr/bin/env bash
# List this node's GPUs for Spark (spark.executor.resource.gpu.discoveryScript): one line of JSON on stdout.
# EMR installs the driver after bootstrap actions, so this is where a missing or old driver is found out, and said.
set -euo pipefail

# torch for CUDA 12 runs on drivers from this one on (NVIDIA: CUDA compatibility, minor versions).
readonly OLDEST_DRIVER=525

die() {
  echo "claylake: $*" >&2
  exit 1
}

command -v nvidia-smi > /dev/null ||
  die "no nvidia-smi on $(hostname): the GPU driver is not installed; is enableSparkRapids set for this instance type?"
listed=$(nvidia-smi --query-gpu=index,driver_version --format=csv,noheader,nounits) ||
  die "nvidia-smi fails on $(hostname): ${listed:-no output}; the driver is installed but does not see its device"

addresses=
while IFS=', ' read -r index driver; do
  [[ -n $index ]] || continue
  [[ ${driver%%.*} =~ ^[0-9]+$ ]] || die "nvidia-smi reports no driver version for GPU $index: '$driver'"
  ((${driver%%.*} >= OLDEST_DRIVER)) ||
    die "GPU driver $driver on $(hostname) is too old for CUDA 12: $OLDEST_DRIVER or newer is needed"
  addresses+="${addresses:+,}\"$index\""
done <<< "$listed"
[[ -n $addresses ]] || die "nvidia-smi lists no GPU on $(hostname)"
printf '{"name": "gpu", "addresses": [%s]}\n' "$addresses"
