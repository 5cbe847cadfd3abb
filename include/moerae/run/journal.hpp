#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moerae/base/check.hpp"

namespace moerae::run {

/// A line of RUN/log/journal.jsonl: who began a stage, and how it ended. What is done is not said here but by
/// the manifest; who was killed left no end.
struct JournalLine {
  std::string at;     ///< UTC, see store::utc_now
  std::string event;  ///< begun | complete | stopped | failed
  std::string stage;
  std::string folder;   ///< of the stage, as far as it is known
  std::string job;      ///< of Slurm, ARRAY_TASK or JOB; else HOST:PID
  std::string message;  ///< of a failure
};

/// Called by one rank when a stage begins. Makes RUN/log where it is missing; throws Error.
void note_begin(std::filesystem::path const& run, std::string const& stage, std::string const& folder);

/// Called by one rank when a stage ends with a code. Does nothing where no stage began in `run`, which may be
/// empty or missing; a line that cannot be written is left out, for the end itself has to be told.
void note_end(std::filesystem::path const& run, std::string const& stage, ExitCode code,
              std::string const& message) noexcept;

/// All lines, oldest first, without those that a killed writer left torn.
[[nodiscard]] std::vector<JournalLine> read_journal(std::filesystem::path const& run);

}  // namespace moerae::run
