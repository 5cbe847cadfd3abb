#!/usr/bin/env bash
# All set-up, then all tests: C++ (ctest, MPI tests at several numbers of ranks) and Python (pytest). With CI set,
# formatting and linters first and the fuzz targets last. Every group is run even when another has failed.
# Usage: bash tests/run.sh [--jobs N]
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
trap 'printf "tests: error: line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2' ERR

results=build/test-results
failed=()
say() { printf 'tests: %s\n' "$*"; }
# attempt NAME COMMAND...: notes a failure and goes on
attempt() {
  local name="$1" start=$SECONDS
  shift
  say "$name"
  if "$@"; then
    say "$name: passed in $((SECONDS - start)) s"
  else
    failed+=("$name")
    say "$name: FAILED after $((SECONDS - start)) s"
  fi
}

check_format() { git ls-files -z '*.cpp' '*.hpp' | xargs -0 -r clang-format --dry-run -Werror; }
check_python() {
  .venv/bin/ruff check --config analysis/pyproject.toml analysis tests &&
    .venv/bin/ruff format --check --config analysis/pyproject.toml analysis tests
}
check_shell() {
  git ls-files -z '*.sh' '*.sbatch' .ci/run | xargs -0 -r shellcheck --external-sources
}
build_tests() {
  local jobs
  jobs="$(compile_jobs)"
  [[ ${1:-} == --jobs ]] && jobs="$2"
  # one test that does not compile keeps no other from running
  cmake --build --preset release --parallel "$jobs" -- -k 0 | progress_lines
}
run_ctest() { ctest --preset release --output-junit "$PWD/$results/ctest.xml" --progress; }
# files side by side: most of a test is a program of one or two ranks
run_pytest() {
  .venv/bin/python -m pytest -q --numprocesses "$((($(nproc) + 2) / 2))" --dist loadfile --durations=15 \
    --junitxml="$results/pytest.xml" tests
}

# counts FILE: "tests failures skipped" of a JUnit file
counts() {
  .venv/bin/python - "$1" <<'PYTHON'
import sys
from xml.etree import ElementTree

suites = list(ElementTree.parse(sys.argv[1]).getroot().iter("testsuite"))
number = lambda suite, *keys: sum(int(suite.get(key) or 0) for key in keys)
print(*(sum(number(s, *keys) for s in suites) for keys in (("tests",), ("failures", "errors"), ("skipped", "disabled"))))
PYTHON
}

bash jobs/setup.sh "$@"
# shellcheck source=jobs/env.sh
source jobs/env.sh
# shellcheck source=jobs/setup/build.sh
source jobs/setup/build.sh
rm -rf "$results"
mkdir -p "$results"

if [[ -n ${CI:-} ]]; then
  attempt "format of C++" check_format
  attempt "ruff" check_python
  attempt "shellcheck" check_shell
fi
attempt "build of the tests" build_tests "$@"
[[ -z ${CI:-} ]] || attempt "clang-tidy" bash tests/tidy.sh
attempt "C++ tests" run_ctest
attempt "Python tests" run_pytest
[[ -z ${CI:-} ]] || attempt "fuzz targets" bash tests/fuzz/run.sh 60

line=""
for group in ctest pytest; do
  if [[ ! -s $results/$group.xml ]]; then
    failed+=("$group left no results")
    continue
  fi
  read -r total bad skipped < <(counts "$results/$group.xml")
  ((total - skipped > 0)) || failed+=("$group ran no test")
  line+="$group: $((total - bad - skipped)) passed, $bad failed, $skipped skipped; "
done
if ((${#failed[@]})); then
  printf -v names '%s, ' "${failed[@]}"
  say "${line}FAILED: ${names%, }; ${SECONDS} s"
  exit 1
fi
say "${line}all passed in ${SECONDS} s"
