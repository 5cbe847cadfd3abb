#include "reduce/resampling/replicates.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"

namespace moerae {

std::vector<std::int64_t> replicates_of(mpi::Comm const& comm, std::int64_t samples) {
  std::vector<std::int64_t> mine;
  for (std::int64_t r = comm.rank(); r < samples; r += comm.size()) mine.push_back(r);
  return mine;
}

std::size_t replicates_at_once(std::size_t clusters) {
  constexpr std::size_t bytes = std::size_t{32} << 20, most = 4096;
  return std::clamp<std::size_t>(bytes / (sizeof(std::int16_t) * std::max<std::size_t>(1, clusters)), 1,
                                 most);
}

std::span<std::int16_t const> ReplicateWeights::rows(std::span<std::int64_t const> replicates,
                                                     std::span<std::int64_t const> clusters) {
  if (std::ranges::equal(replicates, replicates_) && std::ranges::equal(clusters, clusters_)) return rows_;
  rows_.clear();
  rows_.reserve(replicates.size() * clusters.size());
  packed_.reset();
  for (auto const r : replicates) {
    for (auto const w : replicate_weights(kind_, seed_, r, clusters)) {
      ensure(w <= INT16_MAX, "a cluster drawn {} times in replicate {}", w, r);
      rows_.push_back(static_cast<std::int16_t>(w));
    }
  }
  replicates_.assign(replicates.begin(), replicates.end());
  clusters_.assign(clusters.begin(), clusters.end());
  return rows_;
}

PackedWeights const& ReplicateWeights::packed(std::span<std::int64_t const> replicates,
                                              std::span<std::int64_t const> clusters) {
  auto const all = rows(replicates, clusters);
  if (!packed_) packed_.emplace(all, clusters.size());
  return *packed_;
}

void each_layers_sums(UsageTable const& table, PackedWeights const& weights, VisitSums const& visit) {
  constexpr std::size_t columns_at_once = 512;
  auto const experts = static_cast<std::size_t>(table.space.experts), layers = table.space.layers.size();
  auto const at_once = std::max<std::size_t>(1, columns_at_once / experts);
  std::vector<std::int64_t> sums;
  for (std::size_t first = 0; first < layers; first += at_once) {
    auto const n = std::min(at_once, layers - first) * experts;
    PackedColumns const columns(table.clusters.size(), n, [&](std::size_t c, std::span<std::int64_t> row) {
      std::ranges::copy(table.count_of(c).subspan(first * experts, n), row.begin());
    });
    sums.resize(weights.replicates() * n);
    integer_product(weights, columns, 0, n, sums);
    visit(first, n, sums);
  }
}

}  // namespace moerae
