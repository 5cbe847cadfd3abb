#include <algorithm>
#include <numeric>
#include <span>

#include "reduce/stability/groups.hpp"

namespace moerae {

double NoiseFloor::mean() const {
  return static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0})) /
         static_cast<double>(sizes.size());
}

NoiseFloorStream::NoiseFloorStream(mpi::Comm const& comm, ExpertSpace const& space, StabilityRule const& rule,
                                   std::uint64_t seed, std::size_t bytes)
    : seed_(seed) {
  for (int half = 0; half < 2 * noise_splits; ++half)
    halves_.emplace_back(comm, space, rule, seed, "noise floor", bytes / (2 * noise_splits));
}

void NoiseFloorStream::add(UsageTable const& benign) {
  auto const clusters = benign.clusters.size();
  too_few_ = clusters < 4;
  if (too_few_) return;
  for (std::uint32_t split = 0; split < noise_splits; ++split) {
    auto order = shuffled(seed_, Draw::noise_floor, split, benign.clusters);
    auto const middle = order.begin() + static_cast<std::ptrdiff_t>(clusters / 2);
    std::sort(order.begin(), middle);
    std::sort(middle, order.end());
    halves_[2 * split].add(rows_of(benign, std::span(order).first(clusters / 2)));
    halves_[2 * split + 1].add(rows_of(benign, std::span(order).subspan(clusters / 2)));
  }
}

std::vector<NoiseFloor> NoiseFloorStream::finish(Stability const& benign_selected) {
  std::vector<NoiseFloor> floors;
  if (too_few_) return floors;
  for (std::size_t split = 0; split < noise_splits; ++split) {
    auto const first = halves_[2 * split].finish();
    auto const second = halves_[2 * split + 1].finish();
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
