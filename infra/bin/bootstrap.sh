#!/usr/bin/env bash
# Make an EMR node (Amazon Linux 2023) ready for claylake's steps: bootstrap.sh ARTIFACTS RELEASE gpu|workers|none
#
#   ARTIFACTS   where the release lies, s3://bucket/artifacts/<release>, or a folder
#   RELEASE     sha256 of ARTIFACTS/SHA256SUMS, which has the digests of all else
#   the last    which nodes get torch on top: those with an NVIDIA GPU, all but the primary node, or none
#
# Afterwards /opt/claylake/python/bin/python is a Python 3.11 with the packages of the steps, and
# /opt/claylake/bin/gpu-discovery.sh is there. Running it again does nothing that has been done.
set -euo pipefail
# Steps run as another user, who reads what is written here.
umask 022

# Tests set these.
ROOT=${CLAYLAKE_ROOT:-/opt/claylake}
DISKS=${CLAYLAKE_DISKS:-/mnt /opt}
NODE_INFO=${CLAYLAKE_NODE_INFO:-/mnt/var/lib/info/instance.json}
PCI_DEVICES=${CLAYLAKE_PCI_DEVICES:-/sys/bus/pci/devices}
CGROUP=${CLAYLAKE_CGROUP:-/spark-rapids-cgroup}

readonly NVIDIA=0x10de
# Unpacked and compiled, an environment takes two to four times its archive.
readonly UNPACKED_TIMES=4

say() { echo "claylake: $*"; }

