#include "moerae/run/units.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"

namespace moerae::run {

std::int64_t open_amount(std::span<Unit const> units, UnitSet const& done) {
  std::int64_t open = 0;
  for (std::size_t i = 0; i < units.size(); ++i) open += done.contains(i) ? 0 : units[i].amount;
  return open;
}

std::vector<Bundle> open_bundles(std::span<Unit const> units, UnitSet const& done, int expert_width) {
  return open_bundles(units, {0, units.size()}, done, expert_width);
}

std::vector<Bundle> open_bundles(std::span<Unit const> units, UnitRange range, UnitSet const& done,
                                 int expert_width) {
  expect(expert_width >= 1 && range.last <= units.size(), "units {} to {} for an expert group of {} ranks",
         range.first, range.last, expert_width);
  auto const width = static_cast<std::size_t>(expert_width);
  std::vector<Bundle> out;
  for (std::size_t first = range.first; first < range.last; first += width) {
    Bundle bundle;
    bundle.parts.resize(width);
    bool open = false;
    for (std::size_t m = 0; m < width && first + m < range.last; ++m) {
      bundle.parts[m] = {first + m, done.contains(first + m)};
      bundle.steps = std::max(bundle.steps, units[first + m].steps);
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

}  // namespace moerae::run
