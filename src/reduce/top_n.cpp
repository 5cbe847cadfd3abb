#include "moerae/reduce/top_n.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "moerae/base/check.hpp"

namespace moerae {

Scope parse_scope(std::string const& name) {
  if (name == "layer") return Scope::layer;
  if (name == "model") return Scope::model;
  throw ConfigError(fmt::format("ses.scope = {}: unknown; known are layer, model", name));
}

std::int64_t top_size(ExpertSpace const& space, Scope scope, std::optional<double> alpha) {
  auto const layers = scope == Scope::model ? static_cast<std::int64_t>(space.layers.size()) : 1;
  auto const experts = layers * space.experts;
  auto const n = alpha ? static_cast<std::int64_t>(std::floor(*alpha * static_cast<double>(experts) + 1e-9))
                       : layers * std::max(space.top_k, space.experts / 10);
  validate<ConfigError>(
      n >= 1 && n < experts,
      "ses.alpha = {}: a top {} of {} experts selects {}, which separates nothing; choose a share "
      "between {:.3g} and {:.3g}, or auto",
      alpha ? fmt::format("{}", *alpha) : "auto", n, experts, n < 1 ? "none" : "all",
      1.0 / static_cast<double>(experts), 1.0 - 1.0 / static_cast<double>(experts));
  return n;
}

void rank_experts(ExpertSpace const& space, Scope scope, std::span<std::int64_t const> keys,
                  std::span<std::int32_t> ranks) {
  auto const field = scope == Scope::model ? space.size() : static_cast<std::size_t>(space.experts);
  expect(keys.size() == space.size() && ranks.size() == space.size(),
         "rank_experts: {} keys, {} ranks, {} experts", keys.size(), ranks.size(), space.size());
  std::vector<std::size_t> order(field);
  for (std::size_t start = 0; start < keys.size(); start += field) {
    std::iota(order.begin(), order.end(), start);
    std::ranges::sort(order, [&](auto a, auto b) { return keys[a] != keys[b] ? keys[a] > keys[b] : a < b; });
    for (std::size_t r = 0; r < field; ++r) ranks[order[r]] = static_cast<std::int32_t>(r);
  }
}

}  // namespace moerae
