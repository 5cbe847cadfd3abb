#pragma once

#include <span>

#include "moerae/corpus/corpus.hpp"
#include "moerae/corpus/shards.hpp"
#include "moerae/model/tap.hpp"
#include "moerae/record/options.hpp"
#include "moerae/record/shard_record.hpp"

namespace moerae {

/// Turns routing decisions into the record of one shard. Usage is integers only (counts, and gate mass in
/// fixed point, each weight rounded once), so that sums do not depend on their order; layers may come in any
/// order.
class Recorder final : public RoutingTap {
 public:
  Recorder(Corpus const& corpus, std::span<std::size_t const> selected, ExpertSpace space,
           RecordOptions const& options);

  /// Forgets everything and starts on this shard.
  void begin(Shard const& shard);
  /// The rows that follow are those of this batch of the shard.
  void begin(Batch const& batch);

  [[nodiscard]] bool wants_logits() const override { return logits_; }
  /// Throws DataError where a weight is not finite: the checkpoint is damaged or its dtype overflows.
  void on_routing(RoutingRows const& rows) override;

  [[nodiscard]] ShardRecord const& record() const { return record_; }

 private:
  void add_usage(RoutingRows const& rows, std::size_t layer);
  void keep_rows(RoutingRows const& rows, std::size_t layer);

  Corpus const& corpus_;
  std::span<std::size_t const> selected_;
  bool routing_, logits_;
  ShardRecord record_;
  std::size_t first_entry_ = 0;           // of the shard
  std::size_t first_row_ = 0;             // of the batch, in the shard
  std::vector<std::size_t> cell_of_row_;  // [rows of the batch] prompt * C + class
};

}  // namespace moerae
