#pragma once

#include <memory>
#include <span>
#include <vector>

#include "moerae/attribute/options.hpp"
#include "moerae/model/expert_space.hpp"
#include "moerae/model/schedule/resident.hpp"

namespace moerae {

/// What all criteria work with. References outlive them.
struct AttributeSetting {
  Corpus const& corpus;
  ResidentModel model;
  ExpertSpace space;
  AttributeOptions options;
  std::vector<std::size_t> spared = {};  ///< experts [L*K], ascending, that random masks leave out
};

/// What a criterion found for P prompts.
struct Attributions {
  std::vector<double> margin;  ///< [P] nats, nothing masked
  std::vector<float> drop;     ///< [P, L, K] nats: margin less that with the expert masked
};

/// A causal criterion: how much of the refusal margin each expert carries, prompt by prompt. The ranks of an
/// expert group work on it together, each on prompts of its own.
class CausalCriterion {
 public:
  virtual ~CausalCriterion() = default;
  /// Starts on these prompts; those before must be finished.
  virtual void begin(std::span<std::size_t const> prompts) = 0;
  [[nodiscard]] virtual bool finished() const = 0;
  /// One pass; with nothing left it takes part with zero rows. Collective over the expert group: all its
  /// ranks are at the same criterion.
  virtual void step() = 0;
  [[nodiscard]] virtual Attributions const& found() const = 0;
};

[[nodiscard]] std::unique_ptr<CausalCriterion> make_criterion(Causal which, AttributeSetting const& setting);

}  // namespace moerae
