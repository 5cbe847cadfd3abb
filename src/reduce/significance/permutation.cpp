#include "reduce/significance/permutation.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "moerae/base/check.hpp"
#include "moerae/base/progress.hpp"
#include "moerae/mpi/collective.hpp"
#include "reduce/significance/max_t.hpp"
#include "reduce/significance/true_discoveries.hpp"

namespace moerae {
namespace {

constexpr std::size_t rows_at_once = 256;

/// Which replicates a rank takes, and how many at a time. All ranks make the same number of rounds, the last
/// ones perhaps with nothing to do.
struct Share {
  std::uint32_t first, last, block, rounds;
};
Share share_of(mpi::Comm const& comm, std::int64_t replicates, std::size_t bytes_of_replicate,
               std::size_t memory) {
  auto const each = (replicates + comm.size() - 1) / comm.size();
  auto const first = std::min(replicates, each * comm.rank()), last = std::min(replicates, first + each);
  auto const fit = static_cast<std::int64_t>(memory / std::max<std::size_t>(1, bytes_of_replicate));
  auto const block = std::clamp<std::int64_t>(fit, 1, std::max<std::int64_t>(1, each));
  return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last),
          static_cast<std::uint32_t>(block), static_cast<std::uint32_t>((each + block - 1) / block)};
}

float magnitude(double t) {
  return static_cast<float>(std::abs(t));
}

/// One statistic on its way: what is known of it, and counts and pivots of the replicates of this rank.
struct Running {
  Significance result;
  std::vector<float> block;  ///< |T| [n, E] of the replicates that are looked at
  std::unique_ptr<MaxT> counts;
  std::vector<double> pivots;  ///< [B + 1], the observed one last; -1: of another rank
  [[nodiscard]] bool refused() const { return !result.refused.empty(); }
};

Running started(store::ScoreTest const& design, std::size_t experts, std::int64_t permutations) {
  Running running;
  static_cast<store::ScoreTest&>(running.result) = design;
  running.result.t.assign(experts, 0);
  if (!running.refused()) running.result.permutations = permutations;
  running.pivots.assign(static_cast<std::size_t>(running.result.permutations) + 1, -1);
  return running;
}

/// The block for experts `first` to `first` + n of the model under `labels` [n of the block, U].
void fill(Running& running, Statistic const& statistic, std::span<Label const> labels, std::size_t first,
          std::size_t n) {
  auto const experts = running.result.t.size(), replicates = running.block.size() / experts;
  std::vector<double> t;
  for (std::size_t r = 0; r < replicates; r += rows_at_once) {
    auto const rows = std::min(rows_at_once, replicates - r), units = labels.size() / replicates;
    t.resize(rows * n);
    statistic.evaluate(labels.subspan(r * units, rows * units), t);
    for (std::size_t i = 0; i < rows; ++i)
      std::ranges::transform(std::span(t).subspan(i * n, n), &running.block[(r + i) * experts + first],
                             magnitude);
  }
}

/// Observed T of all tiles are in `result.t`.
void count_from(Running& running) {
  std::vector<float> observed(running.result.t.size());
  std::ranges::transform(running.result.t, observed.begin(), magnitude);
  std::vector<float> scratch;
  running.pivots.back() = template_pivot(observed, scratch);
  running.counts = std::make_unique<MaxT>(std::move(observed));
}

void count(Running& running, std::uint32_t first) {
  auto const block = std::span<float const>(running.block);
  auto const experts = running.result.t.size();
  running.counts->add(block);
  std::vector<float> scratch;
  for (std::size_t i = 0; i * experts < block.size(); ++i)
    running.pivots[first + i] = template_pivot(block.subspan(i * experts, experts), scratch);
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
  Test(mpi::Comm const& comm, Labellings const& labels, std::span<store::ScoreTest const> designs,
       std::size_t experts, PermutationOptions const& options)
      : labels_(labels), confidence_(options.confidence), experts_(experts), report_(comm.rank() == 0) {
    for (auto const& design : designs) running_.push_back(started(design, experts, options.permutations));
    auto const active =
        static_cast<std::size_t>(std::ranges::count_if(running_, std::not_fn(&Running::refused)));
    auto const bytes = active * experts * sizeof(float) + labels.observed.size() * sizeof(Label);
    share_ = share_of(comm, active == 0 ? 0 : options.permutations, bytes, options.memory);
    progress_ = std::make_unique<Progress>("significance", "permutations",
                                           static_cast<double>(share_.last - share_.first));
  }

  [[nodiscard]] std::uint32_t rounds() const { return std::max(1U, share_.rounds); }  // one: observed T

  void make_round(std::uint32_t round, ForEachTile const& for_each_tile) {
    auto const first = std::min(share_.last, share_.first + round * share_.block);
    auto const last = std::min(share_.last, first + share_.block);
    auto const labels = redrawn(first, last);
    for (auto& running : running_) running.block.resize(running.refused() ? 0 : (last - first) * experts_);
    std::size_t offset = 0;
    for_each_tile([&](StatisticTile const& tile) {
      take(tile, offset, round == 0, labels);
      offset += tile.experts;
      if (report_)
        progress_->advance_to(first - share_.first +
                              static_cast<double>(last - first) * static_cast<double>(offset) /
                                  static_cast<double>(experts_));
    });
    expect(offset == experts_, "tiles of {} experts, of a model of {}", offset, experts_);
    for (auto& running : running_) {
      if (running.refused()) continue;
      if (round == 0) count_from(running);
      count(running, first);
    }
  }

  [[nodiscard]] std::vector<Significance> finish(mpi::Comm const& comm) {
    std::vector<Significance> results;
    for (auto& running : running_) results.push_back(finished(running, comm, confidence_));
    return results;
  }

 private:
  [[nodiscard]] std::vector<Label> redrawn(std::uint32_t first, std::uint32_t last) const {  // [n, U]
    std::vector<Label> labels;
    labels.reserve((last - first) * labels_.observed.size());
    for (auto r = first; r < last; ++r) {
      auto const row = labels_.redrawn(r);
      labels.insert(labels.end(), row.begin(), row.end());
    }
    return labels;
  }

  void take(StatisticTile const& tile, std::size_t offset, bool observed, std::span<Label const> labels) {
    expect(offset + tile.experts <= experts_, "a tile up to expert {} of a model of {}",
           offset + tile.experts, experts_);
    for (std::size_t s = 0; s < running_.size(); ++s) {
      auto& running = running_[s];
      if (running.refused() && !observed) continue;
      auto const statistic = tile.make(s);
      if (observed)
        statistic->evaluate(labels_.observed, std::span(running.result.t).subspan(offset, tile.experts));
      if (!running.refused()) fill(running, *statistic, labels, offset, tile.experts);
    }
  }

  Labellings const& labels_;
  double confidence_;
  std::size_t experts_;
  bool report_;
  std::vector<Running> running_;
  Share share_{};
  std::unique_ptr<Progress> progress_;
};

}  // namespace

std::vector<Significance> permutation_test(mpi::Comm const& comm, Labellings const& labels,
                                           std::span<store::ScoreTest const> designs, std::size_t experts,
                                           ForEachTile const& for_each_tile,
                                           PermutationOptions const& options) {
  expect(options.permutations >= 1 && options.permutations < std::numeric_limits<std::uint32_t>::max(),
         "{} permutations", options.permutations);
  Test test(comm, labels, designs, experts, options);
  for (std::uint32_t round = 0; round < test.rounds(); ++round) test.make_round(round, for_each_tile);
  return test.finish(comm);
}

}  // namespace moerae
