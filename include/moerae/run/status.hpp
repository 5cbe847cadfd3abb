#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace moerae::run {

/// What `moerae sweep` leaves in its folder: the runs of the sweep and the stages that each goes through.
inline constexpr auto sweep_file = "sweep.json";
inline constexpr auto sweep_schema = "moerae.sweep/1";
/// What slurm/submit.sh notes there: stage, run and job, tab-separated, one a line.
inline constexpr auto jobs_file = "jobs.tsv";

/// How far a stage of a run is.
struct StageStatus {
  std::string run;  ///< name of the run directory
  std::string stage;
  std::string folder = {};           ///< of the results; empty: none yet
  std::string state = "open";        ///< open | begun | stopped | failed | complete
  std::int64_t done = 0, total = 0;  ///< total 0: not known yet
  std::string unit = "files";        ///< files, steps of a training
  std::optional<double> rate = {};   ///< units a second, of the last ones
  std::optional<double> quiet = {};  ///< seconds since the last one
  std::string job = {};              ///< that began it last, or is to begin it
  std::string error = {};            ///< of the last attempt, where it failed
  [[nodiscard]] bool complete() const { return state == "complete"; }
  /// Seconds that are left at this rate; none where nobody is at work, by all appearances.
  [[nodiscard]] std::optional<double> left() const;
};

/// Of the folder of a run every stage that was begun, of the folder of a sweep every stage of every run. From
/// what is noted (stage.json, manifest, journal) and the sizes and times of files: no result is read.
/// ConfigError where it is neither, DataError where a note is damaged.
[[nodiscard]] std::vector<StageStatus> status_of(std::filesystem::path const& folder);

}  // namespace moerae::run
