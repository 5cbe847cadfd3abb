#include "reduce/stability/stability.hpp"

#include <algorithm>
#include <cmath>

namespace moerae {
namespace {

std::vector<double> shares(std::vector<std::int64_t> const& counts, std::int64_t samples) {
  std::vector<double> out(counts.size());
  std::ranges::transform(counts, out.begin(), [&](std::int64_t c) {
    return static_cast<double>(c) / static_cast<double>(samples);
  });
  return out;
}

}  // namespace

std::int64_t StabilityRule::needed() const {
  return static_cast<std::int64_t>(std::ceil(threshold * static_cast<double>(samples) - 1e-9));
}

std::vector<double> Stability::frequency() const {
  return shares(count, rule.samples);
}
std::vector<double> Stability::path_frequency() const {
  return shares(path, rule.samples);
}

std::vector<std::int32_t> path_sizes(std::int64_t top, std::int64_t experts) {
  auto const last = std::min(2 * top, experts - 1);
  auto const steps = std::min<std::int64_t>(last, 24);
  std::vector<std::int32_t> sizes;
  for (std::int64_t i = 1; i <= steps; ++i) sizes.push_back(static_cast<std::int32_t>(i * last / steps));
  sizes.push_back(static_cast<std::int32_t>(top));
  std::ranges::sort(sizes);
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

}  // namespace moerae
