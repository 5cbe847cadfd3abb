#include "reduce/topic_behaviour/profile.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

double p_log_p(double p) {
  return p > 0 ? p * std::log(p) : 0;
}

}  // namespace

Profile profile_of(ExpertSpace const& space, std::span<std::int64_t const> count, std::int64_t tokens) {
  expect(tokens > 0 && count.size() == space.size(), "profile of {} tokens, {} counts of {} experts", tokens,
         count.size(), space.size());
  Profile out;
  out.tokens = tokens;
  auto const selections = static_cast<double>(tokens) * space.top_k;
  for (auto const n : count) out.q.push_back(static_cast<double>(n) / selections);
  for (auto const q : out.q) out.plogp.push_back(p_log_p(q));
  std::vector<std::int32_t> order(static_cast<std::size_t>(space.experts));
  for (std::size_t l = 0; l < space.layers.size(); ++l) {
    auto const of_layer = count.subspan(space.index(l, 0), order.size());
    auto const uses = [&](std::int32_t e) { return of_layer[static_cast<std::size_t>(e)]; };
    std::iota(order.begin(), order.end(), 0);
    auto const end = order.begin() + space.top_k;
    std::partial_sort(order.begin(), end, order.end(),
                      [&](auto x, auto y) { return uses(x) != uses(y) ? uses(x) > uses(y) : x < y; });
    std::sort(order.begin(), end);
    out.top.insert(out.top.end(), order.begin(), end);
  }
  return out;
}

double js_of_layer(ExpertSpace const& space, Profile const& x, Profile const& y, std::size_t layer) {
  auto const first = space.index(layer, 0), end = space.index(layer + 1, 0);
  double sum = 0;
  for (auto e = first; e < end; ++e) {  // each term is >= 0 (convexity); rounding can reach below
    double const term = (x.plogp[e] + y.plogp[e]) / 2 - p_log_p((x.q[e] + y.q[e]) / 2);
    sum += std::max(0.0, term);
  }
  return sum;
}

double overlap_of_layer(ExpertSpace const& space, Profile const& x, Profile const& y, std::size_t layer) {
  auto const k = static_cast<std::size_t>(space.top_k);
  auto const ids = [&](Profile const& p) { return std::span(p.top).subspan(layer * k, k); };
  std::vector<std::int32_t> both;
  std::ranges::set_intersection(ids(x), ids(y), std::back_inserter(both));
  return static_cast<double>(both.size());
}

}  // namespace moerae
