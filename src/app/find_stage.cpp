#include "app/find_stage.hpp"

#include "app/options/inputs.hpp"
#include "moerae/base/check.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae {

std::filesystem::path stage_of(std::filesystem::path const& run, std::string const& name, Stages stage,
                               Study const& study, int method) {
  auto found = store::list_stages(run, name);
  auto const all = found.size();
  if (all == 0) return {};
  keep_possible(found, stage, study, method);
  validate<ConfigError>(found.size() == 1,
                        "{}: {} of its {} folders of `{}` fit the [model], [grid], [corpus] and [{}] keys of "
                        "this study, so it is "
                        "not clear which one is meant; give the keys it was made with",
                        run.string(), found.size(), all, name, name);
  return found.front().path;
}

}  // namespace moerae
