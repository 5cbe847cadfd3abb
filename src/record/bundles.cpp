#include "moerae/record/bundles.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"

namespace moerae {

std::vector<Bundle> open_bundles(std::span<Shard const> shards, std::set<std::int32_t> const& done,
                                 int expert_width) {
  expect(expert_width >= 1, "an expert group of {} ranks", expert_width);
  auto const width = static_cast<std::size_t>(expert_width);
  std::vector<Bundle> out;
  for (std::size_t first = 0; first < shards.size(); first += width) {
    Bundle bundle;
    bundle.parts.resize(width);
    bool open = false;
    for (std::size_t m = 0; m < width && first + m < shards.size(); ++m) {
      auto const& shard = shards[first + m];
      bundle.parts[m] = {&shard, done.contains(shard.id.value)};
      bundle.steps = std::max(bundle.steps, shard.batches.size());
      open = open || !bundle.parts[m].done;
    }
    if (open) out.push_back(std::move(bundle));
  }
  return out;
}

std::vector<Bundle> share_of(std::vector<Bundle> const& bundles, int group, int groups) {
  std::vector<Bundle> out;
  for (auto i = static_cast<std::size_t>(group); i < bundles.size(); i += static_cast<std::size_t>(groups))
    out.push_back(bundles[i]);
  return out;
}

std::size_t count_steps(std::span<Bundle const> bundles) {
  std::size_t steps = 0;
  for (auto const& bundle : bundles) steps += bundle.steps;
  return steps;
}

}  // namespace moerae
