#include "reduce/usage/super_experts.hpp"

#include <algorithm>
#include <cmath>

namespace moerae {
namespace {

double percentile(std::vector<double> const& sorted, double share) {
  double const at = share * static_cast<double>(sorted.size() - 1), below = std::floor(at);
  auto const i = static_cast<std::size_t>(below);
  return sorted[i] + (at - below) * (sorted[std::min(i + 1, sorted.size() - 1)] - sorted[i]);
}

}  // namespace

std::vector<std::size_t> super_experts(ExpertSpace const& space, std::span<double const> largest) {
  std::vector<std::size_t> out;
  if (largest.empty()) return out;
  std::vector<double> sorted(largest.begin(), largest.end());
  std::ranges::sort(sorted);
  double const high = percentile(sorted, .995),
               least = std::max(sorted.back() / 10, massive * percentile(sorted, .5));
  auto const end = space.index((3 * space.layers.size() + 3) / 4, 0);  // of the layers that count
  for (std::size_t e = 0; e < end; ++e)
    if (largest[e] > high && largest[e] >= least) out.push_back(e);
  return out;
}

}  // namespace moerae
