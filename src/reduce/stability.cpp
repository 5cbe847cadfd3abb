#include "moerae/reduce/stability.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/base/progress.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"

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

Stability stability_selection(mpi::Comm const& comm, UsageTable const& table, StabilityRule const& rule,
                              std::uint64_t seed, std::string const& what) {
  Stability out{table.space, rule, 0, {}, {}, {}};
  mpi::agree(comm, [&] {
    validate<ConfigError>(
        table.clusters.size() >= 2,
        "set {}: {} cluster(s) in the discovery split cannot be resampled, so no selection frequency "
        "exists; SES needs at least 2 (methods ask for 20 and more)",
        table.name, table.clusters.size());
    out.top = top_size(table.space, rule.scope, rule.alpha);
  });
  auto const size = table.space.size();
  auto const field = rule.scope == Scope::model ? size : static_cast<std::size_t>(table.space.experts);
  out.sizes = path_sizes(out.top, static_cast<std::int64_t>(field));
  out.path.assign(out.sizes.size() * size, 0);

  std::vector<std::size_t> first(field, out.sizes.size());  // rank -> index of the first N above it
  for (std::size_t a = out.sizes.size(); a-- > 0;) std::fill_n(first.begin(), out.sizes[a], a);

  std::vector<std::int64_t> sums(size);
  std::vector<std::int32_t> ranks(size);
  Progress progress(what, "replicates", static_cast<double>(rule.samples));
  for (std::int64_t r = comm.rank(); r < rule.samples; r += comm.size()) {
    replicate_sums(table, replicate_weights(rule.resampling, seed, r, table.clusters), sums);
    rank_experts(table.space, rule.scope, sums, ranks);
    for (std::size_t e = 0; e < size; ++e)
      if (auto const a = first[static_cast<std::size_t>(ranks[e])]; a < out.sizes.size())
        ++out.path[a * size + e];
    if (comm.rank() == 0) progress.advance_to(static_cast<double>(std::min(r + comm.size(), rule.samples)));
  }
  mpi::sum(comm, std::span(out.path));
  for (std::size_t i = size; i < out.path.size(); ++i)
    out.path[i] += out.path[i - size];  // in the top N: in any larger
  auto const at = static_cast<std::size_t>(std::ranges::find(out.sizes, out.top) - out.sizes.begin());
  out.count.assign(out.path.begin() + static_cast<std::ptrdiff_t>(at * size),
                   out.path.begin() + static_cast<std::ptrdiff_t>((at + 1) * size));
  return out;
}

}  // namespace moerae
