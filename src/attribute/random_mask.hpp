#pragma once

#include "attribute/margin_passes.hpp"

namespace moerae {

/// `random_mask`: a randomised experiment over experts (methods 11). For every prompt `passes` passes, in
/// each of which every expert is masked with probability rho, by a key of (seed, prompt, pass, expert); with
/// several rho the passes take them in turn. The drop of an expert is the mean margin of the passes that do
/// not mask it less that of those that do, among passes of one rho; over several rho weighted by u v / (u +
/// v), the precision of a difference of means of u and v passes. What other masks do is noise that is the
/// same in both on average, so that experts that back each other up show, too. Super experts are never masked
/// unless asked for, and have no drop: a pass with one masked would say nothing of the others.
class RandomMask final : public MarginPasses {
 public:
  using MarginPasses::MarginPasses;

 private:
  [[nodiscard]] std::vector<Asked> ask(std::size_t prompts) override;
  void pass(Margins const& margins, std::span<Asked const> asked) override;
  void draw(std::size_t prompt, std::size_t pass);
  void estimate(std::size_t prompt);
  [[nodiscard]] std::size_t passes() const { return static_cast<std::size_t>(setting_.options.passes); }

  std::vector<RouterEdit> edits_;  // [layers]: row 0 nothing, row 1 + prompt * passes + pass
  std::vector<double> outcome_;    // [P, passes] margins
};

}  // namespace moerae
