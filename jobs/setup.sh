#!/usr/bin/env bash
# All set-up, idempotent: system packages, the Python environment .venv, the program at build/release/moerae.
# Usage: bash jobs/setup.sh [--no-build] [--no-packages] [--jobs N]
#   --no-build      stop before CMake: packages and .venv only
#   --no-packages   do not ask the package manager; compilers and libraries come from elsewhere (modules)
#   --jobs N        parallel compile jobs (default: cores, bounded by memory)
# Environment: MOERAE_PYTHON (interpreter), MOERAE_SYSTEM_SITE_PACKAGES=1 (.venv sees the packages of that
# interpreter, for an existing torch), MOERAE_TORCH_DIR (libtorch folder that the program is linked with).
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step="start" code=0
say() { printf 'setup: %s\n' "$*"; }
fail() {
  trap - ERR
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}
trap 'code=$?; printf "setup: error: %s failed (exit %s, line %s: %s)\n" "$step" "$code" "$LINENO" "$BASH_COMMAND" >&2; exit "$code"' ERR

build=yes packages=yes jobs=""
while (($#)); do
  case "$1" in
    --no-build) build=no ;;
    --no-packages) packages=no ;;
    --jobs)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail "--jobs needs a number >= 1, got '${2:-}'"
      jobs="$2"
      shift
      ;;
    -h | --help)
      sed -n '2,8s/^# \{0,1\}//p' jobs/setup.sh
      exit 0
      ;;
    *) fail "unknown option '$1'; known are --no-build, --no-packages and --jobs N" ;;
  esac
  shift
done

# shellcheck source=jobs/setup/packages.sh
source jobs/setup/packages.sh
# shellcheck source=jobs/setup/python.sh
source jobs/setup/python.sh
# shellcheck source=jobs/setup/build.sh
source jobs/setup/build.sh

if [[ $packages == yes ]]; then
  step="installing system packages"
  install_packages
  [[ -z ${CI:-} ]] || install_fuzz_packages
fi
step="checking tools"
check_tools
step="making the Python environment"
make_environment
if [[ $build == yes ]]; then
  step="building the program"
  build_program "$jobs"
fi
say "done in ${SECONDS} s"
