#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/study.hpp"

namespace moerae {

/// What a stage takes, before it is run. An estimate: it decides no results, but what a job asks for.
struct StageCost {
  std::int64_t memory = 0;  ///< bytes of a rank
  double flops = 0;
};

/// What `plan` knows of a study: what lies behind its paths, the cost of every stage, and all that keeps it
/// from being run.
struct StudyLayout {
  nlohmann::ordered_json resolved;  ///< of model and corpus, see ModelInputs
  std::map<std::string, StageCost> costs;
  std::vector<std::string> faults;
};

/// Reads corpus, config.json and the headers of the weights, and looks through `stages`. Throws nothing that
/// a user can mend: that is in `faults`.
[[nodiscard]] StudyLayout lay_out(Study const& study, std::vector<std::string> const& stages);

}  // namespace moerae
