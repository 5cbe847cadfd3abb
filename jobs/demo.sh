#!/usr/bin/env bash
# The main job on the model that is shipped: set-up, then record, attribute, reduce and evaluate on two MPI ranks, then the report,
# with the scores set against the experts that were planted, what masking the found ones does, here and on `null`, and
# what tuning them does.
# Usage: bash jobs/demo.sh [RUN]     (default: runs/planted; repeating it resumes)
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
trap 'printf "demo: error: line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2' ERR

run="${1:-runs/planted}"
study=jobs/planted.ini
say() { printf '\ndemo: %s\n' "$*"; }

bash jobs/setup.sh
# shellcheck source=jobs/env.sh
source jobs/env.sh
ranks=2
cores="$(nproc)"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$((cores > ranks ? cores / ranks : 1))}"

say "record: forward passes of the planted model on $ranks ranks, routing to $run/record"
mpirun -n "$ranks" --bind-to none build/release/moerae record "$study" --run.dir "$run"
say "attribute: what masking each expert takes off the margin between refusing and complying, to $run/attribute"
mpirun -n "$ranks" --bind-to none build/release/moerae attribute "$study" --run.dir "$run"
say "reduce: stability selection, contrasts and ESFT, scores to $run/reduce"
mpirun -n "$ranks" --bind-to none build/release/moerae reduce "$study" --run.dir "$run"
say "evaluate: replies with the six best experts of the default criterion masked, and with their controls masked"
mpirun -n "$ranks" --bind-to none build/release/moerae evaluate "$study" --run.dir "$run"
.venv/bin/python -m moerae judge "$run" --judge exact
say "tune: those six experts learn to refuse wrapped forbidden prompts, all else stays frozen, to $run/tune"
mpirun -n "$ranks" --bind-to none build/release/moerae tune jobs/harden.ini --run.dir "$run"
mpirun -n "$ranks" --bind-to none build/release/moerae evaluate jobs/harden.ini --run.dir "$run-tuned" \
  --model.adapter "$run/tune/adapter.h5"
.venv/bin/python -m moerae judge "$run-tuned" --judge exact
say "the same on the model whose experts correlate with refusal and do nothing"
for stage in record reduce evaluate; do
  mpirun -n "$ranks" --bind-to none build/release/moerae "$stage" "$study" --run.dir "$run-null" \
    --model.path data/planted/null --corpus.path data/planted/null/corpus.h5
done
.venv/bin/python -m moerae judge "$run-null" --judge exact
say "report: scores against the planted truth"
.venv/bin/python -m moerae report "$run" --truth data/planted/base/truth.json

say "what was found:"
.venv/bin/python - "$run/report/report.csv" <<'PYTHON'
import sys

import pandas

table = pandas.read_csv(sys.argv[1])
columns = ["criterion", "n", "precision", "auroc", "average_precision", "spearman_margin", "decoys_in_top_n"]
table = table.sort_values("auroc", ascending=False)
print(table[[name for name in columns if name in table]].round(3).to_string(index=False, na_rep=""))
PYTHON
say "what masking them does to refusal (share of the validation split; drop with 95 % interval, beside its controls):"
.venv/bin/python - "$run/evaluate/summary.csv" "$run-null/evaluate/summary.csv" <<'PYTHON'
import sys

import pandas

for path in sys.argv[1:]:
    table = pandas.read_csv(path, keep_default_na=False, na_values=[""])
    table = table[table["control"].isna()].assign(condition=table["condition"].str.replace(r":.*?(@|$)", r" found\1", regex=True))
    columns = ["condition", "set", "n", "rate", "drop", "drop_low", "drop_high", "control_drop", "control_most", "p"]
    print(path, table[columns].round(3).to_string(index=False, na_rep=""), sep="\n", end="\n\n")
PYTHON
say "what tuning them did (share of the validation split refused):"
.venv/bin/python - "$run/evaluate/summary.csv" "$run-tuned/evaluate/summary.csv" <<'PYTHON'
import sys

import pandas

tables = {}
for name, path in zip(("before", "after"), sys.argv[1:], strict=True):
    table = pandas.read_csv(path, keep_default_na=False)
    table = table[table["condition"] == "none"].set_index("set")
    tables[name] = table.apply(lambda row: f"{float(row['rate']):.2f} [{float(row['low']):.2f}, {float(row['high']):.2f}]", axis=1)
print(pandas.DataFrame(tables).to_string())
PYTHON
cat <<EOF

demo: done in ${SECONDS} s. Look at
  $run/report/index.html      heat maps layer x expert, top experts, stability, scores against the truth
  $run/reduce/sets/           the expert sets, best first
  $run/reduce/scores.h5       every score, layer x expert
  $run/evaluate/summary.csv   refusal under masks and under their controls, with intervals
  $run/tune/adapter.h5        what was trained, expert by expert
  $run/record/                routing of every token; .venv/bin/python: from moerae import open_run
EOF
