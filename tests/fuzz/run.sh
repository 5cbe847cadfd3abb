#!/usr/bin/env bash
# Fuzzes what is read of a checkpoint (safetensors, index, config) under ASan and UBSan with clang's libFuzzer.
# Usage: bash tests/fuzz/run.sh [SECONDS for all targets together, default 60]
# A crash leaves its input in build/fuzz/crashes; corpora grow in build/fuzz/corpus from run to run.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf 'fuzz: %s\n' "$*"; }
targets=(safetensors index config)
total="${1:-60}"
[[ $total =~ ^[1-9][0-9]*$ ]] || {
  say "expected a number of seconds, not '$total'" >&2
  exit 2
}
each=$(((total + ${#targets[@]} - 1) / ${#targets[@]}))

command -v clang++ >/dev/null || {
  say "clang++ is not on the PATH; on Debian or Ubuntu: sudo apt-get install clang libclang-rt-14-dev" >&2
  exit 1
}
mkdir -p build
cmake --preset fuzz >build/fuzz-configure.log 2>&1 || {
  tail -n 20 build/fuzz-configure.log >&2
  exit 1
}
cmake --build --preset fuzz --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-2}"

folder=build/fuzz
python="$(command -v .venv/bin/python || command -v python3)"
"$python" tests/fuzz/seeds.py "$folder/seeds"
MOERAE_FUZZ_SCRATCH="$(mktemp -d "$([[ -w /dev/shm ]] && printf /dev/shm || printf '%s' "${TMPDIR:-/tmp}")/moerae-fuzz-XXXXXX")"
export MOERAE_FUZZ_SCRATCH
trap 'rm -rf "$MOERAE_FUZZ_SCRATCH"' EXIT

failed=()
for target in "${targets[@]}"; do
  mkdir -p "$folder/corpus/$target" "$folder/crashes"
  log="$folder/$target.log"
  if "$folder/tests/fuzz/${target}_fuzz" -max_total_time="$each" -timeout=10 -rss_limit_mb=1024 -max_len=16384 \
    -dict="$folder/seeds/json.dict" -artifact_prefix="$folder/crashes/$target-" -print_final_stats=1 \
    "$folder/corpus/$target" "$folder/seeds/$target" >"$log" 2>&1; then
    say "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $each s, no crash"
  else
    tail -n 60 "$log" >&2
    failed+=("$target")
  fi
done
((${#failed[@]} == 0)) || {
  say "FAILED: ${failed[*]}; inputs in $folder/crashes, logs in $folder" >&2
  exit 1
}
