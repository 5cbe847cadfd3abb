#include <algorithm>
#include <cmath>

#include "moerae/reduce/contrast/criteria.hpp"

namespace moerae::contrast {
namespace {

// p ln(p/m), 0 at p = 0
double relative(double p, double m) {
  return p > 0 ? p * std::log(p / m) : 0;
}

}  // namespace

std::vector<double> js(Comparison const& groups) {
  auto const& a = groups.a;
  auto const& b = groups.b;
  auto const k = static_cast<double>(a.clusters.space.top_k);
  auto const p_a = activation_probability(a.total), p_b = activation_probability(b.total);
  std::vector<double> score(p_a.size());
  for (std::size_t e = 0; e < score.size(); ++e) {
    double const q_a = p_a[e] / k, q_b = p_b[e] / k, m = (q_a + q_b) / 2;
    double const term =
        std::max(0.0, (relative(q_a, m) + relative(q_b, m)) / 2);  // rounding can reach below 0
    score[e] = p_a[e] < p_b[e] ? -term : term;
  }
  return score;
}

std::vector<double> js_of_layers(ExpertSpace const& space, std::span<double const> terms) {
  std::vector<double> divergence(space.layers.size(), 0.0);
  for (std::size_t l = 0; l < divergence.size(); ++l)
    for (std::size_t e = 0; e < static_cast<std::size_t>(space.experts); ++e)
      divergence[l] += std::abs(terms[space.index(l, e)]);
  return divergence;
}

}  // namespace moerae::contrast
