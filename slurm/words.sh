# shellcheck shell=bash
# Sourced by submit.sh and stage.sh.

# split_words TEXT: the words of TEXT in the array `split`; quotes and backslashes hold words with blanks together as in a
# shell, nothing is expanded. Fails where a quote is left open.
split_words() {
  local words
  words="$(mktemp)"
  if ! xargs -r printf '%s\0' <<<"$1" >"$words" 2>/dev/null; then
    rm -f "$words"
    return 1
  fi
  # shellcheck disable=SC2034 # for the caller
  mapfile -d '' -t split <"$words"
  rm -f "$words"
}
