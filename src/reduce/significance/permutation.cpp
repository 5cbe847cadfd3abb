#include "reduce/significance/permutation.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "moerae/base/check.hpp"
#include "moerae/base/progress.hpp"
#include "moerae/mpi/collective.hpp"
#include "reduce/resampling/replicate_block.hpp"
#include "reduce/significance/max_t.hpp"
#include "reduce/significance/true_discoveries.hpp"

namespace moerae {
namespace {

/// One statistic on its way: what is known of it, and counts and pivots of the replicates of this rank.
struct Running {
  TestedStatistic tested;
  Significance result;
  std::unique_ptr<MaxT> counts;
  std::vector<double> pivots;  ///< [B + 1], the observed one last; -1: of another rank
  [[nodiscard]] bool refused() const { return !result.refused.empty(); }
};

Running started(TestedStatistic const& tested, Relabelling const& exchange, std::size_t experts,
                PermutationOptions const& options) {
  Running running{tested, {}, nullptr, {}};
  auto& result = running.result;
  result.statistic = tested.name;
  result.t.assign(experts, 0);
  result.units = exchange.units().size();
  result.pairs = exchange.pairs();
  result.movable = tested.pairs_only ? result.pairs : exchange.movable();
  result.smallest_p = tested.pairs_only ? std::max(1 / (static_cast<double>(options.permutations) + 1),
                                                   std::exp2(-static_cast<double>(result.pairs)))
                                        : exchange.smallest_p(options.permutations);
  if (result.movable < fewest_movable)
    result.refused = fmt::format(
        "only {} of {} clusters can change the group{}, fewer than {}: a p value would say nothing; give "
        "both "
        "groups clusters of the same topics and lengths, or more of them",
        result.movable, result.units, tested.pairs_only ? " (pairs)" : "", fewest_movable);
  else
    result.permutations = options.permutations;
  running.pivots.assign(static_cast<std::size_t>(result.permutations) + 1, -1);
  return running;
}

/// Observed T of all tiles are in `result.t`.
void count_from(Running& running) {
  std::vector<float> observed(running.result.t.size());
  std::ranges::transform(running.result.t, observed.begin(), detail::magnitude);
  std::vector<float> scratch;
  running.pivots.back() = template_pivot(observed, scratch);
  running.counts = std::make_unique<MaxT>(std::move(observed));
}

void count(Running& running, detail::Magnitudes const& block, std::uint32_t first) {
  auto const experts = running.result.t.size();
  running.counts->add(block.values());
  std::vector<float> scratch;
  for (std::size_t i = 0; i * experts < block.values().size(); ++i)
    running.pivots[first + i] = template_pivot(block.values().subspan(i * experts, experts), scratch);
}

Significance finished(Running& running, mpi::Comm const& comm, double confidence) {
  auto& result = running.result;
  if (running.refused()) return std::move(result);
  running.counts->sum(comm);
  mpi::maximum(comm, std::span(running.pivots));
  result.p_adjusted = running.counts->adjusted(result.permutations);
  result.p = running.counts->marginal(result.permutations);
  result.q = benjamini_hochberg(result.p);
  result.lambda = calibrated_lambda(std::move(running.pivots), confidence);
  return std::move(result);
}

class Test {
 public:
  Test(mpi::Comm const& comm, Relabelling const& exchange, std::span<TestedStatistic const> statistics,
       std::size_t experts, PermutationOptions const& options)
      : exchange_(exchange), options_(options), experts_(experts), report_(comm.rank() == 0) {
    for (auto const& tested : statistics) running_.push_back(started(tested, exchange, experts, options));
    auto const active =
        static_cast<std::size_t>(std::ranges::count_if(running_, std::not_fn(&Running::refused)));
    auto const bytes = active * experts * sizeof(float) + exchange.units().size();
    shard_ = detail::shard_of(active == 0 ? 0 : options.permutations, comm.rank(), comm.size(), bytes,
                              options.memory);
    progress_ = std::make_unique<Progress>("significance", "permutations",
                                           static_cast<double>(shard_.last - shard_.first));
  }

  [[nodiscard]] std::uint32_t rounds() const { return std::max(1U, shard_.rounds); }  // one: observed T

  void make_round(std::uint32_t round, ForEachTile const& for_each_tile) {
    auto const first = std::min(shard_.last, shard_.first + round * shard_.block);
    auto const last = std::min(shard_.last, first + shard_.block);
    auto const labels = detail::relabellings(exchange_, options_.seed, first, last);
    std::vector<detail::Magnitudes> blocks;
    for (auto const& running : running_) blocks.emplace_back(running.refused() ? 0 : last - first, experts_);
    std::size_t offset = 0;
    for_each_tile([&](Comparison const& tile) {
      take(tile, offset, round == 0, labels, blocks);
      offset += tile.a.clusters.space.size();
      if (report_)
        progress_->advance_to(first - shard_.first +
                              static_cast<double>(last - first) * static_cast<double>(offset) /
                                  static_cast<double>(experts_));
    });
    expect(offset == experts_, "tiles of {} experts, of a model of {}", offset, experts_);
    for (std::size_t s = 0; s < running_.size(); ++s) {
      if (running_[s].refused()) continue;
      if (round == 0) count_from(running_[s]);
      count(running_[s], blocks[s], first);
    }
  }

  [[nodiscard]] std::vector<Significance> finish(mpi::Comm const& comm) {
    std::vector<Significance> results;
    for (auto& running : running_) results.push_back(finished(running, comm, options_.confidence));
    return results;
  }

 private:
  void take(Comparison const& tile, std::size_t offset, bool observed, std::span<std::uint8_t const> labels,
            std::vector<detail::Magnitudes>& blocks) {
    auto const n = tile.a.clusters.space.size();
    expect(offset + n <= experts_, "a tile up to expert {} of a model of {}", offset + n, experts_);
    for (std::size_t s = 0; s < running_.size(); ++s) {
      if (running_[s].refused() && !observed) continue;
      auto const statistic = running_[s].tested.make(tile, exchange_);
      if (observed)
        statistic->evaluate(exchange_.observed(), std::span(running_[s].result.t).subspan(offset, n));
      if (!running_[s].refused()) blocks[s].fill(*statistic, labels, exchange_.units().size(), offset, n);
    }
  }

  Relabelling const& exchange_;
  PermutationOptions options_;
  std::size_t experts_;
  bool report_;
  std::vector<Running> running_;
  detail::Shard shard_{};
  std::unique_ptr<Progress> progress_;
};

}  // namespace

std::vector<Significance> permutation_test(mpi::Comm const& comm, Relabelling const& exchange,
                                           std::span<TestedStatistic const> statistics, std::size_t experts,
                                           ForEachTile const& for_each_tile,
                                           PermutationOptions const& options) {
  expect(options.permutations >= 1 && options.permutations < std::numeric_limits<std::uint32_t>::max(),
         "{} permutations", options.permutations);
  Test test(comm, exchange, statistics, experts, options);
  for (std::uint32_t round = 0; round < test.rounds(); ++round) test.make_round(round, for_each_tile);
  return test.finish(comm);
}

}  // namespace moerae
