#include "reduce/stability/stability_stream.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"
#include "reduce/stability/drawn_comparison.hpp"

namespace moerae {
namespace {

constexpr std::size_t columns_at_once = 128;  // of a contrast
constexpr double no_floor = -1;               // counts are never below 0: every expert competes

// The score as something of which more is better; above 0 where the asked side has it.
double key_of(double score, store::Side side) {
  if (side == store::Side::both) return std::abs(score);
  return side == store::Side::positive ? score : -score;
}

}  // namespace

StabilityStream::StabilityStream(mpi::Comm const& comm, ExpertSpace space, StabilityRule rule,
                                 std::uint64_t seed, std::string const& what, std::size_t bytes)
    : comm_(comm),
      result_{std::move(space), std::move(rule), 0, {}, {}, {}},
      weights_(result_.rule.resampling, seed),
      mine_(replicates_of(comm, result_.rule.samples)),
      progress_(what, "replicates", static_cast<double>(result_.rule.samples)) {
  auto const& whole = result_.space;
  mpi::agree(comm, [&] { result_.top = top_of(whole, result_.rule); });
  bool const model = result_.rule.scope == Scope::model;
  auto const field = model ? whole.size() : static_cast<std::size_t>(whole.experts);
  result_.sizes = path_sizes(result_.top, static_cast<std::int64_t>(field));
  counter_.emplace(result_.sizes, whole.size());
  if (!model) return;
  auto const kept = mine_.size() * static_cast<std::size_t>(result_.sizes.back()) * sizeof(Candidate);
  mpi::agree(comm, [&] {
    validate<ConfigError>(
        kept <= bytes,
        "ses.samples = {}: the best experts of {} replicates over the whole model take {} MiB on "
        "a rank, and {} are there for them; use fewer, more ranks, a smaller ses.alpha or a "
        "larger reduce.memory",
        result_.rule.samples, mine_.size(), kept >> 20, bytes >> 20);
  });
  best_.resize(mine_.size());
}

void StabilityStream::check(ExpertSpace const& tile) const {
  auto const& whole = result_.space;
  auto const n = tile.layers.size();
  expect(done_ + n <= whole.layers.size() && tile == whole.part({done_, n}),
         "a tile of {} layers of {} experts, top {}: not the next ones after {}", n, tile.experts, tile.top_k,
         done_);
}

void StabilityStream::take(std::size_t replicate, std::size_t first_layer, std::span<double const> keys) {
  auto const experts = static_cast<std::size_t>(result_.space.experts);
  bool const model = result_.rule.scope == Scope::model;
  double const above = result_.rule.score == "usage" ? no_floor : 0;
  std::vector<Candidate> of_layer;
  auto& best = model ? best_[replicate] : of_layer;
  for (std::size_t layer = 0; layer < keys.size(); layer += experts) {
    for (auto i = layer; i < layer + experts; ++i)
      if (keys[i] > above) best.push_back({keys[i], first_layer * experts + i});
    if (model) continue;
    counter_->add(best);
    best.clear();
  }
  if (model) counter_->keep_best(best);
}

void StabilityStream::each_block(std::size_t clusters, Visit const& visit) const {
  auto const at_once = replicates_at_once(clusters);
  for (std::size_t r = 0; r < mine_.size(); r += at_once)
    visit(r, std::span(mine_).subspan(r, std::min(at_once, mine_.size() - r)));
}

void StabilityStream::added(ExpertSpace const& tile) {
  done_ += tile.layers.size();
  if (comm_.rank() == 0)
    progress_.advance_to(static_cast<double>(result_.rule.samples) * static_cast<double>(done_) /
                         static_cast<double>(result_.space.layers.size()));
}

void StabilityStream::add(UsageTable const& tile) {
  mpi::agree(comm_, [&] {
    expect(result_.rule.score == "usage", "usage given to stability selection on {}", result_.rule.score);
    validate<ConfigError>(
        tile.clusters.size() >= 2,
        "set {}: {} cluster(s) in the discovery split cannot be resampled, so no selection frequency "
        "exists; SES needs at least 2 (methods ask for 20 and more)",
        tile.name, tile.clusters.size());
    check(tile.space);
    each_block(tile.clusters.size(), [&](std::size_t start, std::span<std::int64_t const> some) {
      each_layers_sums(tile, weights_.packed(some, tile.clusters),
                       [&](std::size_t first, std::size_t n, std::span<std::int64_t const> sums) {
                         std::vector<double> const keys(sums.begin(), sums.end());
                         for (std::size_t i = 0; i < some.size(); ++i)
                           take(start + i, done_ + first, std::span(keys).subspan(i * n, n));
                       });
    });
    added(tile.space);
  });
}

void StabilityStream::add(Comparison const& tile, ContrastFunction score) {
  mpi::agree(comm_, [&] {
    expect(result_.rule.score != "usage", "a contrast given to stability selection on usage");
    auto const clusters = clusters_of_both(tile.a.clusters, tile.b.clusters);
    validate<ConfigError>(
        clusters.size() >= 2,
        "sets {} and {}: {} cluster(s) cannot be resampled, so no selection frequency exists; "
        "ses.score = {} needs at least 2 (methods ask for 20 and more)",
        tile.a.clusters.name, tile.b.clusters.name, clusters.size(), result_.rule.score);
    auto const& space = tile.a.clusters.space;
    check(space);
    expect(space == tile.b.clusters.space, "two groups with different experts");
    auto const at_once = std::max<std::size_t>(1, columns_at_once / static_cast<std::size_t>(space.experts));
    each_block(clusters.size(), [&](std::size_t start, std::span<std::int64_t const> some) {
      auto const weights = weights_.rows(some, clusters);
      for (std::size_t first = 0; first < space.layers.size(); first += at_once) {
        auto const slice = sliced(tile, {first, std::min(at_once, space.layers.size() - first)});
        auto const view = slice.view();
        for (std::size_t i = 0; i < some.size(); ++i) {
          auto const replicate = drawn(view, clusters, weights.subspan(i * clusters.size(), clusters.size()));
          take(start + i, done_ + first, keys_of(score, replicate.view(), some[i]));
        }
      }
    });
    added(space);
  });
}

std::vector<double> StabilityStream::keys_of(ContrastFunction score, Comparison const& drawn,
                                             std::int64_t replicate) const {
  auto const& rule = result_.rule;
  std::vector<double> keys;
  try {
    keys = score(drawn).score;
  } catch (ConfigError const& error) {  // too few of something in a half: say of what
    throw ConfigError(fmt::format("ses.score = {}, replicate {} of {} and {} clusters: {}", rule.score,
                                  replicate, drawn.a.clusters.clusters.size(),
                                  drawn.b.clusters.clusters.size(), error.what()));
  }
  ensure(keys.size() == drawn.a.clusters.space.size(), "{} gave {} scores of {} experts", rule.score,
         keys.size(), drawn.a.clusters.space.size());
  for (auto& key : keys) {
    ensure(std::isfinite(key), "{} gave {} in replicate {}", rule.score, key, replicate);
    key = key_of(key, rule.side);
  }
  return keys;
}

Stability StabilityStream::finish() {
  expect(done_ == result_.space.layers.size(), "stability selection finished before its last tile");
  for (auto& best : best_) counter_->add(best);
  auto const size = static_cast<std::ptrdiff_t>(result_.space.size());
  result_.path = counter_->path(comm_);
  auto const at = std::ranges::find(result_.sizes, result_.top) - result_.sizes.begin();
  result_.count.assign(result_.path.begin() + at * size, result_.path.begin() + (at + 1) * size);
  return std::move(result_);
}

}  // namespace moerae
