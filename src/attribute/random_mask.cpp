#include "attribute/random_mask.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/draws.hpp"

namespace moerae {

std::vector<MarginPasses::Asked> RandomMask::ask(std::size_t prompts) {
  auto const rows = static_cast<std::int64_t>(1 + prompts * passes());
  edits_.assign(setting_.model.plan.layers.size(), {});
  for (auto const layer : setting_.space.layers)
    edits_[static_cast<std::size_t>(layer)].masked =
        torch::zeros({rows, setting_.space.experts}, torch::kBool);
  outcome_.assign(prompts * passes(), 0);
  std::vector<Asked> all;
  for (std::size_t p = 0; p < prompts; ++p) all.push_back({p});
  for (std::size_t p = 0; p < prompts; ++p)
    for (std::size_t r = 0; r < passes(); ++r) {
      draw(p, r);
      all.push_back({p, static_cast<std::int64_t>(1 + p * passes() + r), 1});
    }
  return all;
}

// A layer whose masks would leave a token too few experts has none in this pass.
void RandomMask::draw(std::size_t prompt, std::size_t pass) {
  auto const& space = setting_.space;
  auto const& options = setting_.options;
  auto const limit = std::ldexp(options.rho[pass % options.rho.size()], 64);
  auto const id = static_cast<std::int64_t>(setting_.corpus.prompt_id[prompts_[prompt]]);
  auto const row = static_cast<std::int64_t>(1 + prompt * passes() + pass);
  for (std::size_t l = 0; l < space.layers.size(); ++l) {
    auto const layer = static_cast<std::size_t>(space.layers[l]);
    auto const masked = edits_[layer].masked[row];
    auto* at = masked.data_ptr<bool>();
    for (std::size_t e = 0; e < static_cast<std::size_t>(space.experts); ++e) {
      auto const place = static_cast<std::uint32_t>(pass * space.size() + space.index(l, e));
      at[e] = static_cast<double>(draw_key(options.seed, Draw::random_mask, place, id)) < limit &&
              !std::ranges::binary_search(setting_.spared, space.index(l, e));
    }
    RouterEdit one;
    one.masked = masked.unsqueeze(0);
    if (!faults_of(one, setting_.model.plan.layers[layer].moe()->router).empty()) masked.fill_(false);
  }
}

void RandomMask::pass(Margins const& margins, std::span<Asked const> asked) {
  auto const m = margins_under(edits_, margins);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    double const margin = m[static_cast<std::int64_t>(i)].item<float>();
    auto const& [prompt, condition, tables] = asked[i];
    if (tables == 0) {
      found_.margin[prompt] = margin;
      continue;
    }
    auto const place = static_cast<std::size_t>(condition - 1);
    outcome_[place] = margin;
    if (place % passes() + 1 == passes()) estimate(prompt);
  }
}

void RandomMask::estimate(std::size_t prompt) {
  auto const& space = setting_.space;
  auto const levels = setting_.options.rho.size();
  auto const rows = static_cast<std::int64_t>(1 + prompt * passes());
  for (std::size_t l = 0; l < space.layers.size(); ++l) {
    auto const table =
        edits_[static_cast<std::size_t>(space.layers[l])].masked.narrow(0, rows, setting_.options.passes);
    auto const* masked = table.const_data_ptr<bool>();
    for (std::size_t e = 0; e < static_cast<std::size_t>(space.experts); ++e) {
      double drop = 0, weights = 0;
      for (std::size_t level = 0; level < levels; ++level) {
        double sum[2] = {0, 0}, n[2] = {0, 0};
        for (auto r = level; r < passes(); r += levels) {
          auto const side = masked[r * static_cast<std::size_t>(space.experts) + e] ? 1 : 0;
          sum[side] += outcome_[prompt * passes() + r];
          ++n[side];
        }
        if (n[0] == 0 || n[1] == 0) continue;
        double const weight = n[0] * n[1] / (n[0] + n[1]);
        drop += weight * (sum[0] / n[0] - sum[1] / n[1]);
        weights += weight;
      }
      found_.drop[cell(prompt, l, e)] = weights > 0 ? static_cast<float>(drop / weights) : 0;
    }
  }
}

}  // namespace moerae
