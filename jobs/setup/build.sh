# shellcheck shell=bash
# Sourced by jobs/setup.sh: CMake configure and build of the preset release.

# A unit that includes torch takes about 1.5 GB while it is compiled.
compile_jobs() {
  local cores memory_kb
  cores="$(nproc)"
  memory_kb="$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo 2>/dev/null || true)"
  local by_memory=$((${memory_kb:-1500000} / 1500000))
  ((by_memory >= 1)) || by_memory=1
  printf '%s' "$((cores < by_memory ? cores : by_memory))"
}

# prints the folder of TorchConfig.cmake below a libtorch folder or below pip's torch
torch_config_folder() {
  local folder="$1/share/cmake/Torch"
  [[ -f $folder/TorchConfig.cmake ]] ||
    fail "MOERAE_TORCH_DIR=$1 holds no share/cmake/Torch/TorchConfig.cmake; name an unpacked libtorch or the folder of a Python torch"
  printf '%s' "$folder"
}

build_program() {
  local jobs="$1" folder log=build/configure.log
  local -a options=(-DMOERAE_TORCH=ON) # a folder that was configured without must not stay so
  [[ -n $jobs ]] || jobs="$(compile_jobs)"
  if [[ -n ${MOERAE_TORCH_DIR:-} ]]; then
    folder="$(torch_config_folder "$MOERAE_TORCH_DIR")"
    options+=("-DTorch_DIR=$folder")
  fi
  # warnings are errors where we develop; a newer compiler than ours must not keep a user from building
  if [[ ! -f build/release/CMakeCache.txt && -z ${CI:-} ]]; then
    options+=(-DMOERAE_WERROR=OFF)
  fi
  mkdir -p build
  say "configuring build/release"
  cmake --preset release "${options[@]}" >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    fail "CMake could not configure; the lines above (all: $log) name what is missing"
  }
  grep -E '^-- torch ' "$log" || true
  say "building with $jobs jobs (minutes at the first time)"
  cmake --build --preset release --target moerae --parallel "$jobs" | progress_lines
  [[ -x build/release/moerae ]] || fail "the build left no build/release/moerae"
  say "program: build/release/moerae, $(build/release/moerae --version)"
}

# ninja's output on a terminal rewrites one line; in a file every tenth step is enough, errors are kept whole
progress_lines() {
  if [[ -t 1 ]]; then
    cat
  else
    awk '!/^\[[0-9]+\/[0-9]+\] (Building|Linking|cd|Running|Generating)/ || ++steps % 10 == 0 { print; fflush() }'
  fi
}
