# shellcheck shell=bash
# Sourced by jobs/setup.sh: system packages on Debian and Ubuntu, and what to do elsewhere.

# without these nothing builds or runs
needed_packages=(git make g++ cmake ninja-build libopenmpi-dev openmpi-bin libhdf5-dev libboost-program-options-dev
  nlohmann-json3-dev libspdlog-dev libfmt-dev libxxhash-dev librandom123-dev libgtest-dev libgmock-dev
  python3-venv python3-dev)
# faster builds, benchmarks, checks of CI
useful_packages=(ccache hdf5-tools libbenchmark-dev shellcheck clang-format clang-tidy)
# the fuzz targets of CI; named after the default clang of the system
fuzz_packages() {
  local runtime
  runtime="$(apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p')"
  printf '%s\n' clang
  # before Debian 12 and Ubuntu 22.10 the sanitizers came with libclang-common
  [[ -z $runtime ]] || ! apt-cache show "$runtime" >/dev/null 2>&1 || printf '%s\n' "$runtime"
}

# prints those of the arguments that are not installed
missing_packages() {
  local package state
  for package in "$@"; do
    # shellcheck disable=SC2016 # a format of dpkg-query, not of the shell
    state="$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)"
    [[ $state == installed ]] || printf '%s\n' "$package"
  done
}

# prints the command prefix that may install packages; fails where nobody may
package_manager() {
  command -v apt-get >/dev/null || return 1
  if ((EUID == 0)); then
    printf 'env'
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    printf 'sudo -n env'
  else
    return 1
  fi
}

how_to_provide() {
  cat >&2 <<EOF
setup: on Debian or Ubuntu, ask for:
    sudo apt-get install --no-install-recommends $*
setup: on a cluster, load modules instead (names differ: gcc >= 12, cmake >= 3.25, ninja, openmpi >= 4.1, hdf5 >= 1.10,
    boost, python >= 3.11); header-only libraries that have no module (nlohmann-json, spdlog, fmt, xxHash, Random123,
    GoogleTest) can be unpacked anywhere and named in CMAKE_PREFIX_PATH. Then run
    bash jobs/setup.sh --no-packages
  An existing torch: MOERAE_SYSTEM_SITE_PACKAGES=1 uses that of MOERAE_PYTHON's interpreter;
    MOERAE_TORCH_DIR=/path/to/libtorch links the program with a libtorch folder.
EOF
}

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    how_to_provide "${needed_packages[*]}"
    fail "this is neither Debian nor Ubuntu, so packages cannot be checked; see the lines above"
  fi
  local needed useful prefix
  mapfile -t needed < <(missing_packages "${needed_packages[@]}")
  mapfile -t useful < <(missing_packages "${useful_packages[@]}")
  if ((${#needed[@]} + ${#useful[@]} == 0)); then
    say "system packages: all there"
    return
  fi
  if ! prefix="$(package_manager)"; then
    if ((${#needed[@]} == 0)); then
      say "not installed, and not needed to build: ${useful[*]}"
      return
    fi
    how_to_provide "${needed[*]}" "${useful[*]}"
    fail "system packages are missing and only root (or sudo without a password) may install them: ${needed[*]}"
  fi
  say "installing ${needed[*]} ${useful[*]}"
  local -a apt
  read -ra apt <<<"$prefix DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"
  "${apt[@]}" update || say "the package lists could not be refreshed; trying with those at hand"
  "${apt[@]}" install -y --no-install-recommends "${needed[@]}" "${useful[@]}" >/dev/null ||
    fail "apt-get could not install: ${needed[*]} ${useful[*]}"
}

# Nothing but the fuzz targets wants clang, so that a failure is left to tests/fuzz/run.sh, which says what it lacks.
install_fuzz_packages() {
  command -v dpkg-query >/dev/null && command -v apt-cache >/dev/null || return 0
  local wanted missing prefix
  mapfile -t wanted < <(fuzz_packages)
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  ((${#missing[@]})) || return 0
  prefix="$(package_manager)" || return 0
  say "installing ${missing[*]} (fuzz targets)"
  local -a apt
  read -ra apt <<<"$prefix DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null || say "not installed: ${missing[*]}"
}

check_tools() {
  local tool version
  for tool in git g++ cmake ninja mpicc mpirun; do
    command -v "$tool" >/dev/null && continue
    how_to_provide "${needed_packages[*]}"
    fail "$tool is not on the PATH"
  done
  version="$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')"
  [[ "$(printf '3.25\n%s\n' "$version" | sort -V | head -n 1)" == 3.25 ]] ||
    fail "cmake $version is too old: 3.25 is needed. Load a newer module, or \`python3 -m pip install cmake\` and put it on the PATH"
}
