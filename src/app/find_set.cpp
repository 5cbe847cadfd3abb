#include "app/find_set.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/options/inputs.hpp"
#include "moerae/base/check.hpp"
#include "moerae/reduce/reduce.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae {
namespace fs = std::filesystem;
namespace {

// The reduction whose keys are those of the study; where there is one only, that one. Of run.from where the
// run has none.
fs::path reduction_of(Study const& study, std::string const& asked) {
  auto stages = store::list_stages(study.run.dir, "reduce");
  if (stages.empty() && !study.run.from.empty()) stages = store::list_stages(study.run.from, "reduce");
  validate<ConfigError>(
      !stages.empty(),
      "{}: {} has no reduction to take the set from; run `moerae reduce` first, or give the "
      "path of a set's .json",
      asked, study.run.dir.string());
  keep_possible(stages, stage::reduce, study, reduce_method);
  validate<ConfigError>(stages.size() == 1,
                        "{}: {} reductions of {} fit the keys of this study, so it is not clear which set is "
                        "meant; give the path of its .json",
                        asked, stages.size(), study.run.dir.string());
  return stages.front().path / "sets";
}

}  // namespace

store::ExpertSet find_set(Study const& study, std::string const& name, std::string const& asked) {
  if (name.ends_with(".json")) return store::read_expert_set(name);
  auto const folder = reduction_of(study, asked);
  auto const path = folder / (name + ".json");
  if (fs::exists(path)) return store::read_expert_set(path);
  std::vector<std::string> known;
  for (auto const& entry : fs::directory_iterator(folder)) known.push_back(entry.path().stem().string());
  std::ranges::sort(known);
  throw ConfigError(fmt::format("{}: {} has no set '{}'; its sets are: {}", asked, folder.string(), name,
                                fmt::join(known, ", ")));
}

}  // namespace moerae
