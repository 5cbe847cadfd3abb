#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moerae/base/random.hpp"
#include "reduce/made_run.hpp"

namespace moerae::test {

/// Tables whose experts are exchangeable: each cluster spreads its tokens unevenly over the experts of a
/// layer, and which expert gets which part is drawn anew for every cluster and layer.
class ExchangeableTables {
 public:
  explicit ExchangeableTables(std::uint64_t seed) : seed_(seed) {}

  /// `first` .. `first` + clusters - 1 are the cluster ids; a cluster of the same id and `salt` is the same.
  [[nodiscard]] UsageTable table(std::string const& name, ExpertSpace const& space, std::int64_t first,
                                 std::int64_t clusters, std::uint32_t salt) const {
    std::vector<std::vector<std::int64_t>> counts;
    auto const experts = static_cast<std::size_t>(space.experts);
    for (std::int64_t c = 0; c < clusters; ++c) {
      std::vector<std::int64_t> row(space.size());
      auto const id = static_cast<std::uint32_t>(first + c);
      for (std::size_t l = 0; l < space.layers.size(); ++l) {
        auto const of_layer = row.begin() + static_cast<std::ptrdiff_t>(l * experts);
        auto const tag = salt + 64 * static_cast<std::uint32_t>(space.layers[l]);
        for (std::size_t e = 0; e < experts; ++e) {
          auto const u = random_below(random_bits(seed_, tag, id, static_cast<std::uint32_t>(e)), 1000);
          of_layer[static_cast<std::ptrdiff_t>(e)] = static_cast<std::int64_t>(u * u / 1000 + 20 * e);
        }
        for (std::size_t e = experts; e-- > 1;) {
          auto const bits = random_bits(seed_, tag + 32, id, static_cast<std::uint32_t>(e));
          std::swap(of_layer[static_cast<std::ptrdiff_t>(e)],
                    of_layer[static_cast<std::ptrdiff_t>(random_below(bits, e + 1))]);
        }
      }
      counts.push_back(std::move(row));
    }
    auto out =
        made_table(name, space, counts,
                   std::vector<std::int64_t>(static_cast<std::size_t>(clusters), 1500 * space.experts));
    for (std::size_t c = 0; c < out.clusters.size(); ++c)
      out.clusters[c] = first + static_cast<std::int64_t>(c);
    return out;
  }

 private:
  std::uint64_t seed_;
};

/// The layers `which` (indices) of a table.
[[nodiscard]] inline UsageTable layers_of(UsageTable const& table, std::vector<std::size_t> const& which) {
  ExpertSpace space{{}, table.space.experts, table.space.top_k};
  for (auto const l : which) space.layers.push_back(table.space.layers[l]);
  UsageTable out(table.name, space, table.clusters);
  out.tokens = table.tokens;
  out.topic = table.topic;
  out.length = table.length;
  auto const experts = static_cast<std::size_t>(space.experts);
  for (std::size_t c = 0; c < table.clusters.size(); ++c)
    for (std::size_t l = 0; l < which.size(); ++l)
      for (std::size_t e = 0; e < experts; ++e) {
        auto const from = c * table.space.size() + which[l] * experts + e;
        auto const to = c * space.size() + l * experts + e;
        out.count[to] = table.count[from];
        out.mass[to] = table.mass[from];
      }
  return out;
}

}  // namespace moerae::test
