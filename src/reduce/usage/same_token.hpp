#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/mpi/comm.hpp"
#include "moerae/record/shard_reader.hpp"
#include "reduce/contrast/comparison.hpp"
#include "reduce/usage/usage_rows.hpp"

namespace moerae {

/// The tokens of two groups that can be compared at the same token id: which ids occur in both at the chosen
/// positions, and how often in each cluster. Needs the corpus only, and is the same for all layers.
class SharedTokens {
 public:
  static constexpr std::uint32_t none = 0xffffffff;
  struct Times {
    std::uint32_t id = 0, times = 0;  ///< of a shared id, by its number 0..V-1
  };

  /// `a` and `b`: indices in layout.tables. All three must outlive it. Not collective.
  SharedTokens(Corpus const& corpus, Positions const& positions, UsageLayout const& layout, std::size_t a,
               std::size_t b);

  /// Why nothing can be compared, empty where it can: the corpus has no token ids (imported traces), or no id
  /// occurs in both groups.
  [[nodiscard]] std::string obstacle() const;
  [[nodiscard]] std::size_t ids() const { return tokens_.size(); }                    ///< V
  [[nodiscard]] std::vector<std::uint32_t> const& tokens() const { return tokens_; }  ///< [V] of both groups
  [[nodiscard]] UsageTable const& facts(std::size_t side) const;                      ///< side 0: a, 1: b
  [[nodiscard]] std::vector<std::vector<Times>> const& clusters(std::size_t side) const {  ///< [C], by id
    return times_[side];
  }
  [[nodiscard]] std::vector<std::int64_t> tokens_of(std::size_t side) const;  ///< [C] with a shared id
  /// 0 or 1; 2: neither group.
  [[nodiscard]] std::size_t side_of(std::size_t prompt) const;
  [[nodiscard]] std::size_t row_of(std::size_t prompt) const { return layout_.row[prompt]; }
  /// Number of the id at a position of a prompt of either group; `none` where it is not shared or not at the
  /// chosen positions.
  [[nodiscard]] std::uint32_t id_at(std::size_t prompt, std::int64_t position) const;

 private:
  [[nodiscard]] bool chosen(std::size_t prompt, std::int64_t position) const;
  [[nodiscard]] std::uint32_t token(std::size_t prompt, std::int64_t position) const;

  Corpus const& corpus_;
  Positions const& positions_;
  UsageLayout const& layout_;
  std::array<std::size_t, 2> table_;
  std::vector<std::uint32_t> number_;  // [largest id + 1]
  std::vector<std::uint32_t> tokens_;
  std::array<std::vector<std::vector<Times>>, 2> times_;
};

/// SameToken of two groups in one tile of layers, out of the recorded routing of each token. Selections are
/// counted per cluster and pooled per token id in one pass; what was expected of a cluster is the pooled
/// share of each of its ids (in units of 2^-30, rounded once) times its tokens, so that everything is a sum
/// of integers. Memory: 4 bytes for each shared id and expert beside the tables.
class SameTokenSums {
 public:
  SameTokenSums(SharedTokens const& shared, ExpertSpace const& tile);

  /// Adds all tokens of a prompt: ids [n, L, k] of the tile; nothing where it is in neither group. Not
  /// collective.
  void add_prompt(std::size_t prompt, std::span<std::uint16_t const> ids);
  [[nodiscard]] SharedTokens const& shared() const { return shared_; }

  /// Collective, once, after all shards: the sum over ranks, the same on every rank and for any number of
  /// them.
  [[nodiscard]] SameToken finish(mpi::Comm const& comm);

 private:
  void subtract_expected(std::size_t side, std::size_t rank, std::size_t ranks);

  SharedTokens const& shared_;
  ExpertSpace tile_;
  std::vector<std::uint32_t> pooled_;               // [V, L*K] selections, at last shares in 2^-30
  std::array<std::vector<std::int64_t>, 2> count_;  // [C, L*K]
};

/// Adds one shard to several comparisons: its routing in these layers is read once, about 16 MiB at a time.
/// `prompts` [P_s] are the indices of its prompts in the corpus. ConfigError where the shard holds no
/// routing, DataError where it differs from the corpus. Not collective.
void add_shard(ShardReader const& shard, std::vector<std::size_t> const& prompts, LayerRange layers,
               Corpus const& corpus, std::span<SameTokenSums> sums);

}  // namespace moerae
