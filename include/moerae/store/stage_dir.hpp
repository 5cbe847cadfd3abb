#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace moerae::store {

// A stage keeps its results in RUN/STAGE, with a stage.json saying what their bits depend on. When that
// changes, they are written anew beside the old ones, in RUN/STAGE-<first 8 digits of the hash>.

struct StageDir {
  std::string stage;
  std::filesystem::path path;
  std::string hash;                   ///< 16 hexadecimal digits
  nlohmann::ordered_json inputs;      ///< object
  nlohmann::ordered_json extra = {};  ///< further keys of stage.json (imports: traces)
  bool exists = false;                ///< stage.json is there
};

/// Keys sorted, ASCII, separated by ", " and ": ": Python's json.dumps(inputs, sort_keys=True).
[[nodiscard]] std::string canonical_dump(nlohmann::ordered_json const& inputs);
/// XXH3-64 of the canonical dump.
[[nodiscard]] std::string inputs_hash(nlohmann::ordered_json const& inputs);

/// The folder of `stage` with these inputs, or the one to create: the plain name if nothing is there, else
/// with the hash. Reads only. DataError when a stage.json is damaged.
[[nodiscard]] StageDir find_stage(std::filesystem::path const& run, std::string const& stage,
                                  nlohmann::ordered_json const& inputs);

/// Rank 0 only. Creates the folder and publishes stage.json, where it is not there yet or has other `extra`;
/// sets exists.
void create_stage(StageDir& stage);

/// The stage in `folder`. DataError when its stage.json is missing or damaged.
[[nodiscard]] StageDir read_stage(std::filesystem::path const& folder);

/// The folders of a run that hold a stage.json, of one stage or of all (empty name), sorted by path.
[[nodiscard]] std::vector<StageDir> list_stages(std::filesystem::path const& run,
                                                std::string const& stage = "");

}  // namespace moerae::store
