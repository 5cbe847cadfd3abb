#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/study.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/model/expert_space.hpp"
#include "moerae/model/session.hpp"

namespace moerae {

/// What every stage that computes reads, before a weight is read: a corpus, and the model that it was made
/// for.
struct ModelInputs {
  Corpus corpus;
  ModelSource model;
  ExpertSpace space;
  std::string precision;  ///< of stored weights and logits: float16 | float32
  /// Of model.adapter, with its scale; null: none.
  nlohmann::ordered_json adapter = nullptr;

  /// What stands in the inputs of the stage in place of the paths and of `auto`.
  [[nodiscard]] nlohmann::ordered_json resolved() const;
};

/// Reads corpus, config and headers and checks them, and the grid, against each other. Throws ConfigError and
/// DataError.
[[nodiscard]] ModelInputs open_inputs(Study const& study);

}  // namespace moerae
