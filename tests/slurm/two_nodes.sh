#!/usr/bin/env bash
# A real Slurm of two nodes on this machine, all on the loopback interface: for trying what jobs do. Needs root, the packages
# slurm-wlm and munge, and an Open MPI with PMIx.
# Usage: bash tests/slurm/two_nodes.sh start|stop DIR      (then: export SLURM_CONF=DIR/slurm.conf)
set -euo pipefail
fail() {
  echo "two_nodes: error: $*" >&2
  exit 2
}
(($# == 2)) || fail "usage: bash tests/slurm/two_nodes.sh start|stop DIR"
mkdir -p "$2"
dir="$(realpath -- "$2")"

stop() {
  local file
  for file in "$dir"/pid/*; do
    [[ ! -s $file ]] || kill "$(<"$file")" 2>/dev/null || true
  done
  rm -rf "$dir/pid"
}

start() {
  ((EUID == 0)) || fail "Slurm's daemons want root"
  local name host cores
  for name in slurmctld slurmd munged unshare; do
    command -v "$name" >/dev/null || fail "$name is missing: apt-get install slurm-wlm munge"
  done
  host="$(hostname -s)" cores="$(nproc)"
  mkdir -p "$dir"/{pid,state,n1,n2,pmix,pmix-n1,pmix-n2,munge}
  dd if=/dev/urandom of="$dir/munge/key" bs=1024 count=1 status=none
  chmod 400 "$dir/munge/key"
  chmod 755 "$dir/munge"
  munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/pid/munged" \
    --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
  cat >"$dir/slurm.conf" <<CONF
ClusterName=two
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge
MpiDefault=pmix
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
ReturnToService=2
SchedulerParameters=sched_interval=5,bf_interval=5
SlurmdParameters=config_overrides
StateSaveLocation=$dir/state
SlurmctldPidFile=$dir/pid/slurmctld
SlurmctldLogFile=$dir/slurmctld.log
SlurmctldPort=16917
SlurmdPidFile=$dir/pid/slurmd-%n
SlurmdSpoolDir=$dir/%n
SlurmdLogFile=$dir/slurmd-%n.log
MaxArraySize=101
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[17001-17002] CPUs=4 RealMemory=16000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  echo "PMIxCliTmpDirBase=$dir/pmix" >"$dir/mpi.conf"
  export SLURM_CONF="$dir/slurm.conf"
  # between the nodes, which have one address, Open MPI needs the loopback interface
  export OMPI_MCA_btl=tcp,self OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_mpi_yield_when_idle=1
  slurmctld
  for name in n1 n2; do
    # both daemons of a machine want the same folder: each gets one of its own
    unshare -m bash -c "mount --bind '$dir/pmix-$name' '$dir/pmix' && exec slurmd -N $name"
  done
  for ((try = 0; try < 30; ++try)); do
    [[ $(sinfo --noheader --format=%T) == idle ]] && break
    sleep 1
  done
  sinfo
  echo "two_nodes: $cores core(s) play two nodes of 4; export SLURM_CONF=$SLURM_CONF"
}

case "$1" in
  start) start ;;
  stop) stop ;;
  *) fail "'$1' is neither start nor stop" ;;
esac
