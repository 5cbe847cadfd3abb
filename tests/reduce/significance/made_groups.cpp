#include "reduce/significance/made_groups.hpp"

#include <cmath>
#include <numeric>

#include "moerae/base/random.hpp"

namespace moerae::test {

UsageTable clusters_of(std::vector<std::int64_t> const& ids) {
  UsageTable table;
  table.clusters = ids;
  table.topic.assign(ids.size(), 0);
  table.length.assign(ids.size(), 10);
  return table;
}

double uniform(std::uint64_t seed, std::int64_t i, std::int64_t j) {
  return static_cast<double>(
             random_bits(seed, 99, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)) >> 11) *
         0x1p-53;
}

UsageTable random_usage(std::uint64_t seed, std::vector<std::int64_t> const& ids, std::int32_t layers) {
  auto table = clusters_of(ids);
  table.name = "random";
  table.space = {{}, 8, 2};
  for (std::int32_t l = 0; l < layers; ++l) table.space.layers.push_back(l);
  auto const experts = static_cast<std::int64_t>(table.space.size());
  for (auto const id : ids) {
    auto const tokens = 20 + static_cast<std::int64_t>(60 * uniform(seed, id, -1));
    table.tokens.push_back(tokens);
    for (std::int64_t e = 0; e < experts; ++e) {
      double const rate = .1 + .3 * uniform(seed, id, 2 * e);
      auto const count = static_cast<std::int64_t>(rate * static_cast<double>(tokens));
      table.count.push_back(count);
      table.mass.push_back(
          std::llround(static_cast<double>(count) * (.3 + .4 * uniform(seed, id, 2 * e + 1)) / mass_unit));
    }
  }
  return table;
}

UsageTable layers_of(UsageTable const& table, std::size_t first, std::size_t last) {
  auto part = table;
  auto const experts = static_cast<std::size_t>(table.space.experts), size = table.space.size();
  part.space.layers.assign(table.space.layers.begin() + static_cast<std::ptrdiff_t>(first),
                           table.space.layers.begin() + static_cast<std::ptrdiff_t>(last));
  part.count.clear();
  part.mass.clear();
  for (std::size_t c = 0; c < table.clusters.size(); ++c)
    for (std::size_t e = first * experts; e < last * experts; ++e) {
      part.count.push_back(table.count[c * size + e]);
      part.mass.push_back(table.mass[c * size + e]);
    }
  return part;
}

std::vector<std::int64_t> ids(std::int64_t first, std::int64_t n) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), first);
  return all;
}

}  // namespace moerae::test
