# shellcheck shell=bash
# Sourced by the sbatch files: how a stage is started and what its exit code means.
# Cluster settings go into slurm/site.sh (see site.example.sh), which is sourced where it exists.
# Environment: MOERAE (the program), MOERAE_SRUN (further options of srun, for example --mpi=pmix),
# MOERAE_MAX_RESTARTS (default 100).

: "${root:?the sbatch file sets it to the folder of the project}"
if [[ -f $root/slurm/site.sh ]]; then
  # shellcheck source=/dev/null
  source "$root/slurm/site.sh"
fi
# shellcheck source=slurm/words.sh
source "$root/slurm/words.sh"
export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"
export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-1}" # since Slurm 22.05 srun does not take it from the job

# start_step OPTIONS... -- COMMAND...: one job step; a rank that ends badly takes the others with it
start_step() {
  local -a extra=() options=()
  split_words "${MOERAE_SRUN:-}" || {
    echo "stage: MOERAE_SRUN=$MOERAE_SRUN: a quote is open" >&2
    exit 2
  }
  extra=("${split[@]}")
  while [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  shift
  srun --kill-on-bad-exit=1 "${extra[@]}" "${options[@]}" "$@"
}

# run_stage COMMAND --cells LIST: a task of an array; its study stands behind its number in LIST (slurm/submit_sweep.sh)
# run_stage COMMAND WORDS...: the program on all ranks of the job. 75 = stopped early, resumable: the job goes back into
# the queue under its id, so that jobs that depend on it keep waiting.
run_stage() {
  local code=0 restarts="${SLURM_RESTART_COUNT:-0}" study job="${SLURM_JOB_ID:-}"
  # of a task by its number: the id of the last task of an array is that of the whole array, all of which would begin anew
  [[ -z ${SLURM_ARRAY_JOB_ID:-} ]] || job="${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
  if [[ ${2:-} == --cells ]]; then
    study="$(awk -F '\t' -v task="${SLURM_ARRAY_TASK_ID:-}" '$1 == task { print $2 }' "$3")"
    if [[ -z $study ]]; then
      echo "stage $1: error: $3 names no study for task '${SLURM_ARRAY_TASK_ID:-}'; submit the sweep once more" >&2
      exit 2
    fi
    set -- "$1" "$study"
  fi
  start_step -- "${MOERAE:-$root/build/release/moerae}" "$@" || code=$?
  if ((code == 75)); then
    if ((restarts >= ${MOERAE_MAX_RESTARTS:-100})); then
      echo "stage $1: stopped early $((restarts + 1)) times; not queued again. Is --time too short for one shard?" >&2
    elif scontrol requeue "$job"; then
      echo "stage $1: stopped early, queued again (restart $((restarts + 1)))"
    else
      echo "stage $1: stopped early and could not be queued again; submit the study once more, it resumes" >&2
    fi
  fi
  exit "$code"
}
