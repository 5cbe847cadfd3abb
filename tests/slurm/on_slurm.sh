#!/usr/bin/env bash
# The sweep that is shipped on a real Slurm of two nodes (two_nodes.sh): arrays that wait task by task, a failure that keeps its
# own cells back and no others, repeating the command until all is there, jobs over both nodes, time limits. Takes some minutes.
# Not part of tests/run.sh: it needs root and Slurm.
# Usage: bash tests/slurm/on_slurm.sh [DIR]      (default: a folder that goes away)
set -Eeuo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
trap 'printf "on_slurm: error: line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2' ERR
here="${1:-$(mktemp -d)}"
mkdir -p "$here"
moerae="$root/build/release/moerae" sweep="$here/sweep"
say() { printf '\non_slurm: %s\n' "$*"; }
fail() {
  printf 'on_slurm: FAILED: %s\n' "$*" >&2
  exit 1
}
finish() {
  bash "$root/tests/slurm/two_nodes.sh" stop "$here/slurm"
  (($# == 0)) || rm -rf "$here"
}
bash "$root/tests/slurm/two_nodes.sh" start "$here/slurm"
# shellcheck disable=SC2064 # as it is now
trap "finish $([[ -n ${1:-} ]] || echo away)" EXIT
export SLURM_CONF="$here/slurm/slurm.conf" OMPI_MCA_btl=tcp,self OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_mpi_yield_when_idle=1
export MOERAE_SRUN="--mpi=pmix" MOERAE="$moerae" MOERAE_SBATCH=""

submit() { bash "$root/slurm/submit.sh" "$root/jobs/sweep.ini" --sweep.dir "$sweep" "$@" | grep '^submit:'; }
# drain SECONDS: until nothing is in the queue
drain() {
  local end=$((SECONDS + $1))
  while [[ -n $(squeue --noheader) ]]; do
    ((SECONDS < end)) || fail "still in the queue: $(squeue)"
    sleep 2
  done
}
# expect CODE TEXT: of `moerae status`
expect() {
  local code=0 text
  text="$("$moerae" status "$sweep")" || code=$?
  printf '%s\n' "$text"
  [[ $code == "$1" && $text == *"$2"* ]] || fail "exit code $code, expected $1 and '$2'"
}

say "a model that cannot be read: its cells fail, the others go on"
broken="$here/null"
cp -r "$root/data/planted/null" "$broken"
words=(--model.path "$root/data/planted/base|$root/data/planted/base|$broken"
  --corpus.path "$root/data/planted/base/corpus.h5|$root/data/planted/base/corpus.h5|$broken/corpus.h5")
submit "${words[@]}" --sbatch-record "--begin=now+10"
head --bytes=100000 "$broken/model.safetensors" >"$here/cut"
mv "$here/cut" "$broken/model.safetensors"
drain 180
expect 1 "8 of 12 complete"

say "repeated when the model is there again: what is missing is submitted, and nothing else"
cp "$root/data/planted/null/model.safetensors" "$broken/"
submit "${words[@]}" | tee "$here/repeated"
grep -q "8 tasks were complete" "$here/repeated" || fail "complete tasks were submitted again"
drain 180
expect 0 "12 of 12 complete"

say "four ranks on both nodes, and a time limit that is too short: the task goes back into the queue until it is done"
submit "${words[@]}" --run.seed 1 --record.batch_tokens 16 --record.shard_prompts 64 --job.record.tasks 4 --job.record.nodes 2 \
  --job.record.time 2 --sbatch-record "--signal=USR1@110"
drain 400
expect 0 "6 of 6 complete"
grep -h "queued again" "$sweep"/log/record-*.log | sort | uniq -c || fail "no task was stopped by its limit"
again="$(awk 'FNR == 1 { done = 0 } done && /"begun"/ { print FILENAME } { done = /"complete"/ }' "$sweep"/record-*/log/journal.jsonl)"
[[ -z $again ]] || fail "complete, and started again: $again"
for run in "$sweep"/*/; do
  [[ ! -f $run/manifest.jsonl ]] || "$moerae" verify --run.dir "$run" >/dev/null || fail "$run is not sound"
done
say "passed in $SECONDS s"
