#!/usr/bin/env bash
# Submits the stages of one study as a chain of jobs: each starts when the one before has completed (afterok).
# Usage: bash slurm/submit.sh STUDY.ini [OPTIONS] [--section.key VALUE ...]
#   --stages LIST          of record,attribute,reduce,tune,evaluate,verify,report, in this order (default: all but
#                          attribute, tune and evaluate)
#   --sbatch "OPTIONS"     of sbatch, for every stage: --sbatch "--account=a --partition=p"
#   --sbatch-STAGE "OPTIONS"   for one stage: --sbatch-record "--nodes=4 --ntasks-per-node=8 --time=8:00:00"
#                          (quotes hold a word together: --sbatch "--comment='two words'")
#   --truth FILE           truth.json of a planted model, for the report
#   --no-plan              do not check the study with `moerae plan` first
#   --dry-run              print the sbatch commands and submit nothing
# STUDY.ini may be a sweep (a file with a [sweep] section, see `moerae sweep --help`): arrays of jobs, one for each stage. Repeating
# the command submits what is neither complete nor in the queue. Sizes come from the plan and from [job.STAGE].
# Settings of the cluster (account, partition, modules, launcher) stand in slurm/site.sh, see slurm/site.example.sh.
# What is stopped by its time limit (record, attribute, tune, evaluate) goes back into the queue and resumes (slurm/stage.sh).
set -Eeuo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
fail() {
  printf 'submit: error: %s\n' "$*" >&2
  exit 2
}

# shellcheck source=slurm/words.sh
source "$root/slurm/words.sh"
known=(record attribute reduce tune evaluate verify report)
study="" dry=no plan=yes chosen=no all_options="" truth=""
stages=(record reduce verify report) words=()
declare -A stage_options=()
is_stage() { [[ " ${known[*]} " == *" $1 "* ]]; }
while (($#)); do
  case "$1" in
    --dry-run) dry=yes ;;
    --no-plan) plan=no ;;
    -h | --help)
      sed -n '2,15s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    --stages | --sbatch | --sbatch-* | --truth)
      (($# > 1)) || fail "$1 needs a value"
      [[ $1 != --sbatch* ]] || split_words "$2" || fail "$1 $2: a quote is open"
      case "$1" in
        --stages)
          IFS=, read -ra stages <<<"$2"
          chosen=yes
          ;;
        --sbatch) all_options="$2" ;;
        --truth) truth="$(realpath -e -- "$2")" || fail "--truth $2: no such file" ;;
        *)
          is_stage "${1#--sbatch-}" || fail "$1: no such stage; known are ${known[*]}"
          stage_options["${1#--sbatch-}"]="$2"
          ;;
      esac
      shift
      ;;
    --*.*=*) words+=("$1") ;;
    --*.*)
      (($# > 1)) || fail "$1 needs a value"
      words+=("$1" "$2")
      shift
      ;;
    -*) fail "unknown option '$1'; see --help" ;;
    *)
      [[ -z $study ]] || fail "one study at a time; got '$study' and '$1'"
      study="$1"
      ;;
  esac
  shift
done
[[ -n $study ]] || fail "no study is given; usage: bash slurm/submit.sh STUDY.ini [OPTIONS] [--section.key VALUE ...]"
[[ -f $study ]] || fail "$study: no such study file"
study="$(realpath -- "$study")"
((${#stages[@]})) || fail "--stages names no stage; known are ${known[*]}"
for stage in "${stages[@]}"; do
  is_stage "$stage" || fail "'$stage' is not a stage; known are ${known[*]}"
done

if [[ -f $root/slurm/site.sh ]]; then
  # shellcheck source=/dev/null
  source "$root/slurm/site.sh"
fi
moerae="${MOERAE:-$root/build/release/moerae}"
[[ $dry == yes ]] || command -v sbatch >/dev/null ||
  fail "sbatch is not on the PATH; submit from a login node, or look with --dry-run"
if grep -q '^[[:space:]]*\[sweep\]' "$study"; then
  [[ $chosen == no && -z $truth ]] || fail "a sweep has its stages in sweep.stages, and no --truth"
  # shellcheck source=slurm/submit_sweep.sh
  source "$root/slurm/submit_sweep.sh"
  exit 0
fi
run="$("$moerae" show "$study" run.dir "${words[@]}")" ||
  fail "$moerae cannot read the study (see above), so nothing was submitted"
[[ -n $run ]] || fail "run.dir is given neither in $study nor as --run.dir FOLDER"

if [[ $dry == no && $plan == yes ]]; then # faults show here, not after hours in the queue
  "$moerae" plan "$study" "${words[@]}" ||
    fail "the study cannot run (see above), so nothing was submitted"
fi

previous=""
for stage in "${stages[@]}"; do
  command=(sbatch --parsable)
  split_words "${MOERAE_SBATCH:-} $all_options ${stage_options[$stage]:-}"
  command+=("${split[@]}")
  if [[ -n $previous ]]; then
    command+=("--dependency=afterok:$previous" --kill-on-invalid-dep=yes)
  fi
  command+=("$root/slurm/$stage.sbatch" "$root")
  if [[ $stage == report ]]; then
    command+=("$run")
    [[ -z $truth ]] || command+=(--truth "$truth")
  else
    command+=("$study" "${words[@]}")
  fi
  if [[ $dry == yes ]]; then
    printf '%q ' "${command[@]}"
    printf '\n'
    previous="<$stage>" # the id that sbatch would give
  else
    previous="$("${command[@]}")" || fail "sbatch refused the stage $stage; stages before it are in the queue"
    previous="${previous%%;*}" # JOB;CLUSTER
    printf 'submit: %-7s job %s\n' "$stage" "$previous"
  fi
done
[[ $dry == yes ]] || printf 'submit: results in %s; logs moerae-STAGE-JOB.log here\n' "$run"
