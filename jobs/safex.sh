#!/usr/bin/env bash
# SAFEx's adapters on the planted model, each subtracted and added in memory, beside the model as it is: jobs/safex.ini.
# Usage: bash jobs/safex.sh [RUN]     (default: runs/planted, recorded and reduced as by jobs/demo.sh; repeating it resumes)
# Writes RUN-safex-ARM/ and prints refusal of the validation split by prompt set.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
trap 'printf "safex: error: line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2' ERR

run="${1:-runs/planted}"
study=jobs/safex.ini
# shellcheck source=jobs/env.sh
source jobs/env.sh
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
ranked() { mpirun -n 2 --bind-to none build/release/moerae "$@"; }

sets="$run/reduce/sets"
declare -A experts=([hrcg]="$sets/hrcg.json" [both]="$sets/hcdg.json, $sets/hrcg.json" [all]=all)
declare -A scale=([comply]=-1 [refuse]=1) # what is not wanted is subtracted

ranked evaluate "$study" --run.dir "$run-safex-base"
arms=("$run-safex-base")
for reply in comply refuse; do
  for arm in hrcg both all; do
    to="$run-safex-$arm-$reply"
    ranked tune "$study" --run.dir "$to" --tune.set "${experts[$arm]}" --tune.reply "$reply"
    ranked evaluate "$study" --run.dir "$to" --model.adapter "$to/tune/adapter.h5" --model.adapter_scale "${scale[$reply]}"
    arms+=("$to")
  done
done
for arm in "${arms[@]}"; do .venv/bin/python -m moerae judge "$arm" --judge exact; done
.venv/bin/python - "$run" "${arms[@]}" <<'PYTHON'
import sys

import pandas

run, *arms = sys.argv[1:]
tables = {arm.removeprefix(f"{run}-safex-"): pandas.read_csv(f"{arm}/evaluate/summary.csv") for arm in arms}
table = pandas.concat({arm: of[of["condition"] == "none"].set_index("set")["rate"] for arm, of in tables.items()}, axis=1)
print(table.T.round(3).to_string())
PYTHON
