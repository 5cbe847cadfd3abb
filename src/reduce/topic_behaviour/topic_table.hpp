#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moerae/store/file.hpp"
#include "reduce/topic_behaviour/topic_design.hpp"

namespace moerae {

/// A figure with its 95 % interval over clusters.
struct Estimate {
  double value = 0, low = 0, high = 0;
};

/// One quantity (JS in nats, or experts shared of k) of one row, beside what sampling alone gives. Rows of
/// pooled clusters: `value` is taken on all clusters; `equal` and `floor` on random halves, mean over splits,
/// because plug-in JS falls with the number of tokens: value less floor would mix two sizes. Rows of single
/// clusters: `equal` = `value`, and `floor` is taken on two clusters of one group and topic.
struct TopicFigures {
  std::vector<Estimate> layer;       ///< [L]
  std::vector<double> equal, floor;  ///< [L]; `floor` is empty where none can be formed
  Estimate mean;                     ///< over layers
  double mean_equal = 0;
  Estimate mean_floor;  ///< pooled clusters: low and high are the range over splits
};

struct TopicRow {
  RowFacts facts;
  TopicFigures js, overlap;
};

/// Rows, where they can be formed:
///   pooled             group a against group b as they are
///   topic_changed_a    one group, two topics: mean over the pairs of topics
///   topic_changed_b
///   behaviour_changed  group a against group b inside one topic: mean over topics
///   matched_pairs      the two sides of a cluster with prompts in both groups: mean over clusters
///   cross_topic_pairs  two clusters of different topics in one group, as large as those of matched_pairs
///   same_topic_pairs   two clusters of one topic in one group: the floor of the two above
struct TopicTable {
  std::int32_t top_k = 0;
  std::vector<TopicRow> rows;
  std::vector<std::string> absent;  ///< "row: why it cannot be formed"
};

/// FOLDER/<row>/{js_nats, js_low, js_high, js_equal, floor, overlap, overlap_low, overlap_high,
/// overlap_equal, overlap_floor} [L], attached to the scale `layer` of the file; means over layers and the
/// facts of the row are attributes of js_nats (mean, low, high, equal, floor, floor_low, floor_high, overlap,
/// overlap_low, ..., overlap_floor, comparisons, clusters_a, tokens_a, ..., of, top_k). Floors are left out
/// where there is none. The reasons for absent rows are the attribute `absent` of the first row.
void write_topic_table(store::File& file, std::string const& folder, TopicTable const& table);

}  // namespace moerae
