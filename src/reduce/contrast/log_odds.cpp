#include <cmath>

#include "reduce/contrast/functions.hpp"

namespace moerae::contrast {
namespace {

double log_odds_of(std::int64_t active, std::int64_t tokens) {
  return std::log((static_cast<double>(active) + .5) / (static_cast<double>(tokens - active) + .5));
}

}  // namespace

ContrastScore log_odds(Comparison const& groups) {
  auto const& a = groups.a;
  auto const& b = groups.b;
  std::vector<double> score(a.total.count.size());
  for (std::size_t e = 0; e < score.size(); ++e)
    score[e] = log_odds_of(a.total.count[e], a.total.tokens) - log_odds_of(b.total.count[e], b.total.tokens);
  return {std::move(score)};
}

}  // namespace moerae::contrast
