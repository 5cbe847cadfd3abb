#!/usr/bin/env bash
# clang-tidy (.clang-tidy says which checks, and why) on the modules that need no torch. `reduce` is left to hand: clang
# 14, that of Debian 12, does not know all of C++20 in it.
# Usage: bash tests/tidy.sh [MODULE ...]      after a build; default: all but reduce and app
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
modules=("$@")
((${#modules[@]})) || modules=(base keys mpi store corpus run record)
git ls-files -z "${modules[@]/#/src/}" | grep -z '\.cpp$' |
  xargs -0 -r -n 4 -P "$(nproc)" clang-tidy -p build/release --quiet 2>&1 | grep -v ' warnings\? generated' || [[ ${PIPESTATUS[2]} == 0 ]]
