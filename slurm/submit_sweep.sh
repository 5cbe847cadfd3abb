# shellcheck shell=bash
# Sourced by submit.sh for a study with a [sweep] section: one array of jobs for each stage (and size, and set of cells that wait
# for the same array). `moerae sweep` says what there is to do and what it takes, `moerae status` what is done, squeue what waits.
# Numbers of tasks: cells that read one record have its number, so that --dependency=aftercorr pairs them; the second cell of a
# record is in a second array (its lane).
# Files in the folder of the sweep: jobs.tsv (stage, run, job), jobs/*.list (task, study), log/STAGE-JOB_TASK.log

# of submit.sh: root, moerae, study, words, dry, all_options, stage_options
: "${root:?}" "${moerae:?}" "${study:?}" "${dry:?}"
shopt -s extglob

# options_of SIZE STAGE: words for sbatch in `split`; later ones win
options_of() {
  local memory="--mem-per-cpu=+([0-9])M" size="$1"
  # shellcheck disable=SC2295 # it is a pattern
  [[ ${MOERAE_MEMORY:-yes} != no ]] || size="${size/$memory/}"
  split_words "${MOERAE_SBATCH:-} $size ${all_options:-} ${stage_options[$2]:-}"
}

# largest_array: one more than the highest number of a task
largest_array() {
  local found=""
  [[ $dry == yes ]] || found="$(scontrol show config | sed -n 's/^MaxArraySize *= *//p')"
  echo "${MOERAE_MAX_ARRAY:-${found:-1001}}"
}

# flush STAGE: submits the arrays that were gathered
flush() {
  local stage="$1" key dependency size ids list job n=0
  for key in "${order[@]}"; do
    IFS='|' read -r dependency _ _ size <<<"$key"
    ids="${ids_of[$key]}"
    list="$folder/jobs/$stage-$(date +%Y%m%d-%H%M%S)-$$-$((++n)).list"
    options_of "$size" "$stage"
    local -a command=(sbatch --parsable "${split[@]}" "--array=$ids$limit" "--job-name=moerae-$stage"
      "--output=$folder/log/$stage-%A_%a.log")
    [[ -z $dependency ]] || command+=("--dependency=$dependency" --kill-on-invalid-dep=yes)
    command+=("$root/slurm/$stage.sbatch" "$root" --cells "$list")
    if [[ $dry == yes ]]; then
      printf '%q ' "${command[@]}"
      printf '\n'
      job="<$stage-$n>" # the id that sbatch would give
    else
      mkdir -p "$folder/jobs" "$folder/log"
      printf '%s' "${lines_of[$key]}" >"$list"
      job="$("${command[@]}")" || fail "sbatch refused the stage $stage; what was submitted before is in the queue: repeat this command to go on"
      job="${job%%;*}" # JOB;CLUSTER
      printf 'submit: %-9s job %s, tasks %s\n' "$stage" "$job" "$ids"
    fi
    local id run
    while IFS=$'\t' read -r id run; do
      job_of[$run]="${job}_$id"
      [[ $dry == yes ]] || printf '%s\t%s\t%s\n' "$stage" "$run" "${job}_$id" >>"$folder/jobs.tsv"
    done <<<"${runs_of[$key]%$'\n'}"
    ((submitted += 1))
  done
  order=() ids_of=() lines_of=() runs_of=()
}

# shellcheck disable=SC2154 # words is an array of submit.sh
planned="$("$moerae" sweep "$study" "${words[@]}")" ||
  fail "the sweep cannot run (see above), so nothing was submitted"
folder="${planned##*$'\n'}"
printf '%s\n' "${planned%$'\n'*}"

declare -A complete=() queued=() noted=() job_of=() ids_of=() lines_of=() runs_of=()
order=() submitted=0 waiting=0 finished=0
state="$("$moerae" status "$folder" --csv)" || (($? == 75 || $? == 1)) || fail "the state of $folder is not known (see above)"
while IFS=, read -r run stage how _; do
  [[ $how != complete ]] || complete["$stage $run"]=1
done <<<"$state"
if command -v squeue >/dev/null; then
  jobs="$(squeue --user="$(id -un)" --noheader --array --format=%i)" || {
    [[ $dry == yes ]] || fail "squeue does not say what is in the queue, and what waits must not be submitted twice"
    echo "submit: squeue does not say what is in the queue; a task that waits there is among these, too" >&2
    jobs=""
  }
  while read -r job; do [[ -z $job ]] || queued["$job"]=1; done <<<"$jobs"
fi
if [[ -f $folder/jobs.tsv ]]; then
  while IFS=$'\t' read -r stage run job; do noted["$stage $run"]="$job"; done <"$folder/jobs.tsv"
fi

largest="$(largest_array)"
previous="" limit="" # limit: the same in every line
while IFS=$'\t' read -r stage run file slot lane after at_once size; do
  [[ -z $previous || $stage == "$previous" ]] || flush "$previous"
  previous="$stage"
  [[ $at_once == - ]] || limit="%$at_once"
  if [[ -n ${complete["$stage $run"]:-} ]]; then
    ((finished += 1))
    continue
  fi
  job="${noted["$stage $run"]:-}"
  if [[ -n $job && -n ${queued["$job"]:-} ]]; then
    job_of[$run]="$job"
    ((waiting += 1))
    continue
  fi
  id=$((slot % largest)) dependency=""
  before="${job_of[$after]:-}" # the stage before, where it is not done
  if [[ -n $before ]]; then
    # numbers of an array that was submitted before the sweep was changed may be others
    [[ ${before##*_} == "$id" ]] && dependency="aftercorr:${before%_*}" || dependency="afterok:$before"
  fi
  key="$dependency|$lane|$((slot / largest))|$size"
  if [[ -z ${ids_of[$key]:-} ]]; then
    order+=("$key")
    ids_of[$key]="$id"
  else
    ids_of[$key]+=",$id"
  fi
  lines_of[$key]+="$id"$'\t'"$file"$'\n'
  runs_of[$key]+="$id"$'\t'"$run"$'\n'
done < <(tail -n +2 "$folder/tasks.tsv")
[[ -z $previous ]] || flush "$previous"
printf 'submit: %d arrays of jobs; %d tasks were complete, %d are in the queue already\n' "$submitted" "$finished" "$waiting"
[[ $dry == yes ]] || printf 'submit: see how far it is: %s status %s\n' "$moerae" "$folder"
