#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/corpus/shards.hpp"
#include "moerae/model/routing_rows.hpp"
#include "moerae/record/options.hpp"
#include "moerae/record/shard_record.hpp"

namespace moerae {

/// Where consecutive rows of a pass stand in the record of a shard.
struct RecorderRows {
  std::size_t first = 0;           ///< row of the routing of the shard
  std::vector<std::size_t> cells;  ///< [rows] of usage: prompt of the shard * C + class
  /// Rows whose logits are asked for, ascending, where it is not all of them: the last token before the
  /// reply.
  std::vector<std::int64_t> last;
  std::vector<std::size_t> last_prompts;  ///< their prompts of the shard
};

/// Turns routing decisions into the record of one shard. Usage is integers only (counts, and gate mass in
/// fixed point, each weight rounded once), so that sums do not depend on their order: blocks (rows, layer)
/// may come in any order, each once. A schedule that comes back to a shard layer by layer keeps one recorder
/// a shard.
class Recorder {
 public:
  Recorder(Corpus const& corpus, std::span<std::size_t const> selected, ExpertSpace space,
           RecordOptions const& options);

  /// Forgets everything, starts on this shard and counts its tokens.
  void begin(Shard const& shard);
  /// The rows of a batch of the shard begun.
  [[nodiscard]] RecorderRows rows_of(Batch const& batch) const;

  /// Whose logits `on_decision` wants: none, one row for each of RecorderRows::last, or one for every row.
  [[nodiscard]] Logits logits() const { return logits_; }
  /// Throws DataError where a weight is not finite: the checkpoint is damaged or its dtype overflows.
  void on_decision(RecorderRows const& rows, RoutingRows const& decision);

  /// Of a layer whose experts were computed: largest [rows, k] as LayerTap::on_largest shows it.
  void on_largest(LayerId layer, std::span<std::int64_t const> experts, std::span<float const> largest);

  [[nodiscard]] ShardRecord const& record() const { return record_; }

 private:
  [[nodiscard]] std::size_t place_of(LayerId layer) const;
  // Of usage: prompt * C + class.
  [[nodiscard]] std::size_t cell(std::size_t entry, std::int64_t position) const;
  void add_usage(RecorderRows const& rows, RoutingRows const& decision, std::size_t layer);
  void keep_logits(RecorderRows const& rows, RoutingRows const& decision, std::size_t layer);
  void keep_rows(RecorderRows const& rows, RoutingRows const& decision, std::size_t layer);

  Corpus const& corpus_;
  std::span<std::size_t const> selected_;
  bool routing_;
  Logits logits_;
  ShardRecord record_;
  std::size_t first_entry_ = 0;  // of the shard
};

}  // namespace moerae
