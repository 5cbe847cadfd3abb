#include "moerae/reduce/usage_interval.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {
namespace {

void check(UsageTable const& table) {
  validate<ConfigError>(
      table.clusters.size() >= 2,
      "set {}: {} cluster(s) cannot be resampled, so its usage has no interval; record at least 2 "
      "(20 and more for an interval that means something)",
      table.name, table.clusters.size());
  validate<ConfigError>(
      std::ranges::all_of(table.tokens, [](auto tokens) { return tokens > 0; }),
      "set {}: a cluster without tokens at the chosen positions, so a bootstrap draw can be empty; "
      "choose other positions, or leave out its prompts",
      table.name);
}

class Ends {
 public:
  Ends(std::vector<std::int64_t> tokens, std::size_t columns)
      : tokens_(std::move(tokens)), columns_(columns) {}

  // column e of sums [R, columns]
  void of(std::span<std::int64_t const> sums, std::size_t e, double& low, double& high) {
    p_.resize(tokens_.size());
    for (std::size_t r = 0; r < p_.size(); ++r)
      p_[r] = static_cast<double>(sums[r * columns_ + e]) / static_cast<double>(tokens_[r]);
    auto const at = [&](std::int64_t rank) { return p_.begin() + static_cast<std::ptrdiff_t>(rank - 1); };
    std::nth_element(p_.begin(), at(UsageIntervals::high_rank), p_.end());
    high = *at(UsageIntervals::high_rank);
    std::nth_element(p_.begin(), at(UsageIntervals::low_rank), at(UsageIntervals::high_rank));
    low = *at(UsageIntervals::low_rank);
  }

 private:
  std::vector<std::int64_t> tokens_;
  std::size_t columns_;
  std::vector<double> p_;
};

}  // namespace

UsageIntervals::UsageIntervals(mpi::Comm const& comm, std::uint64_t seed)
    : comm_(comm),
      mine_(replicates_of(comm, replicates)),
      weights_(Resampling::bootstrap, seed, Stream::usage_interval) {}

UsageInterval UsageIntervals::of(UsageTable const& table) {
  mpi::agree(comm_, [&] { check(table); });
  auto const clusters = table.clusters.size();
  auto const rows = weights_.rows(mine_, table.clusters);
  std::vector<std::int64_t> tokens(replicates, 0);
  for (std::size_t i = 0; i < mine_.size(); ++i)
    for (std::size_t c = 0; c < clusters; ++c)
      tokens[static_cast<std::size_t>(mine_[i])] += rows[i * clusters + c] * table.tokens[c];
  mpi::sum(comm_, std::span(tokens));

  UsageInterval out{std::vector<double>(table.space.size()), std::vector<double>(table.space.size())};
  auto const experts = static_cast<std::size_t>(table.space.experts);
  each_layers_sums(table, weights_.packed(mine_, table.clusters),
                   [&](std::size_t first, std::size_t n, std::span<std::int64_t const> sums) {
                     std::vector<std::int64_t> all(static_cast<std::size_t>(replicates) * n, 0);
                     for (std::size_t i = 0; i < mine_.size(); ++i)
                       std::ranges::copy(
                           sums.subspan(i * n, n),
                           all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(mine_[i]) * n));
                     mpi::sum(comm_, std::span(all));
                     Ends ends(tokens, n);
                     for (std::size_t e = 0; e < n; ++e)
                       ends.of(all, e, out.low[first * experts + e], out.high[first * experts + e]);
                   });
  return out;
}

}  // namespace moerae
