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
      added_(result_.space.layers.size(), false),
      progress_(what, "replicates", static_cast<double>(result_.rule.samples)) {
  auto const& whole = result_.space;
  mpi::agree(comm, [&] { result_.top = top_of(whole, result_.rule); });
  bool const model = result_.rule.scope == Scope::model;
  auto const field = model ? whole.size() : static_cast<std::size_t>(whole.experts);
  result_.sizes = path_sizes(result_.top, static_cast<std::int64_t>(field));
  counter_.emplace(result_.sizes, whole.size());
  for (std::size_t l = 0; l < whole.layers.size(); ++l) layer_at_[whole.layers[l]] = l;

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
  expect(tile.experts == whole.experts && tile.top_k == whole.top_k,
         "a tile of {} experts, top {}, of {}, top {}", tile.experts, tile.top_k, whole.experts, whole.top_k);
  for (auto const layer : tile.layers) {
    auto const at = layer_at_.find(layer);
    expect(at != layer_at_.end(), "a tile with layer {}, which the model does not have", layer);
    expect(!added_[at->second], "layer {} twice", layer);
  }
}

void StabilityStream::take(std::size_t replicate, std::span<std::int32_t const> layers,
                           std::span<double const> keys) {
  auto const experts = static_cast<std::size_t>(result_.space.experts);
  bool const model = result_.rule.scope == Scope::model;
  double const above = result_.rule.score == "usage" ? no_floor : 0;
  std::vector<Candidate> of_layer;
  auto& best = model ? best_[replicate] : of_layer;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    auto const first = layer_at_.at(layers[l]) * experts;
    for (std::size_t e = 0; e < experts; ++e)
      if (auto const key = keys[l * experts + e]; key > above) best.push_back({key, first + e});
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
  for (auto const layer : tile.layers) added_[layer_at_.at(layer)] = true;
  if (comm_.rank() == 0)
    progress_.advance_to(static_cast<double>(result_.rule.samples) *
                         static_cast<double>(std::ranges::count(added_, true)) /
                         static_cast<double>(added_.size()));
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
    auto const experts = static_cast<std::size_t>(tile.space.experts);
    std::vector<double> keys;
    each_block(tile.clusters.size(), [&](std::size_t start, std::span<std::int64_t const> some) {
      each_layers_sums(tile, weights_.packed(some, tile.clusters),
                       [&](std::size_t first, std::size_t n, std::span<std::int64_t const> sums) {
                         auto const layers = std::span(tile.space.layers).subspan(first, n / experts);
                         keys.resize(n);
                         for (std::size_t i = 0; i < some.size(); ++i) {
                           std::ranges::transform(sums.subspan(i * n, n), keys.begin(),
                                                  [](std::int64_t s) { return static_cast<double>(s); });
                           take(start + i, layers, keys);
                         }
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
        auto const slice = sliced(tile, first, std::min(at_once, space.layers.size() - first));
        for (std::size_t i = 0; i < some.size(); ++i) {
          auto const replicate =
              drawn(*slice, clusters, weights.subspan(i * clusters.size(), clusters.size()));
          auto const& part = (*replicate).a.clusters.space;
          auto const keys = keys_of(scores_of(score, *replicate, some[i]), some[i]);
          ensure(keys.size() == part.size(), "{} gave {} scores of {} experts", result_.rule.score,
                 keys.size(), part.size());
          take(start + i, part.layers, keys);
        }
      }
    });
    added(space);
  });
}

std::vector<double> StabilityStream::scores_of(ContrastFunction score, Comparison const& drawn,
                                               std::int64_t replicate) const {
  try {
    return score(drawn).score;
  } catch (ConfigError const& error) {  // too few of something in a half: say of what
    throw ConfigError(fmt::format("ses.score = {}, replicate {} of {} and {} clusters: {}",
                                  result_.rule.score, replicate, drawn.a.clusters.clusters.size(),
                                  drawn.b.clusters.clusters.size(), error.what()));
  }
}

std::vector<double> StabilityStream::keys_of(std::vector<double> scores, std::int64_t replicate) const {
  for (auto& score : scores) {
    ensure(std::isfinite(score), "{} gave {} in replicate {}", result_.rule.score, score, replicate);
    score = key_of(score, result_.rule.side);
  }
  return scores;
}

Stability StabilityStream::finish() {
  expect(std::ranges::all_of(added_, std::identity{}), "stability selection finished before its last tile");
  for (auto& best : best_) counter_->add(best);
  auto const size = static_cast<std::ptrdiff_t>(result_.space.size());
  result_.path = counter_->path(comm_);
  auto const at = std::ranges::find(result_.sizes, result_.top) - result_.sizes.begin();
  result_.count.assign(result_.path.begin() + at * size, result_.path.begin() + (at + 1) * size);
  return std::move(result_);
}

}  // namespace moerae
