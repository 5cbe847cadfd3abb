#pragma once

#include <torch/types.h>

#include "attribute/margin_passes.hpp"
#include "moerae/model/schedule/there_and_back.hpp"

namespace moerae {

/// What masking an expert at one token would take off L, exact inside the layer and linear downstream
/// (methods 11):
///   a_e = <dL/dy, y - y'>,  y' the routed output that the router's own rule gives with expert e masked: the
/// expert that enters included, and what the logit of an expert that is not chosen does to weights and
/// groups. [T, K] float32. Collective over the expert group.
[[nodiscard]] torch::Tensor masking_effects(ResidentModel const& model, LayerGradient const& found);

/// `mask_attribution`: masking_effects on the margin, summed over the tokens of a prompt and its openings.
/// One pass up and down, whatever the number of experts.
class MaskAttribution final : public MarginPasses {
 public:
  using MarginPasses::MarginPasses;

 private:
  [[nodiscard]] std::vector<Asked> ask(std::size_t prompts) override;
  void pass(Margins const& margins, std::span<Asked const> asked) override;
};

}  // namespace moerae
