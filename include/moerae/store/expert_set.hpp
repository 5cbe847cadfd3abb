#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "moerae/base/ids.hpp"

namespace moerae::store {

/// One member of an expert set.
struct ScoredExpert {
  LayerId layer;  ///< decoder index
  ExpertId expert;
  double score = 0;
  std::optional<double> frequency = {};  ///< stability selection only
  friend bool operator==(ScoredExpert const&, ScoredExpert const&) = default;
};

/// Which scores are the best ones.
enum class Side { positive, negative, both };  // highest, lowest, largest magnitude

/// Best first, ties by (layer, expert).
void sort_best_first(std::vector<ScoredExpert>& experts, Side side = Side::positive);

/// RUN/reduce/sets/NAME.json, schema moerae.expert_set/1.
struct ExpertSet {
  std::string name;
  std::string criterion;
  std::string model;
  nlohmann::ordered_json provenance = nlohmann::ordered_json::object();
  std::vector<ScoredExpert> experts;  ///< best first under one of the three sides; may be empty
};

/// DataError naming the file, the entry and the expectation: schema, types, an expert twice, negative ids,
/// scores that are not finite, order. Further keys are ignored.
[[nodiscard]] ExpertSet read_expert_set(std::filesystem::path const& path);

/// Published atomically; an existing set of that name is replaced. A set that could not be read back is a
/// std::logic_error.
void write_expert_set(std::filesystem::path const& path, ExpertSet const& set);

}  // namespace moerae::store
