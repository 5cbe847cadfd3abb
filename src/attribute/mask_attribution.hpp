#pragma once

#include <torch/types.h>

#include "attribute/margin_passes.hpp"
#include "moerae/model/schedule/there_and_back.hpp"

namespace moerae {

/// What masking each of its experts at one token and layer would take off L, exact inside the layer and
/// linear downstream (methods 11):
///   a_j = <dL/dy, y - y'>,  y' the routed output that the router's own rule gives with expert j masked, the
/// expert that enters included. [T, k] float32, of found.decision.experts. Collective over the expert group.
[[nodiscard]] torch::Tensor masking_effects(ResidentModel const& model, LayerGradient const& found);

/// `mask_attribution`: masking_effects on the margin, summed over the tokens of a prompt and its openings.
/// One pass up and down, whatever the number of experts.
class MaskAttribution final : public MarginPasses {
 public:
  using MarginPasses::MarginPasses;

 private:
  [[nodiscard]] std::vector<Asked> ask(std::size_t prompts) const override;
  void pass(Margins const& margins, std::span<Asked const> asked) override;
};

}  // namespace moerae
