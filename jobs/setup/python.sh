# shellcheck shell=bash
# Sourced by jobs/setup.sh: .venv with the pinned requirements and the package of analysis/.

# prints the first interpreter that is new enough and can make an environment
find_python() {
  local python
  for python in ${MOERAE_PYTHON:+"$MOERAE_PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$python"
      return
    fi
    [[ $python != "${MOERAE_PYTHON:-}" ]] || return 1 # the one that was asked for, or none
  done
  return 1
}

# what the environment was made from; a change makes it stale
environment_stamp() {
  {
    cat analysis/requirements.txt analysis/pyproject.toml
    pwd -P # an editable install and the scripts of .venv hold the path
    printf '%s\n' "${MOERAE_SYSTEM_SITE_PACKAGES:-}" "${MOERAE_PYTHON:-}"
  } | sha256sum | cut -d' ' -f1
}

pip_install() {
  .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off --quiet "$@"
}

# One CPU build is a tenth of a CUDA build in size, and CUDA is not used yet.
install_torch() {
  local pinned log
  if [[ ${MOERAE_SYSTEM_SITE_PACKAGES:-} == 1 ]] && .venv/bin/python -c 'import torch' 2>/dev/null; then
    say "torch: the one of the interpreter is used"
    return
  fi
  pinned="$(sed -n 's/^\(torch==[^ ;]*\).*/\1/p' analysis/requirements.txt)"
  [[ -n $pinned ]] || fail "analysis/requirements.txt pins no torch"
  log="$(mktemp)"
  if pip_install "$pinned+cpu" 2>"$log"; then
    say "torch: the CPU build"
  elif grep -q 'No matching distribution' "$log"; then
    say "torch: no build marked +cpu is offered here; installing $pinned as it comes (a CUDA build has several GB)"
    pip_install "$pinned"
  else
    cat "$log" >&2
    fail "pip could not install $pinned+cpu; see above (no network, or no space left?)"
  fi
  rm -f "$log"
}

describe_torch() {
  .venv/bin/python - <<'PYTHON'
import importlib.util
from importlib.metadata import version
from pathlib import Path

folder = Path(importlib.util.find_spec("torch").origin).parent
size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
print(f"torch {version('torch')}, {size / 1e9:.2f} GB")
PYTHON
}

make_environment() {
  local python stamp=.venv/.moerae-stamp wanted
  wanted="$(environment_stamp)"
  if [[ -f $stamp ]] && .venv/bin/python -c '' 2>/dev/null && [[ "$(head -n 1 "$stamp")" == "$wanted" ]]; then
    say "python environment: up to date, $(tail -n 1 "$stamp")"
    return
  fi
  python="$(find_python)" || fail "no python >= 3.11 with the modules venv and ensurepip is found${MOERAE_PYTHON:+ at MOERAE_PYTHON=$MOERAE_PYTHON}; install python3-venv, or name an interpreter in MOERAE_PYTHON"
  if [[ -e .venv ]] && ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    say "python environment: the old one does not run; making it anew"
    rm -rf .venv
  fi
  if [[ ! -e .venv ]]; then
    say "python environment: making .venv with $python ($("$python" -V))"
    local -a options=()
    [[ ${MOERAE_SYSTEM_SITE_PACKAGES:-} == 1 ]] && options=(--system-site-packages)
    "$python" -m venv "${options[@]}" .venv
  fi
  rm -f "$stamp"
  say "python environment: installing the pinned requirements (minutes at the first time)"
  install_torch
  pip_install -r analysis/requirements.txt
  pip_install --no-deps -e analysis
  .venv/bin/python -c 'import h5py, moerae, torch, transformers'
  printf '%s\n%s\n' "$wanted" "$(describe_torch)" >"$stamp"
  say "python environment: $(tail -n 1 "$stamp")"
}
