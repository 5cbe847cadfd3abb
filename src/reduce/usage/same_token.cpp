#include "reduce/usage/same_token.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {
namespace {

constexpr int share_bits = 30, unit_bits = 16;
static_assert(same_token_unit * (1 << unit_bits) == 1);

}  // namespace

SameTokenSums::SameTokenSums(SharedTokens const& shared, ExpertSpace const& tile)
    : shared_(shared), tile_(tile), pooled_(shared.ids() * tile.size(), 0) {
  for (std::size_t side = 0; side < 2; ++side)
    count_[side].assign(shared.facts(side).clusters.size() * tile.size(), 0);
}

void SameTokenSums::add_prompt(std::size_t prompt, std::span<std::uint16_t const> ids) {
  auto const side = shared_.side_of(prompt);
  if (side > 1) return;
  auto const k = static_cast<std::size_t>(tile_.top_k), a_token = tile_.layers.size() * k;
  auto* const count = count_[side].data() + shared_.row_of(prompt) * tile_.size();
  std::int64_t position = 0;
  for (std::size_t at = 0; at < ids.size(); at += a_token, ++position) {
    auto const id = shared_.id_at(prompt, position);
    if (id == SharedTokens::none) continue;
    auto* const pooled = pooled_.data() + id * tile_.size();
    for (std::size_t i = 0; i < a_token; ++i) {
      auto const e = tile_.index(i / k, ids[at + i]);
      ++count[e];
      ++pooled[e];
    }
  }
}

void SameTokenSums::subtract_expected(std::size_t side, std::size_t rank, std::size_t ranks) {
  auto const size = tile_.size();
  auto const& clusters = shared_.clusters(side);
  std::vector<std::uint64_t> expected(size);  // in 2^-share_bits
  for (auto c = rank; c < clusters.size(); c += ranks) {
    std::ranges::fill(expected, 0);
    for (auto const& [id, times] : clusters[c]) {
      auto const* const share = pooled_.data() + id * size;
      for (std::size_t e = 0; e < size; ++e) expected[e] += std::uint64_t{times} * share[e];
    }
    constexpr int drop = share_bits - unit_bits;
    for (std::size_t e = 0; e < size; ++e)
      count_[side][c * size + e] -=
          static_cast<std::int64_t>((expected[e] + (std::uint64_t{1} << (drop - 1))) >> drop);
  }
}

SameToken SameTokenSums::finish(mpi::Comm const& comm) {
  mpi::sum(comm, std::span(pooled_));
  for (std::size_t id = 0; id < shared_.ids(); ++id) {
    std::uint64_t const tokens = shared_.tokens()[id];
    for (std::size_t e = 0; e < tile_.size(); ++e) {
      auto& share = pooled_[id * tile_.size() + e];
      share = static_cast<std::uint32_t>(((std::uint64_t{share} << share_bits) + tokens / 2) / tokens);
    }
  }
  for (std::size_t side = 0; side < 2; ++side) {
    for (auto& n : count_[side]) n <<= unit_bits;
    subtract_expected(side, static_cast<std::size_t>(comm.rank()), static_cast<std::size_t>(comm.size()));
    mpi::sum(comm, std::span(count_[side]));
  }
  return {{shared_.tokens_of(0), std::move(count_[0])}, {shared_.tokens_of(1), std::move(count_[1])}};
}

void add_shard(ShardReader const& shard, std::vector<std::size_t> const& prompts, LayerRange layers,
               Corpus const& corpus, std::span<SameTokenSums> sums) {
  validate<ConfigError>(shard.has_routing(),
                        "cmh_token: needs the routing of every token, which the record does not hold; record "
                        "with record.routing = true, or leave cmh_token out of contrast.criteria");
  for (std::size_t row = 0; row < prompts.size(); ++row) require_routing(shard, row, corpus, prompts[row]);
  auto const a_token = layers.n * static_cast<std::size_t>(shard.space().top_k);
  for (std::size_t first = 0, end = 0; first < prompts.size(); first = end) {
    bool wanted = false;
    for (end = first; end < prompts.size(); ++end) {
      auto const tokens = shard.first_token(end + 1) - shard.first_token(first);
      if (end > first && tokens > shard.tokens_at_once(layers)) break;
      for (auto const& sum : sums) wanted |= sum.shared().side_of(prompts[end]) < 2;
    }
    if (!wanted) continue;
    auto const from = shard.first_token(first);
    auto const ids = shard.expert_ids(from, shard.first_token(end) - from, layers);
    for (auto row = first; row < end; ++row) {
      auto const at = (shard.first_token(row) - from) * a_token;
      auto const n = static_cast<std::size_t>(shard.routed_tokens(row)) * a_token;
      for (auto& sum : sums) sum.add_prompt(prompts[row], std::span(ids).subspan(at, n));
    }
  }
}

}  // namespace moerae
