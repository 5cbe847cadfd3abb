#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "moerae/reduce/contrast/comparison.hpp"
#include "reduce/topic_behaviour/topic_design.hpp"
#include "reduce/topic_behaviour/topic_table.hpp"

namespace moerae {

/// One quantity of a row of pooled clusters.
struct PooledSeries {
  std::vector<double> value;          ///< [L] on all clusters
  std::vector<double> first, second;  ///< [L, splits] on the first and on the second half of the clusters
  std::vector<double> equal, floor;   ///< [L, splits] across the halves: between the sides, within each side
};
struct PooledRow {
  PooledSeries js, overlap;
};
struct PairRow {
  std::vector<double> js, overlap;  ///< [L, units]
};

/// What routing differs with, topic or behaviour: Jensen-Shannon divergence of the experts' shares in usage
/// and overlap of the k most used, for the rows of `TopicTable` (after RASET, arXiv 2605.29708, whose log
/// base and positions are not known to us). The model is added by tiles of whole layers, ascending; nothing
/// depends on the tiles. Differences are associated with topic or behaviour, nothing more.
class TopicBehaviour {
 public:
  /// Clusters, topics and tokens of the two groups; of the counts nothing is read.
  TopicBehaviour(UsageTable const& a, UsageTable const& b, TopicRule const& rule);

  /// Tables of the same clusters in the next layers.
  void add(UsageTable const& a, UsageTable const& b);

  [[nodiscard]] TopicTable finish() const;

 private:
  void add_pooled(ExpertSpace const& space, UsageTable const& a, UsageTable const& b);
  void add_pairs(ExpertSpace const& space, UsageTable const& a, UsageTable const& b);

  TopicDesign design_;
  std::vector<std::int32_t> layers_;
  std::int32_t top_k_ = 0;
  std::vector<PooledRow> pooled_;  // as design_.rows
  std::vector<PairRow> pairs_;     // as design_.pair_rows
};

}  // namespace moerae
