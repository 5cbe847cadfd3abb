#include "reduce/results/against_all.hpp"

#include <algorithm>

#include "reduce/significance/max_t.hpp"

namespace moerae {
namespace {

std::shared_ptr<Significance const> both(Significance const& x, Significance const& y) {
  auto out = std::make_shared<Significance>();
  out->statistic = x.statistic;
  out->units = std::min(x.units, y.units);
  out->pairs = std::min(x.pairs, y.pairs);
  out->movable = std::min(x.movable, y.movable);
  out->smallest_p = std::max(x.smallest_p, y.smallest_p);
  out->permutations = std::min(x.permutations, y.permutations);
  out->refused = x.refused.empty() ? y.refused : x.refused;
  for (std::size_t e = 0; e < x.t.size(); ++e) out->t.push_back(std::min(x.t[e], y.t[e]));
  if (!out->refused.empty()) return out;
  for (std::size_t e = 0; e < x.t.size(); ++e) {
    bool const one_way = (x.t[e] > 0) == (y.t[e] > 0);  // else one of the directions is not shown at all
    out->p_adjusted.push_back(one_way ? std::max(x.p_adjusted[e], y.p_adjusted[e]) : 1);
    out->p.push_back(one_way ? std::max(x.p[e], y.p[e]) : 1);
  }
  out->q = benjamini_hochberg(out->p);
  return out;
}

}  // namespace

Score against_all(std::string const& criterion, ContrastOptions::Pair const& groups, Scores const& scores) {
  Score out;
  for (auto const& pair : groups.parts()) {
    auto const& part = scores.at(criterion, versus(pair));
    if (out.values.empty()) {
      out = part;
      continue;
    }
    for (std::size_t e = 0; e < out.values.size(); ++e)
      out.values[e] = std::min(out.values[e], part.values[e]);
    if (part.significance) out.significance = both(*out.significance, *part.significance);
  }
  out.of = versus(groups);
  out.divergence.clear();
  if (!out.significance) return out;
  auto result = std::make_shared<Significance>(*out.significance);
  result->statistic += ", the least of several comparisons";
  // an expert can be false in any of k comparisons, with a chance of level/2 each, since the sign is asked
  // for
  auto const k = static_cast<double>(groups.parts().size());
  for (auto& p : result->p_adjusted) p = std::min(1.0, p * std::max(1.0, k / 2));
  out.significance = std::move(result);
  return out;
}

}  // namespace moerae