die() {
  echo "claylake: $*" >&2
  exit 1
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

is_primary() { grep -Eqs '"isMaster"[[:space:]]*:[[:space:]]*true' "$NODE_INFO"; }

has_gpu() { grep -qsx "$NVIDIA" "$PCI_DEVICES"/*/vendor; }

# Whether this node is to embed.
embeds_here() {
  case $1 in
    gpu) has_gpu ;;
    workers) ! is_primary ;;
    none) false ;;
    *) die "which nodes embed: given '$1', allowed gpu, workers or none" ;;
  esac
}

# The disk with most room, among those that are there.
roomiest() {
  local disk best='' most=-1 free
  for disk in $DISKS; do
    [[ -d $disk ]] || continue
    free=$(free_kib "$disk")
    if ((free > most)); then
      best=$disk most=$free
    fi
  done
  [[ -n $best ]] || die "none of these folders is there: $DISKS"
  echo "$best"
}

free_kib() { df --output=avail -k "$1" | tail -n 1 | tr -d ' '; }

# copy FROM TO, from S3 or a folder
copy() {
  case $1 in
    s3://*) as_root "$(command -v aws)" s3 cp --only-show-errors "$1" "$2" ;;
    *) as_root cp "$1" "$2" ;;
  esac || die "cannot fetch $1: is the release there, and may this node's role read it?"
}

digest() { sha256sum "$1" | cut -d ' ' -f 1; }

# fetch ARTIFACTS NAME TO SUMS: a file of the release, checked
fetch() {
  local expected found
  expected=$(awk -v name="$2" '$2 == name {print $1}' "$4")
  [[ -n $expected ]] || die "SHA256SUMS does not list $2: the release is not whole, run make build again"
  copy "$1/$2" "$3"
  found=$(digest "$3")
  if [[ $found != "$expected" ]]; then
    as_root rm -f "$3"
    die "$1/$2 has sha256 $found, its release says $expected: upload the release again"
  fi
}

find_python() {
  command -v python3.11 > /dev/null || as_root dnf install -y -q python3.11 >&2 ||
    die "no python3.11, and dnf cannot install it: the S3 endpoint of the subnet must allow Amazon Linux's repositories"
  command -v python3.11
}

make_venv() {
  local python
  if [[ ! -x $1/bin/python ]]; then
    python=$(find_python)
    as_root "$python" -m venv --without-pip "$1"
  fi
}

# unpack ARTIFACTS NAME WHERE SUMS: an environment's archive into the venv, once for each digest
unpack() {
  local stamp packages archive free wanted
  stamp=$3/python/$(basename "$2" .tar.gz).$(awk -v name="$2" '$2 == name {print $1}' "$4")
  if [[ -e $stamp ]]; then
    say "$2 is unpacked"
    return
  fi
  packages=$3/python/lib/python3.11/site-packages
  archive=$3/$(basename "$2")
  fetch "$1" "$2" "$archive" "$4"
  wanted=$(($(stat -c %s "$archive") * UNPACKED_TIMES / 1024 + 1))
  free=$(free_kib "$3")
  ((free >= wanted)) ||
    die "$2 wants $((wanted / 1048576)) GiB in $3, free are $((free / 1048576)): give the nodes a larger cluster.ebs_gib"
  as_root tar -xzf "$archive" -C "$packages" --no-same-owner
  as_root rm -f "$archive"
  # Steps run as another user, who could not keep what Python compiles at every start. torch has files that are templates
  # and do not compile, which is no fault.
  as_root "$3/python/bin/python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$packages" > /dev/null 2>&1 || true
  as_root touch "$stamp"
  say "unpacked $2 into $packages"
}

# YARN's device isolation wants a version 1 hierarchy, which Amazon Linux 2023 has not (EMR guide, RAPIDS accelerator).
mount_cgroup() {
  mountpoint -q "$CGROUP/devices" && return
  as_root mkdir -p "$CGROUP/devices"
  as_root mount -t cgroup -o devices cgroupv1-devices "$CGROUP/devices" ||
    die "cannot mount the version 1 cgroup 'devices' at $CGROUP/devices: YARN could not give GPUs to containers"
  as_root chmod -R a+rwx "$CGROUP"
}

# No failure yet: EMR installs the driver after bootstrap actions.
look_at_driver() {
  if "$1/bin/gpu-discovery.sh"; then
    say "the GPU's driver is there"
  else
    say "no usable GPU driver yet, see above; gpu-discovery.sh looks again, and decides, when executors start"
  fi
}

check_imports() {
  "$1/python/bin/python" -c "import ${*:2}" || die "the environment on $(hostname) does not import ${*:2}, see above"
}

main() {
  (($# == 3)) || die "usage: bootstrap.sh ARTIFACTS RELEASE gpu|workers|none; given $# arguments"
  local artifacts=${1%/} release=$2 mode=$3 disk where sums found embeds=no
  if embeds_here "$mode"; then embeds=yes; fi
  # Where an earlier run has put it, or where there is room.
  if [[ -L $ROOT ]]; then disk=$(dirname "$(readlink "$ROOT")"); else disk=$(roomiest); fi
  where=$disk/claylake
  # What another release has left would mix with this one.
  if [[ -e $where/release && $(< "$where/release") != "$release" ]]; then as_root rm -rf "$where"; fi
  as_root mkdir -p "$where/bin"
  [[ $where == "$ROOT" ]] || as_root ln -sfn "$where" "$ROOT"
  sums=$where/SHA256SUMS
  copy "$artifacts/SHA256SUMS" "$sums"
  found=$(digest "$sums")
  [[ $found == "$release" ]] ||
    die "$artifacts/SHA256SUMS has sha256 $found, the cluster was requested with release $release: deploy again"
  as_root tee "$where/release" <<< "$release" > /dev/null
  make_venv "$where/python"
  unpack "$artifacts" env/extract.tar.gz "$where" "$sums"
  check_imports "$where" blosc2,numpy,pandas,pyarrow,rasterio,shapely
  fetch "$artifacts" bin/gpu-discovery.sh "$where/bin/gpu-discovery.sh" "$sums"
  as_root chmod 755 "$where/bin/gpu-discovery.sh"
  if [[ $embeds == yes ]]; then
    unpack "$artifacts" env/embed.tar.gz "$where" "$sums"
    check_imports "$where" torch
  fi
  if [[ $mode == gpu ]] && has_gpu; then
    mount_cgroup
    look_at_driver "$where" 2>&1
  fi
  say "ready: release ${release:0:12} in $where, embeds: $embeds"
}

# Sourced, by tests, it only defines its functions.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  main "$@"
fi
