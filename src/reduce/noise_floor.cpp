#include <algorithm>
#include <numeric>
#include <span>

#include "moerae/reduce/groups.hpp"

namespace moerae {

double NoiseFloor::mean() const {
  return static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0})) /
         static_cast<double>(sizes.size());
}

std::int64_t NoiseFloor::largest() const {
  return std::ranges::max(sizes);
}

std::vector<NoiseFloor> noise_floor(mpi::Comm const& comm, UsageTable const& benign,
                                    Stability const& benign_selected, std::uint64_t seed) {
  auto const clusters = benign.clusters.size();
  if (clusters < 4) return {};
  std::vector<NoiseFloor> floors;
  for (std::uint32_t split = 0; split < noise_splits; ++split) {
    auto order = shuffled(seed, Stream::noise_floor, split, benign.clusters);
    auto const middle = order.begin() + static_cast<std::ptrdiff_t>(clusters / 2);
    std::sort(order.begin(), middle);
    std::sort(middle, order.end());
    auto const select = [&](std::span<std::size_t const> half) {
      return stability_selection(comm, rows_of(benign, half), benign_selected.rule, seed, "noise floor");
    };
    auto const first = select(std::span(order).first(clusters / 2));
    auto const second = select(std::span(order).subspan(clusters / 2));
    auto const groups = form_groups(first, second, &benign_selected);
    floors.resize(groups.size());
    for (std::size_t g = 0; g < groups.size(); ++g) {
      floors[g].group = groups[g].name;
      floors[g].sizes.push_back(static_cast<std::int64_t>(groups[g].members.size()));
    }
  }
  return floors;
}

}  // namespace moerae
