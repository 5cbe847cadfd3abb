#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moerae/base/ids.hpp"
#include "moerae/base/words.hpp"

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
inline constexpr Words<Side, 3> side_words{
    {{"positive", Side::positive}, {"negative", Side::negative}, {"both", Side::both}}};

/// Best first, ties by (layer, expert).
void sort_best_first(std::vector<ScoredExpert>& experts, Side side = Side::positive);

/// Experts to be treated like a set in its place: what any experts of that kind would do.
struct ControlSet {
  std::string kind;                                   ///< how it was drawn: a row of `control_kinds`
  std::vector<std::pair<LayerId, ExpertId>> experts;  ///< ascending; none is in the set
  /// By quantity ("usage regular"): total of the control / total of the set, achieved.
  std::vector<std::pair<std::string, double>> ratio;
  bool matched = false;  ///< the totals that its kind matches agree
  friend bool operator==(ControlSet const&, ControlSet const&) = default;
};
inline constexpr std::string_view control_kinds[] = {"matched", "benign_top", "dose"};

/// RUN/reduce/sets/NAME.json, schema moerae.expert_set/1.
struct ExpertSet {
  std::string name;
  std::string criterion;
  std::string model;
  nlohmann::ordered_json provenance = nlohmann::ordered_json::object();
  std::vector<ScoredExpert> experts = {};  ///< best first under one of the three sides; may be empty
  std::vector<ControlSet> controls = {};   ///< written where there are some
  /// What is known of the set: significance, bounds, noise floor ... by name; every number is finite. Written
  /// where it has an entry.
  nlohmann::ordered_json evidence = nlohmann::ordered_json::object();
};

/// DataError naming the file, the entry and the expectation: schema, types, an expert twice, negative ids,
/// scores that are not finite, order; controls of unknown kind, without experts, with an expert twice or of
/// the set, with ratios that are no finite numbers from 0; evidence that is no object. Further keys are
/// ignored.
[[nodiscard]] ExpertSet read_expert_set(std::filesystem::path const& path);

/// Published atomically; an existing set of that name is replaced. A set that could not be read back is a
/// std::logic_error.
void write_expert_set(std::filesystem::path const& path, ExpertSet const& set);

}  // namespace moerae::store
