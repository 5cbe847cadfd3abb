#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "moerae/model/expert_space.hpp"
#include "moerae/record/shard_record.hpp"
#include "moerae/store/file.hpp"

namespace moerae {

/// Usage of n prompts, as recorded; C = 3 position classes (template, prompt, response).
struct UsageRows {
  std::vector<std::uint32_t> tokens;  ///< [n, C]
  std::vector<std::uint32_t> count;   ///< [n, C, l, K], l layers were asked for
  std::vector<std::int64_t> mass;     ///< [n, C, l, K], units of 2^-32
};

/// Routing of one token.
struct TokenRouting {
  std::vector<std::int32_t> expert;  ///< [L, k] ids, ascending within a layer
  std::vector<float> weight;         ///< [L, k] as applied
};

/// One record/shard-NNNNNN.h5, read-only. Whoever wrote it, the file is not trusted: DataError names file,
/// field and expectation. Nothing here is collective.
class ShardReader {
 public:
  /// Checks schema, completeness, shapes and types of all that is there.
  [[nodiscard]] static ShardReader open(std::filesystem::path const& path);

  [[nodiscard]] ExpertSpace const& space() const { return space_; }
  [[nodiscard]] std::vector<std::uint64_t> const& prompt_ids() const { return prompt_ids_; }  ///< [P_s]
  [[nodiscard]] std::string const& stage_hash() const { return stage_hash_; }
  [[nodiscard]] std::string const& model_id() const { return model_id_; }
  [[nodiscard]] bool has_routing() const { return !offset_.empty(); }
  /// [L, K] of ShardRecord::largest, 0 for NaN; empty where it was not kept. DataError: negative or infinite.
  [[nodiscard]] std::vector<float> largest_output() const;
  /// Prompts that fit in about 32 MiB of usage of these layers; at least 1.
  [[nodiscard]] std::size_t rows_at_once(LayerRange layers) const;
  [[nodiscard]] std::size_t rows_at_once() const { return rows_at_once(space_.all()); }

  /// Prompts first .. first+n-1, some layers. Every layer must hold k selections per token of a class. Chunks
  /// in the file hold one layer: only what is asked for is decoded.
  [[nodiscard]] UsageRows usage(std::size_t first, std::size_t n, LayerRange layers) const;
  [[nodiscard]] UsageRows usage(std::size_t first, std::size_t n) const {
    return usage(first, n, space_.all());
  }
  /// Tokens of prompt `row` in routing; needs has_routing().
  [[nodiscard]] std::int64_t routed_tokens(std::size_t row) const { return offset_[row + 1] - offset_[row]; }
  /// Token `position` (counted from the start) of prompt `row`, some layers; needs has_routing().
  [[nodiscard]] TokenRouting routing(std::size_t row, std::int64_t position, LayerRange layers) const;
  [[nodiscard]] TokenRouting routing(std::size_t row, std::int64_t position) const {
    return routing(row, position, space_.all());
  }
  /// First token of prompt `row` among all tokens of the shard; row = P_s: all tokens. Needs has_routing().
  [[nodiscard]] std::uint64_t first_token(std::size_t row) const {
    return static_cast<std::uint64_t>(offset_[row]);
  }
  /// Tokens whose ids in these layers fit in about 16 MiB; at least 1.
  [[nodiscard]] std::uint64_t tokens_at_once(LayerRange layers) const;
  /// Expert ids [n, l, k] of tokens first .. first+n-1 of the shard, ascending within a token and layer;
  /// needs has_routing().
  [[nodiscard]] std::vector<std::uint16_t> expert_ids(std::uint64_t first, std::uint64_t n,
                                                      LayerRange layers) const;
  /// All of the shard at once, but logits and largest outputs; `offset` is empty without routing.
  [[nodiscard]] ShardRecord record() const;

 private:
  explicit ShardReader(store::File file) : file_(std::move(file)) {}
  void read_axes();
  void read_routing_axes();
  void check_shape(std::string const& name, std::vector<std::uint64_t> const& expected) const;
  // A block of routing/weight.
  [[nodiscard]] std::vector<float> weights(std::vector<std::uint64_t> const& start,
                                           std::vector<std::uint64_t> const& count) const;

  store::File file_;
  ExpertSpace space_;
  std::vector<std::uint64_t> prompt_ids_;
  std::vector<std::int64_t> offset_;  // [P_s+1] into the routing; empty without
  std::string stage_hash_, model_id_;
};

}  // namespace moerae
