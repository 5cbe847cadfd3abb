#include "attribute/single_mask.hpp"

namespace moerae {

// Table 0 edits nothing; table l + 1 has a row for every expert of layer l of the space, behind an empty one.
std::vector<MarginPasses::Asked> SingleMask::ask(std::size_t prompts) {
  std::vector<Asked> all;
  for (std::size_t p = 0; p < prompts; ++p) all.push_back({p});
  for (std::size_t l = 0; l < setting_.space.layers.size(); ++l)
    for (std::size_t p = 0; p < prompts; ++p)
      for (std::int32_t e = 0; e < setting_.space.experts; ++e) all.push_back({p, e + 1, l + 1});
  return all;
}

void SingleMask::pass(Margins const& margins, std::span<Asked const> asked) {
  std::vector<RouterEdit> edits(setting_.model.plan.layers.size());
  auto const table = asked.empty() ? 0 : asked.front().tables;
  if (table > 0) {
    auto const experts = std::int64_t{setting_.space.experts};
    auto const layer = static_cast<std::size_t>(setting_.space.layers[table - 1]);
    edits[layer].masked =
        torch::cat({torch::zeros({1, experts}, torch::kBool), torch::eye(experts, torch::kBool)});
  }
  auto const m = margins_under(edits, margins);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto const& [prompt, condition, from] = asked[i];
    double const margin = m[static_cast<std::int64_t>(i)].item<float>();
    if (from == 0)
      found_.margin[prompt] = margin;
    else
      found_.drop[cell(prompt, from - 1, static_cast<std::size_t>(condition - 1))] =
          static_cast<float>(found_.margin[prompt] - margin);
  }
}

}  // namespace moerae
