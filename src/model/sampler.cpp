#include "moerae/model/sampler.hpp"

#include <ATen/ops/argmax.h>

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/base/draws.hpp"

namespace moerae {
namespace {

// Candidates from the most probable on, ties by id; u in [0, 1).
std::uint32_t draw(std::span<float const> logits, SamplingOptions const& options, double u) {
  std::vector<std::uint32_t> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  std::ranges::stable_sort(order, [&](auto x, auto y) { return logits[x] > logits[y]; });
  std::vector<double> weight;
  double total = 0;
  for (auto const id : order)
    total += weight.emplace_back(
        std::exp((double{logits[id]} - double{logits[order.front()]}) / options.temperature));
  double kept = 0;
  std::size_t n = 0;
  while (n < weight.size() && (n == 0 || kept < options.top_p * total)) kept += weight[n++];
  double passed = 0;
  for (std::size_t i = 0; i + 1 < n; ++i) {
    passed += weight[i];
    if (u * kept < passed) return order[i];
  }
  return order[n - 1];
}

}  // namespace

std::vector<std::uint32_t> sample(torch::Tensor const& logits, SamplingOptions const& options,
                                  std::span<TokenPlace const> places) {
  expect(logits.size(0) == static_cast<std::int64_t>(places.size()), "{} rows of logits for {} places",
         logits.size(0), places.size());
  std::vector<std::uint32_t> out;
  if (options.temperature == 0) {
    auto const best = at::argmax(logits, -1).to(torch::kCPU).contiguous();  // the first of equals
    for (auto const* id = best.const_data_ptr<std::int64_t>(); out.size() < places.size(); ++id)
      out.push_back(static_cast<std::uint32_t>(*id));
    return out;
  }
  auto const host = logits.to(torch::kCPU, torch::kFloat32).contiguous();
  auto const vocabulary = static_cast<std::size_t>(host.size(1));
  auto const* row = host.const_data_ptr<float>();
  for (auto const& place : places) {
    auto const bits = draw_key(options.seed, Draw::next_token, static_cast<std::uint32_t>(place.position),
                               static_cast<std::int64_t>(place.prompt_id));
    out.push_back(draw({row, vocabulary}, options, std::ldexp(static_cast<double>(bits >> 11), -53)));
    row += vocabulary;
  }
  return out;
}

}  // namespace moerae
