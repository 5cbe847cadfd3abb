#include "reduce/contrast/js.hpp"

#include "moerae/reduce/contrast/criteria.hpp"

namespace moerae::contrast {

std::vector<double> js(Comparison const& groups) {
  auto const k = static_cast<double>(groups.a.clusters.space.top_k);
  auto const p_a = activation_probability(groups.a.total), p_b = activation_probability(groups.b.total);
  std::vector<double> score(p_a.size());
  for (std::size_t e = 0; e < score.size(); ++e) {
    double const term = js_term(p_a[e] / k, p_b[e] / k);
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

std::vector<double> js_divergence(Comparison const& groups) {
  return js_of_layers(groups.a.clusters.space, js(groups));
}

}  // namespace moerae::contrast
