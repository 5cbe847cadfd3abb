#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/model_inputs.hpp"
#include "moerae/run/units.hpp"
#include "moerae/store/adapters.hpp"
#include "moerae/tune/examples.hpp"

namespace moerae {

/// Everything that is known of a training before a weight is read: the same on every rank and for every grid.
struct TuneJob : ModelInputs {
  std::string set;                       ///< what is trained, in words
  std::vector<store::ExpertKey> chosen;  ///< ascending
  std::string made_on;                   ///< weights that the set was made on; empty: it does not say
  Examples examples;
  std::vector<run::Unit> units;   ///< one: the adapter
  nlohmann::ordered_json inputs;  ///< what its bits depend on
};

/// Reads corpus, config, headers and the expert set and checks them against each other. Throws ConfigError
/// and DataError.
[[nodiscard]] TuneJob make_tune_job(Study const& study);

}  // namespace moerae
