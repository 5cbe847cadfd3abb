#pragma once

#include "attribute/margin_passes.hpp"

namespace moerae {

/// `single_mask`: the margin once more for every expert, with it masked: exact, at L * K passes a prompt.
class SingleMask final : public MarginPasses {
 public:
  using MarginPasses::MarginPasses;

 private:
  [[nodiscard]] std::vector<Asked> ask(std::size_t prompts) override;
  void pass(Margins const& margins, std::span<Asked const> asked) override;
};

}  // namespace moerae
