#include "reduce/stability/usage_interval.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

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

/// The two order statistics of every expert. Sums are read eight experts (a cache line) at a time; of the
/// values of an expert only those beyond two guesses, taken from the first draws, are looked at twice.
class Ends {
 public:
  static constexpr std::size_t lanes = 8;

  explicit Ends(std::vector<std::int64_t> tokens) : tokens_(tokens.begin(), tokens.end()) {
    for (auto& values : p_) values.resize(tokens_.size());
  }

  /// Experts `first` to `first + n - 1`, n <= `lanes`, of sums [R, columns].
  void of(std::span<std::int64_t const> sums, std::size_t columns, std::size_t first, std::size_t n,
          double* low, double* high) {
    for (std::size_t r = 0; r < tokens_.size(); ++r)
      for (std::size_t e = 0; e < n; ++e)
        p_[e][r] = static_cast<double>(sums[r * columns + first + e]) / tokens_[r];
    constexpr auto from_top =
        static_cast<std::size_t>(UsageIntervals::replicates - UsageIntervals::high_rank);
    for (std::size_t e = 0; e < n; ++e) {
      low[e] = ranked(p_[e], UsageIntervals::low_rank - 1, std::less{});
      high[e] = ranked(p_[e], from_top, std::greater{});
    }
  }

 private:
  /// The value with `before` values before it in the order.
  template <class Before>
  double ranked(std::vector<double> const& values, std::size_t before, Before in_order) {
    constexpr std::size_t sample = 200;
    beyond_.resize(values.size());
    for (auto guess = 2 * (before + 1) * sample / values.size() + 4;; guess *= 2) {  // rarely too few
      std::copy_n(values.begin(), sample, beyond_.begin());
      auto const at = beyond_.begin() + static_cast<std::ptrdiff_t>(std::min(guess, sample - 1));
      std::nth_element(beyond_.begin(), at, beyond_.begin() + sample, in_order);
      double const limit = *at;
      bool const all = guess >= sample;
      std::size_t n = 0;
      for (auto const value : values) {  // without a branch: which are kept cannot be foreseen
        beyond_[n] = value;
        n += static_cast<std::size_t>(all | !in_order(limit, value));
      }
      if (n <= before) continue;
      auto const found = beyond_.begin() + static_cast<std::ptrdiff_t>(before);
      std::nth_element(beyond_.begin(), found, beyond_.begin() + static_cast<std::ptrdiff_t>(n), in_order);
      return *found;
    }
  }

  std::vector<double> tokens_, beyond_;
  std::array<std::vector<double>, lanes> p_;
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
  Ends ends(std::move(tokens));
  each_layers_sums(table, weights_.packed(mine_, table.clusters),
                   [&](std::size_t first, std::size_t n, std::span<std::int64_t const> sums) {
                     std::vector<std::int64_t> all(static_cast<std::size_t>(replicates) * n, 0);
                     for (std::size_t i = 0; i < mine_.size(); ++i)
                       std::ranges::copy(
                           sums.subspan(i * n, n),
                           all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(mine_[i]) * n));
                     mpi::sum(comm_, std::span(all));
                     for (std::size_t e = 0; e < n; e += Ends::lanes)
                       ends.of(all, n, e, std::min(Ends::lanes, n - e), &out.low[first * experts + e],
                               &out.high[first * experts + e]);
                   });
  return out;
}

}  // namespace moerae
