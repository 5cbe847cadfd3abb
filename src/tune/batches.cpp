#include "tune/batches.hpp"

#include <algorithm>
#include <utility>

#include "moerae/base/draws.hpp"

namespace moerae {
namespace {

// Examples of one kind, epoch after epoch, each in another order.
class Shuffled {
 public:
  Shuffled(Indices of, Draw draw, std::uint64_t seed) : of_(std::move(of)), draw_(draw), seed_(seed) {}
  [[nodiscard]] bool empty() const { return of_.empty(); }
  std::size_t next() {
    if (at_ == order_.size()) begin_epoch();
    return order_[at_++];
  }

 private:
  void begin_epoch() {
    std::vector<std::pair<std::uint64_t, std::size_t>> keyed;
    for (auto const i : of_)
      keyed.emplace_back(draw_key(seed_, draw_, epoch_, static_cast<std::int64_t>(i)), i);
    std::ranges::sort(keyed);
    order_.clear();
    for (auto const& [key, i] : keyed) order_.push_back(i);
    ++epoch_;
    at_ = 0;
  }

  Indices of_, order_;
  Draw draw_;
  std::uint64_t seed_;
  std::uint32_t epoch_ = 0;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Indices> plan_batches(std::span<Example const> examples, TuneOptions const& options,
                                  std::uint64_t seed) {
  Indices learn, retain;
  for (std::size_t i = 0; i < examples.size(); ++i) (examples[i].retain ? retain : learn).push_back(i);
  Shuffled learned(std::move(learn), Draw::learned_examples, seed),
      retained(std::move(retain), Draw::retained_examples, seed);
  double const share = retained.empty() ? 0 : learned.empty() ? 1 : options.retain_share;
  std::size_t taken = 0, kept = 0;
  auto const take = [&] {
    bool const keep = static_cast<double>(kept) + 0.5 < share * static_cast<double>(taken + 1);
    ++taken;
    if (keep) ++kept;
    return keep ? retained.next() : learned.next();
  };
  std::vector<Indices> batches(static_cast<std::size_t>(options.steps));
  auto waiting = take();  // the first example that did not fit the step before
  for (auto& batch : batches) {
    std::int64_t tokens = 0;
    while (batch.empty() || tokens + examples[waiting].tokens() <= options.batch_tokens) {
      tokens += examples[waiting].tokens();
      batch.push_back(std::exchange(waiting, take()));
    }
  }
  return batches;
}

std::vector<std::vector<Indices>> spread(std::span<Example const> examples, Indices const& batch, int ranks,
                                         std::int64_t pass_tokens) {
  auto const n = static_cast<std::size_t>(ranks);
  std::vector<std::vector<Indices>> passes(n);
  std::vector<std::int64_t> total(n), last(n);
  for (auto const i : batch) {
    auto const tokens = examples[i].tokens();
    auto const r = static_cast<std::size_t>(std::ranges::min_element(total) - total.begin());
    if (passes[r].empty() || last[r] + tokens > pass_tokens) {
      passes[r].emplace_back();
      last[r] = 0;
    }
    passes[r].back().push_back(i);
    last[r] += tokens;
    total[r] += tokens;
  }
  std::size_t most = 0;
  for (auto const& of_rank : passes) most = std::max(most, of_rank.size());
  for (auto& of_rank : passes) of_rank.resize(most);
  return passes;
}

}  // namespace moerae
